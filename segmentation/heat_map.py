"""The cells of a matrix on two axes: rows and columns of bands, customers summed over the rest.

A cell lies in one field, or, where it was merged or never split by an axis, in several: it is then
shown in each of them with all of its customers, and counted in none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import ceil, prod
from urllib.parse import urlencode

from .definition import Bands, MatrixDefinition, band_codes
from .dimensions import Dimension
from .matrix_selectors import Now
from .matrix_words import MatrixWords, spoken
from .models import Cell

MOST_ROWS, MOST_COLUMNS = 40, 12
WARMTHS = 6


@dataclass
class Field:
    """One row × one column. ``cells``: those wholly inside; ``shared``: those partly inside."""

    box: dict[str, list[str]]
    cells: list[Cell] = field(default_factory=list)
    shared: list[Cell] = field(default_factory=list)
    customers: int | None = None
    change: int | None = None
    shared_customers: int | None = None
    heat: int = 0

    @property
    def query(self) -> str:
        return urlencode(self.box, doseq=True)

    @property
    def weight(self) -> int:
        return (self.customers if self.cells else self.shared_customers) or 0


@dataclass(frozen=True)
class Heading:
    """A row's or column's name, and who is in it."""

    name: str
    rule: str


@dataclass(frozen=True)
class Axes:
    """Dimension codes: ``rows`` combine, ``column`` stands across."""

    rows: tuple[str, ...]
    column: str

    @classmethod
    def of(cls, definition: MatrixDefinition, rows: str, column: str) -> "Axes":
        """What was chosen, or all of the grid where it fits on a screen, else its two ends."""
        known = {dimension.code: dimension for dimension in definition.dimensions}
        grid = [dimension.code for dimension in definition.grid_dimensions]
        chosen = (
            column
            if column in known
            else next(c for c in reversed(grid) if c != rows or len(grid) == 1)
        )
        if rows in known and rows != chosen:
            return cls((rows,), chosen)
        others = tuple(code for code in grid if code != chosen)
        if fits([known[code] for code in others], known[chosen]):
            return cls(others, chosen)
        return cls(others[:1], chosen)


def fits(rows: Sequence[Dimension], column: Dimension) -> bool:
    height = prod(len(dimension.all_bands) for dimension in rows)
    return height <= MOST_ROWS and len(column.all_bands) <= MOST_COLUMNS


class HeatMap:
    """``cells``: of the version in force, with its ``definition``."""

    def __init__(
        self, definition: MatrixDefinition, cells: Sequence[Cell], now: Now, axes: Axes
    ) -> None:
        self.definition, self.now, self.axes = definition, now, axes
        known = {dimension.code: dimension for dimension in definition.dimensions}
        self.rows = [known[code] for code in axes.rows]
        self.column = known[axes.column]
        self.words = MatrixWords.of(definition)
        self._fill(cells)

    @cached_property
    def fields(self) -> dict[tuple[str, ...], Field]:
        """By the bands of the rows' dimensions and of the column's."""
        dimensions = [*self.rows, self.column]
        bands = [[band.code for band in dimension.all_bands] for dimension in dimensions]
        return {
            codes: Field({d.code: [c] for d, c in zip(dimensions, codes, strict=True)})
            for codes in product(*bands)
        }

    def _fill(self, cells: Sequence[Cell]) -> None:
        for cell in cells:
            covered = list(self._covered(cell.bands))
            for codes in covered:
                found = self.fields[codes]
                (found.cells if len(covered) == 1 else found.shared).append(cell)
        for found in self.fields.values():
            found.customers = _sum([self.now.customers(cell) for cell in found.cells])
            found.change = _sum([self.now.change(cell) for cell in found.cells])
            found.shared_customers = _sum([self.now.customers(cell) for cell in found.shared])
        greatest = max((found.weight for found in self.fields.values()), default=0)
        for found in self.fields.values():
            found.heat = warmth(found.weight, greatest)

    def _covered(self, bands: Bands) -> Iterator[tuple[str, ...]]:
        dimensions = [*self.rows, self.column]
        every = [[band.code for band in dimension.all_bands] for dimension in dimensions]
        held = [
            band_codes(bands.get(dimension.code, codes))
            for dimension, codes in zip(dimensions, every, strict=True)
        ]
        return product(*held)

    @property
    def columns(self) -> list[Heading]:
        return [
            Heading(spoken(band.name), self.words.band_rule(self.column, band))
            for band in self.column.all_bands
        ]

    @property
    def lines(self) -> list[tuple[Heading, list[Field]]]:
        """Each row with its fields, in the order of the bands."""
        bands = [[band.code for band in dimension.all_bands] for dimension in self.rows]
        return [
            (
                self._heading(dict(zip(self.axes.rows, codes, strict=True))),
                [self.fields[(*codes, band.code)] for band in self.column.all_bands],
            )
            for codes in product(*bands)
        ]

    def _heading(self, bands: Mapping[str, str]) -> Heading:
        return Heading(self.words.names(bands), self.words.rule(bands))

    @property
    def summed_over(self) -> list[str]:
        """Names of the dimensions that are on neither axis."""
        shown = {*self.axes.rows, self.axes.column}
        return [spoken(d.name) for d in self.definition.dimensions if d.code not in shown]

    @property
    def has_shared(self) -> bool:
        return any(found.shared for found in self.fields.values())


def warmth(customers: int, greatest: int) -> int:
    """0 for nobody, then 1 to WARMTHS: by the root, so that small fields differ too."""
    return ceil(WARMTHS * (customers / greatest) ** 0.5) if customers else 0


def _sum(values: Sequence[int | None]) -> int | None:
    """None where any is unknown, and of nothing."""
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None
