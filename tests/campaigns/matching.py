"""Running the matching query on customers made by hand or generated."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from campaigns.matching.query import CELLS, CUSTOMERS, SCORES, Matching
from campaigns.planned import Planned
from lake.engine import DuckDB

TYPES = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "category": pa.string(),
    "text": pa.string(),
    "date": pa.date32(),
}


def tables(planned: Planned, customers: Sequence[dict[str, Any]]) -> dict[str, pa.Table]:
    """The three partitions' parts as the lake would hold them."""
    base = {"customer_no": pa.string(), "city": pa.string()}
    columns = {
        source: {a.code: TYPES[a.type] for a in planned.attributes if a.source == source}
        for source in (CUSTOMERS, SCORES)
    }
    cells = {f"cell_{m.code}": pa.int64() for m in planned.matrices}
    in_cells = [
        {**c, **{f"cell_{m.code}": n for m, n in zip(planned.matrices, c["cells"], strict=True)}}
        for c in customers
    ]
    return {
        CUSTOMERS: _table(customers, base | columns[CUSTOMERS]),
        SCORES: _table(customers, {"customer_no": pa.string(), **columns[SCORES]}),
        CELLS: _table(in_cells, base | cells),
    }


def run(
    engine: Any, planned: Planned, customers: Sequence[dict[str, Any]], today: date
) -> list[dict[str, Any]]:
    held = tables(planned, customers)
    matching = Matching(planned, today, {name: t.column_names for name, t in held.items()})
    for name, table in (held | matching.tables).items():
        engine.register(name, table)
    return engine.arrow(matching.tree, matching.values).to_pylist()


def matched(
    planned: Planned, customers: Sequence[dict[str, Any]], today: date
) -> list[dict[str, Any]]:
    with DuckDB() as engine:
        return run(engine, planned, customers, today)


def _table(rows: Sequence[dict[str, Any]], columns: dict[str, pa.DataType]) -> pa.Table:
    return pa.Table.from_pylist([{c: r[c] for c in columns} for r in rows], pa.schema(columns))
