"""What customers without a contract are worth (S3): purchases to come × what one is worth."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from numpy.typing import NDArray

from customers.purchases import Bought

from ..learning.estimates import mean, share
from ..learning.features import Feature
from ..learning.lifetime_value import PurchaseValue
from ..learning.purchases import BgNbd
from ..learning.refusal import NotEstimable
from ..reporting import parameters, plain
from ..rows import Rows
from .base import ATTRIBUTE, GRADES, Definition, Matrix, Progress, graded, number
from .lifetime_value import HORIZON_MONTHS, MONTHLY_DISCOUNT
from .purchased import (
    DAYS,
    PurchasedKind,
    columns_of,
    history_of,
    record_of,
    refuse_nobody,
    refuse_short_record,
)

CHECK_DAYS = 90
# Customers of so many repeats and more are told together.
MOST_REPEATS = 5
Numbers = NDArray[np.float64]


class PurchaseValueKind(PurchasedKind):
    """Publishes yuan per customer over the horizon; nothing of who has not bought.

    share              of a purchase's yuan that is margin
    horizon, discount  months; per month (0.01 is 12.7 % a year)
    check_days         the report foretells the last so many days from those before, and compares
    """

    code: ClassVar[str] = "purchase_value"
    name: ClassVar[str | Promise] = gettext_lazy("value of purchases")
    properties: ClassVar[dict[str, Any]] = PurchasedKind.properties | {
        "output": ATTRIBUTE,
        "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "horizon": {"type": "integer", "minimum": 1, "maximum": 240},
        "discount": {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
        "check_days": DAYS,
        "grades": GRADES,
    }
    required: ClassVar[tuple[str, ...]] = ("output", "share")

    def check(self, item: Definition, where: list[Any]) -> None:
        super().check(item, where)
        refuse_short_record(item, 2 * _check_days(item), where)

    def bought(self, definition: Definition) -> Sequence[Bought]:
        return _history(record_of(definition))

    def told(self, definition: Definition) -> Sequence[Bought]:
        days = _check_days(definition)
        return [*_history(record_of(definition), days), Bought("repeats", days)]

    def fit(
        self,
        definition: Definition,
        features: tuple[Feature, ...],
        rows: Rows,
        progress: Progress,
    ) -> PurchaseValue:
        refuse_nobody(rows, definition)
        value = PurchaseValue(
            features,
            share=definition["share"],
            horizon=definition.get("horizon", HORIZON_MONTHS),
            monthly_discount=definition.get("discount", MONTHLY_DISCOUNT),
        )
        return value.fit(_to_the_eve(rows.x), progress=progress)

    def measure(
        self, definition: Definition, fitted: PurchaseValue, rows: Rows, progress: Progress
    ) -> dict[str, Any]:
        """Where the value lies, and whether as much was bought as the days before foretold."""
        x = _to_the_eve(rows.x)
        x = x[np.isfinite(x[:, :3]).all(axis=1)]
        value = fitted.predict(x)
        tenths = _tenths(fitted, x, value)
        checked = _checked(fitted, _check_days(definition), columns_of(rows, self.told(definition)))
        repeats, _recency, watched = _times(fitted, x)
        bought = share(len(x), len(rows))
        return {
            "metrics": {
                "rows": len(rows),
                "known": len(x),
                "mean_yuan": float(value.mean()),
                "top_tenth_share": tenths[0]["share"],
                "foretold": checked.get("foretold"),
                "came": checked.get("came"),
            },
            "bought": plain(bought),
            "record_days": record_of(definition),
            "history": history_of(rows.x[:, 2]),
            "check_days": _check_days(definition),
            "check": checked,
            "tenths": tenths,
            "frequencies": plain(fitted.purchases_.frequencies(repeats, watched)),
            "buying": plain(fitted.purchases_.parameters_),
            "buying_errors": plain(fitted.purchases_.errors_),
            "spend": plain(fitted.spend_.parameters_),
            "correlation": plain(fitted.spend_.correlation_),
            "parameters": parameters(fitted),
        }

    def columns(
        self, definition: Definition, fitted: PurchaseValue, x: Matrix, batch: pa.RecordBatch
    ) -> dict[str, pa.Array]:
        value = self.watched(fitted, x)
        return {definition["output"]: number(value)} | graded(definition, value)

    def watched(self, fitted: PurchaseValue, x: Matrix) -> Numbers:
        return fitted.predict(_to_the_eve(x))


def _check_days(definition: Definition) -> int:
    days: int = definition.get("check_days", min(CHECK_DAYS, record_of(definition) // 4))
    return days


def _history(record: int, before: int = 0) -> list[Bought]:
    """As PurchaseValue reads it."""
    return [
        Bought("repeats", record, before),
        Bought("last", record, before),
        Bought("first", record, before),
        Bought("spend", record, before),
    ]


def _to_the_eve(x: Matrix, ago: int = 0) -> Matrix:
    """Ages are counted to the day; the record ends on its eve, or so many days before."""
    return np.asarray(x - np.array([0.0, 1.0 + ago, 1.0 + ago, 0.0]))


def _times(fitted: PurchaseValue, x: Matrix) -> tuple[Numbers, Numbers, Numbers]:
    """Repeats, and in the estimator's unit from the first purchase to the last, and to the eve."""
    repeats, silent, age, _spend = x.T
    return repeats, (age - silent) / fitted.unit, age / fitted.unit


def _checked(fitted: PurchaseValue, days: int, told: Matrix) -> dict[str, Any]:
    """The same model of the days before the last so many: days of buying foretold, and come.

    By how often the customers had bought again; who bought first within the last days has no part.
    """
    then, since = _to_the_eve(told[:, :4], days), told[:, 4]
    had = np.isfinite(then[:, :3]).all(axis=1)
    repeats, recency, watched = _times(fitted, then[had])
    came = np.where(np.isnan(since[had]), 0.0, since[had] + 1)
    try:
        model = BgNbd().fit(repeats, recency, watched)
    except NotEstimable as error:
        return {"not_estimable": error.code}
    foretold = model.expected(repeats, recency, watched, days / fitted.unit)
    groups = np.minimum(repeats, MOST_REPEATS)
    return {
        "foretold": float(foretold.sum()),
        "came": float(came.sum()),
        "groups": [
            {
                "repeats": group,
                "open": group == MOST_REPEATS,
                "foretold": float(foretold[groups == group].mean()),
                "came": plain(mean(came[groups == group])),
            }
            for group in range(MOST_REPEATS + 1)
            if (groups == group).any()
        ],
    }


def _tenths(fitted: PurchaseValue, x: Matrix, value: Numbers) -> list[dict[str, Any]]:
    """By value, the highest first; ties in the rows' order. Without anybody it is left out."""
    order = np.argsort(-value, kind="stable")
    repeats, recency, watched = _times(fitted, x)
    alive = fitted.purchases_.alive(repeats, recency, watched)
    purchases = fitted.expected_purchases(repeats, recency, watched)
    spend, total = fitted.spend_.expected(repeats, x[:, 3]), float(value.sum())
    return [
        {
            "number": place + 1,
            "customers": len(some),
            "value": float(value[some].mean()),
            "share": float(value[some].sum() / total) if total else None,
            "alive": float(alive[some].mean()),
            "purchases": float(purchases[some].mean()),
            "spend": float(spend[some].mean()),
        }
        for place, some in enumerate(np.array_split(order, 10))
        if len(some)
    ]
