"""Assignment: how near it is to merely reading, and that cells cost nothing.

The input is a snapshot and scores cut into 16 parts as in the lake: eleven cities, six figures with
2 % nulls, a brand, a flag, a tenure; the value index with the scores.
"""

import resource
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

from bench.measure import Row, in_turns
from lake.engine import ROW_GROUP, DuckDB
from rules import Attribute, Catalogue, Params
from segmentation.assign import assign_files
from segmentation.definition import MatrixDefinition
from segmentation.dimensions import (
    Band,
    Boolean,
    BooleanBand,
    Categories,
    CategoryBand,
    Dimension,
    Name,
    QuantileBand,
    Quantiles,
    ThresholdBand,
    Thresholds,
)
from segmentation.keys import Grid, attributes_of
from segmentation.parts import Inputs
from segmentation.proof import prove

PARTS = 16
ROUNDS = 3
CELLS_MEASURED = 15
DAY = date(2026, 7, 1)
CITIES = [
    "hangzhou",
    "ningbo",
    "wenzhou",
    "jiaxing",
    "huzhou",
    "shaoxing",
    "jinhua",
    "quzhou",
    "zhoushan",
    "taizhou",
    "lishui",
]
BRANDS = ("gotone", "mzone", "easyown", "other")
FIGURES = {  # attribute: its median
    "arpu": 60.0,
    "data_mb": 800.0,
    "voice_minutes": 200.0,
    "sms_count": 30.0,
    "handset_price": 1500.0,
    "plan_fee": 40.0,
}
CATALOGUE = Catalogue(
    [
        *(Attribute(code, "number", code, code) for code in (*FIGURES, "value_index")),
        Attribute("tenure_months", "integer", "tenure_months", "tenure_months"),
        Attribute("is_campus", "boolean", "is_campus", "is_campus"),
        Attribute("brand", "category", "brand", "brand", tuple((b, b, b) for b in BRANDS)),
    ]
)


# --- the input ---


def prepare(work: Path, customers: int) -> None:
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(partial(_write_part, work, customers), range(PARTS)))


def _write_part(work: Path, customers: int, part: int) -> None:
    rng = np.random.default_rng([7, part])
    rows = customers // PARTS + (part < customers % PARTS)
    numbers = np.sort(rng.choice(10**9, rows, replace=False)) * PARTS + part + 10**10
    customer_no = pa.array(numbers).cast(pa.string())
    snapshot = {
        "customer_no": customer_no,
        "city": pa.array(np.array(CITIES)[rng.integers(0, len(CITIES), rows)]),
        "brand": pa.array(np.array(BRANDS)[rng.integers(0, len(BRANDS), rows)]),
        "is_campus": pa.array(rng.random(rows) < 0.1),
        "tenure_months": pa.array(rng.integers(0, 240, rows)),
    } | {
        figure: pa.array(
            rng.lognormal(np.log(median), 0.8, rows).round(2), mask=rng.random(rows) < 0.02
        )
        for figure, median in FIGURES.items()
    }
    scores = {"customer_no": customer_no, "value_index": pa.array(rng.random(rows) * 100)}
    for table, columns in (("customers", snapshot), ("scores", scores)):
        file = work / f"{table}-{part:04d}.parquet"
        pq.write_table(pa.table(columns), file, compression="zstd", row_group_size=ROW_GROUP)


def _inputs(work: Path) -> Inputs:
    files = [
        [work / f"{table}-{part:04d}.parquet" for part in range(PARTS)]
        for table in ("customers", "scores")
    ]
    return Inputs(DAY, *files)


# --- matrices ---


def _name(code: str) -> Name:
    return Name(code, code)


UNKNOWN = Band("unknown", _name("unknown"))


def _by_rank(shares: Sequence[float]) -> Quantiles:
    bands = tuple(QuantileBand(f"b{i}", _name(f"b{i}"), share) for i, share in enumerate(shares))
    return Quantiles("value", _name("value"), bands, "value_index", UNKNOWN)


def _by_limits(attribute: str, cuts: Sequence[float], by_city: bool = True) -> Thresholds:
    """Bands parted by ``cuts``; each city's own are some per cent higher than the last city's."""
    limits = [float("-inf"), *cuts, float("inf")]
    bands = tuple(
        ThresholdBand(f"b{i}", _name(f"b{i}"), limits[i], limits[i + 1])
        for i in range(len(cuts) + 1)
    )
    city_cuts = {
        city: tuple(round(cut * (1 + place / 20), 2) for cut in cuts)
        for place, city in enumerate(CITIES if by_city else ())
    }
    return Thresholds(attribute, _name(attribute), bands, attribute, UNKNOWN, city_cuts)


def _figure(attribute: str, bands: int) -> Thresholds:
    """About as many customers in each band, before the cities differ."""
    spread = np.linspace(-1.6, 1.6, bands + 1)[1:-1]
    cuts = [round(float(FIGURES[attribute] * np.exp(0.8 * z)), 2) for z in spread]
    return _by_limits(attribute, cuts)


def _tenure(bands: int) -> Thresholds:
    cuts = [float(240 * i // bands) for i in range(1, bands)]
    return _by_limits("tenure_months", cuts, by_city=False)


def _brand() -> Categories:
    named = tuple(CategoryBand(b, _name(b), (b,)) for b in BRANDS[:-1])
    other = CategoryBand("other", _name("other"), other=True)
    return Categories("brand", _name("brand"), (*named, other), "brand", UNKNOWN)


def _campus() -> Boolean:
    bands = (BooleanBand("yes", _name("yes"), True), BooleanBand("no", _name("no"), False))
    return Boolean("campus", _name("campus"), bands, "is_campus", UNKNOWN)


def _grid(code: str, dimensions: Sequence[Dimension]) -> Grid:
    definition = MatrixDefinition(code, code, _name(code), tuple(dimensions))
    prove(definition, CATALOGUE, CITIES)
    numbers = np.random.default_rng(1).permutation(definition.size).astype(np.int64) + 1
    return Grid(definition, 1, numbers)


# Bands per dimension, the null band included.
SIZES = {108: (3, 3, 3, 2, 2), 10_000: (10, 10, 5, 5, 4), 100_000: (10, 10, 10, 10, 10)}


def three_matrices() -> list[Grid]:
    """9,375 cells each: value by rank (S1: 10, 20, 60, 10 %), two figures by city, and what most
    matrices have besides."""
    pairs = list(FIGURES)
    shared = [_by_rank([0.1, 0.2, 0.6, 0.1]), _brand(), _campus(), _tenure(4)]
    return [
        _grid(f"matrix{place}", [*shared, _figure(pairs[place], 4), _figure(pairs[-1 - place], 4)])
        for place in range(3)
    ]


def matrix_of(cells: int) -> Grid:
    """The same five dimensions, cut into more and more bands."""
    value, arpu, data, voice, tenure = SIZES[cells]
    shares = [round(1 / (value - 1), 4)] * (value - 2)
    dimensions = [
        _by_rank([*shares, round(1 - sum(shares), 4)]),
        _figure("arpu", arpu - 1),
        _figure("data_mb", data - 1),
        _figure("voice_minutes", voice - 1),
        _tenure(tenure - 1),
    ]
    return _grid("matrix", dimensions)


# --- the rows ---


def _assign(work: Path, grids: Sequence[Grid]) -> None:
    outputs = [work / f"cells-{part:04d}.parquet" for part in range(PARTS)]
    assign_files(_inputs(work), outputs, work / "counts.parquet", grids, CATALOGUE, lambda *_: None)


def _scan(work: Path, grids: Sequence[Grid]) -> None:
    """Sum every column that the matrices read: numbers, flags, and the lengths of texts."""
    inputs = _inputs(work)
    read = {"customer_no", "city"}.union(*(attributes_of(g.definition, CATALOGUE) for g in grids))
    with DuckDB() as engine:
        for name, files in (("customers", inputs.customers), ("scores", inputs.scores or [])):
            engine.register(name, files)
            fields = [field for field in pq.read_schema(files[0]) if field.name in read]
            sums = [exp.Sum(this=_summand(field)) for field in fields]
            engine.rows(sqlglot.select(*sums).from_(name))


def _summand(field: pa.Field) -> exp.Expression:
    column = exp.column(field.name, quoted=True)
    if pa.types.is_string(field.type):
        return exp.Length(this=column)
    return exp.cast(column, "INT") if pa.types.is_boolean(field.type) else column


def ratio_to_scan(work: Path, customers: int) -> float:
    grids = three_matrices()
    scan, assign = in_turns(ROUNDS, lambda: _scan(work, grids), lambda: _assign(work, grids))
    return assign / scan


def peak(work: Path, customers: int) -> float:
    _assign(work, three_matrices())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def against_a_query_per_cell(work: Path, customers: int) -> float:
    """15 cells of one matrix are asked for; all cells of the three are taken to cost as much."""
    grids = three_matrices()
    grid = grids[0]
    held = list(product(*(range(len(d.bands)) for d in grid.definition.dimensions)))
    chosen = np.random.default_rng(3).choice(len(held), CELLS_MEASURED, replace=False)
    ask = partial(_ask_for_each, work, grid, [held[place] for place in chosen])
    assign, asked = in_turns(1, partial(_assign, work, grids), ask)
    return asked / CELLS_MEASURED * sum(g.definition.size for g in grids) / assign


def _ask_for_each(work: Path, grid: Grid, cells: Sequence[tuple[int, ...]]) -> None:
    """What was done before there were matrices: conditions, a query and a list per cell."""
    inputs = _inputs(work)
    here, there = (
        exp.column("customer_no", table=table, quoted=True) for table in ("customers", "scores")
    )
    joined = sqlglot.select(here).from_("customers").join("scores", on=here.eq(there))
    with DuckDB() as engine:
        engine.register("customers", inputs.customers)
        engine.register("scores", inputs.scores or [])
        for bands in cells:
            params = Params()
            conditions = [
                _holds(dimension, band, params)
                for dimension, band in zip(grid.definition.dimensions, bands, strict=True)
            ]
            engine.write(joined.where(*conditions), work / "list.parquet", params.values)


def _holds(dimension: Dimension, band: int, params: Params) -> exp.Expression:
    """The customers of one band, asked for as a person would."""
    column = exp.column(dimension.attribute, quoted=True)
    match dimension:
        case Thresholds() if not dimension.city_cuts:
            return _between(column, dimension.cuts, band, params)
        case Thresholds():
            city = exp.column("city", table="customers", quoted=True)
            by_city = (
                exp.and_(city.eq(params.bind(code, "TEXT")), _between(column, cuts, band, params))
                for code, cuts in dimension.city_cuts.items()
            )
            return exp.or_(*by_city)
        case Quantiles():
            # The value index is spread evenly over 0 to 100: its ranks are its values.
            return _between(column, (10, 70, 90), len(dimension.bands) - 1 - band, params)
        case Categories():
            wanted = dimension.bands[band].values
            values = wanted or [value for other in dimension.bands for value in other.values]
            named = column.isin(*(params.bind(value, "TEXT") for value in values))
            return named if wanted else exp.not_(named)
        case _:
            return column if dimension.bands[band].value else exp.not_(column)


def _between(
    column: exp.Expression, cuts: Sequence[float], band: int, params: Params
) -> exp.Expression:
    limits = []
    if band > 0:
        limits.append(exp.GTE(this=column, expression=params.bind(float(cuts[band - 1]), "DOUBLE")))
    if band < len(cuts):
        limits.append(exp.LT(this=column, expression=params.bind(float(cuts[band]), "DOUBLE")))
    return exp.and_(*limits)


def cells_cost_nothing(work: Path, customers: int) -> float:
    grids = [[matrix_of(cells)] for cells in SIZES]
    seconds = in_turns(ROUNDS, *(partial(_assign, work, grid) for grid in grids))
    return max(seconds) / min(seconds)


ROWS = (
    Row("assign_scan", "3 matrices of 9,375 cells ÷ summing the columns read", ratio_to_scan, 5),
    Row("assign_peak", "the same, memory", peak, 3, unit="GiB"),
    Row(
        "assign_per_cell",
        "a query per cell (15 measured, the rest extrapolated) ÷ the same 3 matrices",
        against_a_query_per_cell,
        100,
        at_least=True,
    ),
    Row("assign_cells", "108, 10,000, 100,000 cells: slowest ÷ fastest", cells_cost_nothing, 1.5),
)
