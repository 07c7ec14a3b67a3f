"""Bins by weight of evidence (WOE): every attribute in the same unit, log-odds.

A number is cut into bins along which the outcome grows more, or less, frequent; up and down only
where that is decisive, and then with one turn. A category's codes are grouped by how frequent the
outcome is among them, rare codes together. Unknown values are a bin of their own, however few. WOE
is 0, saying nothing, for what training has not seen: an unseen code, and unknown values of a column
that had none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .binning_merge import Outcomes, merged
from .features import Feature

Floats = NDArray[np.float64]
Codes = NDArray[np.uint8]

SAMPLE = 50_000  # rows from which the ends of pre-bins are taken
# Pure noise in 30 pre-bins, merged into its best bins, exceeds the 95th and the 99.8th percentile
# of chi-squared with so many degrees about as often as it should (tests/scoring/learning).
SEARCH = 4
SEARCH_WITH_TURN = 7


@dataclass(frozen=True)
class Binning:
    """One attribute's bins, as plain values. Places: bins in order, then unknown, then unseen.

    edges       a number's bins but the first begin here: bin i holds edges[i-1] <= value < edges[i]
    groups      a category's bin per position of its code, the last for unseen codes
    events      rows with the outcome per place;  others: without
    woe         per place
    value       information value over all places
    degrees     of freedom that the bins took from the data: what noise of this many brings is noise
    auc         how well the attribute separates alone, before merging
    constant    there is one value only;  empty: there is none
    """

    attribute: str
    edges: list[float]
    groups: list[int]
    events: list[int]
    others: list[int]
    woe: list[float]
    value: float
    degrees: int
    auc: float
    constant: bool = False
    empty: bool = False

    @property
    def bins(self) -> int:
        return len(self.woe) - 2

    def codes(self, column: Floats) -> Codes:
        """Return each value's place."""
        if self.groups:
            last = len(self.groups) - 1
            unknown = np.isnan(column)
            positions = np.where(unknown, last + 1, np.minimum(column, last)).astype(np.intp)
            return np.array([*self.groups, self.bins], dtype=np.uint8)[positions]
        return number_codes(column, self.edges)


def number_codes(column: Floats, edges: Sequence[float] | Floats) -> Codes:
    """Return how many edges are at or under each value; len(edges) + 1 where it is NaN.

    Some comparisons of a whole column are several times faster than a binary search per row.
    """
    places = np.zeros(len(column), dtype=np.uint8)
    hit = np.empty(len(column), dtype=bool)
    for edge in edges:
        np.greater_equal(column, edge, out=hit)
        places += hit.view(np.uint8)
    np.isnan(column, out=hit)
    places[hit] = len(edges) + 1
    return places


class Binner:
    """Fits ``Binning`` to columns.

    Parameters
    ----------
    max_bins : most bins of an attribute, unknown not counted.
    pre_bins : bins of about equal numbers of rows from which a number's bins are merged, <= 60.
    least_share : least share of the rows in a bin.
    least_outcomes : a bin has as many rows as would hold that many with and that many without the
        outcome at the overall rate; one that in truth holds none stands, and tells much.
    least_gain : a further bin adds that many times the information value that chance would bring.
    turn_gain : so many times must the one turn from rising to falling, or back, bring besides,
        far more than chance ever does;
        None: strictly monotone.
    smoothing : rows at the overall rate added to each bin before its rate is taken.
    """

    def __init__(
        self,
        *,
        max_bins: int = 10,
        pre_bins: int = 30,
        least_share: float = 0.01,
        least_outcomes: int = 10,
        least_gain: float = 1.0,
        turn_gain: float | None = 20.0,
        smoothing: float = 10.0,
        seed: int = 0,
    ) -> None:
        self.max_bins = max_bins
        self.pre_bins = pre_bins
        self.least_share = least_share
        self.least_outcomes = least_outcomes
        self.least_gain = least_gain
        self.turn_gain = turn_gain
        self.smoothing = smoothing
        self.seed = seed

    def fit(self, x: Floats, y: NDArray[np.bool_], features: Sequence[Feature]) -> list[Binning]:
        """Return the bins of each column of ``x`` (rows × features, see scoring.learning.features).

        ``y`` must hold both outcomes.
        """
        events = int(y.sum())
        overall = Outcomes(events, len(y) - events, self.smoothing)
        share = min(events, overall.others) / len(y)
        least = max(self.least_share * len(y), self.least_outcomes / share)
        sample = self._sample(len(y))
        y8 = y.view(np.uint8) if y.dtype == bool else y.astype(np.uint8)
        columns = [
            _numbers(column, y8, sample, self.pre_bins)
            if feature.categories is None
            else _category(column, y8, len(feature.categories), overall, least, self.pre_bins)
            for column, feature in zip(x.T, features, strict=True)
        ]
        width = max((len(c.events) for c in columns), default=1)
        filled = np.zeros((2, len(columns), width))
        for place, column in enumerate(columns):
            filled[0, place, : len(column.events)] = column.events
            filled[1, place, : len(column.events)] = column.others
        price = self.least_gain * overall.noise
        turn = None if self.turn_gain is None else self.turn_gain * overall.noise
        cuts = merged(filled[0], filled[1], overall, least, self.max_bins, price, turn)
        return [
            _binning(f.attribute, column, cut, overall)
            for f, column, cut in zip(features, columns, cuts, strict=True)
        ]

    def _sample(self, rows: int) -> NDArray[np.intp] | slice:
        if rows <= SAMPLE:
            return slice(None)
        drawn = np.random.default_rng(self.seed).choice(rows, SAMPLE, replace=False, shuffle=False)
        return np.sort(drawn)


@dataclass(frozen=True)
class _PreBins:
    """A column in fine bins. ``edges`` of a number; ``codes``: pre-bin per position of a code."""

    edges: Floats
    codes: list[int]
    events: NDArray[np.int64]
    others: NDArray[np.int64]
    unknown: tuple[int, int]
    distinct: int
    degrees: int | None = None


def _numbers(
    column: Floats, y: NDArray[np.uint8], sample: NDArray[np.intp] | slice, most: int
) -> _PreBins:
    column = np.ascontiguousarray(column)
    values = column[sample]
    edges = quantile_edges(np.sort(values[np.isfinite(values)]), most)
    counts = _counts(number_codes(column, edges), y, len(edges) + 2)
    known = np.fmin.reduce(column) != np.fmax.reduce(column)  # False also where all are NaN
    return _PreBins(
        edges=edges,
        codes=[],
        events=counts[:-1, 1],
        others=counts[:-1, 0],
        unknown=(int(counts[-1, 1]), int(counts[-1, 0])),
        distinct=0 if counts[:-1].sum() == 0 else 1 + int(known),
    )


def quantile_edges(ordered: Floats, most: int) -> Floats:
    """Return where pre-bins but the first begin: values of ``ordered``, at most ``most`` - 1.

    Equal values stay together. After each cut what is left is shared out anew, so that one value
    that most rows have leaves the others their bins.
    """
    begins = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    if len(begins) < most:
        return ordered[begins]
    cuts: list[int] = []
    at, rows = 0, len(ordered)
    for left in range(most, 1, -1):
        goal = at + (rows - at) / left
        place = int(np.searchsorted(begins, goal))
        near = begins[max(place - 1, 0) : place + 1]
        near = near[near > at]
        if not len(near):
            break
        at = int(near[np.argmin(np.abs(near - goal))])
        cuts.append(at)
    return ordered[cuts]


def _category(
    column: Floats,
    y: NDArray[np.uint8],
    categories: int,
    overall: Outcomes,
    least: float,
    most: int,
) -> _PreBins:
    """Codes ordered by rate; the rare ones, unseen ones with them, stand as one code."""
    places = np.where(np.isnan(column), categories + 1, np.minimum(column, categories))
    counts = _counts(places.astype(np.intp), y, categories + 2)
    known = counts[:-1]
    rows = known.sum(axis=1)
    rare = rows < least
    owner = np.where(rare, categories, np.arange(categories + 1))
    groups = [int(g) for g in np.unique(owner[rows > 0])]
    pooled = np.array([known[owner == g].sum(axis=0) for g in groups]).reshape(-1, 2)
    woe = overall.woe(pooled[:, 1], pooled[:, 0])
    order = np.lexsort([np.arange(len(groups)), woe])
    bin_of_rank = _shares(pooled[order].sum(axis=1), most)
    bins = max(bin_of_rank, default=-1) + 1
    bin_of = {groups[g]: b for g, b in zip(order, bin_of_rank, strict=True)}
    fine = np.zeros((max(bins, 1), 2), dtype=np.int64)
    np.add.at(fine, bin_of_rank, pooled[order])
    # A code without rows is as unseen as one that the catalogue lacks.
    codes = [bin_of[int(owner[p])] if rows[p] else -1 for p in range(categories + 1)]
    return _PreBins(
        edges=np.empty(0),
        codes=codes,
        events=fine[:, 1],
        others=fine[:, 0],
        unknown=(int(counts[-1, 1]), int(counts[-1, 0])),
        distinct=int((rows > 0).sum()),
        degrees=max(len(groups) - 1, 0),
    )


def _shares(rows: NDArray[np.int64], most: int) -> list[int]:
    """Put neighbours together so that at most ``most`` groups of about equal size are left."""
    if len(rows) <= most:
        return list(range(len(rows)))
    middle = np.cumsum(rows) - rows / 2
    target = (middle * most / rows.sum()).astype(int)
    return [int(g) for g in np.unique(target, return_inverse=True)[1]]


def _counts(places: NDArray[np.intp] | Codes, y: NDArray[np.uint8], size: int) -> NDArray[np.int64]:
    """size × (without, with the outcome)."""
    both = places * places.dtype.type(2) + y
    return np.bincount(both, minlength=2 * size).astype(np.int64).reshape(size, 2)


def _binning(attribute: str, fine: _PreBins, cuts: list[int], overall: Outcomes) -> Binning:
    begins = [0, *cuts]
    events = [*np.add.reduceat(fine.events, begins), fine.unknown[0], 0]
    others = [*np.add.reduceat(fine.others, begins), fine.unknown[1], 0]
    e, n = np.array(events, dtype=float), np.array(others, dtype=float)
    bins = np.searchsorted(cuts, np.arange(len(fine.events)), side="right")
    unseen = len(begins) + 1
    return Binning(
        attribute=attribute,
        edges=[float(fine.edges[c - 1]) for c in cuts] if not fine.codes else [],
        groups=[int(bins[c]) if c >= 0 else unseen for c in fine.codes],
        events=[int(v) for v in events],
        others=[int(v) for v in others],
        woe=[float(v) for v in overall.woe(e, n)],
        value=float(overall.value(e, n).sum()),
        degrees=_degrees(fine, cuts, overall) + int(sum(fine.unknown) > 0 and fine.distinct > 0),
        auc=_auc(fine),
        constant=fine.distinct == 1 and sum(fine.unknown) == 0,
        empty=fine.distinct == 0,
    )


def _degrees(fine: _PreBins, cuts: list[int], overall: Outcomes) -> int:
    """What the outcomes were asked: the order of codes; of a number, the best way to cut it."""
    if not cuts:
        return 0
    if fine.degrees is not None:
        return fine.degrees
    begins = [0, *cuts]
    woe = overall.woe(np.add.reduceat(fine.events, begins), np.add.reduceat(fine.others, begins))
    steps = np.diff(woe) > 0
    search = SEARCH if steps.all() or not steps.any() else SEARCH_WITH_TURN
    return min(len(fine.events) - 1, search)


def _auc(fine: _PreBins) -> float:
    """How well the pre-bins, in order, separate; unknown values stand where they separate best."""
    e, n = fine.events.astype(float), fine.others.astype(float)
    if not fine.codes and _area(e, n) < 0.5:
        e, n = e[::-1], n[::-1]
    if sum(fine.unknown):
        rates = e / np.maximum(e + n, 1)
        at = int(np.searchsorted(np.maximum.accumulate(rates), fine.unknown[0] / sum(fine.unknown)))
        e, n = np.insert(e, at, fine.unknown[0]), np.insert(n, at, fine.unknown[1])
    return _area(e, n)


def _area(events: Floats, others: Floats) -> float:
    if not events.sum() or not others.sum():
        return 0.5
    under = np.cumsum(others) - others / 2
    return float((events * under).sum() / events.sum() / others.sum())
