"""What a kind of model is: what its definition says, what it learns from, what it publishes."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from django.utils.functional import Promise
from numpy.typing import NDArray

from common.errors import at
from common.intervals import Interval, check_partition
from customers.models import Type

from ..checkpoints import Checkpoint
from ..learning.features import Feature, to_float
from ..models import Model, ModelVersion
from ..rows import Rows

Definition = dict[str, Any]
Progress = Callable[[int, int], None]
Matrix = NDArray[np.float64]

ATTRIBUTE = {"type": "string", "minLength": 1, "maxLength": 60}
LIMIT = {"type": "number"}
BANDS = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "properties": {
            "code": {"type": "string", "minLength": 1, "maxLength": 40},
            "from": LIMIT,
            "to": LIMIT,
        },
        "required": ["code"],
        "additionalProperties": False,
    },
}
GRADES = {
    "type": "object",
    "properties": {"output": ATTRIBUTE, "bands": BANDS},
    "required": ["output", "bands"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Output:
    """An attribute of origin "score" that a model writes. ``codes``: what a category may hold."""

    attribute: str
    type: Type
    codes: tuple[str, ...] = ()


class Kind(ABC):
    """One kind of model. Its objects hold nothing: all they need comes with the call.

    outcome       what a row must have beside features: "" (nothing), "label", "trial"
    rows_of       what a row is that it learns from: one of "customers", or of "channels", a count
                  of the contacts and orders of all customers as of one day
    reads_scores  whether its features may be scores of models that stand before it
    properties    JSON Schema of what a definition may say beside the common fields
    """

    code: ClassVar[str]
    name: ClassVar[str | Promise]
    outcome: ClassVar[str] = ""
    rows_of: ClassVar[str] = "customers"
    reads_scores: ClassVar[bool] = False
    properties: ClassVar[dict[str, Any]] = {}
    required: ClassVar[tuple[str, ...]] = ()

    def check(self, item: Definition, where: list[Any]) -> None:
        """Refuse what the schema and the catalogue can't: DomainError with its place."""
        if "bands" in item.get("grades", {}):
            with at(*where, "grades", "bands"):
                check_partition(item["code"], intervals_of(item))

    def writes(self, definition: Definition) -> list[tuple[Output, list[Any]]]:
        """The attributes that a published version writes, each with its place in the definition."""
        written = [(Output(definition["output"], Type.NUMBER), ["output"])]
        if "grades" in definition:
            written.append((grade_output(definition), ["grades", "output"]))
        if "reasons" in definition:
            written.append((Output(definition["reasons"], Type.TEXT), ["reasons"]))
        return written

    def named(self, definition: Definition) -> list[tuple[str, list[Any]]]:
        """The features that the definition names, each with its place."""
        return [(f, ["features", i]) for i, f in enumerate(definition.get("features", []))]

    def asked(self, model: Model) -> Definition:
        """The definition as it is when a training is asked for. Raises NotEstimable."""
        return dict(model.definition)

    def refuse_unfit(self, version: ModelVersion) -> None:
        """Refuse a version that must not come into use now: DomainError (409)."""
        return

    def features(self, definition: Definition, candidates: list[str]) -> list[str]:
        """The attributes of the snapshot that are looked at, in the order of the features.

        ``candidates``: every attribute that a model may learn from; the definition may name fewer.
        """
        without = {*definition.get("without", [])}
        return definition.get("features") or [c for c in candidates if c not in without]

    def needs(self, definition: Definition) -> list[str]:
        """The scores of models before it without which a version says nothing."""
        return []

    def beside(self, definition: Definition) -> list[str]:
        """Attributes that training reads beside the features."""
        return []

    def tables(self, definition: Definition) -> list[str]:
        """The tables of events that training reads."""
        return []

    def days_of_events(self, definition: Definition) -> int:
        """How old the oldest row of its tables is that it reads, beside those of its outcome."""
        return 0

    def settled(self, definition: Definition, fitted: Any) -> Definition:
        """The definition of a version: what it reads is what its estimator kept."""
        reads = [f.attribute for f in fitted.features]
        return definition | {"reads": reads}

    @abstractmethod
    def fit(
        self,
        definition: Definition,
        features: tuple[Feature, ...],
        rows: Rows | None,
        progress: Progress,
    ) -> Any:
        """Return the fitted estimator. Raises NotEstimable."""

    def fit_on(
        self,
        definition: Definition,
        features: tuple[Feature, ...],
        rows: Rows | None,
        progress: Progress,
        checkpoint: Checkpoint,
    ) -> Any:
        """``fit``, going on from ``checkpoint`` where the kind keeps there what it has finished."""
        return self.fit(definition, features, rows, progress)

    @abstractmethod
    def measure(
        self, definition: Definition, fitted: Any, rows: Rows | None, progress: Progress
    ) -> dict[str, Any]:
        """Return the report: plain JSON, with ``metrics``, the few figures that a list shows."""

    @abstractmethod
    def columns(
        self, definition: Definition, fitted: Any, x: Matrix, batch: pa.RecordBatch
    ) -> dict[str, pa.Array]:
        """Score a batch: output attribute → column, all but the reasons.

        ``batch`` has the snapshot's columns and the scores of the models that stand before.
        """

    def watched(self, fitted: Any, x: Matrix) -> NDArray[np.float64]:
        """The one number whose distribution is watched from day to day."""
        return np.asarray(fitted.predict(x), dtype=np.float64)

    def score_of(
        self, definition: Definition, fitted: Any, made: dict[str, pa.Array]
    ) -> NDArray[np.float64]:
        """The same number, read from the columns that were made of a batch."""
        return to_float(made[definition["output"]])


def grade_output(definition: Definition) -> Output:
    codes = tuple(band["code"] for band in definition["grades"].get("bands", []))
    return Output(definition["grades"]["output"], Type.CATEGORY, codes)


@dataclass(frozen=True)
class Grades:
    """Score bands by ascending lower limit; ``codes[i]`` from ``limits[i]`` (limits[0] is -inf)."""

    output: str
    limits: tuple[float, ...]
    codes: tuple[str, ...]

    def of(self, score: NDArray[np.float64]) -> pa.Array:
        """Return each score's grade; a missing score has none."""
        index = np.searchsorted(self.limits[1:], score, side="right").astype(np.int32)
        codes = pa.DictionaryArray.from_arrays(
            pa.array(index, mask=np.isnan(score)), pa.array(self.codes, pa.string())
        )
        return codes.cast(pa.string())


def number(score: NDArray[np.float64]) -> pa.Array:
    """A score column: NaN as null."""
    return pa.array(score, pa.float64(), mask=np.isnan(score))


def intervals_of(definition: Definition) -> list[Interval]:
    return [
        Interval(band["code"], band.get("from", -np.inf), band.get("to", np.inf))
        for band in definition["grades"]["bands"]
    ]


def grades_of(definition: Definition) -> Grades | None:
    if "bands" not in definition.get("grades", {}):
        return None
    bands = sorted(intervals_of(definition), key=lambda i: i.low)
    return Grades(
        definition["grades"]["output"],
        tuple(b.low for b in bands),
        tuple(b.code for b in bands),
    )


def graded(definition: Definition, score: NDArray[np.float64]) -> dict[str, pa.Array]:
    """The column of grades, where the definition asks for them."""
    grades = grades_of(definition)
    return {} if grades is None else {grades.output: grades.of(score)}
