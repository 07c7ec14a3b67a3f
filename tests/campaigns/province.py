"""A small province with two matrices, four policies and two campaigns, all of them definitions."""

from copy import deepcopy
from datetime import date
from typing import Any

import accounts.definitions
import campaigns.definitions
import customers.definitions
import segmentation.definitions
from segmentation.models import Cell, MatrixVersion
from tests.accounts.people import make_province

DAY = date(2026, 7, 1)
Item = dict[str, Any]


def name(text: str) -> dict[str, str]:
    return {"zh": f"{text} 名", "en": text}


def _attribute(code: str, type_: str, **more: Any) -> Item:
    return {"code": code, "name": name(code), "category": "basic", "type": type_, **more}


ATTRIBUTES = [
    _attribute(
        "arpu", "number", unit={"zh": "元", "en": "yuan"}, range=[0, 100_000], front_desk=True
    ),
    _attribute("is_campus", "boolean", front_desk=True),
    _attribute("joined_on", "date", front_desk=True),
    _attribute(
        "brand",
        "category",
        values=[
            {"code": "gotone", "zh": "全球通", "en": "GoTone"},
            {"code": "mzone", "zh": "动感地带", "en": "M-Zone"},
        ],
        front_desk=True,
    ),
    _attribute("income", "number", sensitivity="sensitive", front_desk=True),
    _attribute("data_mb", "number"),
    _attribute("movement_index", "number", origin="score"),
    _attribute("left", "boolean", origin="label"),
]


def _band(code: str, **cut: Any) -> Item:
    return {"code": code, "name": name(code), **cut}


NULL = _band("unknown")
SPEND = {
    "code": "spend",
    "name": name("spend"),
    "kind": "thresholds",
    "attribute": "arpu",
    "bands": [_band("low", to=50), _band("high", **{"from": 50})],
    "null_band": NULL,
}
CAMPUS = {
    "code": "campus",
    "name": name("campus"),
    "kind": "boolean",
    "attribute": "is_campus",
    "bands": [_band("on", value=True), _band("off", value=False)],
    "null_band": NULL,
}
EARNING = {
    "code": "earning",
    "name": name("earning"),
    "kind": "thresholds",
    "attribute": "income",
    "bands": [_band("poor", to=3000), _band("rich", **{"from": 3000})],
    "null_band": NULL,
}
STRATEGIES = [{"code": code, "name": name(code)} for code in ("retention", "uplift")]
MATRICES = [
    {
        "code": "retention",
        "strategy": "retention",
        "name": name("retention"),
        "dimensions": [SPEND, CAMPUS],
    },
    {"code": "uplift", "strategy": "uplift", "name": name("uplift"), "dimensions": [EARNING]},
]


def _policy(number: str, **more: Any) -> Item:
    return {
        "number": number,
        "name": name(number),
        "clauses": {"zh": [f"{number} 条款"], "en": [f"{number} clause"]},
        "cost": 1,
        "reward": 5.5,
        "margin": 40,
        "take_up": "0.1",
        "channels": ["front_desk", "sms"],
        "talking_points": {"zh": [f"{number} 话术"], "en": [f"{number} words"]},
        "valid": {"from": "2026-01-01", "to": "2026-12-31"},
        **more,
    }


POLICIES = [
    _policy("P1", eligibility="arpu >= 80 and brand = 'gotone'", exclusivity_group="gift"),
    _policy("P2", take_up="movement_index / 100", channels=["sms"]),
    _policy("P3", eligibility="income < 5000", take_up=0.5),
    _policy("P4", cities=["ningbo"], take_up="0.2 * data_mb / (data_mb + 100)"),
]
CAMPAIGNS = [
    {
        "code": "C1",
        "name": name("C1"),
        "organisation": "zhejiang",
        "starts_on": "2026-01-01",
        "ends_on": "2026-12-31",
    },
    {
        "code": "C2",
        "name": name("C2"),
        "organisation": "hangzhou",
        "starts_on": "2026-06-01",
        "ends_on": "2026-08-31",
        "lever": 1.5,
    },
]
MARKETING = [
    {"campaign": "C1", "policy": "P1", "matrix": "retention", "cells": {"spend": ["high"]}},
    {"campaign": "C1", "policy": "P2", "matrix": "retention", "cells": {}},
    {"campaign": "C2", "policy": "P2", "matrix": "retention", "cells": {"campus": ["on"]}},
    {"campaign": "C1", "policy": "P3", "matrix": "uplift", "cells": {"earning": ["poor"]}},
    {"campaign": "C1", "policy": "P4", "matrix": "retention", "cells": {}},
]
PRIORITY = [
    {
        "name": name("movers first"),
        "condition": "movement_index >= 32",
        "prefer": {"policies": ["P1"]},
    },
    {"name": name("uplift next"), "condition": "is_campus", "prefer": {"strategies": ["uplift"]}},
]
CONTENT: dict[str, list[Item]] = {
    "attributes": ATTRIBUTES,
    "strategies": STRATEGIES,
    "matrices": MATRICES,
    "policies": POLICIES,
    "campaigns": CAMPAIGNS,
    "marketing": MARKETING,
    "priority": PRIORITY,
}
DOCUMENTS = {
    document.name: document
    for app in (accounts, customers, segmentation, campaigns)
    for document in app.definitions.DOCUMENTS
}


def load(document: str, content: list[Item] | None = None) -> Any:
    """Load a document of the province, or ``content`` in its place; return what changed."""
    return DOCUMENTS[document].load(CONTENT[document] if content is None else content, "test")


def define(*, without: tuple[str, ...] = ()) -> None:
    """Make the whole province; ``without`` names documents to leave out."""
    make_province()
    for document in CONTENT:
        if document not in without:
            load(document)


def edited(document: str, index: int, **changes: Any) -> list[Item]:
    """The document with fields of one item changed; None takes a field away."""
    content = deepcopy(CONTENT[document])
    content[index] = {k: v for k, v in {**content[index], **changes}.items() if v is not None}
    return content


def versions() -> list[MatrixVersion]:
    return list(MatrixVersion.objects.published().order_by("matrix__position"))


def cell(matrix: str, **bands: str) -> int:
    """The number of the cell with these bands."""
    return Cell.objects.get(matrix=matrix, bands=bands, retired_in_version=None).number
