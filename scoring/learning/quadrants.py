"""Whom to contact: the four quadrants of baseline and uplift, with the cuts that money gives.

    persuadable      uplift > cost / value: a contact earns more than it costs
    do_not_disturb   uplift < -cost / value: it loses more than that
    sure_thing       between, and P(outcome if left alone) >= sure: comes without being asked
    lost_cause       between, and below: does not come anyhow

``value`` is what the outcome is worth and ``cost`` what a contact costs, both in yuan; ``sure`` is
as a rule the average baseline of those on whom the model was fitted.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .qini import Compared, compare
from .refusal import NotEstimable

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Quadrant = Literal["persuadable", "sure_thing", "lost_cause", "do_not_disturb"]

QUADRANTS: tuple[Quadrant, ...] = get_args(Quadrant)


@dataclass(frozen=True)
class Cuts:
    """``value`` and ``cost`` in yuan, ``sure`` in probability."""

    value: float
    cost: float
    sure: float

    def __post_init__(self) -> None:
        if not self.value > 0:
            raise ValueError(f"value of the outcome must be positive, got {self.value}")
        if not self.cost >= 0:
            raise ValueError(f"cost of a contact must not be negative, got {self.cost}")
        if not 0 <= self.sure <= 1:
            raise ValueError(f"sure must lie between 0 and 1, got {self.sure}")

    @property
    def uplift(self) -> float:
        """The uplift at which a contact pays for itself."""
        return self.cost / self.value


@dataclass(frozen=True)
class Group:
    """One quadrant: ``share`` of all customers, mean ``uplift`` and ``baseline`` as predicted.

    ``net``: yuan that contacting all of them would earn, as predicted: Σ uplift · value - cost.
    ``uplift`` and ``baseline`` None: nobody is in it.
    """

    quadrant: Quadrant
    customers: int
    share: float
    uplift: float | None
    baseline: float | None
    net: float


@dataclass(frozen=True)
class Observed:
    """What came of a quadrant's customers in a trial that took no part in fitting.

    ``holds``: the interval of the observed uplift reaches into the quadrant's range; None: an arm
    is empty there.
    """

    quadrant: Quadrant
    compared: Compared
    holds: bool | None


def quadrants(uplift: Floats, baseline: Floats, cuts: Cuts) -> NDArray[np.int8]:
    """Return each row's position in QUADRANTS. ``uplift`` -1 to 1, ``baseline`` 0 to 1, no NaN."""
    between = np.where(
        baseline >= cuts.sure, QUADRANTS.index("sure_thing"), QUADRANTS.index("lost_cause")
    )
    where = np.where(uplift > cuts.uplift, QUADRANTS.index("persuadable"), between)
    where[uplift < -cuts.uplift] = QUADRANTS.index("do_not_disturb")
    return where.astype(np.int8)


def groups(uplift: Floats, baseline: Floats, cuts: Cuts) -> tuple[Group, ...]:
    """Return the four groups in the order of QUADRANTS. Raises NotEstimable("no_rows")."""
    if not len(uplift):
        raise NotEstimable("no_rows")
    where = quadrants(uplift, baseline, cuts)
    counts = np.bincount(where, minlength=len(QUADRANTS))
    uplifts = np.bincount(where, uplift, len(QUADRANTS))
    baselines = np.bincount(where, baseline, len(QUADRANTS))
    return tuple(
        Group(
            quadrant=quadrant,
            customers=int(n),
            share=float(n / len(where)),
            uplift=float(moved / n) if n else None,
            baseline=float(alone / n) if n else None,
            net=float(moved * cuts.value - n * cuts.cost),
        )
        for quadrant, n, moved, alone in zip(QUADRANTS, counts, uplifts, baselines, strict=True)
    )


def observed(
    uplift: Floats, baseline: Floats, y: Flags, treated: Flags, cuts: Cuts
) -> tuple[Observed, ...]:
    """Compare the arms within each quadrant, in the order of QUADRANTS."""
    where = quadrants(uplift, baseline, cuts).astype(np.intp)
    kind = 4 * where + 2 * ~treated + ~y
    cells = np.bincount(kind, minlength=4 * len(QUADRANTS)).reshape(-1, 4)
    found = []
    for quadrant, counts in zip(QUADRANTS, cells, strict=True):
        compared = compare(*counts)
        found.append(Observed(quadrant, compared, _holds(quadrant, compared, cuts.uplift)))
    return tuple(found)


def _holds(quadrant: Quadrant, compared: Compared, cut: float) -> bool | None:
    seen = compared.uplift
    if seen is None:
        return None
    if quadrant == "persuadable":
        return seen.high > cut
    if quadrant == "do_not_disturb":
        return seen.low < -cut
    return seen.low <= cut and seen.high >= -cut
