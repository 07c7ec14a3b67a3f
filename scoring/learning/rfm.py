"""RFM: how recently, how often and for how much each customer bought, scored 1 to 5 (S5).

The cell 555 is the best: bought most recently, most often, for most.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .features import Feature
from .ledger import NEVER, Ledger
from .reasons import NONE, STRONGEST, Reason
from .refusal import NotEstimable

HIGHEST = 5


@dataclass(frozen=True)
class Purchased:
    """One row per customer who bought before ``as_of``, in the order of the ledger.

    recency     days from the last purchase to ``as_of``, 1: on its eve; over the whole record
    frequency   purchases within the window; 0 where the last one lies before it
    monetary    yuan within the window, returns taken off: may be negative
    """

    customers: NDArray[np.int64]  # positions in Ledger.customers
    recency: NDArray[np.float64]
    frequency: NDArray[np.float64]
    monetary: NDArray[np.float64]
    never_bought: int  # customers of the ledger who have only returns, or bought only later

    def matrix(self) -> NDArray[np.float64]:
        """Return rows × (recency, frequency, monetary), as ``Rfm`` reads it."""
        return np.column_stack([self.recency, self.frequency, self.monetary])


def purchased(ledger: Ledger, as_of: int, *, window: int = 365) -> Purchased:
    """Return what each customer did before the day ``as_of``; see scoring.learning.ledger for days.

    Frequency and money are counted over the days [as_of - window, as_of).
    """
    if window < 1:
        raise ValueError(f"a window must be at least 1 day, got {window}")
    last = ledger.last_purchase(as_of)
    who = np.flatnonzero(last != NEVER)
    return Purchased(
        who,
        (as_of - last[who]).astype(np.float64),
        ledger.purchases(as_of - window, as_of)[who].astype(np.float64),
        ledger.money(as_of - window, as_of)[who],
        len(last) - len(who),
    )


class Rfm:
    """Scores 1 to 5 for recency, frequency and money, and the cell they make.

    Parameters
    ----------
    features : the three numbers, in the order recency, frequency, monetary.
    cuts : four ascending values per number, from which on its score is 2, 3, 4 and 5; of recency,
        days up to which it is 5, 4, 3 and 2. None: learned by quantiles.

    ``fit`` learns ``cuts_`` (3 × 4; recency negated, so that more is better) such that a score of
    at least s has at least (s - 1) fifths of the customers strictly below it. Equal values share a
    score, the one that the worst placed of them would have: if 60 % bought once, all of them have
    1 and who bought twice begins at 4. Infinite: no value gets that score.
    """

    def __init__(
        self, features: tuple[Feature, ...], *, cuts: Sequence[Sequence[float]] | None = None
    ) -> None:
        self.features = features
        self.cuts = cuts

    def fit(
        self,
        x: NDArray[np.float64],
        y: object = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Self:
        """Learn from rows × (recency, frequency, monetary); rows with an unknown take no part.

        Raises NotEstimable without rows, or where one of the numbers is the same for everybody
        (with ``cuts`` given, never). ``y`` is not read.
        """
        if self.cuts is not None:
            recency, frequency, monetary = (np.array(c, dtype=np.float64) for c in self.cuts)
            self.cuts_ = np.stack([-recency[::-1], frequency, monetary])
            if self.cuts_.shape[1] != HIGHEST - 1 or (np.diff(self.cuts_) <= 0).any():
                raise ValueError(f"cuts must be 3 times 4 ascending values, got {self.cuts}")
        else:
            known = _more_is_better(x[np.isfinite(x).all(axis=1)])
            if not len(known):
                raise NotEstimable("no_rows")
            for feature, column in zip(self.features, known.T, strict=True):
                if column.min() == column.max():
                    raise NotEstimable(
                        "too_few_distinct", distinct=1, least=2, attribute=feature.attribute
                    )
            self.cuts_ = np.stack([_fifths(column) for column in known.T])
        self.reasons_ = [r for f, c in self._ranges() for r in _reasons(f, c)]
        if progress:
            progress(1, 1)
        return self

    def scores(self, x: NDArray[np.float64]) -> NDArray[np.int8]:
        """Return rows × 3, each 1 to 5; 0 where the number is unknown (who has never bought)."""
        out = np.empty((len(x), 3), np.int8)
        for place, column in enumerate(_more_is_better(x).T):
            out[:, place] = 1 + np.searchsorted(self.cuts_[place], column, side="right")
            out[np.isnan(column), place] = 0
        return out

    def predict(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the cell of each row, 111 to 555; NaN where one of its numbers is unknown."""
        scores = self.scores(x)
        cell: NDArray[np.float64] = scores @ np.array([100.0, 10.0, 1.0])
        return np.asarray(np.where((scores == 0).any(axis=1), np.nan, cell))

    def reasons(self, x: NDArray[np.float64]) -> NDArray[np.int16]:
        """Return the scores that differ from the middling 3, furthest first (ties: R, F, M)."""
        scores = self.scores(x).astype(np.int16)
        away = np.where(scores > 0, np.abs(scores - 3), 0)
        order = np.argsort(-away, axis=1, kind="stable")[:, :STRONGEST]
        found = scores - 1 + HIGHEST * np.arange(3, dtype=np.int16)
        found[away == 0] = NONE
        return np.asarray(np.take_along_axis(found, order, axis=1))

    def _ranges(self) -> list[tuple[Feature, list[tuple[float, float]]]]:
        """Return per number the range of values of each score from 1 to 5, in its own direction."""
        out = []
        for place, feature in enumerate(self.features):
            ranges = list(pairwise([-np.inf, *map(float, self.cuts_[place]), np.inf]))
            if place == 0:  # -high < days <= -low, and days are whole
                ranges = [
                    (1.0 + float(np.floor(-high)), 1.0 + float(np.floor(-low)))
                    for low, high in ranges
                ]
            out.append((feature, ranges))
        return out


def _reasons(feature: Feature, ranges: list[tuple[float, float]]) -> list[Reason]:
    return [
        Reason(feature.attribute, low, high, raises=score > 3)
        for score, (low, high) in enumerate(ranges, start=1)
    ]


def _more_is_better(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(x * np.array([-1.0, 1.0, 1.0]))


def _fifths(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for k = 1 to 4 the least value that has at least k fifths strictly below it."""
    ordered = np.sort(column)
    place = -(-np.arange(1, HIGHEST) * len(ordered) // HIGHEST)
    cuts = np.append(ordered, np.inf)[place]  # fewer than 5 customers leave a score empty
    # Equal values stay together: where the cut's own value begins earlier, the next one cuts.
    early = np.searchsorted(ordered, cuts, side="left") < place
    after = np.searchsorted(ordered, cuts, side="right")
    following = np.append(ordered, np.inf)[after]
    return np.asarray(np.where(early, following, cuts))
