"""The value index 客户价值指数: weighted, normalised indicators, 0 to 100 (S1)."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

KNOWN_SHARE = 0.5


@dataclass(frozen=True)
class Indicator:
    """One indicator: ``low`` scores 0, ``high`` scores 1, linear between, clipped outside.

    ``low`` > ``high`` is allowed and means that less is better (complaints, days since a top-up).
    """

    attribute: str
    weight: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.weight > 0:
            raise ValueError(f"weight of {self.attribute} must be positive, got {self.weight}")
        if self.low == self.high:
            raise ValueError(f"{self.attribute}: from and to must differ, both are {self.low}")


class ValueIndex:
    """Score = 100 × Σ w·u / Σ w over the indicators that are known.

    Parameters
    ----------
    indicators : one or more ``Indicator``; weights need not sum to one, only their ratio counts.

    A missing indicator (NaN) takes no part: the others' weights are scaled up. Where the known ones
    hold less than half of all weight the index is NaN, not a guess.
    """

    def __init__(self, indicators: tuple[Indicator, ...]) -> None:
        self.indicators = indicators

    def fit(self) -> Self:
        """Nothing is learned: weights come from experts. Sets the arrays that ``predict`` uses."""
        self.weights_ = np.array([i.weight for i in self.indicators])
        self.lows_ = np.array([i.low for i in self.indicators])
        self.spans_ = np.array([i.high - i.low for i in self.indicators])
        return self

    def predict(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the index of each row of ``x`` (rows × indicators, float, NaN = unknown)."""
        known = ~np.isnan(x)
        units = np.clip((x - self.lows_) / self.spans_, 0.0, 1.0)
        weight = known @ self.weights_
        points = np.where(known, units, 0.0) @ self.weights_
        enough = weight >= KNOWN_SHARE * self.weights_.sum()
        index = np.full(len(x), np.nan)
        np.divide(100.0 * points, weight, out=index, where=enough)
        return index
