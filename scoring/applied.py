"""A model version as the day applies it: which columns it reads, and which it gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from customers.models import Attribute, Type
from rules import Rule

from . import conditions
from .kinds import KINDS
from .kinds.base import Definition, Kind, Matrix
from .kinds.earlier import population_of
from .learning.features import Feature, matrix
from .models import ModelVersion
from .registry import load
from .rows import features_of


@dataclass(frozen=True)
class Applied:
    """A published version, ready to score batches.

    reasons     the texts of its catalogue of reasons; empty where the definition asks for none
    population  whom it scores; None: everybody
    """

    code: str
    definition: Definition
    features: tuple[Feature, ...]
    kind: Kind
    fitted: Any
    reasons: tuple[str, ...] = ()
    population: Rule | None = None

    @property
    def scores(self) -> list[str]:
        """Those of its features that are scores of models before it, not the snapshot's."""
        return self.definition.get("scores", [])

    @property
    def outputs(self) -> dict[str, Type]:
        return {o.attribute: o.type for o, _ in self.kind.writes(self.definition)}

    def columns(self, x: Matrix, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """Score one batch of ``x`` (rows × its features): output attribute → column."""
        made = self.kind.columns(self.definition, self.fitted, x, batch)
        if self.reasons:
            made[self.definition["reasons"]] = conditions.column(
                self.fitted.reasons(x), self.reasons
            )
        return made


def applied(version: ModelVersion, types: Mapping[str, str] | None = None) -> Applied:
    """Return the version ready to score; reads its file. ``types``: attribute → its type."""
    kind, definition = KINDS[version.model.kind], version.definition
    fitted = load(version.file, version.signature)
    reasons: Sequence[str] = ()
    if "reasons" in definition:
        types = types or types_of(definition["reads"])
        reasons = conditions.texts_of(fitted.reasons_, types)
    return Applied(
        version.model_id,
        definition,
        features_of(definition["reads"], definition.get("categories", {})),
        kind,
        fitted,
        tuple(reasons),
        population_of(definition),
    )


def types_of(attributes: Sequence[str]) -> dict[str, str]:
    found = Attribute.objects.filter(code__in=attributes)
    return dict(found.values_list("code", "type"))


class Encoded:
    """One batch's features, each made into numbers once, however many models read it."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch
        self._columns: dict[Feature, np.ndarray] = {}

    def matrix(self, features: Sequence[Feature]) -> Matrix:
        out = np.empty((self._batch.num_rows, len(features)), order="F")
        for position, feature in enumerate(features):
            out[:, position] = self._column(feature)
        return out

    def _column(self, feature: Feature) -> np.ndarray:
        if feature not in self._columns:
            self._columns[feature] = matrix(self._batch, [feature])[:, 0]
        return self._columns[feature]
