"""A small labelled snapshot, its catalogue, and two models defined on it."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customers.models import Attribute
from lake import partitions
from lake.models import Partition
from scoring import definitions

DAY = date(2026, 6, 1)
MODELS = [
    {
        "code": "value_index",
        "name": {"zh": "客户价值指数", "en": "Customer value index"},
        "kind": "value_index",
        "output": "value_index",
        "indicators": [
            {"attribute": "arpu", "weight": 2, "from": 0, "to": 200},
            {"attribute": "tenure", "weight": 1, "from": 0, "to": 60},
        ],
    },
    {
        "code": "movement_index",
        "name": {"zh": "客户异动指数", "en": "Customer movement index"},
        "kind": "movement_tree",
        "output": "movement_index",
        "label": "left_within_30d",
        "features": ["arpu", "tenure", "brand"],
        "max_depth": 4,
        "min_leaf": 0.02,
        "grades": {
            "output": "movement_grade",
            "bands": [{"code": "moving", "from": 32}, {"code": "still", "to": 32}],
        },
    },
]


@pytest.fixture
def catalogue(db) -> None:
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
    add("movement_index", "number", origin="score")
    add("movement_grade", "category", origin="score", values=("still", "moving"))


@pytest.fixture
def models(catalogue) -> None:
    definitions.load(MODELS, "test")


@pytest.fixture
def snapshot(db) -> Partition:
    return make_snapshot()


def make_snapshot(rows: int = 3000, key: str = "made", seed: int = 5) -> Partition:
    rng = np.random.default_rng(seed)
    arpu, tenure = rng.gamma(2, 40, rows), rng.integers(0, 90, rows)
    left = rng.random(rows) < 1 / (1 + np.exp(0.05 * tenure))
    table = pa.table(
        {
            "customer_no": [f"{n:07d}" for n in range(rows)],
            "city": ["hangzhou"] * rows,
            "arpu": pa.array(arpu, mask=rng.random(rows) < 0.05),
            "tenure": tenure,
            "brand": rng.choice(["gotone", "mzone", "easyown"], rows),
            "left_within_30d": left,
        }
    )
    with partitions.writing("customers", DAY, key, parts=2) as draft:
        for part in range(2):
            pq.write_table(table.slice(part * (rows // 2), rows // 2), draft.file(part))
    assert draft.partition is not None
    return draft.partition
