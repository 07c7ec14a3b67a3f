"""A small labelled snapshot, its catalogue, and three models defined on it."""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customers.models import Attribute
from jobs.models import Run
from jobs.work import work_through
from lake import partitions
from lake.models import Partition
from scoring import definitions
from scoring.models import Model, ModelVersion
from scoring.services import publish_directly
from scoring.training import start_training, steps_of_training

DAY = date(2026, 6, 1)
MODELS: list[dict[str, Any]] = [
    {
        "code": "value_index",
        "name": {"zh": "客户价值指数", "en": "Customer value index"},
        "kind": "value_index",
        "output": "value_index",
        "reasons": "value_why",
        "tiers": {"output": "value_tier"},
        "indicators": [
            {"attribute": "arpu", "weight": 0.6, "from": 0, "to": 200},
            {"attribute": "tenure", "weight": 0.4, "from": 0, "to": 60},
        ],
    },
    {
        "code": "movement_index",
        "name": {"zh": "客户异动指数", "en": "Customer movement index"},
        "kind": "index_tree",
        "output": "movement_index",
        "reasons": "movement_why",
        "label": "left_within_30d",
        "features": ["arpu", "tenure", "brand"],
        "grades": {
            "output": "movement_grade",
            "bands": [{"code": "moving", "from": 32}, {"code": "still", "to": 32}],
        },
    },
    {
        "code": "leaving",
        "name": {"zh": "离网倾向", "en": "Propensity to leave"},
        "kind": "propensity",
        "output": "leaving",
        "population": "brand = 'gotone' or brand = 'mzone'",
        "label": "left_within_30d",
    },
]


@pytest.fixture(autouse=True)
def _without_heartbeat(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """A heartbeat has a connection of its own, which can't see what a test has not committed.

    A stage that takes longer than its first beat would hold itself to be taken over.
    """
    monkeypatch.setattr("jobs.claims.SLOWEST_BEAT_SECONDS", 600)
    settings.LEASE_SECONDS = 2400


@pytest.fixture
def catalogue(db: None) -> None:
    def add(code: str, type_: str, origin: str = "source", values: tuple[str, ...] = ()) -> None:
        Attribute.objects.create(
            code=code,
            name_zh=code,
            name_en=code,
            category="basic",
            type=type_,
            origin=origin,
            values=[{"code": v, "zh": v, "en": v} for v in values],
        )

    add("arpu", "number")
    add("tenure", "integer")
    add("brand", "category", values=("gotone", "mzone"))
    add("note", "text")
    add("left_within_30d", "boolean", origin="label")
    add("value_index", "number", origin="score")
    add("value_tier", "category", origin="score", values=("high", "mid_high", "middle", "low"))
    add("value_why", "text", origin="score")
    add("movement_index", "number", origin="score")
    add("movement_grade", "category", origin="score", values=("still", "moving"))
    add("movement_why", "text", origin="score")
    add("leaving", "number", origin="score")


@pytest.fixture
def models(catalogue: None) -> None:
    definitions.load(MODELS, "test")


@pytest.fixture
def snapshot(db: None) -> Partition:
    return make_snapshot()


def make_snapshot(
    rows: int = 3000, key: str = "made", seed: int = 5, day: date = DAY, **replaced: Any
) -> Partition:
    """A snapshot in two parts; ``replaced``: column → another one, None: left out."""
    rng = np.random.default_rng(seed)
    arpu, tenure = rng.gamma(2, 40, rows), rng.integers(0, 90, rows)
    left = rng.random(rows) < 1 / (1 + np.exp(0.05 * tenure))
    columns = {
        "customer_no": [f"{n:07d}" for n in range(rows)],
        "city": ["hangzhou"] * rows,
        "arpu": pa.array(arpu, mask=rng.random(rows) < 0.05),
        "tenure": tenure,
        "brand": rng.choice(["gotone", "mzone", "easyown"], rows),
        "left_within_30d": left,
    } | replaced
    table = pa.table({name: column for name, column in columns.items() if column is not None})
    with partitions.writing("customers", day, key, parts=2) as draft:
        for part in range(2):
            pq.write_table(table.slice(part * (rows // 2), rows // 2), draft.file(part))
    assert draft.partition is not None
    return draft.partition


def train(code: str, *, day: date = DAY, by: str = "analyst") -> Run:
    """Ask for a training and work through it here."""
    run, _new = start_training(Model.objects.get(code=code), days=[day], by=by)
    return work_through(run, steps_of_training())


def trained(code: str, *, day: date = DAY, by: str = "analyst") -> ModelVersion:
    run = train(code, day=day, by=by)
    assert run.state == "done", [step.error for step in run.steps.all()]
    return ModelVersion.objects.get(run=run.pk)


def published(code: str, *, day: date = DAY) -> ModelVersion:
    return publish_directly(trained(code, day=day), by="operations")
