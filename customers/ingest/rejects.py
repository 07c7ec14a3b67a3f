"""The rows that were not loaded: where each stood, which value of it was wrong, and why.

A reject file is Parquet: source, file, row (1 = the first row of data), column (the source's name;
null: the whole row), value (as it came, cut at 200 characters), reason; ordered by file, row and
column. One row may stand in it several times but counts once.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from lake.engine import DuckDB
from rules import Params

REJECTS = "rejects.parquet"

# A position is file * ROWS_PER_FILE + row: one number orders the rows of all files of a table.
ROWS_PER_FILE = 2**40

COLUMNS = ("position", "column", "value", "reason")
SCHEMA = pa.schema([(name, pa.string() if name != "position" else pa.int64()) for name in COLUMNS])


@dataclass(frozen=True)
class Unreadable:
    """A row that was no row of text at all; ``column`` is null where the whole row is meant."""

    position: int
    column: str | None
    value: str
    reason: str


class Spool:
    """Gathers unreadable rows in a file, holding a thousand at a time.

    Arrow reports one kind of them from a thread of its own.
    """

    HELD = 1000

    def __init__(self, file: Path) -> None:
        self._writer = pq.ParquetWriter(file, SCHEMA)
        self._held: list[Unreadable] = []
        self._lock = Lock()

    def add(self, row: Unreadable) -> None:
        with self._lock:
            self._held.append(row)
            if len(self._held) >= self.HELD:
                self._flush()

    def close(self) -> None:
        with self._lock:
            self._flush()
            self._writer.close()

    def _flush(self) -> None:
        columns = zip(*map(astuple, self._held), strict=True) if self._held else [()] * 4
        arrays = [
            pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)
        ]
        self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=SCHEMA))
        self._held.clear()


@dataclass(frozen=True)
class Counts:
    """``rows`` rejected, and how many for each reason (a row with two reasons is in both)."""

    rows: int
    reasons: dict[str, int]
    columns: list[str]


def write(
    engine: DuckDB,
    views: Sequence[exp.Query],
    source: str,
    files: Sequence[str],
    to: Path,
    params: Params,
) -> Counts:
    """Write the reject file from queries that give ``COLUMNS``, their values in ``params``."""
    engine.register("files", pa.table({"index": range(len(files)), "file": list(files)}))
    problems = views[0]
    for view in views[1:]:
        problems = exp.union(problems, view, distinct=False)
    position = exp.column("position", "problem", quoted=True)
    size = exp.Literal.number(ROWS_PER_FILE)
    tree = (
        exp.select(
            exp.alias_(params.bind(source, "VARCHAR"), "source", quoted=True),
            exp.column("file", "files", quoted=True),
            exp.alias_(exp.Mod(this=position, expression=size), "row", quoted=True),
            *(exp.column(name, "problem", quoted=True) for name in COLUMNS[1:]),
        )
        .from_(problems.subquery("problem"))
        .join(
            "files",
            on=exp.EQ(
                this=exp.column("index", "files", quoted=True),
                expression=exp.IntDiv(this=position.copy(), expression=size.copy()),
            ),
        )
        .order_by(*(exp.column(name, quoted=True) for name in ("file", "row", "column", "reason")))
    )
    engine.write(tree, to, params.values)
    return _count(engine, to)


def read(file: Path, *, limit: int, offset: int = 0) -> list[dict[str, Any]]:
    """Return rows of a reject file in its order, as dicts by column."""
    tree = exp.select("*").from_("rejects").limit(limit).offset(offset)
    with DuckDB() as engine:
        engine.register("rejects", file)
        return engine.arrow(tree).to_pylist()


def _count(engine: DuckDB, file: Path) -> Counts:
    engine.register("rejects", file)
    row = exp.Tuple(expressions=[exp.column("file", quoted=True), exp.column("row", quoted=True)])
    rows = exp.Count(this=exp.Distinct(expressions=[row]))
    reason, column = exp.column("reason", quoted=True), exp.column("column", quoted=True)
    by_reason = exp.select(reason, rows.copy()).from_("rejects").group_by(reason).order_by(reason)
    columns = exp.select(column).distinct().from_("rejects").where(column.is_(exp.null()).not_())
    return Counts(
        rows=engine.rows(exp.select(rows).from_("rejects"))[0][0],
        reasons=dict(engine.rows(by_reason)),
        columns=[name for (name,) in engine.rows(columns.order_by(column))],
    )
