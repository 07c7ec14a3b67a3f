"""The report of a version: what the learning methods measured, as plain JSON for a page."""

from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kinds.base import Definition
from .learning.dependence import dependence
from .learning.evaluation import age_bands, evaluate
from .rows import Rows

# Attributes whose partial dependence is drawn: the strongest drivers.
DRAWN = 8


def outcome_report(
    definition: Definition,
    fitted: Any,
    rows: Rows,
    probability: NDArray[np.float64],
) -> dict[str, Any]:
    """What a model of an outcome is worth on ``rows`` that it has not seen."""
    groups: dict[str, Any] = {"city": rows.cities}
    if rows.ages is not None:
        groups["age"] = age_bands(rows.ages)
    found = evaluate(
        rows.y, probability, groups=groups, share_called=definition.get("contacted_share")
    )
    drivers = _drivers(fitted.drivers_)
    strongest = [d["attribute"] for d in drivers][:DRAWN]
    drawn = [f for f in fitted.features if f.attribute in strongest]
    return {
        "metrics": {
            "auc": found.auc.value,
            "auc_low": found.auc.low,
            "auc_high": found.auc.high,
            "ks": found.ks,
            "ks_low": found.ks_low,
            "ks_high": found.ks_high,
            "top_decile_lift": found.tenths[0].lift.value,
            "rows": found.n,
            "positives": found.positives,
        },
        "evaluation": plain(found),
        "drivers": drivers,
        "dependence": plain([dependence(fitted, rows.x, f.attribute) for f in drawn]),
        "parameters": parameters(fitted),
    }


def _drivers(found: Any) -> list[dict[str, Any]]:
    """The strongest first, whether a method tells much of each or its share only."""
    if isinstance(found, dict):
        return [{"attribute": name, "strength": plain(share)} for name, share in found.items()]
    return plain(found)  # type: ignore[no-any-return]


def parameters(fitted: Any) -> dict[str, Any]:
    """The parameters that an estimator was made with, all but its features."""
    return {
        name: plain(value)
        for name, value in vars(fitted).items()
        if not name.endswith("_") and not name.startswith("_") and name != "features"
    }


def plain(value: Any) -> Any:
    """Return ``value`` as JSON can hold it: arrays as lists, NaN and infinities as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(one) for one in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
