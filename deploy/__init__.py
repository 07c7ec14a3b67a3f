"""Ways in: the launcher, and PostgreSQL and Valkey embedded in a checkout."""
