"""The value index 客户价值指数: weighted, normalised indicators, 0 to 100, and its tiers (S1)."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from .features import Feature
from .reasons import NONE, STRONGEST, Reason
from .refusal import NotEstimable

Floats = NDArray[np.float64]
Scaling = Literal["linear", "log", "rank", "normal"]
KNOWN_SHARE = 0.5
TOLERANCE = 1e-6
MOST_KNOTS = 1_001
# Tiers and the share of customers, from the best down, at which each ends (S1).
TIERS = (("high", 0.1), ("mid_high", 0.3), ("middle", 0.9), ("low", 1.0))
# Where an indicator's values are parted to say in which range a customer's lies.
RANGES = (0.1, 0.3, 0.7, 0.9)
# Less than this many points from the average is no reason.
LEAST_SHIFT = 1e-9


@dataclass(frozen=True)
class Indicator:
    """One indicator, brought to 0–1 before it is weighted.

    scaling  linear   ``low`` gives 0, ``high`` gives 1, clipped outside
             log      the same on the logarithm; ``low`` > 0, all that is at or below it gives 0
             rank     the share of customers with less, half of the equal ones among them
             normal   the normal distribution's share below (value - mean) / deviation
    better   "less": the result is turned round (complaints, days since a top-up)

    ``low`` < ``high`` are given for linear and log; rank and normal learn from the customers.
    """

    attribute: str
    weight: float
    scaling: Scaling = "linear"
    low: float | None = None
    high: float | None = None
    better: Literal["more", "less"] = "more"


@dataclass(frozen=True)
class Tier:
    """Customers with an index of ``cut`` or more (None: all below) that no better tier has."""

    code: str
    cut: float | None
    n: int
    share: float | None


class ValueIndex:
    """Score = 100 × Σ w·u / Σ w over the indicators that are known.

    Parameters
    ----------
    features : the columns of ``x``: numbers, one per indicator, in any order.
    indicators : weights positive, summing to one (those of ahp do).
    tiers : (code, share of customers from the best down at which it ends), best first.

    A missing indicator (NaN) takes no part: the others' weights are scaled up. Where the known ones
    hold less than half of all weight the index is NaN, not a guess, and there is no tier.

    Attributes: ``cuts_`` (least index of each tier but the last), ``tiers_`` (list of Tier: how
    many of the training customers), ``means_`` (average of each indicator, 0–1), ``reasons_``.
    """

    def __init__(
        self,
        features: tuple[Feature, ...],
        *,
        indicators: tuple[Indicator, ...],
        tiers: tuple[tuple[str, float], ...] = TIERS,
    ) -> None:
        self.features = features
        self.indicators = indicators
        self.tiers = tiers

    def fit(
        self,
        x: Floats,
        y: object = None,
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> Self:
        """Learn ranks, averages and tiers from ``x`` (customers × features); ``y`` is not used.

        A tier begins at the index of the last customer within its share; all who have exactly as
        much belong to it, so that a tie makes a tier greater, never smaller.
        Raises NotEstimable: weight_not_positive, weights_do_not_sum, empty_scale,
        scale_not_positive, no_rows, no_usable_features (an indicator that nobody has, or a constant
        one where its scale is learned, is an indicator of nothing), too_few_distinct.
        """
        _check(self.indicators)
        places = {feature.attribute: place for place, feature in enumerate(self.features)}
        self.places_ = np.array([places[i.attribute] for i in self.indicators])
        self.weights_ = np.array([i.weight for i in self.indicators])
        if not len(x):
            raise NotEstimable("no_rows")
        self.scales_ = []
        for done, indicator in enumerate(self.indicators):
            column = x[:, self.places_[done]]
            self.scales_.append(_learn(indicator, column[np.isfinite(column)]))
            if progress:
                progress(done + 1, len(self.indicators) + 1)
        units = self._units(x)
        self.means_ = np.nanmean(units, axis=0)
        self._learn_tiers(self._score(units))
        self._learn_reasons(x)
        if progress:
            progress(len(self.indicators) + 1, len(self.indicators) + 1)
        return self

    def predict(self, x: Floats) -> Floats:
        """Return the index of each row, 0–100; NaN where less than half of the weight is known."""
        return self._score(self._units(x))

    def tier(self, score: Floats) -> NDArray[np.int8]:
        """Return the place of each index's tier in ``tiers``; -1 where the index is NaN."""
        below = np.searchsorted(-self.cuts_, -score, side="left")
        return np.where(np.isnan(score), -1, below).astype(np.int8)

    def reasons(self, x: Floats) -> NDArray[np.int16]:
        """Return rows × 3 positions in ``reasons_``: weighted contributions against the average.

        An indicator's part is its weight, scaled up for the missing, × (its 0–1 - the average's).
        What is missing has no part.
        """
        units = self._units(x)
        parts = np.where(np.isnan(units), 0.0, (units - self.means_) * self.weights_)
        parts *= 100.0 / np.maximum(~np.isnan(units) @ self.weights_, TOLERANCE)[:, None]
        shown = min(STRONGEST, len(self.indicators))
        strongest = np.argsort(-np.abs(parts), axis=1, kind="stable")[:, :shown]
        told = np.empty(parts.shape, dtype=np.int16)
        for place, edges in enumerate(self.edges_):
            range_ = np.searchsorted(edges, x[:, self.places_[place]], side="right")
            told[:, place] = self.starts_[place] + 2 * range_ + (parts[:, place] > 0)
        told[np.abs(parts) < LEAST_SHIFT] = NONE
        out = np.full((len(x), STRONGEST), NONE, dtype=np.int16)
        out[:, :shown] = np.take_along_axis(told, strongest, axis=1)
        return out

    def _units(self, x: Floats) -> Floats:
        """Return each indicator of each row, 0–1, more is better; NaN where it is unknown."""
        units = np.empty((len(x), len(self.indicators)), order="F")
        for place, (indicator, scale) in enumerate(zip(self.indicators, self.scales_, strict=True)):
            unit = _unit(indicator.scaling, x[:, self.places_[place]], scale)
            units[:, place] = 1.0 - unit if indicator.better == "less" else unit
        return units

    def _score(self, units: Floats) -> Floats:
        known = ~np.isnan(units)
        weight = known @ self.weights_
        points = np.where(known, units, 0.0) @ self.weights_
        index = np.full(len(units), np.nan)
        enough = weight >= KNOWN_SHARE * self.weights_.sum() - TOLERANCE
        np.divide(100.0 * points, weight, out=index, where=enough)
        return index

    def _learn_tiers(self, score: Floats) -> None:
        known = np.sort(score[~np.isnan(score)])[::-1]
        distinct = len(np.unique(known))
        if distinct < 2:
            raise NotEstimable("too_few_distinct", distinct=distinct, least=2)
        last = [max(0, int(np.ceil(len(known) * share - TOLERANCE)) - 1) for _, share in self.tiers]
        self.cuts_ = known[last[:-1]]
        found = np.bincount(self.tier(known), minlength=len(self.tiers))
        cuts = [*self.cuts_.tolist(), None]
        self.tiers_ = [
            Tier(code, cut, int(n), float(n / len(known)))
            for (code, _), cut, n in zip(self.tiers, cuts, found, strict=True)
        ]

    def _learn_reasons(self, x: Floats) -> None:
        self.reasons_: list[Reason] = []
        self.edges_, self.starts_ = [], []
        for place, indicator in enumerate(self.indicators):
            column = x[:, self.places_[place]]
            cuts = np.quantile(column[np.isfinite(column)], RANGES)
            edges = np.unique([float(f"{cut:.2g}") for cut in cuts])
            self.edges_.append(edges)
            self.starts_.append(len(self.reasons_))
            for low, high in pairwise([-inf, *edges.tolist(), inf]):
                for raises in (False, True):
                    self.reasons_.append(Reason(indicator.attribute, low, high, raises=raises))


def _check(indicators: tuple[Indicator, ...]) -> None:
    for i in indicators:
        if not i.weight > 0:
            raise NotEstimable("weight_not_positive", attribute=i.attribute, weight=i.weight)
        if i.scaling in ("linear", "log"):
            low, high = (np.nan if end is None else end for end in (i.low, i.high))
            if not low < high:
                raise NotEstimable("empty_scale", attribute=i.attribute, low=low, high=high)
            if i.scaling == "log" and not low > 0:
                raise NotEstimable("scale_not_positive", attribute=i.attribute, low=low)
    total = sum(i.weight for i in indicators)
    if not abs(total - 1) <= TOLERANCE:
        raise NotEstimable("weights_do_not_sum", total=total)


def _learn(indicator: Indicator, known: Floats) -> Floats:
    """Return what ``_unit`` needs: two ends, mean and deviation, or knots × (value, rank)."""
    if not len(known):
        raise NotEstimable("no_usable_features", candidates=1, attribute=indicator.attribute)
    if indicator.scaling == "linear":
        return np.array([indicator.low, indicator.high], dtype=np.float64)
    if indicator.scaling == "log":
        return np.log(np.array([indicator.low, indicator.high], dtype=np.float64))
    if known.min() == known.max():
        raise NotEstimable("no_usable_features", candidates=1, attribute=indicator.attribute)
    if indicator.scaling == "normal":
        return np.array([known.mean(), known.std()])
    values, counts = np.unique(known, return_counts=True)
    ranks = (np.cumsum(counts) - 0.5 * counts) / len(known)
    if len(values) > MOST_KNOTS:
        # Evenly by rank, so that a knot stands for equally many customers; both ends among them.
        wanted = np.linspace(ranks[0], ranks[-1], MOST_KNOTS)
        kept = np.unique(np.searchsorted(ranks, wanted - 1e-12))
        values, ranks = values[kept], ranks[kept]
    return np.column_stack([values, ranks])


def _unit(scaling: Scaling, column: Floats, scale: Floats) -> Floats:
    """Return the column at 0–1, more is more; NaN stays NaN."""
    if scaling == "rank":
        return np.asarray(np.interp(column, scale[:, 0], scale[:, 1]), dtype=np.float64)
    if scaling == "normal":
        return np.asarray(ndtr((column - scale[0]) / scale[1]), dtype=np.float64)
    if scaling == "log":
        column = np.log(np.maximum(column, np.exp(scale[0])))
    unit: Floats = np.clip((column - scale[0]) / (scale[1] - scale[0]), 0.0, 1.0)
    return unit
