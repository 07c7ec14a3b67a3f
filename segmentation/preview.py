"""What a draft would do, on today's snapshot: how many go from each cell to each of its cells.

Exact and in one pass, like an assignment that writes nothing: each part is placed in the draft's
cells and laid beside the cells that its customers have today.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.utils.translation import gettext as _

from common.errors import DomainError
from common.keys import key_of
from lake.engine import DuckDB
from lake.models import Partition
from rules import Catalogue

from .assign import Progress, part_reader
from .cuts import RankKey, rank_key
from .definition import MatrixDefinition, Quantiles
from .keys import Grid, cell_column
from .models import Cell, MatrixVersion
from .parts import Inputs, PartReader
from .side_by_side import side_by_side

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
    today = _version_of(cells, definition.code) if cells is not None else None
    ranks = dict(_known_ranks(cells)) if cells is not None else {}
    had = Had(cells.files, cell_column(definition.code), kept(today, definition)) if today else None
    return Preview(definition, preview_files(definition, inputs, had, catalogue, ranks, progress))


@dataclass(frozen=True)
class Had:
    """The cells that customers have today: files by part, the matrix's column in them, and the
    cells (number → place in the draft) whose customers stay where they are, whatever they read."""

    files: Sequence[Path]
    column: str
    kept: Mapping[int, int]

    def of(self, part: int) -> np.ndarray:
        """Each customer's cell number, int64, -1 outside."""
        table = pq.read_table(self.files[part], columns=[self.column], use_threads=False)
        return table[self.column].fill_null(-1).to_numpy()

    def stays(self, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """By customer whether his cell is kept, and the place that it has in the draft."""
        numbers = np.array(sorted(self.kept), np.int64)
        places = np.array([self.kept[number] for number in numbers.tolist()], np.int64)
        if not len(numbers):
            return np.zeros(len(before), bool), before
        at = np.searchsorted(numbers, before).clip(max=len(numbers) - 1)
        return numbers[at] == before, places[at]


def kept(version: MatrixVersion, definition: MatrixDefinition) -> dict[int, int]:
    """The cells (number → place) that the draft has just as the version has them.

    Empty where the draft says anything else about a dimension that both have, or about the scope:
    then any customer may move.
    """
    before = MatrixDefinition.from_json(version.body)
    had = {dimension.code: dimension for dimension in before.dimensions}
    shared = [dimension for dimension in definition.dimensions if dimension.code in had]
    if before.bounds != definition.bounds or any(d != had[d.code] for d in shared):
        return {}
    cells = Cell.objects.of_version(version).values_list("identity", "number")
    numbers = dict(cells)
    places = ((key_of(bands), place) for place, bands in enumerate(definition.cells()))
    return {numbers[key]: place for key, place in places if key in numbers}


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
    reader, _ranked = part_reader(inputs, [grid], catalogue, known_ranks)
    parts = len(inputs.customers)
    total: Counter[tuple[int | None, int | None]] = Counter()
    counted = side_by_side(partial(_count, reader, had), range(parts))
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
    reader: PartReader, had: Had | None, engine: DuckDB, part: int
) -> dict[tuple[int | None, int | None], int]:
    (grid,) = reader.grids
    if had is None:
        places = reader.place(engine, part).places[0]
        before = np.full(len(places), -1, np.int64)
    else:
        before = had.of(part)
        stays, places = had.stays(before)
        places = places.copy()
        places[~stays] = reader.place(engine, part, ~stays).places[0]
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


def _version_of(cells: Partition, matrix: str) -> MatrixVersion | None:
    """The version that the day assigned by, None where it has no such matrix."""
    numbers = {proof["matrix"]: proof["version"] for proof in cells.facts["matrices"]}
    return MatrixVersion.objects.filter(matrix=matrix, number=numbers.get(matrix)).first()


def _known_ranks(cells: Partition) -> Iterator[tuple[RankKey, list[float] | None]]:
    """The cuts that the day's assignment found for the quantiles of its matrices."""
    for proof in cells.facts["matrices"]:
        version = MatrixVersion.objects.get(matrix=proof["matrix"], number=proof["version"])
        for dimension in MatrixDefinition.from_json(version.body).dimensions:
            if isinstance(dimension, Quantiles) and dimension.code in proof["cuts"]:
                yield rank_key(dimension), proof["cuts"][dimension.code]
