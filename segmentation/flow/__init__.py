"""Who went where between two days, kept for two years, and what was unusual (docs/flows.md)."""
