"""How well a ranking finds those whom a contact moves: Qini, AUUC, uplift by tenth.

Customers are ordered by score, highest first. Among the first k of n there are T(k) treated and
C(k) controls, with Y_T(k) and Y_C(k) outcomes. Tied customers enter together, as a straight piece.

    Qini curve    q(k) = Y_T(k) - Y_C(k) · T(k) / C(k), where C(k) = 0: Y_T(k)
                  (Radcliffe 2007, "Using control groups to target on predicted lift"; the "joint,
                  absolute" form in Devriendt, Van Belle, Guns & Verbeke 2020)
    uplift curve  u(k) = (Y_T(k) / T(k) - Y_C(k) / C(k)) · k, an empty arm's rate counting as 0
                  (Gutierrez & Gérardy 2017; Devriendt et al. 2020)

    qini  = ∫ q(φ) - φ·q(1) dφ / T(n)     outcomes gained per treated customer, above random order
    auuc  = ∫ u(φ) dφ / n                 outcomes gained per customer; random order: half of all

φ = k/n runs from 0 to 1. Normalised: (area - random) / (best - random), with the best order of
these very outcomes. For Qini: treated with the outcome, everyone who tells nothing, controls with
it; for AUUC: treated with and controls without it, then the others, controls or treated first,
whichever is more (scikit-uplift has the same Qini, and takes one of these two by the arms' counts).
Such an order knows the dice: a few per cent are much, and no model reaches 100 %.

Intervals: bootstrap of rows within each arm, the scores held. p: share of random orders that reach
this Qini.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import random_table, rankdata

from .refusal import LEAST_POSITIVES, NotEstimable

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

LEAST_IN_ARM = 100
Z = 1.959963984540054
PIECES = 200  # of the ranking, for what is repeated: resampling costs the same for any rows
PAIR_PIECES = 50  # of each of two rankings of the same rows
POINTS = 100  # of a drawn curve
Verdict = Literal["better", "worse", "no difference shown"]


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Arm:
    """How many of ``n`` had the outcome; ``rate`` with Wilson's interval, None: nobody there."""

    n: int
    outcomes: int
    rate: Estimate | None


@dataclass(frozen=True)
class Compared:
    """Treated against control; ``uplift`` with Newcombe's interval (1998, method 10)."""

    treated: Arm
    control: Arm
    uplift: Estimate | None


@dataclass(frozen=True)
class Tenth:
    """``number`` 1: the highest scores. ``score``: their mean score."""

    number: int
    score: float
    compared: Compared


@dataclass(frozen=True)
class Point:
    """Among the first ``share`` of customers: ``gain`` outcomes per treated customer of all.

    ``random``: what a random order gains there; ``uplift``: u(k)/n, outcomes per customer.
    """

    share: float
    gain: float
    random: float
    uplift: float


@dataclass(frozen=True)
class UpliftQuality:
    """All figures of a ranking. ``beats_random``: one-sided p of the permutation test."""

    rows: int
    overall: Compared
    qini: Estimate
    qini_normalised: Estimate
    auuc: Estimate
    auuc_normalised: Estimate
    beats_random: float
    curve: tuple[Point, ...]
    tenths: tuple[Tenth, ...]


@dataclass(frozen=True)
class PairedQini:
    """Two rankings of the same ``n`` rows; ``difference``: challenger less champion."""

    n: int
    treated: int
    champion: float
    challenger: float
    difference: Estimate
    verdict: Verdict


def qini(score: Floats, y: Flags, treated: Flags) -> float:
    """Return the raw Qini coefficient: outcomes gained per treated customer, above random order."""
    return float(_qini(_ranked(score, y, treated)))


def auuc(score: Floats, y: Flags, treated: Flags) -> float:
    """Return the raw area under the uplift curve: outcomes gained per customer."""
    return float(_auuc(_ranked(score, y, treated)))


def measure(
    score: Floats, y: Flags, treated: Flags, *, repeats: int = 1000, seed: int = 0
) -> UpliftQuality:
    """Measure ``score`` on rows that took no part in fitting; ``y``, ``treated``: True or False.

    ``repeats``: bootstrap samples, and random orders. Raises NotEstimable: no_rows, no_control,
    too_few_outcomes (of the rarer outcome); ValueError when a score is NaN or lengths differ.
    """
    require_arms(treated)
    rarer = min(int(y.sum()), len(y) - int(y.sum()))
    if rarer < LEAST_POSITIVES:
        raise NotEstimable("too_few_outcomes", least=LEAST_POSITIVES, positives=rarer, rows=len(y))
    cells = _ranked(score, y, treated)
    pieces = _merged(cells)
    rng = np.random.default_rng(seed)
    samples = _resampled(pieces, repeats, rng)
    total = cells.sum(axis=0)
    return UpliftQuality(
        rows=len(y),
        overall=compare(*total),
        qini=_estimate(_qini(cells), _qini(samples)),
        qini_normalised=_estimate(_qini_normalised(cells), _qini_normalised(samples)),
        auuc=_estimate(_auuc(cells), _auuc(samples)),
        auuc_normalised=_estimate(_auuc_normalised(cells), _auuc_normalised(samples)),
        beats_random=_beats_random(pieces, repeats, rng),
        curve=_curve(cells),
        tenths=tenths(score, y, treated),
    )


def compare_rankings(
    y: Flags,
    treated: Flags,
    champion: Floats,
    challenger: Floats,
    *,
    repeats: int = 1000,
    seed: int = 0,
) -> PairedQini:
    """Compare two scores of the same rows, which neither model was fitted on.

    A paired bootstrap: rows of the same pieces of both rankings are drawn together. Raises
    NotEstimable: no_rows, no_control; ValueError when a score is NaN or lengths differ.
    """
    require_arms(treated)
    both = [_qini(_ranked(score, y, treated)) for score in (champion, challenger)]
    pieces = [_piece_of(score) for score in (champion, challenger)]
    joint = _cells(pieces[0] * PAIR_PIECES + pieces[1], PAIR_PIECES**2, y, treated)
    drawn = _resampled(joint, repeats, np.random.default_rng(seed))
    drawn = drawn.reshape(repeats, PAIR_PIECES, PAIR_PIECES, 4)
    difference = _estimate(both[1] - both[0], _qini(drawn.sum(axis=1)) - _qini(drawn.sum(axis=2)))
    verdict: Verdict = "no difference shown"
    if difference.low > 0 or difference.high < 0:
        verdict = "better" if difference.low > 0 else "worse"
    return PairedQini(
        len(y), int(treated.sum()), float(both[0]), float(both[1]), difference, verdict
    )


def _piece_of(score: Floats) -> NDArray[np.intp]:
    """Each row's piece of the ranking, 0 the highest scores; equal scores are in one."""
    place = (rankdata(-score, method="min") - 1) * PAIR_PIECES // len(score)
    return np.asarray(place, dtype=np.intp)


def require_arms(treated: Flags) -> None:
    """Raise NotEstimable where there is no treated group or no control to speak of."""
    n, of = int(treated.sum()), len(treated)
    if of == 0:
        raise NotEstimable("no_rows")
    if min(n, of - n) < LEAST_IN_ARM:
        raise NotEstimable("no_control", treated=n, control=of - n, least=LEAST_IN_ARM)


def tenths(score: Floats, y: Flags, treated: Flags) -> tuple[Tenth, ...]:
    """Return uplift by tenth of the ranking, the highest first, a tenth without anybody left out.

    Tied customers stay together, in the tenth of their middle: an order among them would be made
    up, and might follow the arm.
    """
    _, group, size = np.unique(-score, return_inverse=True, return_counts=True)
    middle = np.cumsum(size) - size / 2
    place = np.minimum((10 * middle / len(score)).astype(np.int64), 9)[group]
    cells = _cells(place, 10, y, treated)
    sums = np.bincount(place, score, 10)
    return tuple(
        Tenth(i + 1, float(sums[i] / cells[i].sum()), compare(*cells[i]))
        for i in range(10)
        if cells[i].any()
    )


def compare(treated_with: int, treated_without: int, with_: int, without: int) -> Compared:
    """Compare the arms: treated with and without the outcome, then controls."""
    treated, control = _arm(treated_with, treated_without), _arm(with_, without)
    if treated.rate is None or control.rate is None:
        return Compared(treated, control, None)
    a, b = treated.rate, control.rate
    difference = a.value - b.value
    low = difference - sqrt((a.value - a.low) ** 2 + (b.high - b.value) ** 2)
    high = difference + sqrt((a.high - a.value) ** 2 + (b.value - b.low) ** 2)
    return Compared(treated, control, Estimate(difference, low, high))


def _arm(hits: int, misses: int) -> Arm:
    hits, n = int(hits), int(hits + misses)
    if n == 0:
        return Arm(0, 0, None)
    share, z2 = hits / n, Z * Z / n
    centre = (share + z2 / 2) / (1 + z2)
    half = Z / (1 + z2) * sqrt(share * (1 - share) / n + z2 / (4 * n))
    # At an end the interval ends there: rounding must not carry it beyond or keep it from it.
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    high = 1.0 if hits == n else min(1.0, centre + half)
    return Arm(n, hits, Estimate(share, low, high))


# Everything below works on cells: … × pieces of the ranking (highest first) × 4, the counts of
# treated with, treated without, control with, control without the outcome.


def _ranked(score: Floats, y: Flags, treated: Flags) -> Counts:
    """Return pieces × 4, one piece per distinct score."""
    if not len(score) == len(y) == len(treated):
        raise ValueError(f"lengths differ: {len(score)}, {len(y)}, {len(treated)}")
    if np.isnan(score).any():
        raise ValueError(f"{int(np.isnan(score).sum())} scores are NaN; each row must have one")
    values, group = np.unique(-score, return_inverse=True)
    return _cells(group, len(values), y, treated)


def _cells(group: NDArray[np.intp], groups: int, y: Flags, treated: Flags) -> Counts:
    kind = 2 * ~treated + ~y
    return np.bincount(4 * group + kind, minlength=4 * groups).reshape(groups, 4)


def _merged(cells: Counts) -> Counts:
    """Return about PIECES neighbouring pieces of about the same size."""
    before = np.cumsum(cells.sum(axis=1)) - cells.sum(axis=1)
    place = before * PIECES // cells.sum()
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    merged: Counts = np.add.reduceat(cells, starts, axis=0)
    return merged


def _resampled(cells: Counts, repeats: int, rng: np.random.Generator) -> Counts:
    """Draw each arm's rows anew with replacement, which is a multinomial draw of its cells."""
    samples = np.empty((repeats, *cells.shape), dtype=np.int64)
    for arm in (slice(0, 2), slice(2, 4)):
        counts = cells[:, arm]
        n = int(counts.sum())
        drawn = rng.multinomial(n, counts.ravel() / n, size=repeats)
        samples[..., arm] = drawn.reshape(repeats, *counts.shape)
    return samples


def _beats_random(cells: Counts, repeats: int, rng: np.random.Generator) -> float:
    """Deal the rows to the pieces at random: a table with the same margins (Patefield 1981)."""
    kinds = cells.sum(axis=0)
    kept = np.flatnonzero(kinds)
    dealt = np.zeros((repeats, *cells.shape), dtype=np.int64)
    tables = random_table(cells.sum(axis=1), kinds[kept])
    dealt[..., kept] = tables.rvs(size=repeats, random_state=rng)
    reached = int((_qini(dealt) >= _qini(cells) - 1e-15).sum())
    return (1 + reached) / (1 + repeats)


def _sums(cells: Counts) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return k, T(k), Y_T(k), C(k), Y_C(k) after each piece."""
    total = np.cumsum(cells, axis=-2, dtype=np.float64)
    treated = total[..., 0] + total[..., 1]
    control = total[..., 2] + total[..., 3]
    return treated + control, treated, total[..., 0], control, total[..., 2]


def _gains(cells: Counts) -> tuple[Floats, Floats]:
    """Return φ and q(φ) / T(n) after each piece."""
    k, treated, treated_with, control, control_with = _sums(cells)
    per_control = np.divide(treated, control, out=np.zeros_like(k), where=control > 0)
    gain = treated_with - control_with * per_control
    return k / k[..., -1:], gain / treated[..., -1:]


def _uplifts(cells: Counts) -> tuple[Floats, Floats]:
    """Return φ and u(φ) / n after each piece."""
    k, treated, treated_with, control, control_with = _sums(cells)
    rate = np.divide(treated_with, treated, out=np.zeros_like(k), where=treated > 0)
    rate -= np.divide(control_with, control, out=np.zeros_like(k), where=control > 0)
    share = k / k[..., -1:]
    return share, rate * share


def _area(share: Floats, height: Floats) -> Floats:
    """The area under straight pieces that begin at (0, 0)."""
    width = np.diff(share, prepend=0.0)
    before = np.concatenate([np.zeros_like(height[..., :1]), height[..., :-1]], axis=-1)
    area: Floats = (width * (height + before) / 2).sum(axis=-1)
    return area


def _qini(cells: Counts) -> Floats:
    share, gain = _gains(cells)
    return _area(share, gain) - gain[..., -1] / 2


def _auuc(cells: Counts) -> Floats:
    return _area(*_uplifts(cells))


def _qini_normalised(cells: Counts) -> Floats:
    normalised: Floats = _qini(cells) / _qini(_in_order(cells, ((0,), (1, 3), (2,))))
    return normalised


def _auuc_normalised(cells: Counts) -> Floats:
    random = _uplifts(cells.sum(axis=-2, keepdims=True))[1][..., -1] / 2
    best = np.maximum(
        _auuc(_in_order(cells, ((0, 3), (2,), (1,)))), _auuc(_in_order(cells, ((0, 3), (1,), (2,))))
    )
    normalised: Floats = (_auuc(cells) - random) / (best - random)
    return normalised


def _in_order(cells: Counts, order: tuple[tuple[int, ...], ...]) -> Counts:
    """Return the same rows as pieces that hold the kinds told, in that order."""
    total = cells.sum(axis=-2)
    ordered = np.zeros((*total.shape[:-1], len(order), 4), dtype=np.int64)
    for piece, kinds in enumerate(order):
        ordered[..., piece, kinds] = total[..., kinds]
    return ordered


def _estimate(value: Floats, samples: Floats) -> Estimate:
    low, high = np.percentile(samples, [2.5, 97.5])
    return Estimate(float(value), float(low), float(high))


def _curve(cells: Counts) -> tuple[Point, ...]:
    """Return at most POINTS + 1 points, the first (0, 0)."""
    share, gain = _gains(cells)
    uplift = _uplifts(cells)[1]
    wanted = np.linspace(0, 1, POINTS + 1)[1:]
    at = np.unique(np.minimum(np.searchsorted(share, wanted - 1e-12), len(share) - 1))
    points = [Point(float(share[i]), float(gain[i]), float(share[i] * gain[-1]), float(uplift[i]))
              for i in at]  # fmt: skip
    return (Point(0.0, 0.0, 0.0, 0.0), *points)
