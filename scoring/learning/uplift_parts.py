"""Why a customer's uplift is high or low: its parts, each from one attribute's range.

The learners' uplift is described by a sum of a few step functions, found by matching pursuit with
backfitting (Buja, Hastie & Tibshirani 1989): the attribute that explains most of what is left is
taken, all steps are fitted again, until the next explains next to nothing. It describes the model,
not the customers; ``fidelity_`` is the share of the uplift's variance that it tells.
"""

from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .features import Feature
from .reasons import NONE, STRONGEST, Reason

Floats = NDArray[np.float64]

MOST_PARTS = 12
BINS = 8
WORTH = 0.01  # of the variance: an attribute that explains less is no reason
SPEAKS = 0.1  # of the standard deviation: a smaller part of a customer's uplift is no reason
SWEEPS = 3


class Parts:
    """Steps per attribute. ``reasons_``: one for each range, code and unknown value."""

    def __init__(self, features: tuple[Feature, ...]) -> None:
        self.features = features

    def fit(self, x: Floats, effect: Floats) -> Self:
        """Describe ``effect`` (one per row). A constant effect has no parts."""
        edges = [
            _edges(column) if f.categories is None else np.empty(0)
            for column, f in zip(x.T, self.features, strict=True)
        ]
        codes = [
            _codes(c, f, e).astype(np.uint16)
            for c, f, e in zip(x.T, self.features, edges, strict=True)
        ]
        steps, self.fidelity_ = _pursue(codes, effect)
        self.least_ = SPEAKS * float(effect.std())
        self.columns_ = list(steps)
        self.edges_ = [edges[j] for j in steps]
        self.steps_: list[Floats] = []
        self.reasons_: list[Reason] = []
        for j in steps:
            told = _told(self.features[j], edges[j])
            # What training has not seen moves nothing.
            step = np.zeros(len(told) + (self.features[j].categories is not None))
            step[: len(steps[j])] = steps[j]
            self.steps_.append(step)
            self.reasons_ += [
                Reason(**about, raises=bool(part > 0))  # type: ignore[arg-type]
                for about, part in zip(told, step, strict=False)
            ]
        return self

    def reasons(self, x: Floats) -> NDArray[np.int16]:
        """Return rows × 3 positions in ``reasons_``, the strongest first, NONE for no more."""
        rows = len(x)
        out = np.full((rows, STRONGEST), NONE, dtype=np.int16)
        if not self.columns_:
            return out
        parts = np.empty((rows, len(self.columns_)))
        places = np.empty((rows, len(self.columns_)), dtype=np.int16)
        first = 0
        for i, j in enumerate(self.columns_):
            feature = self.features[j]
            code = _codes(x[:, j], feature, self.edges_[i])
            parts[:, i] = np.abs(self.steps_[i][code])
            places[:, i] = first + code
            first += len(self.steps_[i]) - (feature.categories is not None)
        row = np.arange(rows)
        for rank in range(min(STRONGEST, len(self.columns_))):
            best = parts.argmax(axis=1)
            speaks = parts[row, best] > self.least_
            out[speaks, rank] = places[row, best][speaks]
            parts[row, best] = -1.0
        return out


def _edges(column: Floats) -> Floats:
    """Bins begin at the eighths, or at each value where there are no more than eight."""
    known = column[~np.isnan(column)]
    values = np.unique(known)
    if len(values) > BINS:
        values = np.unique(np.quantile(known, np.arange(BINS) / BINS, method="lower"))
    edges: Floats = values[1:]
    return edges


def _codes(column: Floats, feature: Feature, edges: Floats) -> NDArray[np.intp]:
    """Number: bins, then unknown. Category: codes, then unknown, then unseen."""
    unknown = np.isnan(column)
    if feature.categories is None:
        bins = np.searchsorted(edges, column, side="right")
        return np.where(unknown, len(edges) + 1, bins)
    codes = len(feature.categories)
    seen = np.where(unknown, codes, column)
    return np.where(column >= codes, codes + 1, seen).astype(np.intp)


def _told(feature: Feature, edges: Floats) -> list[dict[str, object]]:
    about: dict[str, object] = {"attribute": feature.attribute}
    if feature.categories is None:
        ends = [float("-inf"), *map(float, edges), float("inf")]
        told = [{**about, "low": a, "high": b} for a, b in pairwise(ends)]
    else:
        told = [{**about, "codes": (code,)} for code in feature.categories]
    return [*told, {**about, "missing": True}]


def _pursue(codes: list[NDArray[np.uint16]], effect: Floats) -> tuple[dict[int, Floats], float]:
    """Return the steps of the attributes taken, strongest first, and how much they explain."""
    left = effect - effect.mean()
    total = float((left**2).sum())
    steps: dict[int, Floats] = {}
    if total <= 1e-18 * len(effect):
        return steps, 1.0
    while len(steps) < min(MOST_PARTS, len(codes)):
        gains = [0.0 if j in steps else _gain(c, left) for j, c in enumerate(codes)]
        best = int(np.argmax(gains))
        if gains[best] < WORTH * total:
            break
        steps[best] = np.zeros(int(codes[best].max()) + 1)
        for _ in range(SWEEPS):
            for j, step in steps.items():
                left += step[codes[j]]
                steps[j] = _means(codes[j], left)
                left -= steps[j][codes[j]]
    return steps, 1.0 - float((left**2).sum()) / total


def _means(codes: NDArray[np.uint16], values: Floats) -> Floats:
    counts = np.bincount(codes)
    means: Floats = np.bincount(codes, values) / np.maximum(counts, 1)
    return means


def _gain(codes: NDArray[np.uint16], left: Floats) -> float:
    return float((_means(codes, left) ** 2 * np.bincount(codes)).sum())
