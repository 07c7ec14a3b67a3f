"""Who moved from which behaviour group to which since the day before.

Counted once, with the day: one join of the two days' scores per part, grouped for every model in
the same pass. Both days' customers are found again in the counts, or the step fails.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlglot
from django.utils.translation import gettext as _
from sqlglot import exp

from common.errors import DomainError
from common.keys import key_of
from jobs.models import Run, State, Step
from lake import partitions
from lake.engine import DuckDB
from lake.models import Partition

from .kinds.groups import GroupsKind
from .models import ModelVersion

MOVEMENTS = "group_movements"
VERSION = 1
CUSTOMER, CITY = "customer_no", "city"
TODAY, YESTERDAY, PAIRS, COUNTS = "today", "yesterday", "pairs", "counts"
# A customer of the day who is in no group of the model; null: no customer of the day.
NO_GROUP = ""
SCHEMA = pa.schema(
    {
        "model": pa.string(),
        CITY: pa.string(),
        "before": pa.string(),
        "after": pa.string(),
        "customers": pa.int64(),
    }
)
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Side:
    """One day: its ``scores``, and a partition that has the ``city`` of the same customers."""

    scores: Partition
    cities: Partition

    @property
    def files(self) -> list[tuple[Path, Path]]:
        return list(zip(self.scores.files, self.cities.files, strict=True))


def group_movements(
    today: Side, yesterday: Side | None, versions: Sequence[ModelVersion], *, progress: Progress
) -> Partition:
    """Return the partition ``group_movements`` of the day: one part, rows in a fixed order.

    A customer who changed city counts in today's. Who is in no group on either day is not counted.
    A model that did not write its groups on both days has no rows. Facts: ``since``, the day
    before (None: there is none), and ``models``: code → its version. Raises DomainError
    ``groups_do_not_reconcile`` (409).
    """
    outputs = _outputs(versions, today, yesterday)
    numbers = {v.model_id: v.number for v in versions if v.model_id in outputs}
    day = today.scores.business_date
    before = [str(yesterday.scores), str(yesterday.cities)] if yesterday else None
    key = key_of(MOVEMENTS, VERSION, today.scores.key, str(today.cities), before, numbers)
    known = partitions.find(MOVEMENTS, day, key)
    if known is not None:
        return known
    with partitions.writing(MOVEMENTS, day, key, parts=1) as draft:
        rows = SCHEMA.empty_table()
        if yesterday is not None and outputs:
            rows = count_movements(today, yesterday, outputs, progress)
            _reconcile(rows, today, yesterday, outputs)
        pq.write_table(rows, draft.file(0), compression="zstd")
        since = yesterday.scores.business_date.isoformat() if yesterday else None
        draft.facts = {"since": since, "models": numbers}
    assert draft.partition is not None
    return draft.partition


def movement_days(model: str) -> dict[date, Partition]:
    """The published days that counted the model's movements, newest first.

    Of several runs of a day it is the last; what one counted that was never published is nobody's
    business (law 2).
    """
    runs = Run.objects.filter(kind="day", steps__name="publish", steps__state=State.DONE)
    latest = dict(runs.order_by("business_date", "number").values_list("business_date", "pk"))
    made = Step.objects.filter(run__in=latest.values(), name="assign")
    ids = [done[MOVEMENTS] for done in made.values_list("output", flat=True) if MOVEMENTS in done]
    found = Partition.objects.filter(pk__in=ids, facts__models__has_key=model)
    return {partition.business_date: partition for partition in found.order_by("-business_date")}


def read_movements(
    partition: Partition, model: str, cities: frozenset[str] | None
) -> list[dict[str, Any]]:
    """The counts of one model; ``cities``: of these only, None: of all."""
    table = pq.read_table(partition.file(0), filters=[("model", "=", model)])
    rows = table.to_pylist()
    return [row for row in rows if cities is None or row[CITY] in cities]


def count_movements(
    today: Side, yesterday: Side, outputs: dict[str, str], progress: Progress
) -> pa.Table:
    """Count ``outputs`` (model → its attribute) over all parts; SCHEMA's columns, in its order."""
    models = sorted(outputs)
    tree = movement_query([outputs[model] for model in models])
    counts: list[pa.Table] = []
    joins = _joins(today, yesterday)
    with DuckDB() as engine:
        for done, sides in enumerate(joins, 1):
            for name, pairs in zip((TODAY, YESTERDAY), sides, strict=True):
                engine.register(f"{name} scores", [scores for scores, _cities in pairs])
                engine.register(f"{name} cities", [cities for _scores, cities in pairs])
            counts.append(engine.arrow(tree))
            progress(done, len(joins))
        engine.register(COUNTS, pa.concat_tables(counts))
        rows = engine.arrow(_added_up())
    codes = pa.array(models, pa.string()).take(rows["place"].combine_chunks())
    return rows.set_column(0, "model", codes).cast(SCHEMA)


def movement_query(outputs: Sequence[str]) -> exp.Select:
    """Rows (place, city, before, after, customers), grouped in one pass; ``place``: the output's.

    Of a group by one output the columns of the others are null.
    """
    places = range(len(outputs))
    before, after = ([_column(f"{side}{i}", PAIRS) for i in places] for side in ("from", "to"))
    city = _column(CITY, PAIRS)
    place = exp.Case(
        ifs=[
            exp.If(
                this=exp.Grouping(expressions=[cell.copy()]).eq(exp.Literal.number(0)),
                true=exp.Literal.number(i),
            )
            for i, cell in enumerate(before)
        ]
    )
    sets = [
        exp.Tuple(expressions=[city.copy(), one.copy(), other.copy()])
        for one, other in zip(before, after, strict=True)
    ]
    query = sqlglot.select(
        exp.alias_(place, "place"),
        city.copy(),
        exp.alias_(_one_of(before), "before"),
        exp.alias_(_one_of(after), "after"),
        exp.alias_(exp.Count(this=exp.Star()), "customers"),
    ).from_(_pairs(outputs).subquery(PAIRS))
    query.set("group", exp.Group(expressions=[exp.GroupingSets(expressions=sets)]))
    return query


def _pairs(outputs: Sequence[str]) -> exp.Select:
    """Both days of every customer side by side: his groups were from0 … and are to0 …"""
    sides = ((YESTERDAY, "from"), (TODAY, "to"))
    groups = [
        exp.alias_(_group(place, day), f"{side}{place}")
        for place in range(len(outputs))
        for day, side in sides
    ]
    city = exp.func("coalesce", _column(CITY, TODAY), _column(CITY, YESTERDAY))
    same = _column(CUSTOMER, TODAY).eq(_column(CUSTOMER, YESTERDAY))
    return (
        sqlglot.select(exp.alias_(city, CITY), *groups)
        .from_(_day(TODAY, outputs).subquery(TODAY))
        .join(_day(YESTERDAY, outputs).subquery(YESTERDAY), on=same, join_type="full")
    )


def _group(place: int, day: str) -> exp.Expression:
    """His group on the day; NO_GROUP where he has none, null where he is no customer."""
    here = exp.Not(this=_column(CUSTOMER, day).is_(exp.null()))
    group = exp.func("coalesce", _column(f"g{place}", day), exp.Literal.string(NO_GROUP))
    return exp.Case(ifs=[exp.If(this=here, true=group)])


def _day(day: str, outputs: Sequence[str]) -> exp.Select:
    """The customers of one day with city and groups."""
    scores, cities = f"{day} scores", f"{day} cities"
    groups = [exp.alias_(_column(name, scores), f"g{i}") for i, name in enumerate(outputs)]
    same = _column(CUSTOMER, scores).eq(_column(CUSTOMER, cities))
    return (
        sqlglot.select(_column(CUSTOMER, scores), _column(CITY, cities), *groups)
        .from_(exp.to_identifier(scores, quoted=True))
        .join(exp.Table(this=exp.to_identifier(cities, quoted=True)), on=same, join_type="inner")
    )


def _added_up() -> exp.Select:
    """The counts of all parts, in order, without those who are in no group on either day."""
    keys = [_column(name, COUNTS) for name in ("place", CITY, "before", "after")]
    total = exp.cast(exp.Sum(this=_column("customers", COUNTS)), "BIGINT")
    nowhere = exp.Literal.string(NO_GROUP)
    grouped = [
        exp.NEQ(
            this=exp.func("coalesce", _column(side, COUNTS), nowhere.copy()),
            expression=nowhere.copy(),
        )
        for side in ("before", "after")
    ]
    return (
        sqlglot.select(*keys, exp.alias_(total, "customers"))
        .from_(COUNTS)
        .where(exp.or_(*grouped))
        .group_by(*(key.copy() for key in keys))
        .order_by(*(exp.Ordered(this=key.copy(), nulls_first=True) for key in keys))
    )


def _one_of(columns: Sequence[exp.Expression]) -> exp.Expression:
    """The one column that is not null in a group."""
    first, *rest = (value.copy() for value in columns)
    return exp.Coalesce(this=first, expressions=rest) if rest else first


def _column(name: str, table: str) -> exp.Column:
    return exp.column(name, table=table, quoted=True)


def _joins(today: Side, yesterday: Side) -> list[tuple[list[Any], list[Any]]]:
    """Part with part, or all at once on the day their number changed."""
    now, then = today.files, yesterday.files
    if len(now) != len(then):
        return [(now, then)]
    return [([one], [other]) for one, other in zip(now, then, strict=True)]


def _outputs(
    versions: Sequence[ModelVersion], today: Side, yesterday: Side | None
) -> dict[str, str]:
    """Model → its attribute, of those that are in the scores of both days."""
    there = {*pq.read_schema(today.scores.file(0)).names}
    if yesterday is not None:
        there &= {*pq.read_schema(yesterday.scores.file(0)).names}
    return {
        v.model_id: v.definition["output"]
        for v in versions
        if v.model.kind == GroupsKind.code and v.definition["output"] in there
    }


def _reconcile(rows: pa.Table, today: Side, yesterday: Side, outputs: dict[str, str]) -> None:
    """Rows and columns add up to the customers who have a group on either day."""
    for side, name in ((yesterday, "before"), (today, "after")):
        facts = side.scores.facts
        for model, output in outputs.items():
            mine = pc.and_(pc.equal(rows["model"], model), pc.is_valid(rows[name]))
            grouped = rows.filter(pc.and_(mine, pc.fill_null(pc.not_equal(rows[name], ""), False)))
            found = pc.sum(grouped["customers"]).as_py() or 0
            counted = facts["customers"] - facts["nulls"][output]
            if found != counted:
                raise DomainError(
                    "groups_do_not_reconcile",
                    _(
                        "Model %(model)s had %(counted)d customers in its groups on %(day)s, but "
                        "the movements speak of %(found)d. The day's scores and its cities must "
                        "be of the same customers."
                    )
                    % {
                        "model": model,
                        "counted": counted,
                        "day": side.scores.business_date,
                        "found": found,
                    },
                    status=409,
                )
