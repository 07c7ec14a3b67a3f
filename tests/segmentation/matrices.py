"""Small matrices as their JSON, and the attributes and cities that they speak of."""

from itertools import pairwise
from typing import Any

from accounts.models import Organisation
from accounts.services import create_organisation
from customers.models import Attribute
from segmentation.definition import MatrixDefinition
from segmentation.models import MatrixVersion
from segmentation.services import define_strategy, publish_version, save_draft

BY = "province-marketer"
Json = dict[str, Any]


def make_world() -> None:
    """One province of two cities, one strategy, two numbers and a truth."""
    root = create_organisation(code="zhejiang", name_zh="浙江", name_en="Zhejiang", by=BY)
    for code, zh, en in (("hangzhou", "杭州", "Hangzhou"), ("ningbo", "宁波", "Ningbo")):
        root = Organisation.objects.get(pk=root.pk)
        create_organisation(code=code, name_zh=zh, name_en=en, parent=root, by=BY)
    for code, type_ in (("arpu", "number"), ("data_mb", "number"), ("is_campus", "boolean")):
        Attribute.objects.create(
            code=code, type=type_, category="basic", name_zh=code, name_en=code
        )
    define_strategy(code="retention", name_zh="保有", name_en="Retention", position=0, by=BY)


def named(code: str, **says: Any) -> Json:
    return {"code": code, "name": {"zh": f"{code}中", "en": code.title()}, **says}


def thresholds(attribute: str, *cuts: float, code: str = "") -> Json:
    """Bands b0, b1 … by these cuts, lowest first."""
    bands = []
    for place, (low, high) in enumerate(pairwise([None, *cuts, None])):
        limits = {"from": low, "to": high}
        bands.append(named(f"b{place}", **{k: v for k, v in limits.items() if v is not None}))
    return named(
        code or attribute,
        kind="thresholds",
        attribute=attribute,
        bands=bands,
        null_band=named("unknown"),
    )


def boolean(attribute: str) -> Json:
    bands = [named("on", value=True), named("off", value=False)]
    return named(
        attribute, kind="boolean", attribute=attribute, bands=bands, null_band=named("unknown")
    )


def matrix(*dimensions: Json, code: str = "care", **says: Any) -> Json:
    return named(code, strategy="retention", dimensions=list(dimensions), **says)


def draft(*dimensions: Json, **says: Any) -> MatrixVersion:
    return save_draft(MatrixDefinition.from_json(matrix(*dimensions, **says)), by=BY)


def published(*dimensions: Json, **says: Any) -> MatrixVersion:
    return publish_version(draft(*dimensions, **says), by=BY)
