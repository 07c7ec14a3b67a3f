"""RFM: how recently, how often and for how much each customer bought, 1 to 5 each."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from numpy.typing import NDArray

from common.errors import DomainError
from customers.models import Type
from customers.purchases import Bought

from ..learning.estimates import share
from ..learning.features import Feature
from ..learning.rfm import HIGHEST, Rfm
from ..reporting import parameters, plain
from ..rows import Rows
from .base import ATTRIBUTE, Definition, Matrix, Output, Progress, number
from .purchased import (
    DAYS,
    PurchasedKind,
    columns_of,
    history_of,
    record_of,
    refuse_nobody,
    refuse_short_record,
)

MEASURES = ("recency", "frequency", "monetary")
WINDOW_DAYS = 365
CUTS = {
    "type": "array",
    "items": {"type": "number"},
    "minItems": HIGHEST - 1,
    "maxItems": HIGHEST - 1,
}


class RfmKind(PurchasedKind):
    """Publishes the cell, 111 to 555, and each of the three scores that the definition names.

    Who has not bought within the record has none of them.

    recency, frequency, monetary  attributes for the single scores
    window_days                   over which purchases and yuan are counted
    cuts                          four ascending values each; none given: fifths of the customers
    """

    code: ClassVar[str] = "rfm"
    name: ClassVar[str | Promise] = gettext_lazy("RFM")
    properties: ClassVar[dict[str, Any]] = PurchasedKind.properties | {
        "output": ATTRIBUTE,
        "window_days": DAYS,
        **dict.fromkeys(MEASURES, ATTRIBUTE),
        "cuts": {
            "type": "object",
            "properties": dict.fromkeys(MEASURES, CUTS),
            "required": [*MEASURES],
            "additionalProperties": False,
        },
    }
    required: ClassVar[tuple[str, ...]] = ("output",)

    def check(self, item: Definition, where: list[Any]) -> None:
        super().check(item, where)
        refuse_short_record(item, _window(item), where)
        for measure, cuts in item.get("cuts", {}).items():
            if (np.diff(cuts) <= 0).any():
                raise DomainError(
                    "cuts_not_ascending",
                    _("Cuts must ascend, from the first to the last: %s do not.")
                    % ", ".join(f"{cut:g}" for cut in cuts),
                    where=[*where, "cuts", measure],
                )

    def writes(self, definition: Definition) -> list[tuple[Output, list[Any]]]:
        single = [
            (Output(definition[name], Type.NUMBER), [name])
            for name in MEASURES
            if name in definition
        ]
        return [*super().writes(definition), *single]

    def bought(self, definition: Definition) -> Sequence[Bought]:
        window = _window(definition)
        return [
            Bought("last", record_of(definition)),
            Bought("purchases", window),
            Bought("money", window),
        ]

    def told(self, definition: Definition) -> Sequence[Bought]:
        return [Bought("first", record_of(definition))]

    def fit(
        self,
        definition: Definition,
        features: tuple[Feature, ...],
        rows: Rows,
        progress: Progress,
    ) -> Rfm:
        given = definition.get("cuts")
        if given is None:
            refuse_nobody(rows, definition)
        cuts = [given[measure] for measure in MEASURES] if given else None
        return Rfm(features, cuts=cuts).fit(rows.x, progress=progress)

    def measure(
        self, definition: Definition, fitted: Rfm, rows: Rows, progress: Progress
    ) -> dict[str, Any]:
        """How the customers lie: by score, and by recency and frequency together."""
        scores = fitted.scores(rows.x)
        known = (scores > 0).all(axis=1)
        scores, x = scores[known], rows.x[known]
        bought = share(len(x), len(rows))
        return {
            "metrics": {
                "rows": len(rows),
                "known": len(x),
                "bought": bought.value,
                "bought_low": bought.low,
                "bought_high": bought.high,
            },
            "window_days": _window(definition),
            "record_days": record_of(definition),
            "history": history_of(columns_of(rows, self.told(definition))),
            "bought": plain(bought),
            "measures": [_measure(fitted, place, scores, x) for place in range(len(MEASURES))],
            "cells": _cells(scores, x),
            "parameters": parameters(fitted),
        }

    def columns(
        self, definition: Definition, fitted: Rfm, x: Matrix, batch: pa.RecordBatch
    ) -> dict[str, pa.Array]:
        scores = fitted.scores(x)
        unknown = (scores == 0).any(axis=1)
        columns = {definition["output"]: number(fitted.predict(x))}
        for place, measure in enumerate(MEASURES):
            if measure in definition:
                single = np.where(unknown, np.nan, scores[:, place])
                columns[definition[measure]] = number(single)
        return columns


def _window(definition: Definition) -> int:
    days: int = definition.get("window_days", min(WINDOW_DAYS, record_of(definition)))
    return days


def _measure(fitted: Rfm, place: int, scores: NDArray[np.int8], x: Matrix) -> dict[str, Any]:
    """One number: of each score the values that have it, and how many customers."""
    ranges = fitted.reasons_[HIGHEST * place : HIGHEST * (place + 1)]
    mine = [x[scores[:, place] == score, place] for score in range(1, HIGHEST + 1)]
    return {
        "measure": MEASURES[place],
        "scores": [
            {
                "score": score,
                "low": plain(float(reason.low)),
                "high": plain(float(reason.high)),
                "customers": len(values),
                "share": plain(share(len(values), len(x))),
                "mean": float(values.mean()) if len(values) else None,
            }
            for score, (reason, values) in enumerate(zip(ranges, mine, strict=True), start=1)
        ],
    }


def _cells(scores: NDArray[np.int8], x: Matrix) -> list[dict[str, Any]]:
    """By recency and frequency, the best first: how many, and their yuan."""
    total = float(x[:, 2].sum())
    cells = []
    for recency in range(HIGHEST, 0, -1):
        for frequency in range(HIGHEST, 0, -1):
            yuan = x[(scores[:, 0] == recency) & (scores[:, 1] == frequency), 2]
            cells.append(
                {
                    "recency": recency,
                    "frequency": frequency,
                    "customers": len(yuan),
                    "share": plain(share(len(yuan), len(x))),
                    "mean": float(yuan.mean()) if len(yuan) else None,
                    "of_all": float(yuan.sum()) / total if total > 0 else None,
                }
            )
    return cells
