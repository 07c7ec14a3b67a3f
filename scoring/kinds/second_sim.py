"""Second-SIM suspects 双卡嫌疑 (S3): an index of agreed signs, a mark, and why."""

from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from numpy.typing import NDArray

from common.errors import DomainError
from customers.models import Attribute, Type

from ..learning.estimates import share
from ..learning.features import Feature
from ..learning.reasons import NONE
from ..learning.second_sim import SIGNALS, THRESHOLD, Part, SecondSim, Signal
from ..reporting import parameters, plain
from ..rows import Rows
from .base import ATTRIBUTE, GRADES, Definition, Kind, Matrix, Output, Progress, graded, number

PART = {
    "type": "object",
    "properties": {
        "attribute": ATTRIBUTE,
        "side": {"enum": ["high", "low"]},
        "at_least": {"type": "number"},
    },
    "required": ["attribute"],
    "additionalProperties": False,
}
SIGNAL = {
    "type": "object",
    "properties": {
        "weight": {"type": "number", "exclusiveMinimum": 0},
        "parts": {"type": "array", "minItems": 1, "items": PART},
    },
    "required": ["weight", "parts"],
    "additionalProperties": False,
}
BINS = 20


class SecondSimKind(Kind):
    """Publishes the index, 0 to 100, and who is a suspect; unknown where too little is known.

    brand, age  whose customers of one brand and age band are compared with each other
    signals     the signs and their weights; none given: the usual five
    threshold   from this index on a customer is a suspect
    """

    code: ClassVar[str] = "second_sim"
    name: ClassVar[str | Promise] = gettext_lazy("second-SIM suspects")
    properties: ClassVar[dict[str, Any]] = {
        "output": ATTRIBUTE,
        "mark": ATTRIBUTE,
        "brand": ATTRIBUTE,
        "age": ATTRIBUTE,
        "signals": {"type": "array", "minItems": 1, "items": SIGNAL},
        "threshold": {"type": "number", "exclusiveMinimum": 0, "maximum": 100},
        "grades": GRADES,
    }
    required: ClassVar[tuple[str, ...]] = ("output", "mark", "brand", "age")

    def check(self, item: Definition, where: list[Any]) -> None:
        super().check(item, where)
        types = dict(Attribute.objects.values_list("code", "type"))
        for code, place in self.named(item):
            is_category = types.get(code) == Type.CATEGORY
            if code in types and is_category != (place == ["brand"]):
                raise DomainError(
                    "wrong_type",
                    _(
                        "Peers are customers of one category and age, and signs are numbers; "
                        "%(code)s is of type '%(type)s'."
                    )
                    % {"code": code, "type": types[code]},
                    where=[*where, *place],
                )

    def writes(self, definition: Definition) -> list[tuple[Output, list[Any]]]:
        mark = Output(definition["mark"], Type.BOOLEAN)
        return [*super().writes(definition), (mark, ["mark"])]

    def named(self, definition: Definition) -> list[tuple[str, list[Any]]]:
        """The usual signs have no place of their own in the definition."""
        parts = [
            (
                part.attribute,
                ["signals", i, "parts", j, "attribute"] if "signals" in definition else [],
            )
            for i, signal in enumerate(signals_of(definition))
            for j, part in enumerate(signal.parts)
        ]
        return [(definition["brand"], ["brand"]), (definition["age"], ["age"]), *parts]

    def features(self, definition: Definition, candidates: list[str]) -> list[str]:
        return list(dict.fromkeys(code for code, _place in self.named(definition)))

    def fit(
        self,
        definition: Definition,
        features: tuple[Feature, ...],
        rows: Rows,
        progress: Progress,
    ) -> SecondSim:
        suspects = SecondSim(
            features,
            signals=signals_of(definition),
            brand=definition["brand"],
            age=definition["age"],
            threshold=definition.get("threshold", THRESHOLD),
        )
        return suspects.fit(rows.x, progress=progress)

    def measure(
        self, definition: Definition, fitted: SecondSim, rows: Rows, progress: Progress
    ) -> dict[str, Any]:
        """How the index lies and what makes it. Whether it is right nobody knows: no outcome."""
        index = fitted.predict(rows.x)
        known = index[~np.isnan(index)]
        marked = share(int((known >= fitted.threshold).sum()), len(known))
        return {
            "metrics": {
                "rows": len(rows),
                "known": len(known),
                "mean": float(known.mean()) if len(known) else None,
                "marked": marked.value,
                "marked_low": marked.low,
                "marked_high": marked.high,
            },
            "threshold": fitted.threshold,
            "marked": plain(marked),
            "signals": _signals(fitted, rows.x, index >= fitted.threshold),
            "histogram": plain(np.histogram(known, bins=BINS, range=(0, 100))[0]),
            "parameters": parameters(fitted),
        }

    def columns(
        self, definition: Definition, fitted: SecondSim, x: Matrix, batch: pa.RecordBatch
    ) -> dict[str, pa.Array]:
        index = fitted.predict(x)
        mark = pa.array(index >= fitted.threshold, pa.bool_(), mask=np.isnan(index))
        made = {definition["output"]: number(index), definition["mark"]: mark}
        return made | graded(definition, index)


def signals_of(definition: Definition) -> tuple[Signal, ...]:
    if "signals" not in definition:
        return SIGNALS
    return tuple(
        Signal(float(one["weight"]), tuple(_part(part) for part in one["parts"]))
        for one in definition["signals"]
    )


def _part(part: dict[str, Any]) -> Part:
    return Part(part["attribute"], part.get("side", "high") == "high", part.get("at_least"))


def _signals(fitted: SecondSim, x: Matrix, marked: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Of each sign: its weight, and for how many it is among the strongest reasons."""
    # The catalogue of reasons holds every sign once per group of peers, in the signs' order.
    reasons = fitted.reasons(x)
    sign = np.where(reasons == NONE, NONE, reasons % len(fitted.signals))
    total = sum(signal.weight for signal in fitted.signals)
    return [
        {
            "attributes": [part.attribute for part in signal.parts],
            "high": [part.high for part in signal.parts],
            "weight": signal.weight / total,
            "told": plain(share(int((sign == place).any(axis=1).sum()), len(x))),
            "told_of_marked": plain(
                share(int((sign[marked] == place).any(axis=1).sum()), int(marked.sum()))
            ),
        }
        for place, signal in enumerate(fitted.signals)
    ]
