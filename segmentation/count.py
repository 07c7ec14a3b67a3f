"""The count of law 1, taken from the files that were written, not from what was meant to be."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

from lake.engine import DuckDB
from rules import Params

from .bands import column
from .query import CITY, CUSTOMER, UNASSIGNED, Grid

CELLS = "cells"
COUNTS_FILE = "counts.parquet"


def repeated_customers(file: Path) -> int:
    """Return how many rows of a part repeat a customer number: 0 when each has one row.

    Rows are ordered by number, so neighbours tell; both engines order text by its bytes, as here.
    """
    numbers = pq.read_table(file, columns=[CUSTOMER]).column(0).combine_chunks()
    if len(numbers) < 2 or pc.all(pc.less(numbers[:-1], numbers[1:])).as_py():
        return 0
    return len(numbers) - len(pc.unique(numbers))


def write_counts(
    engine: DuckDB, parts: Sequence[Path], grids: Sequence[Grid], file: Path
) -> pa.Table:
    """Count the customers of each cell by city, over all parts, into ``file``; return it.

    Columns: matrix, city, cell, customers. Cell null: outside the scope; UNASSIGNED: a fault.
    """
    engine.register(CELLS, parts)
    params = Params()
    counts = [_count(grid, params) for grid in grids]
    tree = sqlglot.union(*counts, distinct=False) if len(counts) > 1 else counts[0]
    order = [exp.column(name) for name in ("matrix", CITY, "cell")]
    engine.write(tree.order_by(*order), file, params.values)
    return pq.read_table(file)


def _count(grid: Grid, params: Params) -> exp.Select:
    city, cell = column(CITY, CELLS), column(grid.column, CELLS)
    return (
        sqlglot.select(
            exp.alias_(params.bind(grid.definition.code, "TEXT"), "matrix"),
            city,
            exp.alias_(cell, "cell"),
            exp.alias_(exp.Count(this=exp.Star()), "customers"),
        )
        .from_(CELLS)
        .group_by(city.copy(), cell.copy())
    )


def facts_of(grid: Grid, counts: pa.Table, repeated: int) -> dict[str, Any]:
    """Return the proof of one matrix as counted: who is in a cell, in none, in two."""
    own = counts.filter(pc.equal(counts["matrix"], grid.definition.code))
    unassigned = _sum(own.filter(pc.equal(own["cell"], UNASSIGNED)))
    inside = own.filter(pc.greater(own["cell"], UNASSIGNED))
    return {
        "matrix": grid.definition.code,
        "version": grid.version,
        "customers": _sum(inside),
        "outside": _sum(own.filter(pc.is_null(own["cell"]))),
        "unassigned": unassigned,
        "doubly_assigned": repeated,
        "cells": grid.definition.size,
        "cells_in_use": len(pc.unique(inside["cell"])),
    }


def _sum(counts: pa.Table) -> int:
    return pc.sum(counts["customers"]).as_py() or 0
