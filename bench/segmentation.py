"""Edited matrices: what splits cost an assignment, what a preview and a proof of them cost."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

from bench import assign as plain
from bench.assign import CATALOGUE, CITIES, PARTS, ROUNDS
from bench.measure import Row, in_turns
from lake.engine import DuckDB
from segmentation.definition import MatrixDefinition
from segmentation.dimensions import Name
from segmentation.edits import recut, split
from segmentation.keys import Grid
from segmentation.preview import Had, Way, preview_files
from segmentation.proof import prove

HAD = "had-{:04d}.parquet"

Bands = dict[str, tuple[str, ...]]


def prepare(work: Path, customers: int) -> None:
    """The input of assignment, and today's cells, those of the flat matrix."""
    plain.prepare(work, customers)
    plain._assign(work, [flat()])
    for part in range(PARTS):
        (work / f"cells-{part:04d}.parquet").rename(work / HAD.format(part))


def _numbered(definition: MatrixDefinition) -> Grid:
    prove(definition, CATALOGUE, CITIES)
    return Grid(definition, 1, np.arange(definition.size, dtype=np.int64) + 1)


def _dimensions(arpu: int, data: int, voice: int, tenure: int) -> tuple:
    figures = (plain._figure("arpu", arpu - 1), plain._figure("data_mb", data - 1))
    voice_ = plain._figure("voice_minutes", voice - 1)
    return (*figures, voice_, plain._tenure(tenure - 1), plain._brand(), plain._campus())


@cache
def flat() -> Grid:
    """12,000 cells: 10 × 5 × 4 × 4 × 5 × 3 bands."""
    dimensions = _dimensions(10, 5, 4, 4)
    return _numbered(MatrixDefinition("flat", "flat", Name("flat", "flat"), dimensions))


def tree() -> Grid:
    """12,000 cells: a grid of 10 × 5 × 4, all split by tenure, half of it by brand too, and a
    tenth by campus as well."""
    dimensions = _dimensions(10, 5, 4, 15)
    grid = tuple(dimension.code for dimension in dimensions[:3])
    deep = MatrixDefinition("tree", "tree", Name("tree", "tree"), dimensions[:3], grid=grid)
    half = {"arpu": _bands(dimensions[0], 5)}
    tenth = half | {"data_mb": _bands(dimensions[1], 1)}
    for box, by in (({}, 3), (half, 4), (tenth, 5)):
        deep = split(deep, box, dimensions[by]).definition
    return _numbered(deep)


def _bands(dimension: object, first: int) -> tuple[str, ...]:
    return tuple(band.code for band in dimension.all_bands[:first])  # type: ignore[attr-defined]


def three_levels(work: Path, customers: int) -> float:
    deep, even = tree(), flat()
    runs = [partial(plain._assign, work, [grid]) for grid in (even, deep)]
    flat_seconds, deep_seconds = in_turns(ROUNDS, *runs)
    return deep_seconds / flat_seconds


# --- previews ---


def _edited(box: Bands) -> MatrixDefinition:
    """The flat matrix with the cells of the box split by another figure."""
    return split(flat().definition, box, plain._figure("plan_fee", 3)).definition


def _preview(work: Path, definition: MatrixDefinition) -> None:
    files = [work / HAD.format(part) for part in range(PARTS)]
    before = flat().definition
    way = Way.between(before, dict(enumerate(before.cells(), 1)), definition)
    had = Had(files, flat().column, way)
    preview_files(definition, plain._inputs(work), had, CATALOGUE, {}, lambda *_: None)


def _scan(work: Path, definition: MatrixDefinition) -> None:
    """Sum every column that the preview reads, the cells of today among them."""
    read = {"customer_no", "city", "plan_fee"}
    cells = [work / HAD.format(part) for part in range(PARTS)]
    with DuckDB() as engine:
        for name, files in (("customers", plain._inputs(work).customers), ("cells", cells)):
            engine.register(name, files)
            fields = [f for f in pq.read_schema(files[0]) if f.name in {*read, flat().column}]
            fields = [f for f in fields if name == "customers" or f.name == flat().column]
            engine.rows(sqlglot.select(*_sums(fields)).from_(name))


def _scan_all(work: Path, definition: MatrixDefinition) -> None:
    plain._scan(work, [Grid(definition, 1, np.arange(definition.size))])


def _sums(fields: Sequence) -> list[exp.Expression]:
    return [exp.Sum(this=plain._summand(field)) for field in fields]


def preview_to_scan(work: Path, customers: int) -> float:
    definition = _edited({})
    scan, seen = in_turns(
        ROUNDS, lambda: _scan(work, definition), lambda: _preview(work, definition)
    )
    return seen / scan


def branch_to_whole(work: Path, customers: int) -> float:
    """A split of one arpu band of ten: of the customers in the others nothing is asked."""
    whole, branch = in_turns(
        ROUNDS,
        lambda: _preview(work, _edited({})),
        lambda: _preview(work, _edited({"arpu": ("b3",)})),
    )
    return branch / whole


def recut_to_scan(work: Path, customers: int) -> float:
    """A dimension cut anew: anybody may move, so all is read and found again."""
    definition = recut(flat().definition, plain._figure("arpu", 7)).definition
    scan, seen = in_turns(
        ROUNDS, lambda: _scan_all(work, definition), lambda: _preview(work, definition)
    )
    return seen / scan


def preview_seconds(work: Path, customers: int) -> float:
    return _seconds(lambda: _preview(work, _edited({})))


def proof_seconds(work: Path, customers: int) -> float:
    """Reading, editing and proving a matrix of 12,000 cells from its JSON."""
    body = tree().definition.to_json()
    return _seconds(lambda: prove(MatrixDefinition.from_json(body), CATALOGUE, CITIES))


def _seconds(run: Callable[[], object]) -> float:
    return in_turns(ROUNDS, run)[0]


ROWS = (
    Row("segmentation_splits", "three levels of splits ÷ flat, 12,000 cells", three_levels, 1.3),
    Row("segmentation_preview", "preview of a split ÷ scan of what it reads", preview_to_scan, 3),
    Row("segmentation_preview_time", "the same, in seconds", preview_seconds, None, "s"),
    Row("segmentation_recut", "preview of a re-cut ÷ scan of what it reads", recut_to_scan, None),
    Row("segmentation_branch", "preview of a tenth ÷ of the whole", branch_to_whole, None),
    Row("segmentation_proof", "static proof of 12,000 cells", proof_seconds, 1, "s"),
)
