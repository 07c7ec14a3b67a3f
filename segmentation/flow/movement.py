"""What flows mean: cells in words, the dimensions that moved customers, and a day's summary."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import Q

from lake.models import Partition

from ..definition import Bands, MatrixDefinition, band_codes
from ..dimensions import Name
from ..models import Cell, MatrixVersion

TOP = 10
Pair = tuple[int | None, int | None]


@dataclass(frozen=True)
class Flow:
    """Customers of a city who were in ``from_cell`` and are in ``to_cell`` of a matrix.

    No cell before: new to the matrix; none after: departed from it.
    """

    matrix: str
    city: str
    from_cell: int | None
    to_cell: int | None
    customers: int

    @property
    def pair(self) -> Pair:
        return self.from_cell, self.to_cell

    @property
    def moved(self) -> bool:
        return None not in self.pair and self.from_cell != self.to_cell


@dataclass(frozen=True)
class People:
    """Customers of a city by whether they are here, were here, and moved in any matrix."""

    city: str
    here: bool
    was_here: bool
    moved: bool
    customers: int


class Cells:
    """The cells that two days name, decoded into bands, with the words of either day's matrices."""

    def __init__(self, definitions: dict[str, list[MatrixDefinition]]) -> None:
        self.definitions = definitions
        matrices = Cell.objects.filter(matrix__in=definitions)
        self.bands: dict[int, Bands] = dict(matrices.values_list("number", "bands"))

    @classmethod
    def of(cls, today: Partition, yesterday: Partition) -> "Cells":
        """Decode with today's words first, then yesterday's for what today no longer has."""
        named = [
            (proof["matrix"], proof["version"])
            for day in (today, yesterday)
            for proof in day.facts["matrices"]
        ]
        wanted = Q()
        for matrix, number in named:
            wanted |= Q(matrix=matrix, number=number)
        bodies = {(v.matrix_id, v.number): v.body for v in MatrixVersion.objects.filter(wanted)}
        definitions: dict[str, list[MatrixDefinition]] = defaultdict(list)
        for version in dict.fromkeys(named):
            definitions[version[0]].append(MatrixDefinition.from_json(bodies[version]))
        return cls(dict(definitions))

    def changed(self, matrix: str, pair: Pair) -> list[str]:
        """The dimensions of which the two cells share no band, in the matrix's order.

        Two cells of one version always have such a dimension. Between versions, where a cell was
        split or a dimension added or removed, who went from a cell to one that it meets has moved
        by none.
        """
        before, after = (self.bands[cell] for cell in pair if cell is not None)
        order = dict.fromkeys(d.code for m in self.definitions[matrix] for d in m.dimensions)
        return [
            code
            for code in order
            if code in before
            and code in after
            and not set(band_codes(before[code])) & set(band_codes(after[code]))
        ]

    def dimension(self, matrix: str, code: str) -> Name:
        return next(
            d.name for m in self.definitions[matrix] for d in m.dimensions if d.code == code
        )

    def described(self, matrix: str, cell: int) -> dict[str, tuple[Name, Name]]:
        """Dimension code → (dimension, band) of the cell by name, in the matrix's order."""
        bands = self.bands[cell]
        order = dict.fromkeys(d.code for m in self.definitions[matrix] for d in m.dimensions)
        return {
            code: (self.dimension(matrix, code), self._bands(matrix, code, bands[code]))
            for code in order
            if code in bands
        }

    def words(self, matrix: str, cell: int) -> Name:
        """The names of the cell's bands in one line."""
        names = [band for _dimension, band in self.described(matrix, cell).values()]
        return Name("、".join(n.zh for n in names), ", ".join(n.en for n in names))

    def _bands(self, matrix: str, dimension: str, bands: str | list[str]) -> Name:
        names = [self._band(matrix, dimension, band) for band in band_codes(bands)]
        return Name("或".join(n.zh for n in names), " or ".join(n.en for n in names))

    def _band(self, matrix: str, dimension: str, band: str) -> Name:
        return next(
            b.name
            for m in self.definitions[matrix]
            for d in m.dimensions
            if d.code == dimension
            for b in d.all_bands
            if b.code == band
        )


def summary(flows: Sequence[Flow], people: Sequence[People], cells: Cells) -> dict[str, Any]:
    """What people read of a day's flows: of the province, and under ``by_city`` of each city."""
    changed = cache(cells.changed)
    whole = _summary(flows, people, cells, changed)
    cities = sorted({p.city for p in people})
    whole["by_city"] = {
        city: _summary(
            [f for f in flows if f.city == city],
            [p for p in people if p.city == city],
            cells,
            changed,
        )
        for city in cities
    }
    return whole


def _summary(
    flows: Iterable[Flow], people: Iterable[People], cells: Cells, changed: Any
) -> dict[str, Any]:
    """``share``: the moved among those who were here on both days; None where there are none."""
    present: Counter[str] = Counter()
    for p in people:
        kind = "both" if p.here and p.was_here else "new" if p.here else "departed"
        present[kind] += p.customers
        present["moved"] += p.customers * p.moved
    by_dimension: Counter[tuple[str, str]] = Counter()
    by_pair: Counter[tuple[str, Pair]] = Counter()
    for f in flows:
        if f.moved:
            for dimension in changed(f.matrix, f.pair)[:1]:
                by_dimension[f.matrix, dimension] += f.customers
            by_pair[f.matrix, f.pair] += f.customers
    return {
        "customers": present["moved"],
        "share": present["moved"] / present["both"] if present["both"] else None,
        "new": present["new"],
        "departed": present["departed"],
        "by_dimension": [
            _dimension(matrix, code, n, cells) for (matrix, code), n in _greatest(by_dimension)
        ],
        "top": [_pair(matrix, pair, n, cells) for (matrix, pair), n in _greatest(by_pair)[:TOP]],
    }


def _greatest(counts: Counter[Any]) -> list[tuple[Any, int]]:
    """The greatest first; equal counts by their keys, so that a day always reads the same."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _dimension(matrix: str, code: str, customers: int, cells: Cells) -> dict[str, Any]:
    name = cells.dimension(matrix, code)
    return {
        "matrix": matrix,
        "dimension": code,
        "name_zh": name.zh,
        "name_en": name.en,
        "customers": customers,
    }


def _pair(matrix: str, pair: Pair, customers: int, cells: Cells) -> dict[str, Any]:
    before, after = (cells.words(matrix, cell) for cell in pair if cell is not None)
    return {
        "matrix": matrix,
        "from_cell": pair[0],
        "to_cell": pair[1],
        "from_zh": before.zh,
        "from_en": before.en,
        "to_zh": after.zh,
        "to_en": after.en,
        "customers": customers,
    }
