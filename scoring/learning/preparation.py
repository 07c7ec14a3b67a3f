"""Columns made comparable before distances are taken between customers.

Amounts of telecom use are skewed, full of zeros and in units of their own; a distance over them as
they stand would be the distance in the largest. Per number, in this order, all of it learned:

1. winsorise: values beyond the ``tail`` quantiles count as these;
2. logarithm where it helps: if the skewness exceeds ``skewed`` in size and the logarithm brings it
   nearer to 0. It is sign(v) log(1 + |v| / unit), with the 5 % quantile of the positive values as
   the unit, or the median size where there are negative ones too: minutes or seconds, the same;
3. centre on the mean and divide by the standard deviation, or by range / ``reach`` where that is
   more: a column that is zero for 95 % has a tiny deviation, and would outweigh all others.

A category becomes one column per code, together of variance 1, as one number is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import skew

from .features import Feature
from .refusal import NotEstimable

UNIT_QUANTILE = 0.05
# Relative to a column's size: what differs by less is rounding, not a difference.
ROUNDING = 1e-12

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Dropped:
    """An attribute that tells nobody from anybody."""

    attribute: str
    why: Literal["all_null", "constant"]


class Preparation:
    """Rows × features to rows × columns in which a distance means something.

    Parameters
    ----------
    features : the columns of ``x``, as scoring.learning.features has them.
    tail : share of the values at either end that counts as extreme.
    skewed : skewness from which a logarithm is tried.
    reach : a column spans so many units at most.

    ``fit`` learns per column: ``owner_`` the position of its feature, ``code_`` the code's position
    in ``Feature.categories`` (-1: a number), ``low_``, ``high_``, ``unit_`` (0: no logarithm),
    ``centre_``, ``scale_``, ``fill_`` (what an unknown value counts as, prepared), ``whole_`` (all
    values seen were whole); and ``dropped_``, the attributes without a column.

    Unknown numbers count as the median, unknown and unseen codes as the average mixture of codes.
    Infinite values are unknown when fitting, and extreme when transforming.
    """

    def __init__(
        self,
        features: tuple[Feature, ...],
        *,
        tail: float = 0.005,
        skewed: float = 1.0,
        reach: float = 5.0,
    ) -> None:
        self.features = features
        self.tail = tail
        self.skewed = skewed
        self.reach = reach

    def fit(self, x: Floats) -> Self:
        """Learn from ``x``. NotEstimable: no_rows, no_usable_features."""
        if not len(x):
            raise NotEstimable("no_rows")
        self.dropped_: list[Dropped] = []
        learned: list[tuple[float, ...]] = []
        for position, feature in enumerate(self.features):
            known = x[np.isfinite(x[:, position]), position]
            if feature.categories is None:
                columns = self._number(known)
            else:
                columns = _category(known, len(feature.categories))
            if not columns:
                why: Literal["all_null", "constant"] = "constant" if len(known) else "all_null"
                self.dropped_.append(Dropped(feature.attribute, why))
            learned += [(position, *column) for column in columns]
        if not learned:
            raise NotEstimable("no_usable_features", candidates=len(self.features))
        owner, code, *numbers, whole = np.array(learned).T
        self.owner_, self.code_ = owner.astype(np.int64), code.astype(np.int64)
        self.low_, self.high_, self.unit_, self.centre_, self.scale_, self.fill_ = numbers
        self.whole_ = whole.astype(bool)
        return self

    def transform(self, x: Floats) -> Floats:
        """Return rows × columns (column-major), without NaN."""
        z = self.scaled(x)
        for column, fill in zip(z.T, self.fill_, strict=True):
            column[np.isnan(column)] = fill
        return z

    def scaled(self, x: Floats) -> Floats:
        """``transform`` with NaN where a value is unknown or its code unseen."""
        z = np.empty((len(x), len(self.owner_)), order="F")
        for block in self.columns_of_features():
            values = x[:, self.owner_[block.start]]
            if self.code_[block.start] < 0:
                self._scale_number(values, block.start, z[:, block.start])
            else:
                self._scale_category(values, block, z[:, block])
        return z

    def original(self, column: int, prepared: float) -> float:
        """The value of a number whose prepared value is ``prepared``."""
        value = float(prepared * self.scale_[column] + self.centre_[column])
        unit = float(self.unit_[column])
        return float(np.sign(value) * np.expm1(abs(value)) * unit) if unit else value

    def columns_of_features(self) -> list[slice]:
        """Per feature that has columns, in order, where they stand."""
        starts = self.starts_of_features()
        ends = [*starts[1:], len(self.owner_)]
        return [slice(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]

    def starts_of_features(self) -> NDArray[np.int64]:
        """Per feature that has columns, in order, the first of them."""
        return np.flatnonzero(np.diff(self.owner_, prepend=-1))

    def _scale_number(self, values: Floats, column: int, out: Floats) -> None:
        np.clip(values, self.low_[column], self.high_[column], out=out)
        if self.unit_[column]:
            out[:] = _log(out, self.unit_[column])
        out -= self.centre_[column]
        out /= self.scale_[column]

    def _scale_category(self, values: Floats, block: slice, out: Floats) -> None:
        np.equal(values[:, None], self.code_[block], out=out)
        unseen = ~out.any(axis=1)
        out -= self.centre_[block]
        out /= self.scale_[block]
        out[unseen] = np.nan

    def _number(self, known: Floats) -> Sequence[tuple[float, ...]]:
        """The one column of a number; none if it is constant."""
        if not len(known):
            return []
        low, high = np.quantile(known, [self.tail, 1 - self.tail])
        values = np.clip(known, low, high)
        if high - low <= ROUNDING * max(abs(low), abs(high)):
            return []
        unit = self._unit(values)
        if unit:
            values = _log(values, unit)
        centre = float(values.mean())
        scale = max(float(values.std()), float(np.ptp(values)) / self.reach)
        fill = (float(np.median(values)) - centre) / scale
        whole = bool((known == np.rint(known)).all())
        return [(-1, float(low), float(high), unit, centre, scale, fill, whole)]

    def _unit(self, values: Floats) -> float:
        """The unit of the logarithm that ``values`` are better off with; 0: with none."""
        before = abs(float(skew(values)))
        if not before > self.skewed:
            return 0.0
        sizes = np.abs(values[values != 0])
        quantile = 0.5 if values.min() < 0 else UNIT_QUANTILE
        unit = float(np.quantile(sizes, quantile))
        logs = _log(values, unit)
        flat = np.ptp(logs) <= ROUNDING * float(np.abs(logs).max())
        return 0.0 if flat or abs(float(skew(logs))) >= before else unit


def _category(known: Floats, codes: int) -> Sequence[tuple[float, ...]]:
    """One column per code that occurs, scaled together; none if only one code occurs."""
    seen = known[known < codes]
    if not len(seen):
        return []
    shares = np.bincount(seen.astype(np.int64), minlength=codes) / len(seen)
    scale = float(np.sqrt((shares * (1 - shares)).sum()))
    if scale == 0:
        return []
    return [
        (code, 0.0, 1.0, 0.0, float(share), scale, 0.0, False)
        for code, share in enumerate(shares)
        if share
    ]


def _log(values: Floats, unit: float) -> Floats:
    logs: Floats = np.log1p(np.abs(values) / unit)
    return np.copysign(logs, values)
