"""Matrices proposed from data, for a person to edit (docs/proposals.md)."""
