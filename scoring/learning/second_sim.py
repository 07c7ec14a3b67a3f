"""Suspects of a second SIM 双卡嫌疑 (S3): whose behaviour is that of people with another operator.

Without labels nothing can be learned, so this is an index by agreed signs and weights, 0 to 100.
It is no probability. Where labels exist a propensity model does better.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .features import Feature
from .reasons import NONE, STRONGEST, Reason
from .refusal import LEAST_POSITIVES, NotEstimable

THRESHOLD = 40.0
AGE_CUTS = (25.0, 35.0, 45.0, 60.0)
CAP = 3.0
NOTABLE = 1.0
KNOWN_SHARE = 0.5

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Part:
    """An attribute that is unusually high among his peers, or unusually low.

    Its strength is by how many standard deviations it lies on that side of the peers' mean, 0 to
    ``CAP``. With ``at_least`` it is a mere condition: so many deviations, which may be negative.
    """

    attribute: str
    high: bool = True
    at_least: float | None = None


@dataclass(frozen=True)
class Signal:
    """A sign and its weight; with several parts, as strong as the weakest: all must hold.

    The first part names it in reasons.
    """

    weight: float
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        if not self.weight > 0 or not self.parts:
            raise ValueError("a signal needs a positive weight and a part")


SIGNALS = (
    # He asks the others' hotlines.
    Signal(3.0, (Part("competitor_calls"),)),
    # Silent for many days while the balance is kept up: this SIM is there to be called.
    Signal(2.0, (Part("silent_days"), Part("balance", at_least=-0.5))),
    # He speaks ever less, and surfs ever less.
    Signal(1.0, (Part("voice_change", high=False),)),
    Signal(1.0, (Part("data_change", high=False),)),
    # He speaks much less than people like him: the other number is the one he calls from.
    Signal(1.0, (Part("voice_minutes", high=False),)),
)


class SecondSim:
    """Index = 100 × Σ weight × strength / (CAP × Σ weight) over all signals.

    Parameters
    ----------
    features : what ``x`` holds, among it the attributes of signals and peers.
    signals : the signs and their weights.
    brand, age, age_cuts : peers are customers of one brand and age band; of unknown brand or age,
        those who are alike in that. Fewer than 30 peers, or all alike: all customers are.
    threshold : from this index on a customer is marked.

    A signal of which an attribute is null is no sign: it adds nothing, so that nobody is a suspect
    for being little known. Where less than half of all weight is known the index is NaN.
    """

    def __init__(
        self,
        features: tuple[Feature, ...],
        *,
        signals: Sequence[Signal] = SIGNALS,
        brand: str = "brand",
        age: str = "age",
        age_cuts: tuple[float, ...] = AGE_CUTS,
        threshold: float = THRESHOLD,
    ) -> None:
        self.features = features
        self.signals = tuple(signals)
        self.brand = brand
        self.age = age
        self.age_cuts = age_cuts
        self.threshold = threshold

    def fit(
        self, x: Floats, y: NDArray[np.bool_] | None = None, progress: Progress | None = None
    ) -> Self:
        """Learn each peer group's means and deviations; ``y`` is not used."""
        if not len(x):
            raise NotEstimable("no_rows")
        place = {feature.attribute: i for i, feature in enumerate(self.features)}
        parts = [part for signal in self.signals for part in signal.parts]
        missing = {part.attribute for part in parts} | {self.brand, self.age}
        missing -= place.keys()
        if missing:
            raise ValueError(f"features must have {', '.join(sorted(missing))}")
        self.brand_column_, self.age_column_ = place[self.brand], place[self.age]
        self.brands_ = len(self.features[self.brand_column_].categories or ())
        self.columns_ = np.array([place[part.attribute] for part in parts])
        self.signs_ = np.array([1.0 if part.high else -1.0 for part in parts])
        self.conditions_ = np.array(
            [np.nan if part.at_least is None else part.at_least for part in parts]
        )
        self.starts_ = np.cumsum([0, *(len(signal.parts) for signal in self.signals[:-1])])
        self.weights_ = np.array([signal.weight for signal in self.signals])
        self._learn_peers(x, progress)
        leads = self.starts_
        self.limits_ = (
            self.means_[:, leads] + self.signs_[leads] * NOTABLE * self.deviations_[:, leads]
        )
        self.reasons_ = self._catalogue()
        return self

    def _learn_peers(self, x: Floats, progress: Progress | None) -> None:
        groups = (self.brands_ + 2) * (len(self.age_cuts) + 2)
        peers = self._peers(x)
        values = x[:, self.columns_]
        means = np.tile(_mean(values), (groups, 1))
        deviations = np.tile(_deviation(values), (groups, 1))
        for group in range(groups):
            mine = values[peers == group]
            own = (~np.isnan(mine)).sum(axis=0) >= LEAST_POSITIVES
            # Peers who are all alike can't tell how far off another is: everybody can.
            own &= _deviation(mine) > 0
            means[group, own] = _mean(mine)[own]
            deviations[group, own] = _deviation(mine)[own]
            if progress:
                progress(group + 1, groups)
        self.means_, self.deviations_ = means, deviations

    def _peers(self, x: Floats) -> NDArray[np.intp]:
        """The group of each row: brand (unseen and unknown last) × age band (unknown last)."""
        brand, age = x[:, self.brand_column_], x[:, self.age_column_]
        brand = np.where(np.isnan(brand), self.brands_ + 1, brand)
        band = np.searchsorted(np.array(self.age_cuts), age, side="right")
        band = np.where(np.isnan(age), len(self.age_cuts) + 1, band)
        return (brand * (len(self.age_cuts) + 2) + band).astype(np.intp)

    def _strengths(self, x: Floats) -> Floats:
        """Return rows × signals, 0 to CAP; NaN where unknown."""
        peers = self._peers(x)
        off = (x[:, self.columns_] - self.means_[peers]) * self.signs_
        spread = self.deviations_[peers]
        # An attribute that is the same for everybody tells nothing.
        with np.errstate(divide="ignore", invalid="ignore"):
            off = np.where((spread == 0) & ~np.isnan(off), 0.0, off / spread)
        met = np.where(np.isnan(off), np.nan, np.where(off >= self.conditions_, CAP, 0.0))
        strengths = np.where(np.isnan(self.conditions_), np.clip(off, 0.0, CAP), met)
        weakest: Floats = np.minimum.reduceat(strengths, self.starts_, axis=1)
        return weakest

    def predict(self, x: Floats) -> Floats:
        """Return the index of each row, 0 to 100; NaN where too little is known."""
        strengths = self._strengths(x)
        known = ~np.isnan(strengths)
        total = self.weights_.sum()
        index = 100.0 * (np.where(known, strengths, 0.0) @ self.weights_) / (CAP * total)
        return np.where(known @ self.weights_ >= KNOWN_SHARE * total, index, np.nan)

    def mark(self, x: Floats) -> NDArray[np.bool_]:
        """Return who is a suspect: an index of at least ``threshold``; unknown: no."""
        marked: NDArray[np.bool_] = self.predict(x) >= self.threshold
        return marked

    def reasons(self, x: Floats) -> NDArray[np.int16]:
        """Return rows × 3 positions in ``reasons_``: what is notable against the peers.

        That is, signals whose leading part lies at least one deviation off; greatest share first.
        """
        strengths = self._strengths(x)
        peers = self._peers(x)
        lead = x[:, self.columns_[self.starts_]]
        limits = self.limits_[peers]
        notable = np.where(self.signs_[self.starts_] > 0, lead >= limits, lead <= limits)
        shares = np.where(notable & (strengths > 0), strengths * self.weights_, 0.0)
        count = len(self.signals)
        found = np.full((len(x), STRONGEST), NONE, dtype=np.int16)
        order = np.argsort(-shares, axis=1, kind="stable")[:, :STRONGEST]
        given = np.take_along_axis(shares, order, axis=1) > 0
        places = peers[:, None] * count + order
        found[:, : order.shape[1]] = np.where(given, places, NONE)
        return found

    def _catalogue(self) -> list[Reason]:
        """Peer groups × signals: the range of the leading part that is notable in that group."""
        leads = [signal.parts[0] for signal in self.signals]
        return [
            Reason(part.attribute, low=limit)
            if part.high
            else Reason(part.attribute, high=float(np.nextafter(limit, np.inf)))
            for limits in self.limits_.tolist()
            for part, limit in zip(leads, limits, strict=True)
        ]


def _mean(values: Floats) -> Floats:
    count = np.maximum((~np.isnan(values)).sum(axis=0), 1)
    mean: Floats = np.nansum(values, axis=0) / count
    return mean


def _deviation(values: Floats) -> Floats:
    """Return the standard deviation of what is known; 0 where all are alike but for rounding."""
    count, mean = np.maximum((~np.isnan(values)).sum(axis=0), 1), _mean(values)
    spread: Floats = np.sqrt(np.nansum((values - mean) ** 2, axis=0) / count)
    return np.where(spread > 1e-9 * np.abs(mean), spread, 0.0)
