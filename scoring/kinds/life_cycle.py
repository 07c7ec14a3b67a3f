"""Where customers stand in their life of buying 客户生命周期 (S5), and how each group fares."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from numpy.typing import NDArray

from customers.models import Type
from customers.purchases import Bought

from ..learning.estimates import share
from ..learning.features import Feature, to_float
from ..learning.life_cycle import (
    GROUPS,
    WEEK,
    WINDOW,
    Ages,
    LifeCycle,
    LifeCycleStages,
    indicators,
    more_returning,
)
from ..reporting import parameters, plain
from ..rows import Rows
from .base import ATTRIBUTE, Definition, Matrix, Output, Progress
from .purchased import (
    PurchasedKind,
    columns_of,
    history_of,
    record_of,
    refuse_nobody,
    refuse_short_record,
)

INDICATORS = ("conversion", "repeat_rate", "orders", "weekly_return", "won_back")


class LifeCycleKind(PurchasedKind):
    """Publishes each customer's group: new, active_returning, pre_churn, lost.

    Who has not bought within the record is in none.

    window_days           W: until when a purchase is fresh
    weekly_return_target  the weekly return rate that is aimed at: the report tells what it brings
    """

    code: ClassVar[str] = "life_cycle"
    name: ClassVar[str | Promise] = gettext_lazy("life cycle")
    properties: ClassVar[dict[str, Any]] = PurchasedKind.properties | {
        "output": ATTRIBUTE,
        "window_days": {"type": "integer", "minimum": 1, "maximum": 365},
        "weekly_return_target": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    }
    required: ClassVar[tuple[str, ...]] = ("output",)

    def check(self, item: Definition, where: list[Any]) -> None:
        super().check(item, where)
        # Who bought longer than two windows ago is lost: a shorter record would not know of him.
        refuse_short_record(item, 2 * _window(item) + 1, where)

    def writes(self, definition: Definition) -> list[tuple[Output, list[Any]]]:
        return [(Output(definition["output"], Type.CATEGORY, GROUPS), ["output"])]

    def bought(self, definition: Definition) -> Sequence[Bought]:
        record = record_of(definition)
        return [Bought("first", record), Bought("last", record)]

    def told(self, definition: Definition) -> Sequence[Bought]:
        record, window = record_of(definition), _window(definition)
        return [
            Bought("second", record),
            Bought("last", record, WEEK),
            Bought("last", record, window),
            Bought("purchases", window),
        ]

    def fit(
        self,
        definition: Definition,
        features: tuple[Feature, ...],
        rows: Rows,
        progress: Progress,
    ) -> LifeCycleStages:
        refuse_nobody(rows, definition)
        return LifeCycleStages(features, window=_window(definition)).fit(rows.x, progress=progress)

    def measure(
        self, definition: Definition, fitted: LifeCycleStages, rows: Rows, progress: Progress
    ) -> dict[str, Any]:
        """The groups and their indicators, of all rows: nothing is learnt that could flatter."""
        first, last = rows.x.T
        ages = Ages(first, *_beside(rows, self.told(definition), last))
        found = indicators(ages, window=fitted.window, history=history_of(first))
        bought = share(len(rows) - found.no_group, len(rows))
        return {
            "metrics": _metrics(found, len(rows)),
            "window_days": fitted.window,
            "record_days": record_of(definition),
            "history": found.history,
            "bought": plain(bought),
            "groups": [
                {
                    "group": group,
                    "customers": customers,
                    "share": plain(share(customers, len(rows) - found.no_group)),
                }
                for group, customers in found.customers.items()
            ],
            "not_yet": found.not_yet,
            "indicators": {name: plain(getattr(found, name)) for name in INDICATORS},
            "target": _target(definition, found),
            "parameters": parameters(fitted),
        }

    def columns(
        self, definition: Definition, fitted: LifeCycleStages, x: Matrix, batch: pa.RecordBatch
    ) -> dict[str, pa.Array]:
        place = fitted.predict(x)
        none = np.isnan(place)
        index = pa.array(np.where(none, 0, place).astype(np.int32), mask=none)
        return {definition["output"]: pa.array(GROUPS, pa.string()).take(index)}

    def score_of(
        self, definition: Definition, fitted: LifeCycleStages, made: dict[str, pa.Array]
    ) -> NDArray[np.float64]:
        return to_float(pc.index_in(made[definition["output"]], pa.array(GROUPS, pa.string())))


def _window(definition: Definition) -> int:
    days: int = definition.get("window_days", WINDOW)
    return days


def _beside(
    rows: Rows, columns: Sequence[Bought], last: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """What ``Ages`` holds after the first purchase."""
    second, week_ago, window_ago, purchases = columns_of(rows, columns).T
    return [second, last, week_ago, window_ago, purchases]


def _metrics(found: LifeCycle, rows: int) -> dict[str, Any]:
    metrics: dict[str, Any] = {"rows": rows, "known": rows - found.no_group}
    for name in ("conversion", "repeat_rate", "weekly_return", "won_back"):
        told = getattr(found, name)
        if told.value is not None:
            metrics |= {name: told.value, f"{name}_low": told.low, f"{name}_high": told.high}
    return metrics


def _target(definition: Definition, found: LifeCycle) -> dict[str, Any] | None:
    """What the weekly return that is aimed at would bring; None: nothing to tell."""
    target, now = definition.get("weekly_return_target"), found.weekly_return
    if target is None or now.value is None:
        return None
    a_week, a_quarter = more_returning(now.n, now.value, target)
    return {"rate": target, "base": int(now.n), "a_week": a_week, "a_quarter": a_quarter}
