"""Two definitions of a matrix on the same customers: how many are in which cell of each."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lake.engine import DuckDB
from lake.models import Partition
from rules import Catalogue

from .assign import grid_of, part_reader
from .definition import MatrixDefinition
from .keys import Grid
from .models import MatrixVersion
from .parts import Inputs, PartReader
from .preview import Preview
from .side_by_side import side_by_side

Place = int | None
# Places of a cell of the one and of the other definition; None: outside the scope.
Moves = Mapping[tuple[Place, Place], int]


def moves(
    before: MatrixDefinition,
    after: MatrixDefinition,
    snapshot: Partition,
    scores: Partition | None,
    catalogue: Catalogue,
) -> Moves:
    """Count the snapshot's customers by their place in both, exactly and in one pass.

    Raises DomainError ``attribute_missing`` (409) where one of them reads what the snapshot lacks.
    """
    inputs = Inputs(snapshot.business_date, snapshot.files, scores.files if scores else None)
    grids = [
        Grid(replace(definition, code=code), 0, np.arange(definition.size))
        for code, definition in (("before", before), ("after", after))
    ]
    reader, _ranked = part_reader(inputs, grids, catalogue)
    total: Counter[tuple[Place, Place]] = Counter()
    for counts in side_by_side(partial(_count, reader), range(len(inputs.customers))):
        total.update(counts)
    return dict(total)


def preview_from(
    published: MatrixVersion,
    definition: MatrixDefinition,
    snapshot: Partition,
    scores: Partition | None,
    catalogue: Catalogue,
) -> Preview:
    """Preview the definition against a version whose cells no day has assigned yet."""
    numbers = grid_of(published).numbers.tolist()
    before = MatrixDefinition.from_json(published.body)
    found = moves(before, definition, snapshot, scores, catalogue)
    flows = {
        (None if place is None else numbers[place], after): customers
        for (place, after), customers in found.items()
    }
    return Preview(definition, flows)


def _count(reader: PartReader, engine: DuckDB, part: int) -> dict[tuple[Place, Place], int]:
    one, two = reader.grids
    placed = reader.place(engine, part)
    width = two.outside + 1
    pairs = pc.value_counts(pa.array(placed.places[0].astype(np.int64) * width + placed.places[1]))
    found = zip(pairs.field("values").to_pylist(), pairs.field("counts").to_pylist(), strict=True)
    return dict(_places(one, two, width, found))


def _places(
    one: Grid, two: Grid, width: int, found: "Iterator[tuple[int, int]]"
) -> Iterator[tuple[tuple[Place, Place], int]]:
    for pair, customers in found:
        before, after = pair // width, pair % width
        # ``nowhere`` is no cell either: what the day would refuse is outside here.
        yield (
            (
                before if before < one.nowhere else None,
                after if after < two.nowhere else None,
            ),
            customers,
        )
