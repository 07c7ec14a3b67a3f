"""What a version's days are held against: how its features and score lay when it was trained."""

from typing import Any

import numpy as np

from .kinds.base import Kind
from .learning.drift import StabilityProfile
from .learning.features import Feature
from .rows import Rows


def profile_of(kind: Kind, fitted: Any, rows: Rows) -> dict[str, Any]:
    """Return bins and counts of the training rows, as JSON keeps them."""
    learnt = StabilityProfile(fitted.features).fit(rows.x, kind.watched(fitted, rows.x))
    return {
        "edges": [edges.tolist() for edges in learnt.edges_],
        "counts": [counts.tolist() for counts in learnt.counts_],
    }


def read_profile(features: tuple[Feature, ...], kept: dict[str, Any]) -> StabilityProfile:
    profile = StabilityProfile(features)
    profile.edges_ = [np.asarray(edges, dtype=np.float64) for edges in kept["edges"]]
    profile.counts_ = [np.asarray(counts, dtype=np.int64) for counts in kept["counts"]]
    return profile


def missing_at_training(profile: StabilityProfile) -> dict[str, float]:
    """Each feature's share of unknown values when the model was trained."""
    shares = (float(counts[-1] / max(1, counts.sum())) for counts in profile.counts_)
    return {f.attribute: share for f, share in zip(profile.features, shares, strict=False)}
