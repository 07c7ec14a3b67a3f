"""The day's third step: every customer into exactly one cell of each published matrix."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow.parquet as pq
from django.utils.translation import gettext as _

from common.errors import DomainError
from common.keys import key_of
from customers.catalogue import rule_catalogue
from lake import partitions
from lake.engine import DuckDB
from lake.models import Partition
from rules import Catalogue, Params

from .count import COUNTS_FILE, Count, check
from .cuts import CityCuts, RankCuts, RankKey, rank_cuts, rank_key
from .definition import Bands, MatrixDefinition
from .dimensions import Dimension, Quantiles, Thresholds
from .keys import Grid, KeyQuery, attributes_of
from .models import Cell, MatrixVersion
from .parts import CUSTOMERS, SCORES, Inputs, PartReader
from .side_by_side import side_by_side

CELLS = "cells"

Progress = Callable[[int, int], None]
Kind = TypeVar("Kind", bound=Dimension)


def assign(
    snapshot: Partition,
    scores: Partition | None,
    versions: Sequence[MatrixVersion],
    *,
    progress: Progress,
) -> Partition:
    """Return the partition ``cells``: customer_no, city, and per matrix the number of his cell.

    The facts hold the proof as counted, per matrix, and the values that quantiles were cut at;
    ``counts.parquet`` beside the parts the customers per matrix, city and cell. Raises DomainError
    and leaves nothing when a customer would have no cell or two.
    """
    grids = [grid_of(version) for version in versions]
    key = key_of("assign", 1, snapshot.key, scores and scores.key, [_identity(g) for g in grids])
    known = partitions.find(CELLS, snapshot.business_date, key)
    if known is not None:
        return known
    inputs = Inputs(snapshot.business_date, snapshot.files, scores.files if scores else None)
    with partitions.writing(CELLS, snapshot.business_date, key, parts=snapshot.parts) as draft:
        outputs = [draft.file(part) for part in range(snapshot.parts)]
        draft.facts = assign_files(
            inputs, outputs, draft.path / COUNTS_FILE, grids, rule_catalogue(), progress
        )
    assert draft.partition is not None
    return draft.partition


def grid_of(version: MatrixVersion) -> Grid:
    """Return the version with the numbers of its cells."""
    definition = MatrixDefinition.from_json(version.body)
    codes = [dimension.code for dimension in definition.dimensions]
    numbers = {
        _hashable(bands, codes): number
        for number, bands in Cell.objects.of_version(version).values_list("number", "bands")
    }
    cells = [numbers[_hashable(bands, codes)] for bands in definition.cells()]
    return Grid(definition, version.number, np.array(cells, np.int64))


def _hashable(bands: Bands, codes: Sequence[str]) -> tuple[Any, ...]:
    return tuple(str(bands.get(code)) for code in codes)


def _identity(grid: Grid) -> list[Any]:
    """What the grid's share of the result depends on."""
    return [grid.definition.to_json(), grid.version, key_of(grid.numbers.tolist())]


def assign_files(
    inputs: Inputs,
    outputs: Sequence[Path],
    counts_file: Path,
    grids: Sequence[Grid],
    catalogue: Catalogue,
    progress: Progress,
) -> dict[str, Any]:
    """Write the parts of ``cells`` and their counts; return the facts. See ``assign``.

    Two passes: the first finds the values at the quantiles' ranks over the whole snapshot, the
    second goes part by part, as many side by side as the engine may use threads.
    """
    reader, ranked = part_reader(inputs, grids, catalogue)
    count = Count(grids)
    written = side_by_side(reader.write, list(enumerate(outputs)))
    for done, part in enumerate(written, 1):
        count.add(part)
        progress(done, len(outputs))
    rows_in = sum(pq.read_metadata(file).num_rows for file in inputs.customers)
    check(rows_in, count)
    pq.write_table(count.table(), counts_file, compression="zstd")
    proofs = zip(grids, count.facts(), strict=True)
    return {
        "rows_in": rows_in,
        "rows_out": count.rows,
        "matrices": [proof | {"cuts": _cuts_of(grid, ranked)} for grid, proof in proofs],
    }


def part_reader(
    inputs: Inputs,
    grids: Sequence[Grid],
    catalogue: Catalogue,
    known_ranks: Mapping[RankKey, list[float] | None] | None = None,
) -> tuple[PartReader, RankCuts]:
    """Return what finds the cells of any part, and the cuts of the quantile dimensions.

    ``known_ranks``: cuts of this very snapshot that need not be found again.
    """
    homes = _homes(inputs, grids, catalogue)
    ranked = _rank(inputs, grids, homes, known_ranks or {})
    city_cuts = CityCuts(_dimensions(grids, Thresholds))
    params = Params(inputs.business_date)
    tree = KeyQuery(grids, catalogue, params, ranked, city_cuts).tree()
    return PartReader(inputs, grids, homes, city_cuts, tree, params.values), ranked


def _homes(inputs: Inputs, grids: Sequence[Grid], catalogue: Catalogue) -> dict[str, str]:
    """Return for each attribute that is read the file it is in."""
    read = set().union(*(attributes_of(grid.definition, catalogue) for grid in grids))
    present = dict.fromkeys(pq.read_schema(inputs.scores[0]).names, SCORES) if inputs.scores else {}
    present |= dict.fromkeys(pq.read_schema(inputs.customers[0]).names, CUSTOMERS)
    absent = sorted(read - set(present))
    if absent:
        raise DomainError(
            "attribute_missing",
            _(
                "The snapshot of %(date)s lacks %(attributes)s, which a published matrix reads: "
                "add them to the source's mapping, or publish a matrix without them."
            )
            % {"date": inputs.business_date, "attributes": ", ".join(absent)},
            status=409,
            attributes=absent,
        )
    return {attribute: present[attribute] for attribute in sorted(read)}


def _rank(
    inputs: Inputs,
    grids: Sequence[Grid],
    homes: Mapping[str, str],
    known: Mapping[RankKey, list[float] | None],
) -> RankCuts:
    """Return the cuts of every quantile dimension; those that rank alike are found once."""
    wanted = sorted({rank_key(dimension) for dimension in _dimensions(grids, Quantiles)})
    ranked = {key: known[key] for key in wanted if key in known}
    files = {CUSTOMERS: inputs.customers, SCORES: inputs.scores}
    with DuckDB() as engine:
        for key in (key for key in wanted if key not in known):
            engine.register("ranked", files[homes[key[0]]])
            ranked[key] = rank_cuts(engine, "ranked", key)
    return ranked


def _dimensions(grids: Sequence[Grid], kind: type[Kind]) -> list[Kind]:
    return [d for grid in grids for d in grid.definition.dimensions if isinstance(d, kind)]


def _cuts_of(grid: Grid, ranked: RankCuts) -> dict[str, list[float] | None]:
    """The values at which today's quantiles were cut, ascending, by dimension."""
    return {d.code: ranked[rank_key(d)] for d in _dimensions([grid], Quantiles)}
