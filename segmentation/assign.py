"""The day's third step: every customer into exactly one cell of each published matrix."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import sqlglot
from django.utils.translation import gettext as _

from common.errors import DomainError
from common.keys import key_of
from customers.catalogue import rule_catalogue
from lake import partitions
from lake.engine import DuckDB
from lake.models import Partition
from rules import Catalogue, Params

from .bands import column
from .count import CELLS, COUNTS_FILE, facts_of, repeated_customers, write_counts
from .cuts import CityCuts, RankCuts, rank_cuts, rank_key
from .definition import MatrixDefinition, Quantiles, Thresholds
from .models import Cell, MatrixVersion
from .query import CITY, CUSTOMERS, SCORES, Assignment, Grid, attributes_of

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Inputs:
    """A snapshot and its scores as files, part by part; days are counted to ``business_date``."""

    business_date: date
    customers: Sequence[Path]
    scores: Sequence[Path] | None = None


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
        tuple(map(bands.get, codes)): number
        for number, bands in Cell.objects.of_version(version).values_list("number", "bands")
    }
    cells = [numbers[tuple(bands.values())] for bands in definition.cells()]
    return Grid(definition, version.number, np.array(cells, np.int64))


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
    second writes part by part and holds one.
    """
    homes = _homes(inputs, grids, catalogue)
    with DuckDB() as engine:
        params = Params(inputs.business_date)
        ranked = _rank(engine, inputs, grids, homes)
        query = Assignment(
            grids, catalogue, params, homes, ranked, _city_cuts(engine, inputs, grids)
        ).query()
        for name, table in query.tables.items():
            engine.register(name, table)
        rows_out = repeated = 0
        for part, output in enumerate(outputs):
            _register(engine, inputs, slice(part, part + 1))
            rows_out += engine.write(query.tree, output, query.values)
            repeated += repeated_customers(output)
            progress(part + 1, len(outputs))
        counts = write_counts(engine, outputs, grids, counts_file)
    facts = {
        "rows_in": sum(pq.read_metadata(file).num_rows for file in inputs.customers),
        "rows_out": rows_out,
        "matrices": [facts_of(grid, counts, repeated) | _cuts_of(grid, ranked) for grid in grids],
    }
    _check(facts)
    return facts


def _homes(inputs: Inputs, grids: Sequence[Grid], catalogue: Catalogue) -> dict[str, str]:
    """Return for each attribute that is read the table it is in."""
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
    return {attribute: present[attribute] for attribute in read}


def _rank(
    engine: DuckDB, inputs: Inputs, grids: Sequence[Grid], homes: Mapping[str, str]
) -> RankCuts:
    """Return the cuts of every quantile dimension, each found once."""
    dimensions = [d for grid in grids for d in grid.definition.dimensions]
    keys = {rank_key(d) for d in dimensions if isinstance(d, Quantiles)}
    _register(engine, inputs)
    # A part is a sample: its customers are there by the hash of their numbers.
    for table, files in ((CUSTOMERS, inputs.customers), (SCORES, inputs.scores)):
        if files:
            engine.register(f"sample_of_{table}", files[0])
    return {
        key: rank_cuts(engine, homes[key[0]], f"sample_of_{homes[key[0]]}", key)
        for key in sorted(keys)
    }


def _city_cuts(engine: DuckDB, inputs: Inputs, grids: Sequence[Grid]) -> CityCuts:
    dimensions = [
        d
        for grid in grids
        for d in grid.definition.dimensions
        if isinstance(d, Thresholds) and d.city_cuts
    ]
    if not dimensions:
        return CityCuts([], [])
    _register(engine, inputs)
    cities = engine.rows(sqlglot.select(column(CITY, CUSTOMERS)).distinct().from_(CUSTOMERS))
    return CityCuts(dimensions, [city for (city,) in cities])


def _register(engine: DuckDB, inputs: Inputs, parts: slice = slice(None)) -> None:
    """Make these parts of the inputs, all by default, the tables that trees name."""
    engine.register(CUSTOMERS, inputs.customers[parts])
    if inputs.scores:
        engine.register(SCORES, inputs.scores[parts])


def _cuts_of(grid: Grid, ranked: RankCuts) -> dict[str, Any]:
    """The values at which today's quantiles were cut, ascending, by dimension."""
    dimensions = [d for d in grid.definition.dimensions if isinstance(d, Quantiles)]
    return {"cuts": {d.code: ranked[rank_key(d)] for d in dimensions}}


def _check(facts: Mapping[str, Any]) -> None:
    """Law 1 as counted: as many rows as customers, nobody in no cell, nobody in two."""
    for proof in facts["matrices"]:
        if proof["unassigned"] or proof["doubly_assigned"]:
            raise DomainError(
                "not_exactly_one",
                _(
                    "Every customer must be in exactly one cell of '%(matrix)s': %(unassigned)d "
                    "are in none, %(doubly)d in two. Nothing was published. A value that no band "
                    "names needs an 'other' band; a customer in two has two rows in an input."
                )
                % {
                    "matrix": proof["matrix"],
                    "unassigned": proof["unassigned"],
                    "doubly": proof["doubly_assigned"],
                },
                status=409,
                proof=proof,
            )
    if facts["rows_in"] != facts["rows_out"]:
        raise DomainError(
            "rows_lost",
            _("Of %(rows_in)d customers %(rows_out)d came out. Nothing was published.")
            % {"rows_in": facts["rows_in"], "rows_out": facts["rows_out"]},
            status=409,
        )
