"""Two published days of the small province as its matrices assign them, for the matrix pages."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import count
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.models import Run, State
from lake import partitions
from lake.models import Partition
from lake.parts import part_of
from segmentation.assign import assign
from segmentation.definition import MatrixDefinition
from segmentation.drafts import begin_draft, edit_draft
from segmentation.edits import Edited
from segmentation.flow.flows import flow
from segmentation.models import MatrixVersion

from . import province
from .province import DAY

PARTS = 2
EVE = DAY - timedelta(days=1)
_keys = count(1)
# arpu, is_campus, city, how many
GROUPS: tuple[tuple[float | None, bool | None, str, int], ...] = (
    (30.0, True, "hangzhou", 5),
    (30.0, False, "hangzhou", 4),
    (90.0, True, "hangzhou", 3),
    (90.0, False, "ningbo", 7),
    (None, None, "ningbo", 2),
)
SNAPSHOT = pa.schema(
    {
        "customer_no": pa.string(),
        "city": pa.string(),
        "arpu": pa.float64(),
        "is_campus": pa.bool_(),
        "income": pa.float64(),
        "data_mb": pa.float64(),
    }
)
SCORES = pa.schema({"customer_no": pa.string(), "movement_index": pa.float64()})


def publish_days() -> tuple[Run, Run]:
    """The eve and the day; between them two customers of Hangzhou came to spend more."""
    before = _people()
    today = [dict(person) for person in before]
    for person in today[:2]:
        person["arpu"] = 90.0
    eve = publish_day(EVE, before)
    return eve, publish_day(DAY, today, yesterday=_made(eve, "cells"))


def publish_day(
    day: date, people: list[dict[str, Any]], *, yesterday: Partition | None = None
) -> Run:
    """Assign these people, and write the rows of the run that published them."""
    snapshot = _write("customers", day, people, SNAPSHOT)
    scores = _write("scores", day, people, SCORES)
    versions = province.versions()
    cells = assign(snapshot, scores, versions, progress=_quiet)
    flows = flow(cells, yesterday, progress=_quiet)
    run = Run.objects.create(
        kind="day",
        business_date=day,
        number=1,
        key=f"run {day}",
        state=State.DONE,
        inputs={
            "matrices": [{"id": v.pk, "code": v.matrix_id, "version": v.number} for v in versions]
        },
    )
    outputs: dict[str, dict[str, int]] = {
        "ingest": {"customers": snapshot.pk},
        "score": {"scores": scores.pk},
        "assign": {"cells": cells.pk, "flows": flows.pk},
        "publish": {},
    }
    for position, (name, output) in enumerate(outputs.items()):
        run.steps.create(position=position, name=name, state=State.DONE, output=output)
    return run


def begun(matrix: str = "retention", by: str = "ann") -> MatrixVersion:
    return begin_draft(MatrixVersion.objects.published().get(matrix=matrix), by=by)


def edited(
    version: MatrixVersion, change: Callable[[MatrixDefinition], Edited], by: str = "ann"
) -> MatrixVersion:
    return edit_draft(version, change, revision=version.revision, what="an edit", by=by)[0]


def _people() -> list[dict[str, Any]]:
    number = count(1)
    return [
        {
            "customer_no": f"{next(number):011d}",
            "city": city,
            "arpu": arpu,
            "is_campus": campus,
            "income": 4000.0,
            "data_mb": 100.0 * place,
            "movement_index": 40.0,
        }
        for arpu, campus, city, many in GROUPS
        for place in range(many)
    ]


def _made(run: Run, dataset: str) -> Partition:
    return Partition.objects.get(pk=run.steps.get(name="assign").output[dataset])


def _write(dataset: str, day: date, people: list[dict[str, Any]], schema: pa.Schema) -> Partition:
    with partitions.writing(dataset, day, f"k{next(_keys)}", parts=PARTS) as draft:
        for part in range(PARTS):
            rows = [
                {name: person[name] for name in schema.names}
                for person in people
                if part_of(person["customer_no"], PARTS) == part
            ]
            pq.write_table(pa.Table.from_pylist(rows, schema), draft.file(part))
    assert draft.partition is not None
    return draft.partition


def _quiet(done: int, total: int) -> None:
    """Nobody watches."""
