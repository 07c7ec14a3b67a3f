"""A model version as it is applied: which columns it reads, and which score columns it gives."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from common.intervals import Interval

from .learning.encoding import Encoder, Feature
from .learning.movement import MovementTree
from .learning.value_index import Indicator, ValueIndex
from .models import ModelVersion
from .registry import load


class Predictor(Protocol):
    def predict(self, x: NDArray[np.float64]) -> NDArray[np.float64]: ...


@dataclass(frozen=True)
class Grades:
    """Score bands by ascending lower limit; ``codes[i]`` from ``limits[i]`` (limits[0] is -inf)."""

    output: str
    limits: tuple[float, ...]
    codes: tuple[str, ...]

    def of(self, score: NDArray[np.float64]) -> pa.Array:
        """Return each score's grade; a missing score has none."""
        index = np.searchsorted(self.limits[1:], score, side="right")
        return pa.array(
            np.array(self.codes, dtype=object)[index], pa.string(), mask=np.isnan(score)
        )


@dataclass(frozen=True)
class FittedModel:
    encoder: Encoder
    predictor: Predictor
    output: str
    grades: Grades | None

    def columns(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """Score one batch: output attribute → column, NaN as null."""
        score = self.predictor.predict(self.encoder.transform(batch))
        columns = {self.output: pa.array(score, pa.float64(), mask=np.isnan(score))}
        if self.grades is not None:
            columns[self.grades.output] = self.grades.of(score)
        return columns


def fitted(version: ModelVersion) -> FittedModel:
    """Return the version ready to score; reads its file where it has one."""
    definition = version.definition
    encoder = encoder_of(definition)
    if version.model.kind == "value_index":
        predictor: Predictor = ValueIndex(indicators_of(definition)).fit()
    else:
        tree = MovementTree(definition["max_depth"], definition["min_leaf"])
        tree.tree_ = load(version.file, version.signature)
        predictor = tree
    return FittedModel(encoder, predictor, definition["output"], grades_of(definition))


def encoder_of(definition: dict[str, Any]) -> Encoder:
    """Return the encoder of a definition whose category codes were frozen at training."""
    names = [i["attribute"] for i in definition.get("indicators", [])] or definition["features"]
    codes = definition.get("categories", {})
    return Encoder(tuple(Feature(n, tuple(codes[n]) if n in codes else None) for n in names)).fit()


def indicators_of(definition: dict[str, Any]) -> tuple[Indicator, ...]:
    return tuple(
        Indicator(i["attribute"], i["weight"], i["from"], i["to"]) for i in definition["indicators"]
    )


def intervals_of(definition: dict[str, Any]) -> list[Interval]:
    return [
        Interval(band["code"], band.get("from", -np.inf), band.get("to", np.inf))
        for band in definition["grades"]["bands"]
    ]


def grades_of(definition: dict[str, Any]) -> Grades | None:
    if "grades" not in definition:
        return None
    bands = sorted(intervals_of(definition), key=lambda i: i.low)
    return Grades(
        definition["grades"]["output"],
        tuple(b.low for b in bands),
        tuple(b.code for b in bands),
    )
