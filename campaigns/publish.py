"""Publishing: the day's answers become the current ones, by difference, in one transaction.

The rows that changed since the published state go through one COPY straight into the answers; a
customer who left gets a row that says so. Rows are only added, under the new publication's number,
and no reader sees them before the commit that also moves the pointer. So all readers see the old
day or the new one, and a publisher that dies leaves nothing behind.

The difference is taken in DuckDB, part by part, on the answers' row hashes; this module and its
trees are for DuckDB only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import pyarrow as pa
from django.db import connection, transaction
from django.utils.translation import gettext as _
from pyarrow import csv
from sqlglot import exp, select

from common.errors import DomainError
from lake import partitions
from lake.engine import DuckDB
from lake.models import Partition

from .models import Answer, CurrentPublication, Plan, Publication

# Whoever holds this lock publishes; it ends with the transaction, however that ends.
PUBLISHING = 0x6A757A68
# How long a publisher waits for another one; a part's rows may take; a publisher may stand still.
LOCK_TIMEOUT = "15min"
STATEMENT_TIMEOUT = "10min"
IDLE_TIMEOUT = "5min"

# Rows on their way from one database to the other.
BATCH = 16_384

COLUMNS = (
    "customer_no",
    "publication_id",
    "city",
    "profile",
    "cells",
    "offers",
    "tiers",
    "take_ups",
    "worths",
    "departed",
)
ARRAYS = ("cells", "offers", "tiers", "take_ups", "worths")

Progress = Callable[[int, int], None]


@dataclass
class Written:
    """Rows written for a publication, and the sums that its content hash is made of."""

    changed: int = 0
    customers: int = 0
    upper: int = 0
    lower: int = 0

    @property
    def content_hash(self) -> str:
        """32 hex digits that depend on the set of (customer_no, row_hash), not on any order."""
        return f"{self.upper % 2**64:016x}{self.lower % 2**64:016x}"


def publish(
    answers: Partition,
    *,
    business_date: date,
    run_number: int,
    plan: Plan,
    versions: dict[str, Any],
    fence: Callable[[], None],
    progress: Progress,
) -> Publication:
    """Make ``answers`` what all readers see, and return its publication.

    Publishing again what is current already changes nothing and returns it. Raises DomainError
    ``older_than_published`` or ``superseded`` when a later day, or a later run of the day, is
    current; whatever ``fence`` raises undoes everything.
    """
    with transaction.atomic():
        _wait_for_turn()
        base = current_publication()
        refuse_older(business_date, base)
        _refuse_superseded(business_date, run_number, base)
        if base is not None and _shows(base, answers, business_date, run_number):
            return base
        number = base.pk + 1 if base else 1
        written = _write_changes(answers, base, number, progress)
        publication = Publication.objects.create(
            id=number,
            business_date=business_date,
            run_number=run_number,
            answers_key=answers.key,
            content_hash=written.content_hash,
            plan=plan,
            versions=versions,
            customers=written.customers,
            changed=written.changed,
        )
        _flip(base, publication)
        fence()
    return publication


def current_publication() -> Publication | None:
    pointer = CurrentPublication.objects.select_related("publication").first()
    return pointer.publication if pointer else None


def refuse_older(business_date: date, base: Publication | None) -> None:
    """Readers never go back in time."""
    if base is not None and business_date < base.business_date:
        raise DomainError(
            "older_than_published",
            _(
                "A business date may not be published after a later one: %(published)s is "
                "published, %(asked)s was asked for. Run %(published)s or a later date."
            )
            % {"published": base.business_date, "asked": business_date},
            status=409,
            published=base.business_date.isoformat(),
        )


def _refuse_superseded(business_date: date, run_number: int, base: Publication | None) -> None:
    if base is not None and (base.business_date, base.run_number) > (business_date, run_number):
        raise DomainError(
            "superseded",
            _(
                "Run %(number)d of %(date)s may not replace run %(published)d, which was asked for "
                "later and is published. Run the day again to publish the present inputs."
            )
            % {"number": run_number, "date": business_date, "published": base.run_number},
            status=409,
        )


def _wait_for_turn() -> None:
    """Let one publisher in at a time, and let none hold the others up for ever."""
    with connection.cursor() as cursor:
        for name, value in (
            ("lock_timeout", LOCK_TIMEOUT),
            ("statement_timeout", STATEMENT_TIMEOUT),
            ("idle_in_transaction_session_timeout", IDLE_TIMEOUT),
        ):
            cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PUBLISHING])


def _shows(base: Publication, answers: Partition, business_date: date, run_number: int) -> bool:
    return (base.business_date, base.run_number, base.answers_key) == (
        business_date,
        run_number,
        answers.key,
    )


def _flip(base: Publication | None, publication: Publication) -> None:
    """Move the pointer from ``base`` and from nowhere else."""
    if base is None:
        CurrentPublication.objects.create(publication=publication)
        return
    moved = CurrentPublication.objects.filter(publication=base).update(publication=publication)
    if not moved:
        raise RuntimeError(f"the pointer left {base} while {publication} was being published")


def _write_changes(
    answers: Partition, base: Publication | None, number: int, progress: Progress
) -> Written:
    """Write all rows that differ from what ``base`` shows."""
    shown = base and partitions.find("answers", base.business_date, base.answers_key)
    if shown is not None and shown.parts != answers.parts:
        shown = None
    written = Written()
    with DuckDB() as engine:
        for part in range(answers.parts):
            engine.register("today", answers.file(part))
            _add_hashes(engine, written)
            if shown is None:
                written.changed += _copy(engine, _all_rows(), number)
            elif shown.path != answers.path:
                engine.register("shown", shown.file(part))
                written.changed += _copy(engine, _changed_rows(), number)
                written.changed += _copy(engine, _departed_rows(), number)
            progress(part + 1, answers.parts)
    if base is not None and shown is None:
        written.changed += _depart_unwritten(base, number)
    return written


def _add_hashes(engine: DuckDB, written: Written) -> None:
    """Add the part's rows to the sums; addition makes them independent of order and of parts."""
    columns = _of("today", "customer_no"), _of("today", "row_hash")
    text = exp.func("concat_ws", exp.Literal.string("\t"), *columns)
    lower, upper = (
        exp.func("coalesce", exp.Sum(this=exp.func(name, text.copy())), exp.Literal.number(0))
        for name in ("md5_number_lower", "md5_number_upper")
    )
    tree = select(exp.Count(this=exp.Star()), upper, lower).from_("today")
    [(customers, upper_sum, lower_sum)] = engine.rows(tree)
    written.customers += customers
    written.upper += int(upper_sum)
    written.lower += int(lower_sum)


def _copy(engine: DuckDB, rows: exp.Select, number: int) -> int:
    """Stream the rows into the answers as CSV, a batch at a time; return how many."""
    table = connection.ops.quote_name(Answer._meta.db_table)
    names = ", ".join(connection.ops.quote_name(name) for name in COLUMNS)
    reader = engine.batches(rows, {"publication": number}, BATCH)
    options = csv.WriteOptions(include_header=False)
    count = 0
    text = f"COPY {table} ({names}) FROM STDIN (FORMAT csv)"
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(text) as copy,
    ):
        sink = pa.PythonFile(_Sink(copy), mode="w")
        with csv.CSVWriter(sink, reader.schema, write_options=options) as writer:
            for batch in reader:
                writer.write_batch(batch)
                count += batch.num_rows
    return count


class _Copy(Protocol):
    def write(self, buffer: bytes) -> None: ...


class _Sink:
    """A COPY as a file that Arrow writes to."""

    closed = False

    def __init__(self, copy: _Copy) -> None:
        self.copy = copy

    def write(self, data: bytes) -> int:
        self.copy.write(data)
        return len(data)

    def flush(self) -> None:
        """COPY sends as it likes; what is left goes when it ends."""

    def close(self) -> None:
        """The COPY is closed by whoever opened it."""


def _all_rows() -> exp.Select:
    return select(*_columns("today", departed=False)).from_("today")


def _changed_rows() -> exp.Select:
    """Customers who are new, or whose answer differs from the one that is shown."""
    differs = exp.NullSafeNEQ(this=_of("today", "row_hash"), expression=_of("shown", "row_hash"))
    return _all_rows().join("shown", on=_same_customer(), join_type="left").where(differs)


def _departed_rows() -> exp.Select:
    """Customers who are shown and have no answer today."""
    return (
        select(*_columns("shown", departed=True))
        .from_("shown")
        .join("today", on=_same_customer(), join_type="anti")
    )


def _columns(table: str, *, departed: bool) -> list[exp.Expression]:
    empty = exp.Literal.string("{}")
    arrays = {name: empty if departed else _array(table, name) for name in ARRAYS}
    values = {
        "customer_no": _of(table, "customer_no"),
        "publication_id": exp.Placeholder(this="publication"),
        "city": _of(table, "city"),
        "profile": empty if departed else _of(table, "profile"),
        **arrays,
        "departed": exp.Boolean(this=departed),
    }
    return [exp.alias_(values[name].copy(), name, quoted=True) for name in COLUMNS]


def _array(table: str, name: str) -> exp.Expression:
    """A list as PostgreSQL writes arrays: [1, NULL, 2.5] becomes {1, NULL, 2.5}."""
    text = exp.cast(_of(table, name), "varchar")
    inner = exp.func("trim", text, exp.Literal.string("[]"))
    return exp.func("concat", exp.Literal.string("{"), inner, exp.Literal.string("}"))


def _same_customer() -> exp.Expression:
    return _of("today", "customer_no").eq(_of("shown", "customer_no"))


def _of(table: str, name: str) -> exp.Column:
    return exp.column(name, table=table, quoted=True)


def _depart_unwritten(base: Publication, number: int) -> int:
    """Let go of shown customers that publication ``number`` has no row for; return how many.

    For a lake that has lost the shown partition, or is cut otherwise: then the published rows
    themselves say who was there. Reads them all.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DEPART_UNWRITTEN, {"base": base.pk, "number": number})
        return cursor.rowcount


_DEPART_UNWRITTEN = """
    INSERT INTO campaigns_answer (customer_no, publication_id, city, profile, cells, offers,
                                  tiers, take_ups, worths, departed)
    SELECT customer_no, %(number)s, city, '{}', '{}', '{}', '{}', '{}', '{}', true
    FROM (
        SELECT DISTINCT ON (customer_no) customer_no, city, departed
        FROM campaigns_answer
        WHERE publication_id <= %(base)s
        ORDER BY customer_no, publication_id DESC
    ) AS shown
    WHERE NOT departed AND NOT EXISTS (
        SELECT FROM campaigns_answer AS written
        WHERE written.customer_no = shown.customer_no AND written.publication_id = %(number)s
    )
"""
