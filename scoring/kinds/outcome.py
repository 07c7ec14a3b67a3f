"""What the kinds share that learn a probability from outcomes."""

from typing import Any, ClassVar

import pyarrow as pa

from ..reporting import outcome_report
from ..rows import Rows
from .base import ATTRIBUTE, GRADES, Definition, Kind, Matrix, Progress, graded, number

ORDERED = {
    "type": "object",
    "properties": {
        "ordered": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"type": "string", "minLength": 1, "maxLength": 40},
        },
        "within_days": {"type": "integer", "minimum": 1, "maximum": 400},
    },
    "required": ["ordered", "within_days"],
    "additionalProperties": False,
}
ATTRIBUTES = {"type": "array", "minItems": 1, "uniqueItems": True, "items": ATTRIBUTE}


class OutcomeKind(Kind):
    """``label``: an attribute of origin label, or the policies that count when ordered in time.

    ``opposite``: the outcome is that it does not happen (staying, where the label is leaving).
    """

    outcome: ClassVar[str] = "label"
    properties: ClassVar[dict[str, Any]] = {
        "output": ATTRIBUTE,
        "label": {"anyOf": [ATTRIBUTE, ORDERED]},
        "opposite": {"const": True},
        "features": ATTRIBUTES,
        "without": ATTRIBUTES,
        "known_after": ATTRIBUTES,
        "vouched": ATTRIBUTES,
        "grades": GRADES,
        "contacted_share": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    }
    required: ClassVar[tuple[str, ...]] = ("output", "label")
    # What one unit of the score is as a probability.
    per_unit: ClassVar[float] = 1.0

    def tables(self, definition: Definition) -> list[str]:
        return ["orders"] if isinstance(definition["label"], dict) else []

    def measure(
        self, definition: Definition, fitted: Any, rows: Rows, progress: Progress
    ) -> dict[str, Any]:
        probability = fitted.predict(rows.x) * self.per_unit
        return outcome_report(definition, fitted, rows, probability)

    def columns(
        self, definition: Definition, fitted: Any, x: Matrix, batch: pa.RecordBatch
    ) -> dict[str, pa.Array]:
        score = fitted.predict(x)
        return {definition["output"]: number(score)} | graded(definition, score)
