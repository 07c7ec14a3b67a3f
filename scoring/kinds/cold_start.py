"""The cold start of cross-selling: the lifts that a published association has found."""

from math import inf, log
from typing import Any

from django.utils.translation import gettext as _

from common.errors import DomainError

from ..learning.next_product import NextProduct
from ..models import Model, ModelVersion
from .association import AssociationKind
from .base import Definition


def associated(model: Model) -> Definition:
    """The version in use of the association that the definition names. Raises DomainError."""
    code = model.definition.get("association")
    if code is None:
        return {}
    used = ModelVersion.objects.published().filter(model=code, model__kind=AssociationKind.code)
    version = used.first()
    if version is None:
        raise DomainError(
            "no_association",
            _("%(code)s must be an association with a version in use: put one to use first.")
            % {"code": code},
            where=["association"],
        )
    return {"associated_by": version.pk}


def association_of(definition: Definition) -> ModelVersion:
    return ModelVersion.objects.get(pk=definition["associated_by"])


def lifts_of(version: ModelVersion) -> dict[tuple[str, str], float]:
    """Two boolean attributes → lift, of the pairs that the association is sure enough of."""
    items = version.report["items"]
    return {
        (items[pair["first"]]["attribute"], items[pair["then"]]["attribute"]): pair["lift"]
        for pair in version.report["pairs"]
        if pair["found"] and not any(_cut(items[pair[side]]) for side in ("first", "then"))
    }


def _cut(item: dict[str, Any]) -> bool:
    """Whether it is a code or a band, not a flag."""
    return bool(item["codes"]) or item["low"] is not None or item["high"] is not None


def told_cold_start(definition: Definition, fitted: NextProduct) -> dict[str, Any]:
    """Where the cold start comes from: the lifts of what is held for what starts cold."""
    products = definition["products"]
    lifts = [
        {"held": held["code"], "offered": offered["code"], "lift": float(lift)}
        for held, row in zip(products, fitted.best_.lifts_, strict=True)
        for offered, lift in zip(products, row, strict=True)
        if held["code"] != offered["code"] and "base_rate" in offered and lift != 1
    ]
    told: dict[str, Any] = {"lifts": sorted(lifts, key=_strength, reverse=True)}
    if "associated_by" in definition:
        version = association_of(definition)
        told |= {"model": version.model_id, "version": version.number, "as_of": str(version.as_of)}
    return told


def _strength(one: dict[str, Any]) -> float:
    """How far the lift is from 1, upwards or downwards."""
    return abs(log(one["lift"])) if one["lift"] else inf
