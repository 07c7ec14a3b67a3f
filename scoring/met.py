"""What a day's snapshot holds of the features that models read, before anybody is scored.

A share is of the customers whom a model scores, as in its training: what is never known of others
says nothing about them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

from lake.engine import DuckDB
from lake.models import Partition
from rules import Params, Rule

from .applied import Applied
from .models import ModelVersion
from .profile import missing_at_training, read_profile

# How much more often than in training a feature may be unknown until yesterday's scores stand.
STALE_ABOVE = 0.5
SNAPSHOT, CHOSEN = "snapshot", "chosen"


@dataclass(frozen=True)
class Met:
    """What a version finds of its features in a snapshot, before it scores.

    absent    features that the snapshot lacks
    retyped   features that came as texts where training had numbers, or the other way round
    missing   feature → share unknown now; ``trained``: → share unknown in training
    """

    absent: tuple[str, ...]
    retyped: tuple[str, ...]
    missing: dict[str, float]
    trained: dict[str, float]

    @property
    def too_much(self) -> bool:
        return any(
            share > self.trained.get(name, 0.0) + STALE_ABOVE
            for name, share in self.missing.items()
        )

    def told(self) -> dict[str, Any]:
        return {
            "absent": list(self.absent),
            "retyped": list(self.retyped),
            "missing": {name: round(share, 6) for name, share in self.missing.items()},
            "missing_at_training": {n: round(share, 6) for n, share in self.trained.items()},
        }


def met(
    snapshot: Partition, models: Sequence[Applied], versions: Sequence[ModelVersion]
) -> dict[str, Met]:
    """Return what each model meets, by its code: the files' schema, and one look at the rows.

    Where a model scores everybody the nulls are those that the files count themselves.
    """
    schema = pq.read_schema(snapshot.file(0))
    read = {m.code: [f for f in m.features if f.attribute not in m.scores] for m in models}
    present = {
        code: [f.attribute for f in features if f.attribute in schema.names]
        for code, features in read.items()
    }
    unknown = _unknown_of_all(snapshot, {name for names in present.values() for name in names})
    inside = [m for m in models if m.population and present[m.code]]
    populations = {m.code: m.population for m in inside if m.population}
    of_some = _unknown_inside(snapshot, populations, present) if populations else {}
    found = {}
    for model, version in zip(models, versions, strict=True):
        own, names = read[model.code], present[model.code]
        absent = tuple(f.attribute for f in own if f.attribute not in names)
        retyped = tuple(
            f.attribute
            for f in own
            if f.attribute in names
            and pa.types.is_string(schema.field(f.attribute).type) != (f.categories is not None)
        )
        missing = of_some.get(model.code) or {name: unknown[name] for name in names}
        profile = read_profile(model.features, version.profile)
        trained = missing_at_training(profile)
        found[model.code] = Met(absent, retyped, missing | dict.fromkeys(absent, 1.0), trained)
    return found


def _unknown_of_all(snapshot: Partition, names: set[str]) -> dict[str, float]:
    """Share of nulls by column, read from what the files say of themselves."""
    counts = dict.fromkeys(sorted(names), 0)
    for part in range(snapshot.parts):
        metadata = pq.read_metadata(snapshot.file(part))
        for group in range(metadata.num_row_groups):
            rows = metadata.row_group(group)
            for place in range(rows.num_columns):
                column = rows.column(place)
                if column.path_in_schema in counts and column.statistics is not None:
                    counts[column.path_in_schema] += column.statistics.null_count or 0
    return {name: n / max(1, snapshot.rows) for name, n in counts.items()}


def _unknown_inside(
    snapshot: Partition, populations: Mapping[str, Rule], present: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Model → column → share of nulls among its population, all of them in one pass."""
    params = Params(snapshot.business_date)
    chosen = [
        exp.alias_(rule.sql(params, SNAPSHOT), _inside(code), quoted=True)
        for code, rule in populations.items()
    ]
    names = sorted({name for code in populations for name in present[code]})
    rows = sqlglot.select(*(_column(name, SNAPSHOT) for name in names), *chosen).from_(SNAPSHOT)
    counts = [
        count
        for code in populations
        for count in (
            _count(code, exp.Star()),
            *(_count(code, _column(name, CHOSEN)) for name in present[code]),
        )
    ]
    with DuckDB() as engine:
        engine.register(SNAPSHOT, snapshot.files)
        [told] = engine.rows(sqlglot.select(*counts).from_(rows.subquery(CHOSEN)), params.values)
    found, at = {}, iter(told)
    for code in populations:
        size = next(at)
        found[code] = {name: (size - next(at)) / max(1, size) for name in present[code]}
    return found


def _count(code: str, what: exp.Expression) -> exp.Filter:
    holds = exp.Where(this=_column(_inside(code), CHOSEN))
    return exp.Filter(this=exp.Count(this=what), expression=holds)


def _inside(code: str) -> str:
    return f"__in_{code}"


def _column(name: str, table: str) -> exp.Column:
    return exp.column(name, table=table, quoted=True)
