"""What the rows give when they are called from the highest score down. Pure, no intervals.

Rows of one score can't be told apart: where an edge falls among them each side takes its share, so
that no figure depends on the order of the rows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]


@dataclass(frozen=True)
class Ladder:
    """Rows by score: ``cuts`` descending, and of all rows with a score of at least each cut how
    many there are (``rows``), how many are positive (``hits``), and the sum of scores (``sums``).
    """

    cuts: Floats
    rows: Floats
    hits: Floats
    sums: Floats

    @property
    def n(self) -> float:
        return float(self.rows[-1])

    @property
    def positives(self) -> float:
        return float(self.hits[-1])

    def hits_of(self, rows: Floats | float) -> Floats:
        """Positives among so many rows of the highest score."""
        return self._at(rows, self.hits)

    def sums_of(self, rows: Floats | float) -> Floats:
        return self._at(rows, self.sums)

    def _at(self, rows: Floats | float, of: Floats) -> Floats:
        found: Floats = np.interp(rows, np.append(0.0, self.rows), np.append(0.0, of))
        return found

    def cut_for(self, share: float) -> float:
        """The score of the last row to be called so that ``share`` of all are."""
        place = int(np.searchsorted(self.rows, share * self.n - 1e-9))
        return float(self.cuts[min(place, len(self.cuts) - 1)])

    def separation(self) -> tuple[float, float]:
        """Return Kolmogorov and Smirnov's distance and the cut at which it is reached."""
        recall = self.hits / self.positives
        alarms = (self.rows - self.hits) / (self.n - self.positives)
        place = int(np.argmax(recall - alarms))
        return float((recall - alarms)[place]), float(self.cuts[place])


def ladder(y: Truths, score: Floats) -> Ladder:
    """Return the rows by score; ``score`` without NaN."""
    order = np.argsort(-score, kind="stable")
    sorted_score = score[order]
    last = np.flatnonzero(np.append(sorted_score[1:] != sorted_score[:-1], True))
    return Ladder(
        sorted_score[last],
        (last + 1).astype(np.float64),
        np.cumsum(y[order], dtype=np.float64)[last],
        np.cumsum(sorted_score, dtype=np.float64)[last],
    )


@dataclass(frozen=True)
class Point:
    """Called from ``cut`` up: share of positives found, share of others called, precision."""

    cut: float | None
    recall: float
    alarms: float
    precision: float | None


def points(rungs: Ladder, most: int = 101) -> list[Point]:
    """Return the ROC and precision-recall curve, at most ``most`` points, both ends among them.

    Kept are those nearest to equal steps along the ROC curve (recall + alarms, from 0 to 2).
    """
    recall = rungs.hits / rungs.positives
    alarms = (rungs.rows - rungs.hits) / (rungs.n - rungs.positives)
    steps = np.linspace(0.0, 2.0, most)[1:]
    kept = np.unique(np.clip(np.searchsorted(recall + alarms, steps - 1e-12), 0, len(recall) - 1))
    return [Point(None, 0.0, 0.0, None)] + [
        Point(
            float(rungs.cuts[i]),
            float(recall[i]),
            float(alarms[i]),
            float(rungs.hits[i] / rungs.rows[i]),
        )
        for i in kept
    ]
