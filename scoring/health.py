"""How a version fares on a day: what it meets before it scores, and how far all that has moved.

What a model does about a missing feature, a changed type or a new code is part of its version: the
value counts as unknown and goes where training sent unknown values; it is counted, and above a
limit told as an alert. Where a feature is unknown of far more customers than in training, the model
does not score at all: the scores of the day before stand, marked stale.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from django.db import transaction

from lake.models import Partition

from .alerts import end_acknowledged, estimable_days
from .applied import Applied
from .kinds.base import Matrix
from .learning.drift import SHIFTED, DayCounts
from .models import ModelDay, ModelVersion
from .performance import measure_due, performance_alerts
from .profile import read_profile

# How much more often than in training a feature may be unknown until somebody is told.
ALERT_ABOVE = 0.1
UNSEEN_ABOVE = 0.01
# As many customers are counted by bins on a day: ten times as many tell no more.
COUNTED = 1_000_000


@dataclass
class Watch:
    """Counts one model's features and score as they stream by."""

    model: Applied
    counts: DayCounts
    scored: int = 0
    known: int = 0
    total: float = 0.0

    @classmethod
    def of(cls, version: ModelVersion, model: Applied, customers: int) -> "Watch":
        profile = read_profile(model.features, version.profile)
        return cls(model, DayCounts(profile, every=max(1, customers // COUNTED)))

    def look(self, x: Matrix, made: dict[str, pa.Array]) -> None:
        """Count a batch of the population: its features and what was made of them."""
        score = self.model.kind.score_of(self.model.definition, self.model.fitted, made)
        self.counts.add(x, score)
        known = score[~np.isnan(score)]
        self.scored += len(score)
        self.known += len(known)
        self.total += float(known.sum())

    def told(self) -> dict[str, Any]:
        profile = self.counts.profile
        *features, score = profile.drifts(self.counts)
        then = {
            f.attribute: round(float(counts[-2] / max(1, counts.sum())), 6)
            for f, counts in zip(profile.features, profile.counts_, strict=False)
        }
        return {
            "scored": self.scored,
            "mean": self.total / self.known if self.known else None,
            "score": _told(score),
            "features": {d.attribute: _told(d) for d in features},
            "unseen_at_training": then,
        }


def _told(drift: Any) -> dict[str, Any]:
    def short(value: float | None) -> float | None:
        return None if value is None else round(value, 6)

    return {
        "n": drift.n,
        "psi": short(drift.psi),
        "grade": drift.grade,
        "missing": short(drift.missing),
        "unseen": short(drift.unseen),
        "not_estimable": drift.not_estimable,
    }


@transaction.atomic
def record_days(scores: Partition, versions: list[ModelVersion]) -> int:
    """Write down how each version fared on the day of these scores; return how many alerts."""
    told = scores.facts.get("models", {})
    alerts = 0
    for version in versions:
        facts = told.get(version.model_id)
        if facts is None:
            continue
        found = alerts_of(facts, scores.business_date)
        alerts += len(found)
        ModelDay.objects.update_or_create(
            version=version,
            business_date=scores.business_date,
            defaults={
                "scores": scores.pk,
                "stale_since": facts.get("stale_since"),
                "facts": facts,
                "alerts": found,
            },
        )
        end_acknowledged(version, scores.business_date, found)
    return alerts


def watch_performance(today: date) -> tuple[int, int]:
    """Measure the days whose outcomes have become known.

    Return how many alerts that gave, and how many days could not be measured.
    """
    alerts, due = 0, measure_due(today)
    for day in due.days:
        found = performance_alerts(day.performance)
        alerts += len(found)
        newest = estimable_days().filter(version=day.version_id).order_by("-business_date").first()
        if newest is not None and newest.pk == day.pk:
            end_acknowledged(day.version, day.business_date, found, afterwards=True)
    return alerts, due.failed


def alerts_of(facts: dict[str, Any], business_date: date) -> list[dict[str, Any]]:
    """Return what somebody should look at: {code, attribute, figure, limit}.

    Of stale scores the figure is their age in days.
    """
    alerts = [{"code": "feature_absent", "attribute": name} for name in facts["absent"]]
    alerts += [{"code": "type_changed", "attribute": name} for name in facts["retyped"]]
    trained = facts["missing_at_training"]
    for name, share in facts["missing"].items():
        limit = trained.get(name, 0.0) + ALERT_ABOVE
        if share > limit and name not in facts["absent"]:
            alerts.append(_alert("missing_more", name, share, limit))
    for name, drift in facts.get("features", {}).items():
        if (drift["psi"] or 0.0) > SHIFTED:
            alerts.append(_alert("feature_shifted", name, drift["psi"], SHIFTED))
        limit = facts["unseen_at_training"].get(name, 0.0) + UNSEEN_ABOVE
        if (drift["unseen"] or 0.0) > limit:
            alerts.append(_alert("unseen_values", name, drift["unseen"], limit))
    if (facts.get("score", {}).get("psi") or 0.0) > SHIFTED:
        alerts.append(_alert("score_shifted", "", facts["score"]["psi"], SHIFTED))
    if since := facts.get("stale_since"):
        age = (business_date - date.fromisoformat(since)).days
        alerts.append({"code": "stale", "since": since, "figure": age})
    return alerts


def _alert(code: str, attribute: str, figure: float, limit: float) -> dict[str, Any]:
    return {"code": code, "attribute": attribute, "figure": figure, "limit": round(limit, 6)}
