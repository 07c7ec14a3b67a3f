"""Removing many rows without one long transaction."""

from typing import Any

from django.db.models import QuerySet

BATCH = 20_000


def remove(rows: QuerySet[Any]) -> int:
    """Remove the rows in their order, ``BATCH`` at a time; return how many they were.

    Each batch is a transaction of its own, so stopping half-way is harmless.
    """
    removed = 0
    while True:
        batch = rows.values("pk")[:BATCH]
        count = rows.model._base_manager.filter(pk__in=batch).delete()[0]
        removed += count
        if count < BATCH:
            return removed
