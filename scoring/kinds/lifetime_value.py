"""Customer lifetime value (S3) of those who pay by the month: survival × margin, discounted."""

from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from numpy.typing import NDArray

from common.errors import DomainError
from customers.models import Attribute, Type

from ..learning.estimates import auc, share
from ..learning.features import Feature
from ..learning.lifetime_value import LifetimeValue
from ..learning.survival import MonthlyHazard
from ..reporting import parameters, plain
from ..rows import Rows
from .base import ATTRIBUTE, GRADES, Definition, Kind, Matrix, Progress, graded, number
from .outcome import ATTRIBUTES

HORIZON_MONTHS = 36
MONTHLY_DISCOUNT = 0.01
# What is read beside the features: yuan a month, months here, months of the contract left.
READ = ("money", "tenure", "contract")


class LifetimeValueKind(Kind):
    """Publishes yuan per customer over the horizon.

    label             who left within the month after the snapshot's day
    money, share      yuan a month, of which so much is margin
    tenure, contract  months here; months that the contract has left
    horizon, discount months; per month (0.01 is 12.7 % a year)
    """

    code: ClassVar[str] = "lifetime_value"
    name: ClassVar[str | Promise] = gettext_lazy("lifetime value")
    outcome: ClassVar[str] = "label"
    properties: ClassVar[dict[str, Any]] = {
        "output": ATTRIBUTE,
        "label": ATTRIBUTE,
        "money": ATTRIBUTE,
        "tenure": ATTRIBUTE,
        "contract": ATTRIBUTE,
        "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "horizon": {"type": "integer", "minimum": 1, "maximum": 240},
        "discount": {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
        "features": ATTRIBUTES,
        "without": ATTRIBUTES,
        "known_after": ATTRIBUTES,
        "vouched": ATTRIBUTES,
        "grades": GRADES,
    }
    required: ClassVar[tuple[str, ...]] = ("output", "label", "money", "share", "tenure")

    def check(self, item: Definition, where: list[Any]) -> None:
        super().check(item, where)
        read = {name: item[name] for name in READ if name in item}
        if len({*read.values()}) < len(read):
            raise DomainError(
                "attribute_twice",
                _("Money, tenure and contract must be different attributes."),
                where=where,
            )
        types = dict(Attribute.objects.values_list("code", "type"))
        for name, code in read.items():
            kind = types.get(code)
            if kind is not None and kind not in (Type.NUMBER, Type.INTEGER):
                raise DomainError(
                    "wrong_type",
                    _("'%(code)s' must be a number here, it is of type '%(type)s'.")
                    % {"code": code, "type": kind},
                    where=[*where, name],
                )

    def named(self, definition: Definition) -> list[tuple[str, list[Any]]]:
        read: list[tuple[str, list[Any]]] = [
            (definition[name], [name]) for name in READ if name in definition
        ]
        return read + super().named(definition)

    def features(self, definition: Definition, candidates: list[str]) -> list[str]:
        read = [definition[name] for name in READ if name in definition]
        return list(dict.fromkeys([*super().features(definition, candidates), *read]))

    def fit(
        self,
        definition: Definition,
        features: tuple[Feature, ...],
        rows: Rows,
        progress: Progress,
    ) -> LifetimeValue:
        value = LifetimeValue(
            features,
            money=definition["money"],
            share=definition["share"],
            horizon=definition.get("horizon", HORIZON_MONTHS),
            monthly_discount=definition.get("discount", MONTHLY_DISCOUNT),
            tenure=definition["tenure"],
            contract=definition.get("contract"),
        )
        return value.fit(rows.x, rows.y, progress)

    def measure(
        self, definition: Definition, fitted: LifetimeValue, rows: Rows, progress: Progress
    ) -> dict[str, Any]:
        """Did as many leave as expected, and where does the value lie; of rows it has not seen."""
        hazard, value = fitted.hazard_, fitted.predict(rows.x)
        told = auc(rows.y, hazard.predict(rows.x))
        tenths = _tenths(fitted, rows, value)
        return {
            "metrics": {
                "rows": len(rows),
                "positives": int(rows.y.sum()),
                "mean_yuan": float(value.mean()),
                "auc": told.value,
                "auc_low": told.low,
                "auc_high": told.high,
                "top_tenth_share": tenths[0]["share"],
            },
            "calibration": plain(hazard.calibration(rows.x, rows.y)),
            "auc": plain(told),
            "tenths": tenths,
            "drivers": _drivers(hazard, rows.x),
            "dropped": plain(hazard.dropped_),
            "parameters": parameters(fitted),
        }

    def columns(
        self, definition: Definition, fitted: LifetimeValue, x: Matrix, batch: pa.RecordBatch
    ) -> dict[str, pa.Array]:
        value = fitted.predict(x)
        return {definition["output"]: number(value)} | graded(definition, value)


def _tenths(fitted: LifetimeValue, rows: Rows, value: NDArray[np.float64]) -> list[dict[str, Any]]:
    """By value, the highest first: what a tenth is worth, why, and how many of it have left.

    Ties are in the rows' order. A tenth without anybody is left out.
    """
    order = np.argsort(-value, kind="stable")
    margin, months, total = fitted.margin(rows.x), fitted.months(rows.x), float(value.sum())
    return [
        {
            "number": place + 1,
            "customers": len(some),
            "value": float(value[some].mean()),
            "share": float(value[some].sum() / total) if total else None,
            "margin": float(margin[some].mean()),
            "months": float(months[some].mean()),
            "left": plain(share(int(rows.y[some].sum()), len(some))),
        }
        for place, some in enumerate(np.array_split(order, 10))
        if len(some)
    ]


def _drivers(hazard: MonthlyHazard, x: Matrix) -> list[dict[str, Any]]:
    """By how many log-odds of leaving each attribute sets customers apart, the strongest first."""
    kept = [hazard.features[place].attribute for place in hazard.parts_.kept_]
    spread = hazard.parts(x).std(axis=0)
    found = [
        {"attribute": name, "strength": float(strength)}
        for name, strength in zip([hazard.tenure, hazard.contract, *kept], spread, strict=True)
        if name is not None
    ]
    return sorted(found, key=lambda one: (-one["strength"], one["attribute"]))
