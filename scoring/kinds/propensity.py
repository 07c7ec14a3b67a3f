"""Propensity (S2): one model per product, from hundreds of candidates to tens."""

from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..checkpoints import Checkpoint
from ..learning.features import Feature
from ..learning.propensity import Propensity
from ..reporting import plain
from ..rows import Rows
from .base import Definition, Progress
from .outcome import OutcomeKind


class PropensityKind(OutcomeKind):
    """Publishes the probability of the outcome, 0–1, and its grade."""

    code: ClassVar[str] = "propensity"
    name: ClassVar[str | Promise] = _("propensity")

    def fit(
        self,
        definition: Definition,
        features: tuple[Feature, ...],
        rows: Rows,
        progress: Progress,
    ) -> Propensity:
        return self._fitted(definition, features, rows, progress)

    def fit_on(
        self,
        definition: Definition,
        features: tuple[Feature, ...],
        rows: Rows,
        progress: Progress,
        checkpoint: Checkpoint,
    ) -> Propensity:
        begun, keep = checkpoint.read(), checkpoint.keep
        return self._fitted(definition, features, rows, progress, resume=begun, checkpoint=keep)

    def _fitted(
        self,
        definition: Definition,
        features: tuple[Feature, ...],
        rows: Rows,
        progress: Progress,
        **kept: Any,
    ) -> Propensity:
        vouched = tuple(definition.get("vouched", []))
        fitted = Propensity(features, vouched=vouched).fit(
            rows.x, rows.y, progress=progress, **kept
        )
        return fitted.narrowed()

    def measure(
        self, definition: Definition, fitted: Any, rows: Rows, progress: Progress
    ) -> dict[str, Any]:
        report = super().measure(definition, fitted, rows, progress)
        report["candidates"] = plain(fitted.candidates_)
        report["strengths"] = plain(fitted.strengths_)
        report["base_points"] = fitted.base_points_
        return report
