"""Marks, audiences and imported lists: one set language, computed once a day (docs/audiences.md)."""
