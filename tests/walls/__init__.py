"""Law 8, address by address: what there is, who may open it, who may send to it, and the walk."""
