"""The assignment as one query: a customer's bands, of each matrix one key, of each key one number.

Nothing in it grows with the cells but one small table per matrix: the bands of a customer, read as
the digits of a mixed-radix number, are the place of his cell in that table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import sqlglot
from sqlglot import exp

from rules import Catalogue, Params, compile_condition, is_true

from .bands import SOURCE, band_index, column
from .cuts import CITY_CUTS, CityCuts, RankCuts, rank_key
from .definition import (
    AttributeDimension,
    Dimension,
    MatrixDefinition,
    Quantiles,
    Rules,
    Thresholds,
)

CUSTOMER, CITY = "customer_no", "city"
CUSTOMERS, SCORES = "customers", "scores"
BANDED, KEYED = "banded", "keyed"
# Stands in the output where a customer of the scope has no cell; no cell has this number.
UNASSIGNED = 0


@dataclass(frozen=True)
class Grid:
    """A published matrix; ``numbers``: int64, its cells in the order of ``definition.cells()``."""

    definition: MatrixDefinition
    version: int
    numbers: np.ndarray

    @property
    def column(self) -> str:
        return cell_column(self.definition.code)


def cell_column(matrix: str) -> str:
    """The column of the ``cells`` dataset that holds the matrix's cell numbers."""
    return "cell_" + matrix.replace("-", "_")


def attributes_of(definition: MatrixDefinition, catalogue: Catalogue) -> set[str]:
    """Return every attribute that the matrix reads: by its dimensions, their rules, its scope."""
    rules = [band.rule for d in definition.dimensions if isinstance(d, Rules) for band in d.bands]
    read = {d.attribute for d in definition.dimensions if isinstance(d, AttributeDimension)}
    for text in filter(None, [*rules, definition.scope]):
        read |= set(compile_condition(text, catalogue).attributes)
    return read


@dataclass(frozen=True)
class Query:
    """The tree over one part, its values, and the small tables that it joins."""

    tree: exp.Select
    values: dict[str, Any]
    tables: dict[str, pa.Table]


@dataclass(frozen=True)
class Assignment:
    """What the query is built from.

    homes    for each attribute that is read, the table it is in: CUSTOMERS or SCORES
    ranked   the cuts of the quantile dimensions
    """

    grids: Sequence[Grid]
    catalogue: Catalogue
    params: Params
    homes: Mapping[str, str]
    ranked: RankCuts
    city_cuts: CityCuts

    def query(self) -> Query:
        """Customer number, city and a column per grid, ordered by customer number.

        A column holds the cell's number, UNASSIGNED where there is none, null outside the scope.
        """
        tables = {_cells(place): _cell_table(grid) for place, grid in enumerate(self.grids)}
        if self.city_cuts.names:
            tables[CITY_CUTS] = self.city_cuts.table
        return Query(self._numbered(self._keyed()), self.params.values, tables)

    def _source(self) -> exp.Select:
        """Every attribute that is read, wherever it is, and the cuts of the customer's city."""
        homes = dict(self.homes) | {CUSTOMER: CUSTOMERS, CITY: CUSTOMERS}
        tree = sqlglot.select(*[column(name, home) for name, home in sorted(homes.items())])
        tree = tree.from_(CUSTOMERS)
        if SCORES in homes.values():
            tree = _left_join(tree, SCORES, CUSTOMER)
        if self.city_cuts.names:
            tree = tree.select(*[column(name, CITY_CUTS) for name in self.city_cuts.names])
            tree = _left_join(tree, CITY_CUTS, CITY)
        return tree

    def _keyed(self) -> exp.Select:
        """Each band is computed once, however many matrices share it; then one key per matrix."""
        bands: dict[exp.Expression, str] = {}
        keys = []
        for place, grid in enumerate(self.grids):
            indices = [self._band(dimension) for dimension in grid.definition.dimensions]
            names = [bands.setdefault(index, f"band_{len(bands)}") for index in indices]
            key = _mixed_radix([column(name, BANDED) for name in names], grid.definition)
            keys.append(exp.alias_(key, _key(place)))
        inside = [
            exp.alias_(self._inside(grid), _inside(place))
            for place, grid in enumerate(self.grids)
            if grid.definition.scope
        ]
        banded = sqlglot.select(
            *_customer(SOURCE), *inside, *[exp.alias_(b, name) for b, name in bands.items()]
        ).from_(self._source().subquery(SOURCE))
        kept = [column(flag.alias, BANDED) for flag in inside]
        return sqlglot.select(*_customer(BANDED), *kept, *keys).from_(banded.subquery(BANDED))

    def _band(self, dimension: Dimension) -> exp.Expression:
        cuts: Sequence[exp.Expression] | None = None
        if isinstance(dimension, Thresholds) and dimension.city_cuts:
            cuts = self.city_cuts.columns(dimension)
        elif isinstance(dimension, Thresholds):
            cuts = [self.params.bind(cut, "DOUBLE") for cut in dimension.cuts]
        elif isinstance(dimension, Quantiles):
            found = self.ranked[rank_key(dimension)]
            cuts = found and [self.params.bind(cut, "DOUBLE") for cut in found]
        return band_index(dimension, self.params, self.catalogue, cuts)

    def _inside(self, grid: Grid) -> exp.Expression:
        scope = compile_condition(grid.definition.scope, self.catalogue)
        return is_true(scope.sql(self.params, SOURCE))

    def _numbered(self, keyed: exp.Select) -> exp.Select:
        """Look each key up among its matrix's cells."""
        tree = sqlglot.select(*_customer(KEYED)).from_(keyed.subquery(KEYED))
        for place, grid in enumerate(self.grids):
            found = column("number", _cells(place))
            number: exp.Expression = exp.Coalesce(
                this=found, expressions=[exp.Literal.number(UNASSIGNED)]
            )
            if grid.definition.scope:
                number = exp.Case().when(column(_inside(place), KEYED), number)
            tree = tree.select(exp.alias_(number, grid.column, quoted=True))
            on = exp.EQ(this=column(_key(place), KEYED), expression=column("key", _cells(place)))
            tree = tree.join(_cells(place), on=on, join_type="left")
        return tree.order_by(column(CUSTOMER, KEYED))


def _mixed_radix(bands: Sequence[exp.Expression], definition: MatrixDefinition) -> exp.Expression:
    """The place of the cell in ``definition.cells()``: bands as digits, the last the lowest."""
    key = bands[0]
    for band, dimension in zip(bands[1:], definition.dimensions[1:], strict=True):
        radix = exp.Literal.number(len(dimension.all_bands))
        key = exp.Add(this=exp.Mul(this=exp.paren(key), expression=radix), expression=band)
    return key


def _cell_table(grid: Grid) -> pa.Table:
    keys = pa.array(np.arange(grid.definition.size, dtype=np.int32))
    return pa.table({"key": keys, "number": pa.array(grid.numbers, pa.int64())})


def _left_join(tree: exp.Select, table: str, on: str) -> exp.Select:
    same = exp.EQ(this=column(on, CUSTOMERS), expression=column(on, table))
    return tree.join(table, on=same, join_type="left")


def _customer(table: str) -> list[exp.Expression]:
    return [column(CUSTOMER, table), column(CITY, table)]


def _cells(place: int) -> str:
    return f"cells_{place}"


def _key(place: int) -> str:
    return f"key_{place}"


def _inside(place: int) -> str:
    return f"inside_{place}"
