"""Statements that a request waits for: planned once per connection, then only run.

Django composes each statement anew, so the server plans it anew: for the two statements of an
answer that is half of their time. What runs here is ours to keep cheap; all else goes through
Django.
"""

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from django.db import connection
from psycopg import Cursor

Row = tuple[Any, ...]
# Only what is asked for here is prepared: Django's own statements never come so often.
_NEVER_BY_ITSELF = 1_000_000_000


def run(statement: str, values: Mapping[str, Any] | Sequence[Any]) -> Cursor[Row]:
    """Run a prepared statement within whatever transaction is open, and return its cursor.

    ``values`` are bound by the server, so each place says its type: ``%(numbers)s::text[]``.
    Raises what Django raises of a database.
    """
    connection.ensure_connection()
    raw = connection.connection
    raw.prepare_threshold = _NEVER_BY_ITSELF
    began = monotonic()
    with connection.wrap_database_errors:
        cursor = Cursor(raw)
        cursor.execute(statement, values, prepare=True)
    if connection.queries_logged:
        connection.queries_log.append({"sql": statement, "time": f"{monotonic() - began:.3f}"})
    return cursor
