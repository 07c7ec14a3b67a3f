"""Cannibalisation 新低价卡冲击 (S3): who would lose us money if told of a cheaper plan.

Told, a customer may switch and pay less; having switched he may stay longer. Where the first weighs
more he is marked "must not be told". It is arithmetic on stated assumptions, not a forecast.
"""

from dataclasses import dataclass, replace
from math import inf
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .features import Feature
from .refusal import NotEstimable

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """A monthly ``fee`` in yuan with allowances; what goes beyond is paid by the unit."""

    fee: float
    minutes: float = inf
    megabytes: float = inf
    per_minute: float = 0.0
    per_megabyte: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value >= 0:
                raise ValueError(f"{name} of a plan must be at least 0, got {value}")

    def bill(self, minutes: Floats, megabytes: Floats) -> Floats:
        """Return what each would pay in a month like the last, in yuan; NaN where use is NaN."""
        talk = np.maximum(minutes - self.minutes, 0.0) * self.per_minute
        data = np.maximum(megabytes - self.megabytes, 0.0) * self.per_megabyte
        return np.asarray(self.fee + talk + data, dtype=np.float64)


@dataclass(frozen=True)
class Assumptions:
    """What is assumed where nothing is known.

    horizon_months     over how many months money is counted
    take_up            probability that a customer who would pay less switches once told; whoever
                       would not pay less stays. A model's probabilities take its place.
    less_leaving       by which share his probability of leaving falls when he has switched
    tolerance          yuan of expected loss that are put up with
    """

    horizon_months: int = 12
    take_up: float = 0.3
    less_leaving: float = 0.3
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if self.horizon_months < 1 or not self.tolerance >= 0:
            raise ValueError("horizon_months must be at least 1 and tolerance at least 0")
        if not (0 <= self.take_up <= 1 and 0 <= self.less_leaving <= 1):
            raise ValueError("take_up and less_leaving must be 0 to 1")


@dataclass(frozen=True)
class Effect:
    """Float64 in yuan per customer, NaN where an input is unknown.

    saves     what he would pay less in a month; negative: more
    switches  probability of switching, 0 to 1
    given_up  margin lost over the horizon if he switches: saves × the months he then stays
    retained  margin won if he switches: the months that he stays longer × his margin now
    amount    expected change if he is told: switches × (retained - given_up)
    mark      bool: amount < -tolerance, he must not be told. False where it is unknown.
    """

    saves: Floats
    switches: Floats
    given_up: Floats
    retained: Floats
    amount: Floats
    mark: NDArray[np.bool_]


class Cannibalisation:
    """``effect_of_telling`` of a matrix.

    Parameters
    ----------
    features : yuan a month now, minutes and megabytes of a month.
    plan : the cheaper plan.
    share : of the bill that is margin.
    assumptions : what is assumed where nothing is known.
    """

    def __init__(
        self,
        features: tuple[Feature, ...],
        *,
        plan: Plan,
        share: float = 1.0,
        assumptions: Assumptions = Assumptions(),
    ) -> None:
        self.features = features
        self.plan = plan
        self.share = share
        self.assumptions = assumptions

    def fit(self, x: Floats) -> Self:
        """Learn nothing; NotEstimable ``no_rows`` where bill and use of nobody are known."""
        self.known_ = int(np.isfinite(x).all(axis=1).sum())
        if not self.known_:
            raise NotEstimable("no_rows")
        return self

    def effect(
        self,
        x: Floats,
        leaving: Floats,
        switching: Floats | None = None,
        *,
        less_leaving: float | None = None,
    ) -> Effect:
        """Return the effect per row; ``less_leaving``: in place of what is assumed."""
        bill, minutes, megabytes = x.T
        assumed = self.assumptions
        if less_leaving is not None:
            assumed = replace(assumed, less_leaving=less_leaving)
        return effect_of_telling(
            self.plan,
            bill=bill,
            margin=bill * self.share,
            minutes=minutes,
            megabytes=megabytes,
            leaving=leaving,
            switching=switching,
            assumptions=assumed,
        )


def effect_of_telling(
    plan: Plan,
    *,
    bill: Floats,
    margin: Floats,
    minutes: Floats,
    megabytes: Floats,
    leaving: Floats,
    switching: Floats | None = None,
    assumptions: Assumptions = Assumptions(),
) -> Effect:
    """Return what telling each customer of ``plan`` is expected to change, in yuan.

    bill, margin         yuan a month now; the whole saving is taken to be lost margin, for serving
                         him costs the same
    minutes, megabytes   of use in a month
    leaving              probability of leaving within a month, 0 to 1
    switching            a model's probability of switching once told; NaN where it has none: then
                         the assumed take-up

    The horizon's months are those he is expected to stay, 1 - leaving of them month after month.
    """
    saves = bill - plan.bill(minutes, megabytes)
    assumed = np.where(saves > 0, assumptions.take_up, 0.0)
    assumed = np.where(np.isnan(saves), np.nan, assumed)
    switches = assumed if switching is None else np.where(np.isnan(switching), assumed, switching)
    months = expected_months(leaving, assumptions.horizon_months)
    less = leaving * (1 - assumptions.less_leaving)
    months_after = expected_months(less, assumptions.horizon_months)
    given_up = saves * months_after
    retained = (months_after - months) * margin
    amount = switches * (retained - given_up)
    # Comparison with NaN is false: of whom nothing is known nothing is forbidden.
    return Effect(saves, switches, given_up, retained, amount, amount < -assumptions.tolerance)


def expected_months(leaving: Floats, horizon: int) -> Floats:
    """Return how many of the next ``horizon`` months he pays, who leaves with ``leaving`` a month.

    Σ (1 - leaving)^t over t = 1 … horizon: who leaves in a month no longer pays for it.
    """
    if (leaving < 0).any() or (leaving > 1).any():
        raise ValueError("a probability of leaving must be 0 to 1")
    with np.errstate(divide="ignore", invalid="ignore"):
        ever_leaves = -np.expm1(horizon * np.log1p(-leaving))
        months = (1.0 - leaving) * ever_leaves / leaving
    return np.asarray(np.where(leaving == 0, float(horizon), months), dtype=np.float64)
