"""The best monotone bins over neighbouring pre-bins, exact, for many columns at once.

Among all partitions of a column's pre-bins into at most ``max_bins`` runs of neighbours, each with
enough rows, whose weight of evidence rises (or falls) strictly from run to run, the one is chosen
whose information value, less a price for each further bin, is greatest. Dynamic programming over
(last bin's begin, its end, number of bins), the way of optbinning's formulation (Navas-Palencia
2020, arXiv:2001.08025) without its solver.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Outcomes:
    """How many rows have the outcome (``events``) and have not (``others``), over all rows.

    ``smoothing``: the rows at the overall rate that are added to a bin before its rate is taken. A
    bin's weight of evidence is finite by it, whatever the bin holds, and 0 where it holds nothing.
    """

    events: int
    others: int
    smoothing: float

    def woe(self, events: Floats, others: Floats) -> Floats:
        """ln of the bin's odds over the overall odds; positive: the outcome is more frequent."""
        rate = self.events / (self.events + self.others)
        up = events + self.smoothing * rate
        down = others + self.smoothing * (1 - rate)
        found: Floats = np.log(up / down) - np.log(self.events / self.others)
        return found

    def value(self, events: Floats, others: Floats) -> Floats:
        """What bins add to the information value (events' share less others', times WOE)."""
        share = events / self.events - others / self.others
        found: Floats = share * self.woe(events, others)
        return found

    @property
    def noise(self) -> float:
        """The information value that one degree of freedom of pure chance brings on average."""
        return 1 / self.events + 1 / self.others


def merged(
    events: Floats,
    others: Floats,
    overall: Outcomes,
    least: float,
    max_bins: int,
    price: float,
    turn: float | None,
) -> list[list[int]]:
    """Return for each column the pre-bins with which its bins begin, without the first (0).

    ``events``, ``others``: columns × pre-bins, shorter columns filled up with zeros at the end.
    ``least``: rows a bin must hold. ``price``: information value that a further bin must add.
    ``turn``: that which one turn, from rising to falling or back, must add besides; None: none. One
    bin is always allowed. Of equals: no turn, fewer bins, rising before falling, the earlier cut.
    """
    columns, width = events.shape
    e, n = _runs(events), _runs(others)
    begins, ends = np.arange(width + 1)[:, None], np.arange(width + 1)
    allowed = (begins < ends) & (e + n >= least)
    allowed[:, 0, width] = True
    # Falling is rising of the negative: both directions are columns of one table.
    woe = overall.woe(e, n)
    woe = np.concatenate([woe, -woe])
    value = np.where(allowed, overall.value(e, n), -np.inf)
    value = np.concatenate([value, value])
    paths = _paths(woe, value, max_bins, turn is not None)
    prices = price * np.arange(paths.best.shape[1]) + np.array([[0.0], [turn or 0.0]])
    net = paths.best[:, :, :, :, width] - prices[:, :, None, None]
    # phase, bins, direction, column, begin → column, phase, bins, direction, begin
    net = net.reshape(*net.shape[:2], 2, columns, width + 1).transpose(3, 0, 1, 2, 4)
    chosen = []
    for column, place in enumerate(net.reshape(columns, -1).argmax(axis=1)):
        phase, k, falling, begin = np.unravel_index(place, net.shape[1:])
        chosen.append(paths.cuts(column + int(falling) * columns, int(phase), int(k), int(begin)))
    return chosen


def _runs(counts: Floats) -> Floats:
    """columns × begin × end: the count of pre-bins begin … end - 1."""
    total = np.concatenate([np.zeros((len(counts), 1)), np.cumsum(counts, axis=1)], axis=1)
    found: Floats = np.maximum(total[:, None, :] - total[:, :, None], 0.0)
    return found


@dataclass(frozen=True)
class _Paths:
    """``best[phase, k]``: the greatest value of k + 1 bins of which the last is (begin, end).

    phase 0 has only risen, phase 1 falls after a turn. ``before``: the state before the last bin,
    begin × 2 + phase.
    """

    best: Floats
    before: NDArray[np.int16]

    def cuts(self, column: int, phase: int, k: int, begin: int) -> list[int]:
        cuts: list[int] = []
        end = self.best.shape[-1] - 1
        for bins in range(k, 0, -1):
            cuts.append(begin)
            came = int(self.before[phase, bins, column, begin, end])
            end, begin, phase = begin, came // 2, came % 2
        return cuts[::-1]


def _paths(woe: Floats, value: Floats, max_bins: int, turns: bool) -> _Paths:
    size = value.shape[-1]
    most = min(max_bins, size - 1)
    best = np.full((2, most, *value.shape), -np.inf)
    before = np.zeros(best.shape, dtype=np.int16)
    best[0, 0, :, 0] = value[:, 0]
    for k in range(1, most):
        for begin in range(k, size - 1):
            ends = slice(begin + 1, size)
            last, next_ = woe[:, :begin, begin, None], woe[:, None, begin, ends]
            risen = best[0, k - 1, :, :begin, begin, None]
            risen_on = np.where(last < next_, risen, -np.inf)
            best[0, k, :, begin, ends] = risen_on.max(axis=1) + value[:, begin, ends]
            before[0, k, :, begin, ends] = risen_on.argmax(axis=1) * 2
            if not turns:
                continue
            fallen = best[1, k - 1, :, :begin, begin, None]
            either = np.where(last > next_, np.maximum(risen, fallen), -np.inf)
            came = either.argmax(axis=1)
            best[1, k, :, begin, ends] = either.max(axis=1) + value[:, begin, ends]
            before[1, k, :, begin, ends] = came * 2 + _phase(risen, fallen, came)
    return _Paths(best, before)


def _phase(risen: Floats, fallen: Floats, came: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether the path had turned already, at the begins it ``came`` from."""
    turned: NDArray[np.bool_] = np.take_along_axis((fallen > risen)[:, :, 0], came, axis=1)
    return turned
