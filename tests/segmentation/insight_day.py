"""A published day made by hand, with every type of attribute, for the tests of insight."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from customers.models import Attribute
from jobs.models import Run, State, Step
from lake import partitions
from lake.models import Partition
from lake.parts import part_of
from segmentation.insight.today import Today, day_of
from segmentation.models import Cell, MatrixVersion

from .matrices import boolean, make_world, published, thresholds

DAY = date(2026, 3, 3)
PARTS = 3
CUSTOMERS = {
    "customer_no": pa.string(),
    "city": pa.string(),
    "arpu": pa.float64(),
    "data_mb": pa.int64(),
    "is_campus": pa.bool_(),
    "brand": pa.string(),
    "plan_code": pa.string(),
    "joined_on": pa.date32(),
    "income": pa.float64(),
    "left_within_30d": pa.bool_(),
}


def define() -> MatrixVersion:
    """The attributes, the cities and one matrix: two bands of ARPU by campus."""
    make_world()
    add("arpu", "number", unit_zh="元", unit_en="yuan", replace=True)
    add("brand", "category", values=("gotone", "mzone", "easyown"))
    add("plan_code", "text")
    add("joined_on", "date")
    add("income", "number", sensitivity="sensitive", unit_zh="元", unit_en="yuan")
    add("value_index", "number", origin="score", category="relative")
    add("left_within_30d", "boolean", origin="label", sensitivity="sensitive")
    return published(thresholds("arpu", 80), boolean("is_campus"))


def add(
    code: str, type_: str, *, values: Sequence[str] = (), replace: bool = False, **says: Any
) -> None:
    if replace:
        Attribute.objects.filter(pk=code).delete()
    says = {"category": "basic"} | says
    Attribute.objects.create(
        code=code,
        type=type_,
        name_zh=f"{code}中",
        name_en=code,
        values=[{"code": v, "zh": f"{v}中", "en": v.title()} for v in values],
        **says,
    )


def people(rows: int, seed: int = 1) -> pd.DataFrame:
    """Customers with unknowns of every kind, whose ARPU goes with campus and with the city."""
    rng = np.random.default_rng(seed)
    campus = rng.random(rows) < 0.3
    arpu = rng.gamma(3, 25, rows) * np.where(campus, 0.6, 1.1)
    odd = rng.random(rows)
    arpu[odd < 0.04] = np.nan
    arpu[(odd >= 0.04) & (odd < 0.05)] = np.inf
    frame = pd.DataFrame(
        {
            "customer_no": [f"{n:011d}" for n in range(rows)],
            "city": np.where(rng.random(rows) < 0.6, "hangzhou", "ningbo"),
            "arpu": arpu,
            "data_mb": rng.integers(0, 30_000, rows),
            "is_campus": pd.array(campus, dtype="boolean"),
            "brand": rng.choice(["gotone", "mzone", "easyown"], rows, p=[0.3, 0.3, 0.4]),
            "plan_code": rng.choice([f"5G-{n}" for n in range(40)], rows),
            "joined_on": [DAY - timedelta(days=int(d)) for d in rng.integers(1, 4000, rows)],
            "income": rng.gamma(4, 1000, rows),
            "left_within_30d": rng.random(rows) < 0.1,
            "value_index": rng.random(rows) * 100,
        }
    )
    frame.loc[rng.random(rows) < 0.05, "is_campus"] = pd.NA
    frame.loc[rng.random(rows) < 0.05, "brand"] = None
    frame.loc[rng.random(rows) < 0.02, "joined_on"] = None
    return frame


def publish(frame: pd.DataFrame, version: MatrixVersion, number: int = 1) -> Today:
    """Write the frame's datasets and the run that made them; cells are put in the frame."""
    frame["cell_care"] = cells_of(frame, version)
    snapshot = table(frame, CUSTOMERS)
    scores = table(frame, {"customer_no": pa.string(), "value_index": pa.float64()})
    cells = table(frame, {"customer_no": pa.string(), "city": pa.string(), "cell_care": pa.int64()})
    members = {"customer_no": pa.string(), "city": pa.string()} | {
        name: pa.bool_() for name in frame if name.startswith(("audience_", "mark_"))
    }
    made = {
        "customers": snapshot,
        "scores": scores,
        "cells": cells,
        "members": table(frame, members),
    }
    key = f"k{number}"
    written = {name: write(name, content, key=key) for name, content in made.items()}
    return day_of(make_run(written, version, number))


def table(frame: pd.DataFrame, columns: dict[str, pa.DataType]) -> pa.Table:
    schema = pa.schema(columns)
    # A float's NaN stays NaN: what comes in as null is another column's.
    arrays = [
        pa.array(frame[f.name].to_numpy(), f.type, from_pandas=False)
        if pa.types.is_floating(f.type)
        else pa.array(frame[f.name].astype(object).where(frame[f.name].notna(), None), f.type)
        for f in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def write(dataset: str, content: pa.Table, *, key: str = "k", day: date = DAY) -> Partition:
    numbers = content["customer_no"].to_pylist()
    with partitions.writing(dataset, day, key, parts=PARTS) as draft:
        for part in range(PARTS):
            inside = [i for i, n in enumerate(numbers) if part_of(n, PARTS) == part]
            pq.write_table(content.take(pa.array(inside, pa.int64())), draft.file(part))
    assert draft.partition is not None
    return draft.partition


def make_run(made: dict[str, Partition], version: MatrixVersion, number: int) -> Run:
    run = Run.objects.create(
        kind="day",
        business_date=DAY,
        number=number,
        key=f"run{number}",
        inputs={
            "matrices": [{"id": version.pk, "code": version.matrix_id, "version": version.number}],
            "models": [{"id": 1, "code": "value_index", "version": 3}],
        },
        state=State.DONE,
    )
    output = {name: partition.pk for name, partition in made.items()}
    Step.objects.create(run=run, position=0, name="ingest", state=State.DONE, output=output)
    Step.objects.create(run=run, position=1, name="publish", state=State.DONE)
    return run


def cells_of(frame: pd.DataFrame, version: MatrixVersion) -> list[int]:
    numbers = {
        (bands["arpu"], bands["is_campus"]): number
        for number, bands in Cell.objects.of_version(version).values_list("number", "bands")
    }
    arpu = frame["arpu"]
    spend = np.where(np.isfinite(arpu), np.where(arpu >= 80, "b1", "b0"), "unknown")
    campus = frame["is_campus"].map({True: "on", False: "off"}, na_action="ignore")
    return [numbers[pair] for pair in zip(spend, campus.fillna("unknown"), strict=True)]


def cell(version: MatrixVersion, **bands: str) -> int:
    return Cell.objects.of_version(version).get(bands=bands).number
