"""What a draft would do, on today's snapshot: how many go from each cell to each of its cells.

Exact and in one pass, like an assignment that writes nothing: each part is placed in the draft's
cells and laid beside the cells that its customers have today.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from math import prod
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.utils.translation import gettext as _

from common.errors import DomainError
from lake.engine import DuckDB
from lake.models import Partition
from rules import Catalogue

from .assign import Progress, part_reader
from .cuts import RankKey, rank_key
from .definition import Bands, Group, MatrixDefinition, band_codes
from .dimensions import Quantiles
from .keys import Grid, cell_column
from .models import Cell, MatrixVersion
from .parts import Inputs, PartReader
from .side_by_side import side_by_side
from .tree import Box

# Cells × combinations of what is asked beyond which a preview asks everybody everything.
MOST_WAYS = 20_000_000
# Cells of a draft have no numbers yet: they are known by their place among its cells.
OUTSIDE = None


@dataclass(frozen=True)
class Preview:
    """``flows``: customers by (number of today's cell, place of the draft's), None: outside.

    ``before`` is empty for a matrix that has not been assigned yet: then all come from outside.
    """

    definition: MatrixDefinition
    flows: Mapping[tuple[int | None, int | None], int]

    @property
    def customers(self) -> Counter[int | None]:
        """Customers by place of the draft's cells."""
        return self._summed(1)

    @property
    def before(self) -> Counter[int | None]:
        """Customers by number of today's cells."""
        return self._summed(0)

    def _summed(self, side: int) -> Counter[int | None]:
        total: Counter[int | None] = Counter()
        for pair, customers in self.flows.items():
            total[pair[side]] += customers
        return total


def preview(
    definition: MatrixDefinition,
    snapshot: Partition,
    scores: Partition | None,
    cells: Partition | None,
    catalogue: Catalogue,
    *,
    progress: Progress,
) -> Preview:
    """Place today's customers in the cells of a draft that has been proved.

    ``cells``: where they are today, None before the first day. Raises DomainError
    ``attribute_missing`` (409) when the draft reads what the snapshot lacks, ``not_exactly_one``
    (409) when somebody would be in no cell.
    """
    inputs = Inputs(snapshot.business_date, snapshot.files, scores.files if scores else None)
    had = _had(cells, definition) if cells is not None else None
    ranks = dict(_known_ranks(cells)) if cells is not None else {}
    return Preview(definition, preview_files(definition, inputs, had, catalogue, ranks, progress))


@dataclass(frozen=True)
class Had:
    """The cells that customers have today: files by part, and the matrix's column in them.

    ``way``: how to find a customer's place in the draft from his cell, where there is one.
    """

    files: Sequence[Path]
    column: str
    way: "Way | None" = None

    def of(self, part: int) -> np.ndarray:
        """Each customer's cell number, int64, -1 outside."""
        table = pq.read_table(self.files[part], columns=[self.column], use_threads=False)
        return table[self.column].fill_null(-1).to_numpy()


@dataclass(frozen=True)
class Way:
    """From a cell of today to a place in the draft, where both say the same of shared dimensions.

    A customer's bands in all dimensions that his cell fixes are known by it. What remains to be
    asked are the dimensions of which some cell has several bands: often one, or none.

    numbers: today's cells, ascending. asks: those dimensions as a matrix of their own, whose places
    are the combinations of their bands; None: nothing is asked. places: int64 (cells, and the
    outside last × combinations, and nowhere last), the place in the draft.
    """

    numbers: np.ndarray
    asks: MatrixDefinition | None
    places: np.ndarray

    @property
    def settled(self) -> np.ndarray:
        """By cell whether nothing need be asked of its customers."""
        known = self.places[:, : max(1, self.places.shape[1] - 1)]
        return (known == known[:, :1]).all(axis=1)

    def rows(self, before: np.ndarray) -> np.ndarray:
        """The row of ``places`` for each cell number; the last one for -1, outside."""
        if not len(self.numbers):
            return np.zeros(len(before), np.int64)
        low = int(self.numbers[0])
        # Numbers are given in order, so those of a matrix lie close together. The last row is -1's.
        table = np.full(int(self.numbers[-1]) - low + 2, len(self.numbers), np.int64)
        table[self.numbers - low] = np.arange(len(self.numbers))
        return table[np.where(before < 0, len(table) - 1, before - low)]

    @classmethod
    def between(
        cls, before: MatrixDefinition, cells: Mapping[int, Bands], after: MatrixDefinition
    ) -> "Way | None":
        """Return the way from ``before``'s numbered cells to ``after``; None if there is none.

        There is none where any customer may move: the definitions differ in a dimension that both
        have, or in their bounds. Nor where the table would be too large to be worth it.
        """
        had = {dimension.code: dimension for dimension in before.dimensions}
        shared = [dimension for dimension in after.dimensions if dimension.code in had]
        if before.bounds != after.bounds or any(d != had[d.code] for d in shared):
            return None
        numbers = np.array(sorted(cells), np.int64)
        masks = _masks(after)
        boxes = [_box_in(masks, cells[number]) for number in numbers.tolist()]
        kept = set(after.tree.leaves())
        changed = [box for box in boxes if box not in kept]
        open_ = [
            place
            for place in range(len(after.dimensions))
            if any(box[place].bit_count() > 1 for box in changed)
        ]
        sizes = [len(after.dimensions[place].all_bands) for place in open_]
        if (len(boxes) + 1) * (prod(sizes) + 1) > MOST_WAYS:
            return None
        places = _places(after, boxes, open_, list(product(*map(range, sizes))))
        asked = tuple(after.dimensions[place] for place in open_)
        bare = {"scope": "", "group": Group(), "grid": (), "edits": ()}
        return cls(numbers, replace(after, dimensions=asked, **bare) if asked else None, places)


Masks = list[tuple[str, int, dict[str, int]]]


def _masks(definition: MatrixDefinition) -> Masks:
    """By dimension its code, the mask of all its bands, and each band's."""
    return [
        (d.code, (1 << len(d.all_bands)) - 1, {b.code: 1 << p for p, b in enumerate(d.all_bands)})
        for d in definition.dimensions
    ]


def _box_in(masks: Masks, bands: Bands) -> Box:
    """The box of a cell of another version, whose other dimensions say nothing here."""
    return tuple(
        sum(of_band[code] for code in band_codes(bands[dimension])) if dimension in bands else whole
        for dimension, whole, of_band in masks
    )


def _places(
    definition: MatrixDefinition,
    boxes: Sequence[Box],
    open_: Sequence[int],
    combinations: Sequence[tuple[int, ...]],
) -> np.ndarray:
    """``Way.places``: any band of the box will do for a dimension that is not open."""
    finder = definition.tree.finder()
    lowest = [[(mask & -mask).bit_length() - 1 for mask in box] for box in boxes]
    firsts = np.array(lowest, np.int64)
    places = np.full((len(boxes) + 1, len(combinations) + 1), finder.size, np.int64)
    places[-1] = finder.size + 1
    for column, bands in enumerate(combinations):
        there = firsts.copy().reshape(len(boxes), -1)
        there[:, list(open_)] = bands
        keys = np.zeros(len(boxes), np.int64)
        for dimension in definition.tree.grid:
            keys = keys * definition.tree.sizes[dimension] + there[:, dimension]
        places[:-1, column] = finder.find(keys, {d: there[:, d] for d in finder.asks})
    _pass_over_absent(places[:-1, :-1], boxes, open_, np.array(combinations, np.int64))
    return places


def _pass_over_absent(
    places: np.ndarray, boxes: Sequence[Box], open_: Sequence[int], combinations: np.ndarray
) -> None:
    """Give combinations that a cell has not the place of one that it has: nobody asks for them,
    and they must not make it look as if anything had to be asked."""
    has = np.ones(places.shape, bool)
    for column, dimension in enumerate(open_):
        size = int(combinations[:, column].max()) + 1
        held = np.array([[box[dimension] >> band & 1 for band in range(size)] for box in boxes])
        has &= held[:, combinations[:, column]].astype(bool)
    first = places[np.arange(len(boxes)), has.argmax(axis=1)]
    np.copyto(places, first[:, None], where=~has)


def preview_files(
    definition: MatrixDefinition,
    inputs: Inputs,
    had: Had | None,
    catalogue: Catalogue,
    known_ranks: Mapping[RankKey, list[float] | None],
    progress: Progress,
) -> dict[tuple[int | None, int | None], int]:
    """Count the flows from files; see ``preview``."""
    grid = Grid(definition, 0, np.arange(definition.size))
    asks = had.way.asks if had and had.way else definition
    reader = None
    if asks is not None:
        asked = Grid(asks, 0, np.arange(asks.size))
        reader, _ranked = part_reader(inputs, [asked], catalogue, known_ranks)
    parts = len(inputs.customers)
    total: Counter[tuple[int | None, int | None]] = Counter()
    counted = side_by_side(partial(_count, reader, grid, had), range(parts))
    for done, counts in enumerate(counted, 1):
        total.update(counts)
        progress(done, parts)
    if nowhere := sum(n for (_cell, place), n in total.items() if place == grid.nowhere):
        raise DomainError(
            "not_exactly_one",
            _("%d customers would be in no cell: a value that no band names needs an 'other' band.")
            % nowhere,
            status=409,
        )
    return dict(total)


def _count(
    reader: PartReader | None, grid: Grid, had: Had | None, engine: DuckDB, part: int
) -> dict[tuple[int | None, int | None], int]:
    if had is None or had.way is None:
        assert reader is not None
        places = reader.place(engine, part).places[0]
        before = had.of(part) if had else np.full(len(places), -1, np.int64)
    else:
        before = had.of(part)
        places = _by_way(reader, had.way, before, engine, part)
    # One number per pair: places are few, cell numbers may grow for ever.
    width = grid.outside + 1
    pairs = pc.value_counts(pa.array((before + 1) * width + places))
    found = zip(pairs.field("values").to_pylist(), pairs.field("counts").to_pylist(), strict=True)
    return {
        (
            pair // width - 1 if pair >= width else OUTSIDE,
            pair % width if pair % width != grid.outside else OUTSIDE,
        ): customers
        for pair, customers in found
    }


def _by_way(
    reader: PartReader | None, way: Way, before: np.ndarray, engine: DuckDB, part: int
) -> np.ndarray:
    """The customers' places: from their cells, and from what must be asked of some."""
    rows = way.rows(before)
    places = way.places[rows, 0]
    if reader is not None:
        wanted = ~way.settled[rows]
        if wanted.any():
            asked = reader.place(engine, part, wanted).places[0]
            places[wanted] = way.places[rows[wanted], asked]
    return places


def _version_of(cells: Partition, matrix: str) -> MatrixVersion | None:
    """The version that the day assigned by, None where it has no such matrix."""
    numbers = {proof["matrix"]: proof["version"] for proof in cells.facts["matrices"]}
    return MatrixVersion.objects.filter(matrix=matrix, number=numbers.get(matrix)).first()


def _had(cells: Partition, definition: MatrixDefinition) -> Had | None:
    """Today's cells of the matrix, None where the day did not assign it."""
    version = _version_of(cells, definition.code)
    if version is None:
        return None
    numbered = dict(Cell.objects.of_version(version).values_list("number", "bands"))
    way = Way.between(MatrixDefinition.from_json(version.body), numbered, definition)
    return Had(cells.files, cell_column(definition.code), way)


def _known_ranks(cells: Partition) -> Iterator[tuple[RankKey, list[float] | None]]:
    """The cuts that the day's assignment found for the quantiles of its matrices."""
    for proof in cells.facts["matrices"]:
        version = MatrixVersion.objects.get(matrix=proof["matrix"], number=proof["version"])
        for dimension in MatrixDefinition.from_json(version.body).dimensions:
            if isinstance(dimension, Quantiles) and dimension.code in proof["cuts"]:
                yield rank_key(dimension), proof["cuts"][dimension.code]
