"""The value index 客户价值指数 (S1): weights given or from experts, tiers by share."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.definitions import NAME
from common.errors import DomainError
from customers.models import Type

from ..judgements import check_judgements, hierarchy_of, weights_of
from ..learning.features import Feature
from ..learning.value import TIERS, Indicator, ValueIndex
from ..models import Model
from ..reporting import parameters, plain
from ..rows import Rows
from .base import ATTRIBUTE, LIMIT, Definition, Kind, Matrix, Output, Progress, number

INDICATOR = {
    "type": "object",
    "properties": {
        "attribute": ATTRIBUTE,
        "weight": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "scaling": {"enum": ["linear", "log", "rank", "normal"]},
        "from": LIMIT,
        "to": LIMIT,
        "better": {"enum": ["more", "less"]},
    },
    "required": ["attribute"],
    "additionalProperties": False,
}


def _node(levels: int) -> dict[str, Any]:
    """The JSON Schema of a node with at most so many levels below it."""
    properties: dict[str, Any] = {
        "code": {"type": "string", "minLength": 1, "maxLength": 60},
        "name": NAME,
    }
    if levels:
        below = {"type": "array", "minItems": 2, "items": _node(levels - 1)}
        properties["children"] = below
    return {
        "type": "object",
        "properties": properties,
        "required": ["code"],
        "additionalProperties": False,
    }


NODE = _node(4)
# An expert's pairs by node: {"income": {"arpu": {"plan_fee": 3}}}, as scoring.models.Judgement.
OPINION = {
    "type": "object",
    "properties": {
        "expert": NAME,
        "pairs": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": {"type": "number"},
                },
            },
        },
    },
    "required": ["expert", "pairs"],
    "additionalProperties": False,
}
TIER = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "minLength": 1, "maxLength": 40},
        "until": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    },
    "required": ["code", "until"],
    "additionalProperties": False,
}
TOLERANCE = 1e-6


class ValueIndexKind(Kind):
    """Publishes the index, 0–100, and the tier: high, mid-high, middle, low.

    hierarchy   the indicators as leaves, which experts compare; their weights then follow from it
    judgements  what experts hold who need no login; those of the page count beside them
    """

    code: ClassVar[str] = "value_index"
    name: ClassVar[str | Promise] = gettext_lazy("value index")
    properties: ClassVar[dict[str, Any]] = {
        "output": ATTRIBUTE,
        "indicators": {"type": "array", "minItems": 1, "items": INDICATOR},
        "hierarchy": NODE,
        "judgements": {"type": "array", "minItems": 1, "items": OPINION},
        "tiers": {
            "type": "object",
            "properties": {
                "output": ATTRIBUTE,
                "shares": {"type": "array", "minItems": 2, "items": TIER},
            },
            "required": ["output"],
            "additionalProperties": False,
        },
    }
    required: ClassVar[tuple[str, ...]] = ("output", "indicators")

    def check(self, item: Definition, where: list[Any]) -> None:
        for place, indicator in enumerate(item["indicators"]):
            _check_scale(indicator, [*where, "indicators", place])
        if "hierarchy" in item:
            check_judgements(item, hierarchy_of(item, [*where, "hierarchy"]), where)
            return
        if "judgements" in item:
            raise DomainError(
                "judgements_without_hierarchy",
                _("Judgements compare the nodes of a hierarchy: give one, or weights alone."),
                where=[*where, "judgements"],
            )
        missing = [i for i, one in enumerate(item["indicators"]) if "weight" not in one]
        if missing:
            raise DomainError(
                "weight_missing",
                _("Give each indicator a weight, or a hierarchy in which experts compare them."),
                where=[*where, "indicators", missing[0]],
            )
        total = sum(i["weight"] for i in item["indicators"])
        if abs(total - 1) > TOLERANCE:
            raise DomainError(
                "weights_do_not_sum",
                _("The weights must sum to 1, they sum to %(total)s.") % {"total": f"{total:g}"},
                where=[*where, "indicators"],
            )

    def writes(self, definition: Definition) -> list[tuple[Output, list[Any]]]:
        written = [(Output(definition["output"], Type.NUMBER), ["output"])]
        if "tiers" in definition:
            codes = tuple(code for code, _until in tiers_of(definition))
            output = Output(definition["tiers"]["output"], Type.CATEGORY, codes)
            written.append((output, ["tiers", "output"]))
        if "reasons" in definition:
            written.append((Output(definition["reasons"], Type.TEXT), ["reasons"]))
        return written

    def named(self, definition: Definition) -> list[tuple[str, list[Any]]]:
        return [
            (one["attribute"], ["indicators", i, "attribute"])
            for i, one in enumerate(definition["indicators"])
        ]

    def features(self, definition: Definition, candidates: list[str]) -> list[str]:
        return [one["attribute"] for one in definition["indicators"]]

    def asked(self, model: Model) -> Definition:
        """With the experts' weights as they are now; they must be complete and consistent."""
        if "hierarchy" not in model.definition:
            return dict(model.definition)
        weights = weights_of(model).require_consistent()
        indicators = [
            one | {"weight": weights[one["attribute"]]} for one in model.definition["indicators"]
        ]
        return model.definition | {"indicators": indicators}

    def fit(
        self,
        definition: Definition,
        features: tuple[Feature, ...],
        rows: Rows,
        progress: Progress,
    ) -> ValueIndex:
        index = ValueIndex(
            features, indicators=indicators_of(definition), tiers=tiers_of(definition)
        )
        return index.fit(rows.x, progress=progress)

    def measure(
        self, definition: Definition, fitted: Any, rows: Rows, progress: Progress
    ) -> dict[str, Any]:
        score = fitted.predict(rows.x)
        known = score[~np.isnan(score)]
        found = np.bincount(fitted.tier(known), minlength=len(fitted.tiers_))
        tiers = [
            replace(tier, n=int(n), share=float(n / len(known)) if len(known) else None)
            for tier, n in zip(fitted.tiers_, found, strict=True)
        ]
        return {
            "metrics": {
                "rows": len(rows),
                "known": len(known),
                "mean": float(known.mean()) if len(known) else None,
            },
            "indicators": plain(list(fitted.indicators)),
            "averages": plain(fitted.means_),
            "tiers": plain(tiers),
            "histogram": plain(np.histogram(known, bins=20, range=(0, 100))[0]),
            "parameters": parameters(fitted),
        }

    def columns(
        self, definition: Definition, fitted: Any, x: Matrix, batch: pa.RecordBatch
    ) -> dict[str, pa.Array]:
        score = fitted.predict(x)
        columns = {definition["output"]: number(score)}
        if "tiers" in definition:
            place = fitted.tier(score).astype(np.int32)
            codes = pa.array([code for code, _until in fitted.tiers], pa.string())
            columns[definition["tiers"]["output"]] = codes.take(pa.array(place, mask=place < 0))
        return columns


def tiers_of(definition: Definition) -> tuple[tuple[str, float], ...]:
    shares = definition.get("tiers", {}).get("shares")
    return tuple((one["code"], one["until"]) for one in shares) if shares else TIERS


def indicators_of(definition: Definition) -> tuple[Indicator, ...]:
    """``from`` > ``to`` means that less is better, as ``better: less`` does."""
    found = []
    for one in definition["indicators"]:
        low, high = one.get("from"), one.get("to")
        better = one.get("better", "more")
        if low is not None and high is not None and low > high:
            low, high, better = high, low, "less"
        found.append(
            Indicator(
                one["attribute"], one["weight"], one.get("scaling", "linear"), low, high, better
            )
        )
    return tuple(found)


def _check_scale(indicator: dict[str, Any], where: list[Any]) -> None:
    scaling = indicator.get("scaling", "linear")
    if scaling not in ("linear", "log"):
        return
    if "from" not in indicator or "to" not in indicator:
        raise DomainError(
            "scale_missing",
            _("%(attribute)s is scaled %(scaling)s, so it needs 'from' and 'to'.")
            % {"attribute": indicator["attribute"], "scaling": scaling},
            where=where,
        )
    if indicator["from"] == indicator["to"]:
        raise DomainError(
            "empty_indicator",
            _("'from' and 'to' of %(attribute)s must differ, both are %(value)s.")
            % {"attribute": indicator["attribute"], "value": indicator["from"]},
            where=[*where, "to"],
        )
