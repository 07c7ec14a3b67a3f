"""How good a score is on rows that took no part in fitting: what a version's report shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .calibration import Calibration, calibration, no_calibration
from .curves import Ladder, Point, ladder, points
from .estimates import Estimate, auc, refusal, share, unknown
from .refusal import LEAST_POSITIVES, NotEstimable

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]
Chosen = Literal["separation", "share", "cut"]

# Below so many rows a group's share selected tells nothing.
LEAST_ROWS = 30
# Selected less than four fifths as often as the most selected group (EEOC 1978, § 1607.4 D).
FOUR_FIFTHS = 0.8
# Draws for the interval of KS, and the steps of the ladder at which rows are drawn together.
DRAWS, STEPS = 400, 500
AGES = (25.0, 35.0, 45.0, 55.0, 65.0)


@dataclass(frozen=True)
class Tenth:
    """A tenth of the rows, the highest scores first (``tenth`` 1), a tie at an edge by share.

    ``gain``: share of all positives found so far; ``lift``: the tenth's rate over the overall one.
    Intervals of gain and lift are of the share of the positives, Wilson's.
    """

    tenth: int
    n: float
    positives: float
    rate: Estimate
    lift: Estimate
    gain: Estimate


@dataclass(frozen=True)
class Confusion:
    """Called: a score of at least ``cut``."""

    cut: float
    chosen: Chosen
    called_positive: int
    called_negative: int
    left_positive: int
    left_negative: int
    called: Estimate
    precision: Estimate
    recall: Estimate
    lift: float | None


@dataclass(frozen=True)
class Group:
    """One group of one grouping (a city, an age band): how the score does, and whom it calls.

    ``ratio``: the group's share called over everybody's; ``below_four_fifths``: it is called less
    than 0.8 times as often as the most called group (of those of LEAST_ROWS rows), None: too small.
    """

    group: str
    n: int
    positives: int
    rate: Estimate
    mean_score: float
    auc: Estimate
    called: Estimate
    ratio: float | None
    recall: Estimate
    below_four_fifths: bool | None


@dataclass(frozen=True)
class Evaluation:
    n: int
    positives: int
    rate: Estimate
    auc: Estimate
    ks: float
    ks_low: float
    ks_high: float
    ks_cut: float
    tenths: list[Tenth]
    curve: list[Point]
    calibration: Calibration
    confusion: Confusion
    groups: dict[str, list[Group]]


def evaluate(
    y: Truths,
    score: Floats,
    *,
    groups: Mapping[str, Sequence[str | None] | NDArray[np.object_]] | None = None,
    share_called: float | None = None,
    cut: float | None = None,
) -> Evaluation:
    """Measure ``score`` (rows, no NaN) against ``y`` (True: it happened).

    groups        per grouping the group of each row, None: unknown (group ""): city, age band …
    share_called  the share of rows to be called, from which the cut follows; or
    cut           the score from which on rows are called; neither: where KS is reached

    Calibration needs a probability: it is ``not_a_probability`` where a score is outside 0 to 1.
    Raises NotEstimable (no_rows, one_class, too_few_outcomes). Everything in the result is plain:
    ``dataclasses.asdict`` makes JSON of it.
    """
    score = np.asarray(score, dtype=np.float64)
    code = refusal(y)
    if code:
        raise NotEstimable(code, least=LEAST_POSITIVES, positives=int(y.sum()), rows=len(y))
    rungs = ladder(y, score)
    ks, ks_cut = rungs.separation()
    ks_low, ks_high = _ks_limits(rungs, ks, ks_cut)
    chosen, at = _cut(rungs, ks_cut, share_called, cut)
    called = score >= at
    probable = score.min() >= 0 and score.max() <= 1
    return Evaluation(
        n=len(y),
        positives=int(y.sum()),
        rate=share(int(y.sum()), len(y)),
        auc=auc(y, score),
        ks=ks,
        ks_low=ks_low,
        ks_high=ks_high,
        ks_cut=ks_cut,
        tenths=tenths(rungs),
        curve=points(rungs),
        calibration=calibration(y, score, rungs)
        if probable
        else no_calibration("not_a_probability", len(y)),
        confusion=_confusion(y, called, at, chosen),
        groups={name: _groups(y, score, called, of) for name, of in (groups or {}).items()},
    )


def age_bands(age: Floats, edges: Sequence[float] = AGES) -> NDArray[np.object_]:
    """Return each row's age band as a group: "<25", "25–34", … "65+"; None: unknown."""
    whole = [f"{edge:g}" for edge in edges]
    between = [f"{low}–{edge - 1:g}" for low, edge in zip(whole, edges[1:], strict=False)]
    names = np.array([f"<{whole[0]}", *between, f"{whole[-1]}+"], dtype=object)
    bands: NDArray[np.object_] = names[np.searchsorted(edges, age, side="right")]
    bands[np.isnan(age)] = None
    return bands


def tenths(rungs: Ladder) -> list[Tenth]:
    """Return lift and gain by tenth of the rows."""
    edges = np.linspace(0.0, rungs.n, 11)
    found = rungs.hits_of(edges)
    size, positives = rungs.n / 10, rungs.positives
    return [
        Tenth(
            tenth=i + 1,
            n=size,
            positives=float(hits),
            rate=share(float(hits), size),
            lift=share(float(hits), positives, unit=0.1),
            gain=share(float(found[i + 1]), positives),
        )
        for i, hits in enumerate(np.diff(found))
    ]


def _ks_limits(rungs: Ladder, ks: float, ks_cut: float, seed: int = 0) -> tuple[float, float]:
    """Return the limits of KS, by a bootstrap of either outcome's rows (stratified).

    The greatest of many differences is greatest by chance too: drawn ones lie above the one that is
    drawn from, as that one lies above the truth. So the draws' percentiles are reflected at it
    (Davison and Hinkley 1997, eq. 5.6); taken as they stand they would miss the truth to one side.
    Rows are drawn by steps of the ladder, of which one ends at KS: no work per row.
    """
    ends = np.searchsorted(rungs.rows, np.linspace(0.0, rungs.n, STEPS + 1)[1:] - 1e-9)
    ends = np.union1d(ends, np.searchsorted(-rungs.cuts, -ks_cut))
    rng = np.random.default_rng(seed)
    recall, alarms = (
        rng.multinomial(round(rows.sum()), rows / rows.sum(), size=DRAWS).cumsum(axis=1)
        / rows.sum()
        for rows in (
            np.diff(rungs.hits[ends], prepend=0.0),
            np.diff((rungs.rows - rungs.hits)[ends], prepend=0.0),
        )
    )
    low, high = np.quantile((recall - alarms).max(axis=1), [0.025, 0.975])
    return max(0.0, min(ks, 2 * ks - float(high))), min(1.0, max(ks, 2 * ks - float(low)))


def _cut(
    rungs: Ladder, ks_cut: float, share_called: float | None, cut: float | None
) -> tuple[Chosen, float]:
    if cut is not None:
        return "cut", float(cut)
    if share_called is not None:
        return "share", rungs.cut_for(share_called)
    return "separation", ks_cut


def _confusion(y: Truths, called: Truths, cut: float, chosen: Chosen) -> Confusion:
    hits, calls, positives, n = int((y & called).sum()), int(called.sum()), int(y.sum()), len(y)
    return Confusion(
        cut=cut,
        chosen=chosen,
        called_positive=hits,
        called_negative=calls - hits,
        left_positive=positives - hits,
        left_negative=n - calls - positives + hits,
        called=share(calls, n),
        precision=share(hits, calls) if calls else unknown("nobody_called"),
        recall=share(hits, positives),
        lift=hits / calls / (positives / n) if calls else None,
    )


def _groups(
    y: Truths,
    score: Floats,
    called: Truths,
    of: Sequence[str | None] | NDArray[np.object_],
) -> list[Group]:
    """Return the groups by name, the unknown as "" at the end."""
    if len(of) != len(y):
        raise ValueError(f"groups must have a value for each of {len(y)} rows, got {len(of)}")
    places, names = pd.factorize(np.asarray(of, dtype=object), sort=True)
    members = [(str(name), np.flatnonzero(places == i)) for i, name in enumerate(names)]
    if (places < 0).any():
        members.append(("", np.flatnonzero(places < 0)))
    shares = [called[rows].mean() for _, rows in members if len(rows) >= LEAST_ROWS]
    return [
        _group(name, y[rows], score[rows], called[rows], called.mean(), max(shares, default=0.0))
        for name, rows in members
    ]


def _group(
    name: str, y: Truths, score: Floats, called: Truths, overall: float, most: float
) -> Group:
    n, positives, mine = len(y), int(y.sum()), float(called.mean())
    enough = n >= LEAST_ROWS
    return Group(
        group=name,
        n=n,
        positives=positives,
        rate=share(positives, n),
        mean_score=float(score.mean()),
        auc=auc(y, score),
        called=share(int(called.sum()), n),
        ratio=float(mine / overall) if overall > 0 and enough else None,
        recall=share(int((called & y).sum()), positives)
        if positives
        else unknown("too_few_outcomes"),
        below_four_fifths=bool(mine < FOUR_FIFTHS * most) if enough else None,
    )
