"""What a draft would do, on today's snapshot: how many go from each cell to each of its cells.

Exact and in one pass, like an assignment that writes nothing: each part is placed in the draft's
cells and laid beside the cells that its customers have today.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.utils.translation import gettext as _

from common.errors import DomainError
from lake.models import Partition
from rules import Catalogue

from .assign import Progress, part_reader, side_by_side
from .cuts import RankKey, rank_key
from .definition import MatrixDefinition, Quantiles
from .keys import Grid, cell_column
from .models import MatrixVersion
from .parts import Inputs, PartReader

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
    column = cell_column(definition.code)
    had = cells.files if cells is not None and _assigns(cells, definition.code) else None
    known = dict(_known_ranks(cells)) if cells is not None else {}
    flows = preview_files(definition, inputs, had, column, catalogue, known, progress)
    return Preview(definition, flows)


def preview_files(
    definition: MatrixDefinition,
    inputs: Inputs,
    cells: Sequence[Path] | None,
    column: str,
    catalogue: Catalogue,
    known_ranks: Mapping[RankKey, list[float] | None],
    progress: Progress,
) -> dict[tuple[int | None, int | None], int]:
    """Count the flows from files; see ``preview``."""
    grid = Grid(definition, 0, np.arange(definition.size))
    reader, _ranked = part_reader(inputs, [grid], catalogue, known_ranks)
    parts = len(inputs.customers)
    total: Counter[tuple[int | None, int | None]] = Counter()
    counted = side_by_side(lambda part: _count(reader, part, cells, column), parts)
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
    reader: PartReader, part: int, cells: Sequence[Path] | None, column: str
) -> dict[tuple[int | None, int | None], int]:
    (grid,) = reader.grids
    placed = reader.place(part)
    places = placed.places[0]
    before = np.full(len(places), -1, np.int64)
    if cells is not None:
        table = pq.read_table(cells[part], columns=[column], use_threads=False)
        before = table[column].fill_null(-1).to_numpy()
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


def _assigns(cells: Partition, matrix: str) -> bool:
    return matrix in [proof["matrix"] for proof in cells.facts["matrices"]]


def _known_ranks(cells: Partition) -> Iterator[tuple[RankKey, list[float] | None]]:
    """The cuts that the day's assignment found for the quantiles of its matrices."""
    for proof in cells.facts["matrices"]:
        version = MatrixVersion.objects.get(matrix=proof["matrix"], number=proof["version"])
        for dimension in MatrixDefinition.from_json(version.body).dimensions:
            if isinstance(dimension, Quantiles) and dimension.code in proof["cuts"]:
                yield rank_key(dimension), proof["cuts"][dimension.code]
