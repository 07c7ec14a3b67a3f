"""Flows: who went from which cell to which since the day before, and what moved them.

One join of the two days per part, in the same pass grouped for each matrix; everything after works
on counts. Both days' totals are found again in the counts, or the step fails.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlglot
from django.utils.translation import gettext as _
from sqlglot import exp

from common.errors import DomainError
from common.keys import key_of
from lake import partitions
from lake.engine import DuckDB
from lake.models import Partition

from ..bands import column
from ..keys import cell_column
from ..reading import CITY, CUSTOMER
from .descent import Descent
from .movement import Cells, Flow, People, summary

FLOWS = "flows"
TODAY, YESTERDAY, PAIRS, COUNTS = "today", "yesterday", "pairs", "counts"
HERE, WAS_HERE, MOVED = 1, 2, 4
KEYS = ("place", CITY, "from_cell", "to_cell", "kind")
# Rows of counts that are held before those of several parts are added up.
MOST_COUNTS = 2_000_000
SCHEMA = pa.schema(
    {
        "matrix": pa.string(),
        "city": pa.string(),
        "from_cell": pa.int64(),
        "to_cell": pa.int64(),
        "dimension": pa.string(),
        "dimensions": pa.string(),
        "customers": pa.int64(),
    }
)

Progress = Callable[[int, int], None]


def flow(today: Partition, yesterday: Partition | None, *, progress: Progress) -> Partition:
    """Return the partition ``flows`` between two days' cells, one part, rows in a fixed order.

    A customer who changed city counts in today's. Matrices that only one of the days has don't
    flow. Without yesterday there are no rows, and the fact ``moved`` is None. Raises DomainError
    ``flows_do_not_reconcile`` when a day's customers are not found again in the counts.
    """
    key = key_of("flows", 1, today.key, yesterday and str(yesterday))
    known = partitions.find(FLOWS, today.business_date, key)
    if known is not None:
        return known
    with partitions.writing(FLOWS, today.business_date, key, parts=1) as draft:
        draft.facts = {"moved": None}
        rows = SCHEMA.empty_table()
        if yesterday is not None:
            flows, people = count_flows(today, yesterday, progress)
            _reconcile(flows, today, yesterday)
            cells = Cells.of(today, yesterday)
            moves = _moves(flows, _edited(today, yesterday))
            rows = _with_dimensions(flows, moves, cells)
            draft.facts = {"moved": summary(list(moves.values()), people, cells)}
        pq.write_table(rows, draft.file(0), compression="zstd")
    assert draft.partition is not None
    return draft.partition


def count_flows(
    today: Partition, yesterday: Partition, progress: Progress
) -> tuple[pa.Table, list[People]]:
    """Count both kinds over all parts, in one join per part.

    The flows have SCHEMA's columns without the dimensions, in the order of matrix, city and cells.
    """
    matrices = sorted(_of_both(today, yesterday))
    counts: list[pa.Table] = []
    with DuckDB() as engine:
        edited = _edited(today, yesterday)
        for matrix, descent in edited.items():
            engine.register(renamed(matrices.index(matrix)), descent.table)
        tree = flow_query(matrices, [matrices.index(matrix) for matrix in edited])
        joins = _joins(today, yesterday)
        for done, (files_today, files_yesterday) in enumerate(joins, 1):
            engine.register(TODAY, files_today)
            engine.register(YESTERDAY, files_yesterday)
            counts.append(engine.arrow(tree))
            if sum(map(len, counts)) > MOST_COUNTS:
                engine.register(COUNTS, pa.concat_tables(counts))
                counts = [engine.arrow(_added_up(KEYS))]
            progress(done, len(joins))
        engine.register(COUNTS, pa.concat_tables(counts))
        flows = engine.arrow(_flows_of_counts())
        people = engine.rows(_added_up([CITY, "kind"]).where(_known(column("kind", COUNTS))))
    codes = pa.array(matrices, pa.string()).take(flows["place"].combine_chunks())
    return flows.set_column(0, "matrix", codes), [_people(*row) for row in people]


def matrices_of(cells: Partition) -> list[str]:
    """The matrices that a partition ``cells`` assigns, in its order."""
    return [proof["matrix"] for proof in cells.facts["matrices"]]


def _of_both(today: Partition, yesterday: Partition) -> list[str]:
    return [m for m in matrices_of(today) if m in set(matrices_of(yesterday))]


def _edited(today: Partition, yesterday: Partition) -> dict[str, Descent]:
    """The matrices that the two days have in different versions: which cells became which."""
    versions, before = (
        {proof["matrix"]: proof["version"] for proof in day.facts["matrices"]}
        for day in (today, yesterday)
    )
    both = _of_both(today, yesterday)
    return {m: Descent.of(m) for m in both if versions[m] != before[m]}


def renamed(place: int) -> str:
    """The table (ancestor, cell) of the cells of the matrix at ``place`` that became others."""
    return f"renamed{place}"


def _joins(today: Partition, yesterday: Partition) -> list[tuple[list[Path], list[Path]]]:
    """What is joined with what: part with part, or all at once on the day their number changed."""
    if today.parts != yesterday.parts:
        return [(today.files, yesterday.files)]
    return [([t], [y]) for t, y in zip(today.files, yesterday.files, strict=True)]


def flow_query(matrices: Sequence[str], edited: Sequence[int] = ()) -> exp.Select:
    """Rows (place, city, from_cell, to_cell, kind, customers), grouped in one pass over the pairs.

    ``place`` is the matrix's. The first matrix is grouped by the bits of people too (``kind``: HERE
    today, WAS_HERE yesterday, MOVED in any matrix), of the others they are null. Without any
    matrix there are the bits alone. ``edited``: the matrices with a table ``renamed``; who went
    from a cell to one that it became has not MOVED.
    """
    city, kind = column(CITY, PAIRS), column("kind", PAIRS)
    before, after = (
        [column(f"{side}{place}", PAIRS) for place in range(len(matrices))]
        for side in ("from", "to")
    )
    first, *others = list(zip(before, after, strict=True)) or [()]
    sets = [(city, *first, kind), *((city, *pair) for pair in others)]
    place = exp.Case(
        ifs=[
            exp.If(
                this=exp.Grouping(expressions=[cell.copy()]).eq(exp.Literal.number(0)),
                true=exp.Literal.number(place),
            )
            for place, cell in enumerate(before[1:], 1)
        ],
        default=exp.Literal.number(0),
    )
    query = sqlglot.select(
        exp.alias_(place if others else exp.Literal.number(0), "place"),
        city.copy(),
        exp.alias_(_one_of(before), "from_cell"),
        exp.alias_(_one_of(after), "to_cell"),
        kind.copy(),
        exp.alias_(exp.Count(this=exp.Star()), "customers"),
    ).from_(_pairs(matrices, edited).subquery(PAIRS))
    if not others:
        return query.group_by(*(key.copy() for key in sets[0]))
    groups = [exp.Tuple(expressions=[key.copy() for key in keys]) for keys in sets]
    query.set("group", exp.Group(expressions=[exp.GroupingSets(expressions=groups)]))
    return query


def _one_of(columns: Sequence[exp.Expression]) -> exp.Expression:
    """The value of the one column that is not null in a group; null where there are no columns."""
    if not columns:
        return exp.cast(exp.null(), "BIGINT")
    first, *rest = (value.copy() for value in columns)
    return exp.Coalesce(this=first, expressions=rest) if rest else first


def _added_up(keys: Sequence[str]) -> exp.Select:
    """The counts of several parts, of several kinds of people, as one."""
    columns = [column(name, COUNTS) for name in keys]
    customers = exp.cast(exp.Sum(this=column("customers", COUNTS)), "BIGINT")
    return (
        sqlglot.select(*columns, exp.alias_(customers, "customers"))
        .from_(COUNTS)
        .group_by(*(key.copy() for key in columns))
    )


def _flows_of_counts() -> exp.Select:
    """In order, without those who are in no cell on either day."""
    cells = [column(name, COUNTS) for name in ("from_cell", "to_cell")]
    order = [column("place", COUNTS), column(CITY, COUNTS), *cells]
    return (
        _added_up(["place", CITY, "from_cell", "to_cell"])
        .where(exp.or_(*(_known(cell) for cell in cells)))
        .order_by(*(exp.Ordered(this=key.copy(), nulls_first=True) for key in order))
    )


def _pairs(matrices: Sequence[str], edited: Sequence[int]) -> exp.Select:
    """Both days of every customer side by side: his cells were from0, from1 … and are to0, to1 …"""
    same = column(CUSTOMER, TODAY).eq(column(CUSTOMER, YESTERDAY))
    city = exp.func("coalesce", column(CITY, TODAY), column(CITY, YESTERDAY))
    pairs = [
        (column(cell_column(matrix), YESTERDAY), column(cell_column(matrix), TODAY))
        for matrix in matrices
    ]
    cells = [
        exp.alias_(cell.copy(), f"{side}{place}")
        for place, pair in enumerate(pairs)
        for side, cell in zip(("from", "to"), pair, strict=True)
    ]
    query = (
        sqlglot.select(exp.alias_(city, CITY), exp.alias_(_kind(pairs, edited), "kind"), *cells)
        .from_(TODAY)
        .join(YESTERDAY, on=same, join_type="full")
    )
    for place in edited:
        before, after = (cell.copy() for cell in pairs[place])
        became = before.eq(column("ancestor", renamed(place))).and_(
            after.eq(column("cell", renamed(place)))
        )
        query = query.join(renamed(place), on=became, join_type="left")
    return query


def _kind(pairs: Sequence[tuple[exp.Column, exp.Column]], edited: Sequence[int]) -> exp.Expression:
    """The bits of people. A comparison with an unknown cell is not true."""
    moves = [exp.NEQ(this=before.copy(), expression=after.copy()) for before, after in pairs]
    for place in edited:
        became = _known(column("cell", renamed(place)))
        moves[place] = exp.and_(moves[place], exp.not_(became))
    bits = [
        (_known(column(CUSTOMER, TODAY)), HERE),
        (_known(column(CUSTOMER, YESTERDAY)), WAS_HERE),
        *([(exp.or_(*moves), MOVED)] if moves else []),
    ]
    return sum_of([_bit(condition, value) for condition, value in bits])


def _known(value: exp.Expression) -> exp.Expression:
    return exp.not_(exp.Is(this=value.copy(), expression=exp.null()))


def _bit(condition: exp.Expression, value: int) -> exp.Expression:
    return exp.Case(
        ifs=[exp.If(this=condition.copy(), true=exp.Literal.number(value))],
        default=exp.Literal.number(0),
    )


def sum_of(terms: Sequence[exp.Expression]) -> exp.Expression:
    total, *rest = terms
    for term in rest:
        total = exp.Add(this=total, expression=term)
    return total


# --- from counts to rows ---


def _people(city: str, kind: int, customers: int) -> People:
    return People(city, bool(kind & HERE), bool(kind & WAS_HERE), bool(kind & MOVED), customers)


def _moves(flows: pa.Table, edited: Mapping[str, Descent]) -> dict[int, Flow]:
    """The rows of who went from one cell to another, by their place in the table.

    To be in a cell that one's own became is no move.
    """
    moved = pc.fill_null(pc.not_equal(flows["from_cell"], flows["to_cell"]), False)
    places = pc.indices_nonzero(moved)
    rows = flows.take(places).to_pylist()
    return {
        place: Flow(**row)
        for place, row in zip(places.to_pylist(), rows, strict=True)
        if row["matrix"] not in edited
        or not edited[row["matrix"]].came_from(row["to_cell"], row["from_cell"])
    }


def _with_dimensions(flows: pa.Table, moves: dict[int, Flow], cells: Cells) -> pa.Table:
    """The rows as they are kept: with what moved them, null for who did not move."""
    changed = cache(cells.changed)
    first: list[str | None] = [None] * len(flows)
    whole: list[str | None] = [None] * len(flows)
    for place, flow in moves.items():
        if dimensions := changed(flow.matrix, flow.pair):
            first[place], whole[place] = dimensions[0], ",".join(dimensions)
    columns = {name: flows[name] for name in flows.column_names}
    columns |= {
        "dimension": pa.array(first, pa.string()),
        "dimensions": pa.array(whole, pa.string()),
    }
    return pa.table(columns).select(SCHEMA.names).cast(SCHEMA)


def _reconcile(flows: pa.Table, today: Partition, yesterday: Partition) -> None:
    """Rows and columns of the flow matrix add up to both days' customers."""
    both = _of_both(today, yesterday)
    for day, side in ((today, "to_cell"), (yesterday, "from_cell")):
        counted = flows.filter(pc.is_valid(flows[side]))
        sums = counted.group_by("matrix").aggregate([("customers", "sum")]).to_pylist()
        found = {row["matrix"]: row["customers_sum"] for row in sums}
        for proof in day.facts["matrices"]:
            matrix, customers = proof["matrix"], proof["customers"]
            if matrix in both and found.get(matrix, 0) != customers:
                raise DomainError(
                    "flows_do_not_reconcile",
                    _(
                        "Matrix '%(matrix)s' had %(counted)d customers on %(day)s, but the flows "
                        "speak of %(found)d. Nothing was published; the day's cells must be as "
                        "they were counted."
                    )
                    % {
                        "matrix": matrix,
                        "counted": customers,
                        "day": day.business_date,
                        "found": found.get(matrix, 0),
                    },
                    status=409,
                )
