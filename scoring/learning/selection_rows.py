"""Rows by their bins, in an order of which every stretch is a fair sample."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy
from scipy.stats import chi2

from .binning import Binning
from .propensity_logit import Coded

Floats = NDArray[np.float64]


def shuffled(y: NDArray[np.bool_], seed: int) -> NDArray[np.intp]:
    """A random order of which every stretch has its share of outcomes."""
    random = np.random.default_rng(seed).permutation(len(y))
    place = np.empty(len(y))
    for outcome in (False, True):
        rows = random[y[random] == outcome]
        place[rows] = (np.arange(len(rows)) + 0.5) / max(len(rows), 1)
    order: NDArray[np.intp] = np.argsort(place, kind="stable")
    return order


def coded(
    x: Floats,
    y: NDArray[np.bool_],
    binnings: Sequence[Binning],
    columns: Sequence[int],
    seed: int,
    most_rows: int | None = None,
) -> Coded:
    """Return ``columns`` of ``x`` by their bins, rows shuffled (and only the first of them)."""
    order = shuffled(y, seed)[:most_rows]
    codes = np.empty((len(columns), len(order)), dtype=np.uint8)
    tables = np.zeros((len(columns), max((len(binnings[c].woe) for c in columns), default=0)))
    for place, column in enumerate(columns):
        codes[place] = binnings[column].codes(np.ascontiguousarray(x[:, column]))[order]
        tables[place, : len(binnings[column].woe)] = binnings[column].woe
    return Coded(codes, tables, y[order])


def slices(rows: int, parts: int) -> list[slice]:
    ends = [rows * part // parts for part in range(parts + 1)]
    return [slice(a, b) for a, b in pairwise(ends)]


def correlations(data: Coded) -> Floats:
    """Return the columns' correlations; 0 with a column that does not vary."""
    total, square = np.zeros(data.columns), np.zeros((data.columns, data.columns))
    for _, block in data.blocks(slice(None)):
        total += block.sum(axis=1)
        square += block @ block.T
    mean = total / data.rows
    covariance = square / data.rows - np.outer(mean, mean)
    spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    scale = np.outer(spread, spread)
    found: Floats = np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 1e-12)
    return found


def twins(data: Coded, most: float, level: float) -> Floats:
    """Return the columns' correlations; 0 with an earlier one, beyond ``most``, beside which a
    column has news.

    ``level``: the quantile of chance that news exceeds.
    """
    r = correlations(data)
    for place, other in zip(*np.nonzero(np.tril(np.abs(r) > most, -1)), strict=True):
        told, degrees = news(data, place, other)
        if told > chi2.ppf(level, max(degrees, 1)):
            r[place, other] = 0.0
    return r


def news(data: Coded, place: int, other: int) -> tuple[float, int]:
    """Return what the bins of ``place`` tell of the outcome where those of ``other`` are known.

    The likelihood ratio (G²) within each bin of ``other``, and its degrees of freedom.
    """
    width = data.tables.shape[1]
    both = data.codes[other].astype(np.intp) * width + data.codes[place]
    rows = np.bincount(both, minlength=width * width).reshape(width, width)
    events = np.bincount(both[data.y], minlength=width * width).reshape(width, width)
    alone = _deviance(events.sum(axis=1), rows.sum(axis=1))
    degrees = (rows > 0).sum() - (rows.sum(axis=1) > 0).sum()
    return alone - _deviance(events, rows), int(degrees)


def _deviance(events: NDArray[np.int64], rows: NDArray[np.int64]) -> float:
    """Of the outcomes around the rate of each bin."""
    others = rows - events
    size = np.maximum(rows, 1)
    return float(-2 * (xlogy(events, events / size) + xlogy(others, others / size)).sum())
