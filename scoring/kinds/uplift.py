"""Retention response (S3): what a contact adds to the chance of an outcome, told by a trial."""

from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.errors import DomainError
from customers.models import Type

from ..learning import qini
from ..learning.features import Feature
from ..learning.quadrants import QUADRANTS, Cuts, groups, observed, quadrants
from ..learning.uplift import Uplift
from ..reporting import parameters, plain
from ..rows import Rows
from .base import ATTRIBUTE, Definition, Kind, Matrix, Output, Progress, number
from .outcome import ATTRIBUTES, ORDERED

TRIAL = ORDERED | {
    "properties": ORDERED["properties"]
    | {"code": {"type": "string", "minLength": 1, "maxLength": 40}},
    "required": ["code", *ORDERED["required"]],
}
# Columns of the balance that a report keeps: the least balanced.
BALANCE_SHOWN = 20


class UpliftKind(Kind):
    """Publishes the uplift in probability, -1 to 1, and the customer's quadrant.

    trial    whose lot decided who was contacted, and which orders within which time count
    value    yuan that the outcome is worth; cost: yuan of a contact. They cut the quadrants.
    """

    code: ClassVar[str] = "uplift"
    name: ClassVar[str | Promise] = gettext_lazy("response to a contact (uplift)")
    outcome: ClassVar[str] = "trial"
    properties: ClassVar[dict[str, Any]] = {
        "output": ATTRIBUTE,
        "quadrant": ATTRIBUTE,
        "trial": TRIAL,
        "value": {"type": "number", "exclusiveMinimum": 0},
        "cost": {"type": "number", "minimum": 0},
        "features": ATTRIBUTES,
        "without": ATTRIBUTES,
        "known_after": ATTRIBUTES,
        "vouched": ATTRIBUTES,
    }
    required: ClassVar[tuple[str, ...]] = ("output", "quadrant", "trial", "value", "cost")

    def check(self, item: Definition, where: list[Any]) -> None:
        if item["cost"] >= item["value"]:
            raise DomainError(
                "cost_above_value",
                _(
                    "A contact must cost less than the outcome is worth, or it never pays: it "
                    "costs %(cost)s, the outcome is worth %(value)s."
                )
                % {"cost": item["cost"], "value": item["value"]},
                where=[*where, "cost"],
            )

    def writes(self, definition: Definition) -> list[tuple[Output, list[Any]]]:
        quadrant = Output(definition["quadrant"], Type.CATEGORY, QUADRANTS)
        return [*super().writes(definition), (quadrant, ["quadrant"])]

    def tables(self, definition: Definition) -> list[str]:
        return ["orders", "trials"]

    def fit(
        self,
        definition: Definition,
        features: tuple[Feature, ...],
        rows: Rows,
        progress: Progress,
    ) -> Uplift:
        return Uplift(features).fit(rows.x, rows.y, rows.treated, progress=progress)

    def measure(
        self, definition: Definition, fitted: Uplift, rows: Rows, progress: Progress
    ) -> dict[str, Any]:
        """How well it ranks those of the trial whom it has not seen, and what their arms did."""
        uplift, baseline = fitted.predict_both(rows.x)
        cuts = _cuts(definition, fitted)
        quality = qini.measure(uplift, rows.y, rows.treated)
        lot = fitted.randomisation_
        return {
            "metrics": {
                "qini": quality.qini.value,
                "qini_low": quality.qini.low,
                "qini_high": quality.qini.high,
                "auuc": quality.auuc.value,
                "beats_random": quality.beats_random,
                "rows": quality.rows,
                "treated": quality.overall.treated.n,
            },
            "quality": plain(quality),
            "cuts": plain(cuts),
            "quadrants": [
                plain(group) | plain(seen)
                for group, seen in zip(
                    groups(uplift, baseline, cuts),
                    observed(uplift, baseline, rows.y, rows.treated, cuts),
                    strict=True,
                )
            ],
            "randomisation": plain(lot) | {"balance": plain(lot.balance[:BALANCE_SHOWN])},
            "learner": {
                "chosen": fitted.learner_,
                "losses": plain(fitted.losses_),
                "differing": plain(fitted.differing_),
                "fidelity": fitted.fidelity_,
            },
            "drivers": _drivers(fitted),
            "parameters": parameters(fitted),
        }

    def columns(
        self, definition: Definition, fitted: Uplift, x: Matrix, batch: pa.RecordBatch
    ) -> dict[str, pa.Array]:
        uplift, baseline = fitted.predict_both(x)
        place = quadrants(uplift, baseline, _cuts(definition, fitted))
        codes = pa.array(QUADRANTS, pa.string())
        return {
            definition["output"]: number(uplift),
            definition["quadrant"]: codes.take(pa.array(place)),
        }


def _cuts(definition: Definition, fitted: Uplift) -> Cuts:
    return Cuts(definition["value"], definition["cost"], fitted.average_baseline_)


def _drivers(fitted: Uplift) -> list[dict[str, Any]]:
    """By attribute, the strongest first: how far its steps move the uplift down and up."""
    parts = fitted.parts_
    return [
        {
            "attribute": parts.features[column].attribute,
            "low": float(np.min(steps)),
            "high": float(np.max(steps)),
        }
        for column, steps in zip(parts.columns_, parts.steps_, strict=True)
    ]
