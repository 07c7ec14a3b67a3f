"""A propensity model as people read it: drivers with signs and odds, points per bin, reasons."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.rates import Z, wilson

from .binning import Binning
from .features import Feature
from .reasons import Reason

Floats = NDArray[np.float64]

LEAST_SHIFT = 0.01  # log-odds: what moves a score less is no reason


@dataclass(frozen=True)
class Points:
    """One bin: ``low`` <= value < ``high`` (None: open), one of ``codes``, or ``missing``.

    ``rows`` of the training rows and the ``rate`` of the outcome among them, with its 95 % interval
    (None of no rows); ``points`` are what the bin adds to the score.
    """

    points: float
    woe: float
    rows: int
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    low: float | None = None
    high: float | None = None
    codes: tuple[str, ...] = ()
    missing: bool = False


@dataclass(frozen=True)
class Driver:
    """One attribute of a model; low and high are 95 % intervals.

    weight      how strong it is beside the others: 1 as strong as alone.  error: its standard error
    odds        of the outcome in its best bin over its worst one, all else equal
    rising      whether the outcome grows more frequent with a number; None: a category, a number
                that turns, or one that tells only by being unknown
    turns_at    the value from which a number runs the other way; None: it does not turn
    strength    standard deviation of its part of the log-odds over the training rows
    value       information value;  frequency: see scoring.learning.selection.Candidate
    """

    attribute: str
    weight: float
    weight_low: float
    weight_high: float
    error: float
    odds: float
    odds_low: float
    odds_high: float
    rising: bool | None
    strength: float
    value: float
    frequency: float | None
    bins: tuple[Points, ...]
    turns_at: float | None = None


def driver(
    feature: Feature,
    binning: Binning,
    share: Floats,
    error: float,
    points_per_log_odds: float,
    frequency: float | None,
) -> Driver:
    """Tell one attribute's part: ``share`` log-odds per place, ``error`` that part of it."""
    rows = np.array(binning.events) + np.array(binning.others)
    alone, strength = _spread(np.array(binning.woe), rows), _spread(share, rows)
    weight = strength / alone
    least, most = max(1 - Z * error, 0.0), 1 + Z * error
    span = float(np.ptp(share[rows > 0]))
    bins = share[: binning.bins]
    steps = np.diff(bins)
    one_way = not binning.groups and ((steps >= 0).all() or (steps <= 0).all()) and steps.any()
    return Driver(
        attribute=feature.attribute,
        weight=weight,
        weight_low=weight * least,
        weight_high=weight * most,
        error=weight * error,
        odds=_exp(span),
        odds_low=_exp(span * least),
        odds_high=_exp(span * most),
        rising=bool(bins[-1] > bins[0]) if one_way else None,
        strength=strength,
        value=binning.value,
        frequency=frequency,
        bins=tuple(
            _points(feature, binning, place, points_per_log_odds * float(share[place]))
            for place in range(binning.bins + 1)
        ),
        turns_at=None if binning.groups or one_way else _turn(binning, steps),
    )


def _turn(binning: Binning, steps: Floats) -> float | None:
    """Where the bin begins after which the points run the other way."""
    moves = np.flatnonzero(steps)
    turned = np.flatnonzero(np.diff(np.sign(steps[moves])))
    return float(binning.edges[moves[turned[0] + 1]]) if len(turned) else None


def reasons(
    features: list[Feature], binnings: list[Binning], shares: list[Floats]
) -> tuple[list[Reason], list[NDArray[np.int16]]]:
    """Return what can move a score away from the average, strongest first, and who has it.

    The second is, per attribute and place of a bin, the reason's position in the first. The
    strongest of a customer's reasons are then the least of his positions. Equals: by attribute.
    """
    found: list[tuple[float, int, int]] = []
    for place, (binning, share) in enumerate(zip(binnings, shares, strict=True)):
        rows = np.array(binning.events) + np.array(binning.others)
        shifts = share - np.average(share, weights=rows)
        # What training has not seen at the last place has no words: nothing is known of it.
        for bin_, shift in enumerate(shifts[:-1]):
            told = (
                not binning.groups or bin_ == binning.bins or _codes(features[place], binning, bin_)
            )
            if abs(shift) >= LEAST_SHIFT and told:
                found.append((float(shift), place, bin_))
    found.sort(key=lambda f: (-abs(f[0]), f[1], f[2]))
    ranks = [np.full(len(b.woe), np.iinfo(np.int16).max, dtype=np.int16) for b in binnings]
    catalogue = []
    for position, (shift, place, bin_) in enumerate(found):
        ranks[place][bin_] = position
        catalogue.append(_reason(features[place], binnings[place], bin_, shift > 0))
    return catalogue, ranks


def _reason(feature: Feature, binning: Binning, bin_: int, raises: bool) -> Reason:
    if bin_ == binning.bins:
        return Reason(feature.attribute, missing=True, raises=raises)
    if binning.groups:
        return Reason(feature.attribute, codes=_codes(feature, binning, bin_), raises=raises)
    ends = [float("-inf"), *binning.edges, float("inf")]
    return Reason(feature.attribute, low=ends[bin_], high=ends[bin_ + 1], raises=raises)


def _points(feature: Feature, binning: Binning, place: int, points: float) -> Points:
    events, rows = binning.events[place], binning.events[place] + binning.others[place]
    ends = [None, *binning.edges, None]
    number = not binning.groups and place < binning.bins
    low, high = wilson(events, rows) if rows else (None, None)
    return Points(
        points=points,
        woe=binning.woe[place],
        rows=rows,
        rate=events / rows if rows else None,
        rate_low=None if low is None else float(low),
        rate_high=None if high is None else float(high),
        low=ends[place] if number else None,
        high=ends[place + 1] if number else None,
        codes=_codes(feature, binning, place) if binning.groups else (),
        missing=place == binning.bins,
    )


def _codes(feature: Feature, binning: Binning, bin_: int) -> tuple[str, ...]:
    known = zip(feature.categories or (), binning.groups, strict=False)
    return tuple(code for code, group in known if group == bin_)


def _spread(values: Floats, rows: NDArray[np.int64]) -> float:
    """The standard deviation over the training rows."""
    mean = np.average(values, weights=rows)
    return float(np.sqrt(np.average((values - mean) ** 2, weights=rows)))


def _exp(value: float) -> float:
    """Odds as JSON has them: not infinite."""
    return float(np.exp(min(value, 700.0)))
