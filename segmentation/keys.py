"""The place of a customer's cell in each matrix, as one query over a table of customers.

A matrix lists its cells in the order of ``MatrixDefinition.cells()``. The bands of a customer, read
as the digits of a mixed-radix number, are the place of his cell in that list: one number per
matrix, with no branch or join per cell. Where the grid was edited, that number is his key, from
which the tree finds the place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import sqlglot
from sqlglot import exp

from rules import Catalogue, Params, compile_condition, is_true

from .bands import SOURCE, band_index, column
from .cuts import CityCuts, RankCuts, rank_key
from .definition import MatrixDefinition
from .dimensions import AttributeDimension, Dimension, Quantiles, Rules, Thresholds
from .tree import Finder

ROW = "row"
BANDED = "banded"


@dataclass(frozen=True)
class Grid:
    """A published matrix; ``numbers``: int64, its cells in the order of ``definition.cells()``."""

    definition: MatrixDefinition
    version: int
    numbers: np.ndarray

    @property
    def column(self) -> str:
        return cell_column(self.definition.code)

    # Two places past the cells: a customer of the scope whom no band takes, and one outside it.
    @property
    def nowhere(self) -> int:
        return self.definition.size

    @property
    def outside(self) -> int:
        return self.definition.size + 1

    @cached_property
    def finder(self) -> Finder | None:
        """What finds the cells of an edited grid; None: a key is the place of a cell."""
        return self.definition.tree.finder() if self.definition.edits else None

    @property
    def asked(self) -> list[int]:
        """The dimensions whose bands the finder wants beside the key."""
        return self.finder.asks if self.finder else []

    def places(self, keys: np.ndarray, bands: dict[int, np.ndarray]) -> np.ndarray:
        """The places of the cells of customers with these keys and bands of ``asked``."""
        return self.finder.find(keys, bands) if self.finder else keys

    def cells_at(self, places: np.ndarray) -> pa.Array:
        """The numbers of the cells there, int64: 0 for ``nowhere``, null for ``outside``."""
        numbers = np.concatenate([self.numbers, [0, 0]])
        return pa.array(numbers[places], pa.int64(), mask=places == self.outside)


def cell_column(matrix: str) -> str:
    """The column of the dataset ``cells`` that holds the matrix's cell numbers."""
    return "cell_" + matrix.replace("-", "_")


def key_column(place: int) -> str:
    """The column of the query's result that holds the keys of the grid at ``place``."""
    return f"key_{place}"


def asked_column(place: int, dimension: int) -> str:
    """The column that holds the bands of a dimension which the grid at ``place`` asks."""
    return f"asked_{place}_{dimension}"


def rules_of(definition: MatrixDefinition) -> list[str]:
    """Return every rule of the matrix: of its bands, its scope and its group."""
    rules = [band.rule for d in definition.dimensions if isinstance(d, Rules) for band in d.bands]
    return [rule for rule in rules if rule] + [rule for rule, _truth in definition.bounds]


def attributes_of(definition: MatrixDefinition, catalogue: Catalogue) -> set[str]:
    """Return every attribute that the matrix reads: by its dimensions, their rules, its bounds."""
    read = {d.attribute for d in definition.dimensions if isinstance(d, AttributeDimension)}
    for text in rules_of(definition):
        read |= set(compile_condition(text, catalogue).attributes)
    return read


@dataclass(frozen=True)
class KeyQuery:
    """What the query is made from; ``ranked``: the cuts of the quantile dimensions."""

    grids: Sequence[Grid]
    catalogue: Catalogue
    params: Params
    ranked: RankCuts
    city_cuts: CityCuts

    def tree(self) -> exp.Select:
        """Return ROW and one key per grid, INTEGER and never null, of every row of SOURCE.

        Beside a key are the bands that its grid asks, -1 for none. Each band is computed once,
        however many matrices share it.
        """
        bands: dict[exp.Expression, str] = {}
        keys = []
        for place, grid in enumerate(self.grids):
            definition = grid.definition
            names = {
                dimension.code: bands.setdefault(self._band(dimension), f"band_{len(bands)}")
                for dimension in definition.dimensions
            }
            key = _mixed_radix(
                [column(names[d.code], BANDED) for d in definition.grid_dimensions], definition
            )
            key = exp.Coalesce(this=key, expressions=[_number(definition.grid_size)])
            keys.append(exp.alias_(self._scoped(grid, key, bands), key_column(place)))
            for dimension in grid.asked:
                band = column(names[definition.dimensions[dimension].code], BANDED)
                known = exp.Coalesce(this=band, expressions=[_number(-1)])
                keys.append(exp.alias_(known, asked_column(place, dimension)))
        banded = sqlglot.select(
            column(ROW), *[exp.alias_(band, name) for band, name in bands.items()]
        ).from_(SOURCE)
        return sqlglot.select(column(ROW, BANDED), *keys).from_(banded.subquery(BANDED))

    def _band(self, dimension: Dimension) -> exp.Expression:
        return band_index(dimension, self.params, self.catalogue, self._cuts(dimension))

    def _cuts(self, dimension: Dimension) -> list[exp.Expression] | None:
        if isinstance(dimension, Thresholds) and dimension.city_cuts:
            return [column(name) for name in self.city_cuts.names(dimension)]
        if isinstance(dimension, Thresholds):
            return self._bound(dimension.cuts)
        if isinstance(dimension, Quantiles):
            cuts = self.ranked[rank_key(dimension)]
            return None if cuts is None else self._bound(cuts)
        return None

    def _bound(self, cuts: Sequence[float]) -> list[exp.Expression]:
        return [self.params.bind(float(cut), "DOUBLE") for cut in cuts]

    def _scoped(
        self, grid: Grid, key: exp.Expression, bands: dict[exp.Expression, str]
    ) -> exp.Expression:
        """The key, or ``outside`` for a customer out of the matrix's bounds."""
        if not grid.definition.bounds:
            return key
        bounds = [self._bound_by(*bound) for bound in grid.definition.bounds]
        inside = bands.setdefault(exp.and_(*bounds), f"band_{len(bands)}")
        return exp.Case(
            ifs=[exp.If(this=column(inside, BANDED), true=key)],
            default=_number(grid.definition.grid_size + 1),
        )

    def _bound_by(self, rule: str, truth: bool) -> exp.Expression:
        """Whether the rule is true of a customer; or the opposite, unknown being not true."""
        held = is_true(compile_condition(rule, self.catalogue).sql(self.params, SOURCE))
        return held if truth else exp.not_(exp.paren(held))


def _mixed_radix(bands: Sequence[exp.Expression], definition: MatrixDefinition) -> exp.Expression:
    """The bands as digits, the last dimension's the lowest."""
    key = bands[0]
    for band, dimension in zip(bands[1:], definition.grid_dimensions[1:], strict=True):
        shifted = exp.Mul(this=exp.paren(key), expression=_number(len(dimension.all_bands)))
        key = exp.Add(this=shifted, expression=band)
    return key


def _number(value: int) -> exp.Expression:
    return exp.Literal.number(value)
