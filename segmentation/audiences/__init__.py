"""Marks, audiences and lists: one set language, computed once a day (docs/audiences.md)."""
