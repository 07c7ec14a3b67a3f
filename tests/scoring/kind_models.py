"""What tests of a kind need: attributes beside conftest's, one model, and who took part in what."""

from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.template.loader import render_to_string

from accounts.models import User
from common.errors import DomainError
from customers.models import Attribute, Origin
from lake import partitions
from lake.models import Partition
from scoring import definitions
from scoring.models import ModelVersion
from scoring.report import Report

NAME = {"zh": "模型", "en": "Model"}


def attribute(
    code: str, kind: str, origin: str = Origin.SOURCE, values: tuple[str, ...] = ()
) -> None:
    Attribute.objects.create(
        code=code,
        name_zh=code,
        name_en=code,
        category="service",
        type=kind,
        origin=origin,
        values=[{"code": v, "zh": v, "en": v} for v in values],
    )


def define(*models: dict[str, Any]) -> None:
    definitions.load([{"name": NAME} | model for model in models], "test")


def refused(model: dict[str, Any]) -> tuple[str, list[Any]]:
    """The code with which the definition is refused, and where."""
    with pytest.raises(DomainError) as refusal:
        define(model)
    return refusal.value.code, refusal.value.extra["where"]


def trials(day: date, customers: list[str], arms: list[str], trial: str = "T1") -> Partition:
    table = pa.table(
        {
            "trial_no": [f"{day}-{n}" for n in range(len(customers))],
            "customer_no": customers,
            "assigned_on": pa.array([day] * len(customers), pa.date32()),
            "trial": [trial] * len(customers),
            "arm": arms,
        }
    )
    with partitions.writing("trials", day, f"t{day}", parts=1) as draft:
        pq.write_table(table, draft.file(0))
    assert draft.partition is not None
    return draft.partition


def read(partition: Partition) -> pa.Table:
    return pa.concat_tables([pq.read_table(file) for file in partition.files])


def shown(version: ModelVersion) -> str:
    """What the version's page tells of this kind alone; percentages without their thin space."""
    report = Report(version, User())
    assert report.partial is not None
    return render_to_string(report.partial, {"report": report}).replace("\u202f%", "%")
