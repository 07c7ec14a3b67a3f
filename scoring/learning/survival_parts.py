"""What each feature adds to a linear score in log-odds, and the words for it.

All parts are measured from the average training row, so they say what makes a customer differ.
"""

from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .binning import number_codes
from .features import Feature
from .reasons import NONE, STRONGEST, Reason
from .refusal import NotEstimable

Numbers = NDArray[np.float64]
Places = NDArray[np.int16]

# A code, or being unknown, that fewer training rows have gets no weight of its own.
LEAST_ROWS = 30
# Numbers are cut off beyond these quantiles: one wild bill must not decide.
_TAILS = (0.005, 0.995)
_BANDS = (0.1, 0.25, 0.75, 0.9)
# A part of less than this in log-odds (1 % of the odds) is no reason.
LEAST_PART = 0.01
LAST_BITS = np.int64(np.iinfo(np.int16).max)


class Parts:
    """Features as centred columns of a linear model, and back from its weights to their parts.

    ``fit`` learns ``dropped_`` (attribute → "all_null" or "constant") and how each feature becomes
    columns: a number is one, cut off at its tails and in standard deviations, unknown as the mean;
    a code, or being unknown, is one if at least 30 rows have it. What has no column adds nothing:
    unseen codes, and unknown values that training had too few of. ``weigh`` learns ``tables_``
    and ``reasons_`` from the columns' weights.
    """

    def __init__(self, features: tuple[Feature, ...], *, without: tuple[str, ...] = ()) -> None:
        self.features = features
        self.without = without  # attributes that have no part here

    def fit(self, x: Numbers) -> Self:
        """Learn from rows × features. Raises NotEstimable where no feature says anything."""
        self.dropped_: dict[str, str] = {}
        self.kept_: list[int] = []
        self.numbers_: list[list[float]] = []  # low, high, mean, deviation; empty of a category
        self.levels_: list[list[int]] = []  # codes with a column; len(categories) or 0: unknown
        self.shares_: list[list[float]] = []  # of the training rows, per level
        self.edges_: list[list[float]] = []  # bands of a number, for its reasons
        candidates = [f for f in self.features if f.attribute not in self.without]
        for feature in candidates:
            place = self.features.index(feature)
            self._learn(place, feature, x[:, place])
        if not self.kept_:
            raise NotEstimable("no_usable_features", candidates=len(candidates))
        return self

    def design(self, x: Numbers) -> Numbers:
        """Return rows × columns, each with a mean of about 0 over the training rows."""
        out = []
        for i, place in enumerate(self.kept_):
            column = x[:, place]
            if self.numbers_[i]:
                out.append(self._standard(i, column))
            coded = self._coded(i, column)
            for level, share in zip(self.levels_[i], self.shares_[i], strict=True):
                out.append((coded == level) - share)
        return np.asfortranarray(np.column_stack(out))

    def weigh(self, weights: Numbers) -> Self:
        """Take the columns' weights, in the order of ``design``."""
        self.slopes_: list[float] = []
        self.tables_: list[Numbers] = []
        self.first_: list[int] = []  # of each feature's reasons, in reasons_
        self.reasons_: list[Reason] = []
        at = 0
        for i in range(len(self.kept_)):
            slope = 0.0
            if self.numbers_[i]:
                slope, at = float(weights[at]), at + 1
            mine = weights[at : at + len(self.levels_[i])]
            at += len(mine)
            # Places in a table: codes (none of a number), unknown, unseen (of a number: known).
            table = np.zeros(self._codes(i) + 2)
            centre = mine @ np.array(self.shares_[i])
            table[self.levels_[i]] = mine - centre
            if self.numbers_[i]:
                table[-1] = -centre
            self.slopes_.append(slope)
            self.tables_.append(table)
            self.first_.append(len(self.reasons_))
            self.reasons_ += self._reasons(i)
        return self

    def attribute_of(self, column: int) -> str:
        """Return whose a column of ``design`` is."""
        for i, place in enumerate(self.kept_):
            column -= bool(self.numbers_[i]) + len(self.levels_[i])
            if column < 0:
                return self.features[place].attribute
        raise IndexError("no such column")

    def parts(self, x: Numbers) -> Numbers:
        """Return rows × kept features, log-odds from the average."""
        out = np.empty((len(x), len(self.kept_)), order="F")
        for i, place in enumerate(self.kept_):
            out[:, i] = self._part(i, x[:, place])
        return out

    def total(self, x: Numbers) -> Numbers:
        """Return ``parts(x).sum(axis=1)`` without the matrix."""
        out = np.zeros(len(x))
        for i, place in enumerate(self.kept_):
            out += self._part(i, x[:, place])
        return out

    def _part(self, i: int, column: Numbers) -> Numbers:
        table = self.tables_[i]
        if not self.numbers_[i]:
            return np.asarray(table.take(self._coded(i, column)), dtype=np.float64)
        low, high, mean, deviation = self.numbers_[i]
        slope = self.slopes_[i] / deviation
        known = np.clip(column, low, high) * slope + (table[1] - slope * mean)
        part: Numbers = np.where(np.isnan(column), table[0], known)
        return part

    def places(self, x: Numbers) -> Places:
        """Return rows × kept features: the position in ``reasons_``; NONE of an unseen code."""
        out = np.empty((len(x), len(self.kept_)), np.int16, order="F")
        for i, place in enumerate(self.kept_):
            column = x[:, place]
            if self.numbers_[i]:
                band = banded(column, self.edges_[i])
                out[:, i] = self.first_[i] + band
            else:
                coded = self._coded(i, column)
                out[:, i] = np.where(coded > self._codes(i), NONE, self.first_[i] + coded)
        return out

    def _learn(self, place: int, feature: Feature, column: Numbers) -> None:
        unknown = np.isnan(column)
        known = column[~unknown]
        if not len(known) or ((known == known[0]).all() and unknown.sum() < LEAST_ROWS):
            self.dropped_[feature.attribute] = "constant" if len(known) else "all_null"
            return
        if feature.categories is None:
            low, high = np.quantile(known, _TAILS)
            # Rarely anything but one value: its tails are what there is to tell.
            low, high = (low, high) if low < high else (known.min(), known.max())
            cut = np.clip(known, low, high)
            number = [float(v) for v in (low, high, cut.mean(), cut.std() or 1.0)]
            edges = {*np.quantile(cut, _BANDS).tolist(), number[2]}
            counts = np.array([unknown.sum()])
        else:
            codes = len(feature.categories)
            number, edges = [], set()
            seen = np.minimum(np.where(unknown, codes, column), codes).astype(np.intp)
            counts = np.bincount(seen[unknown | (column < codes)], minlength=codes + 1)
        levels = np.flatnonzero(counts >= LEAST_ROWS)
        if not number and not len(levels):
            self.dropped_[feature.attribute] = "constant"
            return
        self.kept_.append(place)
        self.numbers_.append(number)
        self.levels_.append(levels.tolist())
        self.shares_.append((counts[levels] / len(column)).tolist())
        self.edges_.append(sorted(edges))

    def _codes(self, i: int) -> int:
        return len(self.features[self.kept_[i]].categories or ())

    def _standard(self, i: int, column: Numbers) -> Numbers:
        low, high, mean, deviation = self.numbers_[i]
        return np.asarray((np.clip(np.nan_to_num(column, nan=mean), low, high) - mean) / deviation)

    def _coded(self, i: int, column: Numbers) -> NDArray[np.intp]:
        """Return the place in a table: the code, then unknown, then unseen (or: a number)."""
        codes, unknown = self._codes(i), np.isnan(column)
        if self.numbers_[i]:
            return np.asarray(np.where(unknown, 0, 1))
        known = np.where(column < codes, column, codes + 1)
        return np.asarray(np.where(unknown, codes, known), dtype=np.intp)

    def _reasons(self, i: int) -> list[Reason]:
        feature, table = self.features[self.kept_[i]], self.tables_[i]
        name = feature.attribute
        if feature.categories is None:
            told = bands_in_words(name, self.edges_[i])
            mean = self.numbers_[i][2]
            up = [(self.slopes_[i] > 0) == (r.low >= mean) for r in told] + [bool(table[0] > 0)]
            told.append(Reason(name, missing=True))
        else:
            told = [Reason(name, codes=(code,)) for code in feature.categories]
            told.append(Reason(name, missing=True))
            up = [bool(part > 0) for part in table[:-1]]
        return [
            Reason(r.attribute, r.low, r.high, r.codes, r.missing, u)
            for r, u in zip(told, up, strict=True)
        ]


def banded(column: Numbers, edges: list[float]) -> Places:
    """Return how many edges are at or under each value; len(edges) + 1 where it is unknown."""
    return number_codes(column, edges).astype(np.int16)


def bands_in_words(attribute: str, edges: list[float]) -> list[Reason]:
    outer = [float("-inf"), *edges, float("inf")]
    return [Reason(attribute, low, high) for low, high in pairwise(outer)]


def strongest(parts: Numbers, places: Places, least: float) -> Places:
    """Return rows × 3: the places of the largest parts either way, of equals the lesser place.

    Parts smaller than ``least``, and those without a place, are no reason: NONE.
    """
    # The place is kept in the last bits of its part's size, which say nothing: numbers are then
    # compared by columns, with no look-up.
    held = np.zeros((STRONGEST, len(parts)))
    for part, place in zip(parts.T, places.T, strict=True):
        size = np.abs(part)
        silent = (place == NONE) | ~(size >= least)
        bits = size.view(np.int64)
        bits &= ~LAST_BITS
        bits |= LAST_BITS - place
        size[silent] = 0.0
        for most in held:
            beaten = np.minimum(most, size)
            np.maximum(most, size, out=most)
            size = beaten
    kept = held.view(np.int64)
    return np.where(kept > 0, LAST_BITS - (kept & LAST_BITS), NONE).T.astype(np.int16)
