"""Flows: who went from which cell to which since the day before, and what moved them.

One join of the two days per part; everything after works on counts. Both days' totals are found
again in the counts, or the step fails.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from django.utils.translation import gettext as _
from sqlglot import exp

from common.errors import DomainError
from common.keys import key_of
from lake import partitions
from lake.engine import DuckDB
from lake.models import Partition
from rules import Params

from .bands import column
from .keys import cell_column
from .movement import Cells, Flow, People, summary
from .parts import CITY, CUSTOMER

FLOWS = "flows"
TODAY, YESTERDAY, PAIRS = "today", "yesterday", "pairs"
HERE, WAS_HERE, MOVED = 1, 2, 4
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
        rows: list[dict[str, Any]] = []
        draft.facts = {"moved": None}
        if yesterday is not None:
            flows, people = count_flows(today, yesterday, progress)
            _reconcile(flows, today, yesterday)
            cells = Cells.of(today, yesterday)
            rows = [_row(f, cells) for f in flows]
            draft.facts = {"moved": summary(flows, people, cells)}
        pq.write_table(pa.Table.from_pylist(rows, SCHEMA), draft.file(0), compression="zstd")
    assert draft.partition is not None
    return draft.partition


def count_flows(
    today: Partition, yesterday: Partition, progress: Progress
) -> tuple[list[Flow], list[People]]:
    """Count both kinds over all parts, in one join per part."""
    matrices = _of_both(today, yesterday)
    flows: Counter[tuple[Any, ...]] = Counter()
    people: Counter[tuple[Any, ...]] = Counter()
    with DuckDB() as engine:
        joins = _joins(today, yesterday)
        for done, (files_today, files_yesterday) in enumerate(joins, 1):
            engine.register(TODAY, files_today)
            engine.register(YESTERDAY, files_yesterday)
            _count_part(engine, matrices, flows, people)
            progress(done, len(joins))
    return (
        [Flow(*key, customers=n) for key, n in sorted(flows.items(), key=_order)],
        [People(*key, customers=n) for key, n in sorted(people.items(), key=_order)],
    )


def matrices_of(cells: Partition) -> list[str]:
    """The matrices that a partition ``cells`` assigns, in its order."""
    return [proof["matrix"] for proof in cells.facts["matrices"]]


def _of_both(today: Partition, yesterday: Partition) -> list[str]:
    return [m for m in matrices_of(today) if m in set(matrices_of(yesterday))]


def _joins(today: Partition, yesterday: Partition) -> list[tuple[list[Path], list[Path]]]:
    """What is joined with what: part with part, or all at once on the day their number changed."""
    if today.parts != yesterday.parts:
        return [(today.files, yesterday.files)]
    return [([t], [y]) for t, y in zip(today.files, yesterday.files, strict=True)]


def _count_part(
    engine: DuckDB,
    matrices: Sequence[str],
    flows: Counter[tuple[Any, ...]],
    people: Counter[tuple[Any, ...]],
) -> None:
    params = Params()
    for *key, n in engine.rows(flow_query(matrices, params), params.values):
        matrix, city, before, after = key
        if matrix is None:
            people[city, bool(after & HERE), bool(after & WAS_HERE), bool(after & MOVED)] += n
        else:
            flows[matrix, city, before, after] += n


def flow_query(matrices: Sequence[str], params: Params) -> exp.Expression:
    """Rows (matrix, city, from_cell, to_cell, customers); matrix null: people.

    Of people ``to_cell`` holds bits: HERE today, WAS_HERE yesterday, MOVED in any matrix.
    """
    counts = [_flows_of(place, matrix, params) for place, matrix in enumerate(matrices)]
    union = sqlglot.union(*counts, _people(len(matrices)), distinct=False) if counts else None
    return (union or _people(0)).with_(PAIRS, as_=_pairs(matrices))


def _pairs(matrices: Sequence[str]) -> exp.Select:
    """Both days of every customer side by side: his cells were from0, from1 … and are to0, to1 …"""
    same = column(CUSTOMER, TODAY).eq(column(CUSTOMER, YESTERDAY))
    city = exp.func("coalesce", column(CITY, TODAY), column(CITY, YESTERDAY))
    cells = [
        exp.alias_(column(cell_column(matrix), table), f"{name}{place}")
        for place, matrix in enumerate(matrices)
        for table, name in ((YESTERDAY, "from"), (TODAY, "to"))
    ]
    return (
        sqlglot.select(
            exp.alias_(city, CITY),
            exp.alias_(_known(column(CUSTOMER, TODAY)), "here"),
            exp.alias_(_known(column(CUSTOMER, YESTERDAY)), "was_here"),
            *cells,
        )
        .from_(TODAY)
        .join(YESTERDAY, on=same, join_type="full")
    )


def _flows_of(place: int, matrix: str, params: Params) -> exp.Select:
    before, after = column(f"from{place}", PAIRS), column(f"to{place}", PAIRS)
    return _counted(
        exp.alias_(params.bind(matrix, "TEXT"), "matrix"),
        exp.alias_(before, "from_cell"),
        exp.alias_(after, "to_cell"),
        by=[before, after],
    ).where(exp.or_(_known(before), _known(after)))


def _people(matrices: int) -> exp.Select:
    moves = [
        exp.and_(_known(before), _known(after), before.copy().neq(after.copy()))
        for before, after in (
            (column(f"from{place}", PAIRS), column(f"to{place}", PAIRS))
            for place in range(matrices)
        )
    ]
    bits = [
        (column("here", PAIRS), HERE),
        (column("was_here", PAIRS), WAS_HERE),
        *([(exp.or_(*moves), MOVED)] if moves else []),
    ]
    kind = sum_of([_bit(condition, value) for condition, value in bits])
    return _counted(
        exp.alias_(exp.cast(exp.null(), "text"), "matrix"),
        exp.alias_(exp.cast(exp.null(), "bigint"), "from_cell"),
        exp.alias_(exp.cast(kind, "bigint"), "to_cell"),
        by=[kind],
    )


def _counted(
    matrix: exp.Expression,
    before: exp.Expression,
    after: exp.Expression,
    *,
    by: Sequence[exp.Expression],
) -> exp.Select:
    count = exp.alias_(exp.Count(this=exp.Star()), "customers")
    city = column(CITY, PAIRS)
    return (
        sqlglot.select(matrix, city, before, after, count)
        .from_(PAIRS)
        .group_by(city.copy(), *(key.copy() for key in by))
    )


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


def _row(flow: Flow, cells: Cells) -> dict[str, Any]:
    changed = cells.changed(flow.matrix, flow.pair) if flow.moved else []
    return {
        "matrix": flow.matrix,
        "city": flow.city,
        "from_cell": flow.from_cell,
        "to_cell": flow.to_cell,
        "dimension": changed[0] if changed else None,
        "dimensions": ",".join(changed) or None,
        "customers": flow.customers,
    }


def _reconcile(flows: Iterable[Flow], today: Partition, yesterday: Partition) -> None:
    """Rows and columns of the flow matrix add up to both days' customers."""
    both = _of_both(today, yesterday)
    columns: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    for f in flows:
        columns[f.matrix] += f.customers * (f.to_cell is not None)
        rows[f.matrix] += f.customers * (f.from_cell is not None)
    for day, found in ((today, columns), (yesterday, rows)):
        for proof in day.facts["matrices"]:
            matrix, counted = proof["matrix"], proof["customers"]
            if matrix in both and found[matrix] != counted:
                raise DomainError(
                    "flows_do_not_reconcile",
                    _(
                        "Matrix '%(matrix)s' had %(counted)d customers on %(day)s, but the flows "
                        "speak of %(found)d. Nothing was published; the day's cells must be as "
                        "they were counted."
                    )
                    % {
                        "matrix": matrix,
                        "counted": counted,
                        "day": day.business_date,
                        "found": found[matrix],
                    },
                    status=409,
                )


def _order(item: tuple[tuple[Any, ...], int]) -> tuple[Any, ...]:
    """Rows by their keys, those without a cell first."""
    return tuple((value is not None, value) for value in item[0])
