"""Product association 产品关联度 (S2): LIFT(A → B) = P(B | A) / P(B), with what it rests on.

Co-occurrences are counted in one pass over batches and add up; the statistics need the counts only.
A lift may be all confounding (two products liked by one brand are held together): counted by
stratum, a second lift adjusts for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from itertools import combinations
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.stats import chi2, false_discovery_control, hypergeom

from common.rates import Z, wilson

from .bitsets import crossed, crossed_with_itself, packed, packed_known
from .items import Item
from .refusal import LEAST_POSITIVES, Code, NotEstimable

SIDES = (("bearer", "service"), ("service", "service"), ("person", "service"), ("data", "voice"))
CONFIDENCE = 0.95
FALSE_SHARE = 0.05
FEW = 10

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class PairCounts:
    """How many customers have both of any two items, per stratum; instances add up.

    Parameters
    ----------
    items : what is counted; their codes are unique.
    stratum, strata : the category to count by, and its codes. A customer of none of them is
        counted in a stratum of his own kind, the last.

    A customer counts for a pair if both items are known of him. Arrays, int64, strata × items ×
    items: ``known[s, i, j]`` such customers, ``having[s, i, j]`` those of them with i,
    ``both[s, i, j]`` those with i and j.
    """

    def __init__(
        self, items: Sequence[Item], stratum: str | None = None, strata: Sequence[str] = ()
    ) -> None:
        codes = [item.code for item in items]
        if len(set(codes)) < len(codes):
            raise ValueError(f"codes of items must be unique, got {codes}")
        self.items = tuple(items)
        self.stratum = stratum
        self.strata = tuple(strata) if stratum else ()
        shape = (len(self.strata) + 1, len(codes), len(codes))
        self.rows = 0
        self.known = np.zeros(shape, dtype=np.int64)
        self.having = np.zeros(shape, dtype=np.int64)
        self.both = np.zeros(shape, dtype=np.int64)

    def add(self, batch: pa.RecordBatch) -> Self:
        """Count a batch with a column per attribute of the items, and the stratum's if any."""
        self.rows += batch.num_rows
        if self.stratum is None:
            self._count(0, batch)
            return self
        column = batch.column(self.stratum)
        found = pc.index_in(column, pa.array(self.strata, pa.string()))
        place = pc.fill_null(found, len(self.strata))
        for position in pc.unique(place).to_pylist():
            self._count(position, batch.filter(pc.equal(place, position)))
        return self

    def __add__(self, other: "PairCounts") -> "PairCounts":
        if (self.items, self.stratum, self.strata) != (other.items, other.stratum, other.strata):
            raise ValueError("only counts of the same items by the same strata add up")
        total = PairCounts(self.items, self.stratum, self.strata)
        total.rows = self.rows + other.rows
        total.known = self.known + other.known
        total.having = self.having + other.having
        total.both = self.both + other.both
        return total

    def _count(self, stratum: int, batch: pa.RecordBatch) -> None:
        rows = batch.num_rows
        columns = [item.held(batch) for item in self.items]
        held = packed(columns, rows)
        both = crossed_with_itself(held)
        having = np.repeat(np.diagonal(both)[:, None], len(columns), axis=1)
        known = np.full_like(both, rows)
        gaps = [i for i, column in enumerate(columns) if column.null_count]
        if gaps:
            seen = packed_known(columns, rows)
            having[:, gaps] = crossed(held, seen[gaps])
            known[:, gaps] = crossed(seen, seen[gaps])
            known[gaps, :] = known[:, gaps].T
        self.both[stratum] += both
        self.having[stratum] += having
        self.known[stratum] += known


@dataclass(frozen=True)
class Lifts:
    """Lifts of pairs with their 95 % intervals; NaN where there is nothing to tell."""

    lift: Floats
    low: Floats
    high: Floats


def lifts(n: Integers, first: Integers, then: Integers, both: Integers) -> Lifts:
    """Return lifts from counts, strata × pairs; within strata, that is, if there are several.

    lift = O / E with O = Σ both and E = Σ first · then / n: the Mantel-Haenszel mean of the lifts
    of the strata, each weighing as many customers as would have both by chance.

    Interval: of log lift by the delta method over the four kinds of customers; with fewer than
    ``FEW`` of both, Garwood's exact limits of a Poisson count, O, over E. Nothing is told (NaN)
    where E is zero, or where in each stratum all or none have the one or the other: the lift is 1
    there whatever goes together.
    """
    if not (both <= np.minimum(first, then)).all():
        raise ValueError("more customers have both than have one")
    total = np.maximum(n, 1)
    a, b = first / total, then / total
    observed, expected = both.sum(axis=0), (first * b).sum(axis=0)
    spread = (first * b * (n - first) * (n - then)).sum(axis=0)
    told = (expected > 0) & (spread > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        lift = np.where(told, observed / expected, np.nan)
        # What one customer with both, with the first, with the then, with neither adds to log lift.
        joint = a * b
        kinds = (
            (both, 1 / observed - (a + b - joint) / expected),
            (first - both, (joint - b) / expected),
            (then - both, (joint - a) / expected),
            (n - first - then + both, joint / expected),
        )
        error = np.sqrt(sum((count * part**2).sum(axis=0) for count, part in kinds))
        factor = np.exp(Z * error)
        few = observed < FEW
        low = np.where(few, _poisson_low(observed) / expected, lift / factor)
        high = np.where(few, _poisson_high(observed) / expected, lift * factor)
    return Lifts(lift, np.where(told, low, np.nan), np.where(told, high, np.nan))


def probabilities(n: Integers, first: Integers, then: Integers, both: Integers) -> Floats:
    """Return the p of each pair under independence, both sides: χ² with n - 1, Fisher's where few.

    Few: under five customers with both are expected. NaN where all or none have one of the two.
    """
    total = np.maximum(n, 2).astype(np.float64)
    expected = first * (then / total)
    variance = expected * (n - first) * ((n - then) / (total * (total - 1)))
    with np.errstate(divide="ignore", invalid="ignore"):
        p: Floats = chi2.sf((both - expected) ** 2 / variance, 1)
    few = (expected < 5) & (variance > 0)
    if few.any():
        k, of = both[few], (n[few], first[few], then[few])
        p[few] = np.minimum(1, 2 * np.minimum(hypergeom.cdf(k, *of), hypergeom.sf(k - 1, *of)))
    return np.where(variance > 0, p, np.nan)


@dataclass(frozen=True)
class Pair:
    """Who has ``first``, has ``then`` so many times as often as all have it.

    n               customers of whom both are known; first_n, then_n, both_n of them have it
    support         share of n with both; confidence: of those with first, who have then
    lift            with low, high: its 95 % interval; it is the same in both directions
    p, q            under independence; after Benjamini-Hochberg over all pairs tested
    adjusted_*      the lift within strata; None where not asked for or not to be told
    found           "together" or "apart" where q is small enough, else None
    not_estimable   why nothing is told: too_few_rows, too_few_distinct (all have one), no_rows
    """

    first: str
    then: str
    first_side: str
    then_side: str
    n: int
    first_n: int
    then_n: int
    both_n: int
    support: float | None = None
    confidence: float | None = None
    confidence_low: float | None = None
    confidence_high: float | None = None
    lift: float | None = None
    lift_low: float | None = None
    lift_high: float | None = None
    p: float | None = None
    q: float | None = None
    adjusted_lift: float | None = None
    adjusted_low: float | None = None
    adjusted_high: float | None = None
    found: Literal["together", "apart"] | None = None
    not_estimable: Code | None = None


@dataclass(frozen=True)
class Association:
    """All pairs of the sides asked for, the highest lift first, those not estimable last."""

    rows: int
    tested: int
    strata: int
    pairs: list[Pair] = field(default_factory=list)


def associate(
    counts: PairCounts,
    sides: Sequence[tuple[str, str]] = SIDES,
    least: int = LEAST_POSITIVES,
) -> Association:
    """Return the pairs of the sides, tested together. Items of one attribute are no pair.

    On sides of one kind (service × service) a pair stands once, the item with fewer customers
    first: the direction of the higher confidence. ``least``: so many must have either item.
    """
    if not counts.rows:
        raise NotEstimable("no_rows")
    first, then = _positions(counts, sides)
    n, a, b, both = _at(counts, first, then)
    codes = _refusals(n.sum(axis=0), a.sum(axis=0), b.sum(axis=0), least)
    told = np.array([code is None for code in codes], dtype=bool)
    figures = _figures([array[:, told] for array in (n, a, b, both)])
    places = iter(range(int(told.sum())))
    pairs = []
    for position, code in enumerate(codes):
        row: dict[str, Any] = {"not_estimable": code}
        if code is None:
            row = _row(figures, next(places))
        i, j = counts.items[first[position]], counts.items[then[position]]
        for name, array in zip(("n", "first_n", "then_n", "both_n"), (n, a, b, both), strict=True):
            row[name] = int(array[:, position].sum())
        pairs.append(Pair(i.code, j.code, i.side, j.side, **row))
    pairs.sort(key=lambda pair: (pair.lift is None, -(pair.lift or 0), pair.first, pair.then))
    return Association(counts.rows, int(told.sum()), len(counts.known), pairs)


def _positions(
    counts: PairCounts, sides: Sequence[tuple[str, str]]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pairs in question, each once."""
    sizes = np.diagonal(counts.having.sum(axis=0))
    wanted = set(sides)
    pairs = []
    for i, j in combinations(range(len(counts.items)), 2):
        left, right = counts.items[i], counts.items[j]
        if left.attribute == right.attribute:
            continue
        if left.side == right.side:
            if (left.side, right.side) in wanted:
                pairs.append((i, j) if sizes[i] <= sizes[j] else (j, i))
        elif (left.side, right.side) in wanted:
            pairs.append((i, j))
        elif (right.side, left.side) in wanted:
            pairs.append((j, i))
    array = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return array[:, 0], array[:, 1]


def _at(
    counts: PairCounts, first: NDArray[np.intp], then: NDArray[np.intp]
) -> tuple[Integers, Integers, Integers, Integers]:
    return (
        counts.known[:, first, then],
        counts.having[:, first, then],
        counts.having[:, then, first],
        counts.both[:, first, then],
    )


def _refusals(n: Integers, first: Integers, then: Integers, least: int) -> list[Code | None]:
    codes: list[Code | None] = []
    for rows, *having in zip(n.tolist(), first.tolist(), then.tolist(), strict=True):
        if not rows:
            codes.append("no_rows")
        elif min(having) < max(least, 1):
            codes.append("too_few_rows")
        else:
            codes.append("too_few_distinct" if max(having) == rows else None)
    return codes


def _figures(counts: list[Integers]) -> dict[str, Floats]:
    n, first, then, both = (array.sum(axis=0) for array in counts)
    crude = lifts(*(array.sum(axis=0, keepdims=True) for array in counts))
    p = probabilities(n, first, then, both)
    low, high = wilson(both, first)
    figures = {
        "support": both / n,
        "confidence": both / first,
        "confidence_low": low,
        "confidence_high": high,
        "lift": crude.lift,
        "lift_low": crude.low,
        "lift_high": crude.high,
        "p": p,
        "q": np.asarray(false_discovery_control(p), dtype=np.float64) if len(p) else p,
    }
    if len(counts[0]) > 1:
        within = lifts(*counts)
        names = ("adjusted_lift", "adjusted_low", "adjusted_high")
        for name, part in zip(names, fields(within), strict=True):
            figures[name] = getattr(within, part.name)
    return figures


def _row(figures: dict[str, Floats], place: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        name: None if np.isnan(values[place]) else float(values[place])
        for name, values in figures.items()
    }
    if figures["q"][place] <= FALSE_SHARE:
        row["found"] = "together" if figures["lift"][place] > 1 else "apart"
    return row


def _poisson_low(count: Integers) -> Floats:
    return np.where(count > 0, chi2.ppf((1 - CONFIDENCE) / 2, np.maximum(2 * count, 1)) / 2, 0.0)


def _poisson_high(count: Integers) -> Floats:
    return np.asarray(chi2.ppf((1 + CONFIDENCE) / 2, 2 * count + 2) / 2, dtype=np.float64)
