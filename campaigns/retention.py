"""Answers that no kept publication shows any more are removed, a few customers at a time."""

from django.db import connection

from .models import Publication

KEEP_PUBLICATIONS = 30
BATCH = 20_000

# The last customer of the next batch, in the order of the primary key.
_BATCH_END = """
    SELECT max(customer_no) FROM (
        SELECT customer_no FROM campaigns_answer
        WHERE customer_no > %(after)s ORDER BY customer_no LIMIT %(batch)s
    ) AS batch
"""
# A row is out of sight when the same customer has a later one that is not newer than the oldest
# publication kept. Departures go in a second statement, when the rows they hide are gone.
_REMOVE_HIDDEN = """
    DELETE FROM campaigns_answer AS hidden USING campaigns_answer AS later
    WHERE hidden.customer_no > %(after)s AND hidden.customer_no <= %(end)s
      AND later.customer_no = hidden.customer_no
      AND later.publication_id > hidden.publication_id
      AND later.publication_id <= %(oldest)s
"""
_REMOVE_DEPARTED = """
    DELETE FROM campaigns_answer
    WHERE departed AND customer_no > %(after)s AND customer_no <= %(end)s
      AND publication_id <= %(oldest)s
"""


def prune_answers(keep: int = KEEP_PUBLICATIONS) -> int:
    """Remove rows that none of the last ``keep`` publications shows; return how many.

    What those publications show stays as it is. Each batch is a transaction of its own, so
    stopping half-way is harmless.
    """
    numbers = Publication.objects.order_by("-id").values_list("id", flat=True)[:keep]
    if not numbers:
        return 0
    after, removed = "", 0
    while True:
        values = {"after": after, "batch": BATCH, "oldest": min(numbers)}
        with connection.cursor() as cursor:
            cursor.execute(_BATCH_END, values)
            values["end"] = cursor.fetchone()[0]
            if values["end"] is None:
                return removed
            for statement in (_REMOVE_HIDDEN, _REMOVE_DEPARTED):
                cursor.execute(statement, values)
                removed += cursor.rowcount
        after = values["end"]
