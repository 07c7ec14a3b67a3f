"""Where to cut attributes so that an outcome separates.

Pure: arrays in, cuts and figures out. Cuts are chosen among humane values only (two significant
digits), so nothing is lost by rounding afterwards; which of them, is found exactly, by dynamic
programming on the likelihood of the outcome. Dimensions are chosen together by a beam search with
the Bayesian information criterion, so that a further band must earn its place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor, isfinite, log, log10, prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Truths = NDArray[np.bool_]
Kind = Literal["thresholds", "categories", "boolean"]
Reason = Literal["too_few_outcomes", "nothing_separates", "too_few_dimensions"]

MOST_BANDS = 4
LEAST_DIMENSIONS, MOST_DIMENSIONS = 2, 4
# Values that a number may be cut at: its quantiles, rounded.
CANDIDATES = 64
# Attributes that go on to be crossed, and crossings that are kept at each step.
SHORTLIST, BEAM = 16, 12
LEAST_OUTCOMES = 30
# A cell's rate is drawn to the whole's as if so many more customers had it.
PRIOR = 20.0


class NotEstimable(ValueError):
    """What was asked for can't be found in these data; ``figures`` are for a sentence about it."""

    def __init__(self, code: Reason, **figures: int) -> None:
        super().__init__(code)
        self.code = code
        self.figures = figures


@dataclass(frozen=True)
class Candidate:
    """An attribute as read from the sample.

    values    numbers as float (NaN: unknown); of a category the places of its ``codes``, -1 unknown
    codes     of a category its values; of a truth none: 0.0 and 1.0 are its values
    """

    code: str
    kind: Kind
    values: Floats
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cut:
    """An attribute in bands. ``cuts`` of a number ascend; ``groups`` are a category's, by place."""

    attribute: str
    kind: Kind
    cuts: tuple[float, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()

    @property
    def bands(self) -> int:
        """How many bands of known values there are; the null band is one more."""
        return len(self.groups) if self.kind == "categories" else len(self.cuts) + 1

    def places(self, values: Floats) -> Places:
        """The band of each value; ``bands`` for the unknown."""
        if self.kind == "categories":
            return self._places_of_codes(values)
        places = np.searchsorted(np.array(self.cuts), values, side="right").astype(np.int64)
        places[~np.isfinite(values)] = self.bands
        return places

    def _places_of_codes(self, values: Floats) -> Places:
        lookup = np.full(1 + max(place for group in self.groups for place in group), self.bands)
        for band, group in enumerate(self.groups):
            lookup[list(group)] = band
        known = values >= 0
        places = np.full(len(values), self.bands, np.int64)
        places[known] = lookup[values[known].astype(np.int64)]
        return places


# --- humane numbers ---


def humane(value: float, digits: int = 2) -> float:
    """The value to so many significant digits: 137.2 → 140, 0.04821 → 0.048."""
    if value == 0 or not isfinite(value):
        return value
    # As a decimal: a power of ten below one is no double.
    return round(value, digits - 1 - floor(log10(abs(value))))


def candidate_cuts(values: Floats) -> list[float]:
    """Return the humane values that part the known values, ascending; at most CANDIDATES."""
    known = np.sort(values[np.isfinite(values)])
    if not len(known):
        return []
    distinct = np.unique(known)
    if len(distinct) > CANDIDATES:
        shares = np.linspace(0, 1, CANDIDATES + 2)[1:-1]
        distinct = np.unique(np.quantile(known, shares, method="inverted_cdf"))
    rounded = sorted({humane(float(value)) for value in distinct})
    # A cut parts who is below from who is not: neither side may be empty.
    return [cut for cut in rounded if known[0] < cut <= known[-1]]


# --- one attribute ---


def best_cuts(candidate: Candidate, outcome: Truths, least: int) -> list[Cut]:
    """Return the best cut into 2, 3 … MOST_BANDS bands of at least ``least`` customers each.

    Those that are not possible are left out. The unknown decide nothing.
    """
    if candidate.kind == "boolean":
        whole = Cut(candidate.code, "boolean", cuts=(0.5,))
        sizes = np.bincount(whole.places(candidate.values), minlength=3)[:2]
        return [whole] if sizes.min() >= least else []
    if candidate.kind == "categories":
        return _grouped(candidate, outcome, least)
    cuts = candidate_cuts(candidate.values)
    if not cuts:
        return []
    fine = Cut(candidate.code, "thresholds", tuple(cuts))
    n, hits = tally(fine.places(candidate.values), outcome, fine.bands)
    return [
        Cut(candidate.code, "thresholds", tuple(cuts[end - 1] for end in ends))
        for ends in _segments(n, hits, least)
    ]


def _grouped(candidate: Candidate, outcome: Truths, least: int) -> list[Cut]:
    """Values in the order of their rates are cut like a number (Fisher 1958)."""
    known = candidate.values >= 0
    size = len(candidate.codes)
    n, hits = tally(candidate.values[known].astype(np.int64), outcome[known], size)
    if not n.sum():
        return []
    base = hits.sum() / n.sum()
    order = np.argsort((hits + PRIOR * base) / (n + PRIOR), kind="stable")
    found = []
    for ends in _segments(n[order], hits[order], least):
        groups = np.split(order, list(ends))
        found.append(
            Cut(
                candidate.code,
                "categories",
                groups=tuple(tuple(sorted(int(place) for place in group)) for group in groups),
            )
        )
    return found


def tally(places: Places, outcome: Truths, bands: int) -> tuple[Places, Places]:
    """Customers and outcomes by band; places from ``bands`` on are left out."""
    n = np.bincount(places, minlength=bands)[:bands]
    hits = np.bincount(places[outcome], minlength=bands)[:bands]
    return n.astype(np.int64), hits.astype(np.int64)


def _segments(n: Places, hits: Places, least: int) -> list[tuple[int, ...]]:
    """Return for 2, 3 … bands the inner ends of the segments of greatest likelihood.

        F_k(j) = max over i of F_{k-1}(i) + L(i, j),  L(i, j) = h log(h/m) + (m - h) log((m - h)/m)

    with m customers and h outcomes in i … j - 1, m at least ``least`` (Bellman 1961).
    """
    size = len(n)
    m = np.concatenate([[0], np.cumsum(n)])
    h = np.concatenate([[0], np.cumsum(hits)])
    inside, hit = m[None, :] - m[:, None], h[None, :] - h[:, None]
    gain = np.where(inside >= max(1, least), likelihood(inside, hit), -np.inf)
    best = gain[0].copy()
    came: list[Places] = []
    found = []
    for _bands in range(2, min(MOST_BANDS, size) + 1):
        reached = best[:, None] + gain
        came.append(reached.argmax(axis=0))
        best = reached.max(axis=0)
        if isfinite(best[size]):
            found.append(_traced(came, size))
    return found


def _traced(came: Sequence[Places], size: int) -> tuple[int, ...]:
    ends, place = [], size
    for step in reversed(came):
        place = int(step[place])
        ends.append(place)
    return tuple(reversed(ends))


def likelihood(n: NDArray[np.int64], hits: NDArray[np.int64]) -> Floats:
    """The greatest log-likelihood of ``hits`` in ``n``; 0 of nobody and of all or none."""
    total = np.maximum(n, 1).astype(float)
    hit, missed = np.maximum(hits, 0).astype(float), np.maximum(n - hits, 0).astype(float)
    return _entropy(hit, total) + _entropy(missed, total)


def _entropy(part: Floats, total: Floats) -> Floats:
    return part * np.log(np.where(part > 0, part, 1.0) / np.where(part > 0, total, 1.0))


# --- dimensions together ---


@dataclass(frozen=True)
class Crossing:
    """Some cuts crossed. ``places``: the cell of each customer, as the digits of his bands."""

    cuts: tuple[Cut, ...]
    places: Places
    score: float

    @property
    def known_cells(self) -> int:
        """The cells of known bands only."""
        return prod(cut.bands for cut in self.cuts)

    @property
    def attributes(self) -> set[str]:
        return {cut.attribute for cut in self.cuts}


def choose(
    candidates: Sequence[Candidate], outcome: Truths, *, cells: int, least: int
) -> tuple[Cut, ...]:
    """Return the 2 to 4 cuts whose cells separate the outcome best.

    At most ``cells`` cells of known bands, each of at least ``least`` of these customers. Raises
    NotEstimable.
    """
    check_outcomes(outcome)
    nobody = np.zeros(len(outcome), np.int64)
    start = Crossing((), nobody, _score(nobody, outcome))
    options = _shortlist(candidates, outcome, least)
    values = {c.code: c.values for c in candidates}
    placed = {cut: cut.places(values[cut.attribute]) for cut in options}
    beam, best = [start], None
    for depth in range(1, MOST_DIMENSIONS + 1):
        crossed = _crossed(beam, placed, outcome, cells, least)
        beam = crossed[:BEAM]
        if not beam:
            break
        if depth >= LEAST_DIMENSIONS and (best is None or beam[0].score > best.score):
            best = beam[0]
    if best is None:
        raise NotEstimable("too_few_dimensions", cells=cells, least=least)
    return best.cuts


def check_outcomes(outcome: Truths) -> None:
    hits = int(outcome.sum())
    if min(hits, len(outcome) - hits) < LEAST_OUTCOMES:
        raise NotEstimable(
            "too_few_outcomes", hits=hits, customers=len(outcome), least=LEAST_OUTCOMES
        )


def _shortlist(candidates: Sequence[Candidate], outcome: Truths, least: int) -> list[Cut]:
    """Every cut of the attributes that separate best alone; those that don't are left out.

    Alone a band has two parameters, for its limits too were found in these customers: so noise
    does not get in, however much of it there is.
    """
    nothing = _score(np.zeros(len(outcome), np.int64), outcome, parameters=2)
    scored = []
    for candidate in candidates:
        cuts = best_cuts(candidate, outcome, least)
        scores = [_score(cut.places(candidate.values), outcome, parameters=2) for cut in cuts]
        if scores and max(scores) > nothing:
            scored.append((max(scores), candidate.code, cuts))
    if not scored:
        raise NotEstimable("nothing_separates", customers=len(outcome), least=least)
    scored.sort(key=lambda item: (-item[0], item[1]))
    return [cut for _alone, _code, cuts in scored[:SHORTLIST] for cut in cuts]


def _crossed(
    beam: Iterable[Crossing],
    placed: dict[Cut, Places],
    outcome: Truths,
    cells: int,
    least: int,
) -> list[Crossing]:
    """Each crossing with one more cut, the best first, equal sets of cuts once."""
    found: dict[frozenset[Cut], Crossing] = {}
    for crossing in beam:
        for cut, places in placed.items():
            together = frozenset((*crossing.cuts, cut))
            too_many = crossing.known_cells * cut.bands > cells
            if cut.attribute in crossing.attributes or too_many or together in found:
                continue
            key = crossing.places * (cut.bands + 1) + places
            cuts = (*crossing.cuts, cut)
            if _least_known(cuts, key) >= least:
                found[together] = Crossing(cuts, key, _score(key, outcome))
    return sorted(found.values(), key=lambda c: (-c.score, [cut.attribute for cut in c.cuts]))


def _least_known(cuts: Sequence[Cut], places: Places) -> int:
    """Customers of the smallest cell of known bands."""
    shape = [cut.bands + 1 for cut in cuts]
    sizes = np.bincount(places, minlength=prod(shape)).reshape(shape)
    return int(sizes[tuple(slice(cut.bands) for cut in cuts)].min())


def _score(places: Places, outcome: Truths, *, parameters: int = 1) -> float:
    """log-likelihood - ``parameters`` · (cells in use) / 2 · log n (Schwarz 1978)."""
    n, hits = tally(places, outcome, int(places.max()) + 1)
    penalty = parameters * np.count_nonzero(n) / 2 * log(len(outcome))
    return float(likelihood(n, hits).sum()) - penalty
