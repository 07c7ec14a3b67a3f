"""Two years of flows: one file per calendar month in place of its days, and both read as one.

A day's flows are small but many; PostgreSQL would hold hundreds of millions of rows that nobody
updates. A month that is over is written once as a partition ``flow_history`` of its first day:
date, matrix, city, from_cell, to_cell, customers. What moved whom is left out: it follows from the
bands of the two cells.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby

import pyarrow as pa
import sqlglot
from sqlglot import exp

from common.keys import key_of
from lake import partitions
from lake.engine import DuckDB
from lake.models import Partition
from lake.services import Name
from rules import Params

from ..bands import column
from ..published import PublishedDay, latest_day, published_days
from .flows import FLOWS

FLOW_HISTORY = "flow_history"
KEEP_MONTHS = 24
COLUMNS = ("matrix", "city", "from_cell", "to_cell", "customers")
SCHEMA = pa.schema(
    {
        "date": pa.date32(),
        "matrix": pa.string(),
        "city": pa.string(),
        "from_cell": pa.int64(),
        "to_cell": pa.int64(),
        "customers": pa.int64(),
    }
)
SOURCE = "flows_{}"

# --- writing ---


def compact_ended() -> list[Partition]:
    """Compact every month that is over and still has daily flows; oldest first.

    A month is over when a day of a later one is published: then none of it can be published again.
    Doing it again finds what was written.
    """
    newest = latest_day()
    if newest is None:
        return []
    days = published_days(last=month_of(newest.date) - timedelta(days=1))
    months = groupby((day for day in days if day.flows), key=lambda day: month_of(day.date))
    return [_compact(month, list(of_month)) for month, of_month in months]


def compact(month: date) -> Partition | None:
    """Compact the month of this date from its published days, over or not; None if it has none."""
    first = month_of(month)
    days = [day for day in published_days(first, _next(first) - timedelta(days=1)) if day.flows]
    return _compact(first, days) if days else _compacted(first)


def _compact(month: date, days: list[PublishedDay]) -> Partition:
    """Write the days; of days whose own flows are gone, what an earlier compaction has."""
    before = _compacted(month)
    held = before.facts["days"] if before else {}
    wanted = held | {day.date.isoformat(): _provenance(day) for day in days}
    if before is not None and wanted == held:
        return before
    key = key_of(FLOW_HISTORY, 1, {day: made["flows"] for day, made in wanted.items()})
    known = partitions.find(FLOW_HISTORY, month, key)
    if known is not None:
        return known
    with partitions.writing(FLOW_HISTORY, month, key, parts=1) as draft, DuckDB() as engine:
        params = Params()
        # Neighbouring rows differ in their date and count only: that is what makes it compact.
        rows = _rows(engine, params, days, [before] if before else [])
        rows = rows.order_by(*(_first(name) for name in (*COLUMNS[:-1], "date")))
        engine.write(rows, draft.file(0), params.values)
        draft.facts = {"days": dict(sorted(wanted.items()))}
    assert draft.partition is not None
    return draft.partition


def _provenance(day: PublishedDay) -> dict[str, object]:
    """Which flows they are, and the versions whose words their cells had."""
    assert day.flows is not None
    matrices = day.cells.facts["matrices"] if day.cells else []
    return {
        "flows": day.flows.key,
        "matrices": {proof["matrix"]: proof["version"] for proof in matrices},
    }


# --- keeping ---


def kept(today: date) -> Iterator[Name]:
    """The partitions that pruning must leave: 24 months, and daily flows in none of them yet."""
    first = month_of(today)
    for _ in range(KEEP_MONTHS - 1):
        first = month_of(first - timedelta(days=1))
    held: set[tuple[str, str]] = set()
    for month in _months_between(first, today):
        yield FLOW_HISTORY, month.business_date, month.key
        held |= {(day, made["flows"]) for day, made in month.facts["days"].items()}
    for day in published_days(first, today):
        if day.flows and (day.date.isoformat(), day.flows.key) not in held:
            yield FLOWS, day.date, day.flows.key


# --- reading ---


def flows_between(
    first: date, last: date, *, matrix: str | None = None, city: str | None = None
) -> pa.Table:
    """Return the flows of the published days from ``first`` to ``last`` as one table (SCHEMA).

    Rows are in the order of date, matrix, city and cells. Whether a day is still its own
    partition or in its month's does not show.
    """
    params = Params()
    with DuckDB() as engine:
        rows = read_flows(engine, params, first, last, matrix=matrix, city=city)
        if rows is None:
            return SCHEMA.empty_table()
        order = [_first(name) for name in ("date", *COLUMNS[:-1])]
        return engine.arrow(rows.order_by(*order), params.values).cast(SCHEMA)


def read_flows(
    engine: DuckDB,
    params: Params,
    first: date,
    last: date,
    *,
    matrix: str | None = None,
    city: str | None = None,
) -> exp.Select | None:
    """Register the days' files with the engine; return the query of their rows, as SCHEMA.

    None where there is nothing to read.
    """
    days = [day for day in published_days(first, last) if day.flows]
    months = _months_between(first, last)
    if not days and not months:
        return None
    rows = _rows(engine, params, days, months)
    day = column("date", "rows")
    rows = rows.where(
        exp.GTE(this=day, expression=params.bind(first, "DATE")),
        exp.LTE(this=day.copy(), expression=params.bind(last, "DATE")),
    )
    for name, wanted in (("matrix", matrix), ("city", city)):
        if wanted is not None:
            rows = rows.where(column(name, "rows").eq(params.bind(wanted, "TEXT")))
    return rows


def days_between(first: date, last: date) -> list[date]:
    """The published days whose flows can be read, oldest first."""
    daily = {day.date for day in published_days(first, last) if day.flows}
    monthly = {date.fromisoformat(d) for m in _months_between(first, last) for d in m.facts["days"]}
    return sorted(day for day in daily | monthly if first <= day <= last)


def versions_on(day: date) -> dict[str, int]:
    """The matrices of the day and their versions; empty for a day that is not kept."""
    (found, *_none) = [*published_days(day, day), None]
    if found is not None and found.cells is not None:
        return {proof["matrix"]: proof["version"] for proof in found.cells.facts["matrices"]}
    compacted = _compacted(month_of(day))
    held = compacted.facts["days"] if compacted else {}
    return dict(held.get(day.isoformat(), {}).get("matrices", {}))


def _rows(
    engine: DuckDB, params: Params, days: list[PublishedDay], months: list[Partition]
) -> exp.Select:
    """The days' own flows, and from the months' what is of other days."""
    selects = []
    for place, day in enumerate(days):
        assert day.flows is not None
        table = SOURCE.format(place)
        engine.register(table, day.flows.file(0))
        dated = exp.alias_(params.bind(day.date, "DATE"), "date")
        selects.append(sqlglot.select(dated, *(column(c, table) for c in COLUMNS)).from_(table))
    daily = [params.bind(day.date, "DATE") for day in days]
    for place, month in enumerate(months, len(days)):
        table = SOURCE.format(place)
        engine.register(table, month.file(0))
        rows = sqlglot.select(*(column(c, table) for c in ("date", *COLUMNS))).from_(table)
        if daily:
            own = column("date", table).isin(*(day.copy() for day in daily))
            rows = rows.where(exp.not_(own))
        selects.append(rows)
    union = selects[0] if len(selects) == 1 else sqlglot.union(*selects, distinct=False)
    return sqlglot.select(*(column(c, "rows") for c in ("date", *COLUMNS))).from_(
        union.subquery("rows")
    )


def _compacted(month: date) -> Partition | None:
    """The month's compaction that knows most days; the latest of several that know as many."""
    found = Partition.objects.of(FLOW_HISTORY).filter(business_date=month).order_by("-created_at")
    return max(found, key=lambda partition: len(partition.facts["days"]), default=None)


def _months_between(first: date, last: date) -> list[Partition]:
    found = Partition.objects.of(FLOW_HISTORY).filter(
        business_date__gte=month_of(first), business_date__lte=last
    )
    months = sorted(set(found.values_list("business_date", flat=True)))
    return [partition for month in months if (partition := _compacted(month))]


def _first(name: str) -> exp.Ordered:
    """Ascending; who has no cell stands first."""
    return exp.Ordered(this=column(name, "rows"), nulls_first=True)


def month_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def _next(month: date) -> date:
    return month_of(month + timedelta(days=31))
