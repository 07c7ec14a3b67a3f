"""Logistic regression on columns of WOE, none of whose weights may run against its WOE.

Minimise  Σ log(1 + exp(η)) - y·η  +  ½ · ridge · Σ b²,   η = a + Σ b_j · woe_j,   all b_j >= 0.

Each step takes the quadratic approximation at the last point; under the bounds that is a
non-negative least-squares problem, which is solved exactly. The curvature costs most and changes
least: it is summed up anew only after a step that brought less than it should. Rows stay coded (one
byte a value) and become WOE block by block: memory is rows × columns bytes and no more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
from scipy.optimize import nnls
from scipy.special import expit

from .refusal import NotEstimable

Floats = NDArray[np.float64]

BLOCK = 8192  # rows that stay in the processor's cache while they are worked on
MOST_STEPS = 50
TOLERANCE = 1e-9  # of the loss
# Near the minimum a step brings little beside the one before it: else the curvature is out of date.
SLOW = 0.2
LEAST_SHARE = 1e-6  # of a step


@dataclass(frozen=True)
class Coded:
    """``codes``: columns × rows, uint8; ``tables``: columns × places, the WOE of each code."""

    codes: NDArray[np.uint8]
    tables: Floats
    y: NDArray[np.bool_]

    @property
    def columns(self) -> int:
        return len(self.codes)

    @property
    def rows(self) -> int:
        return len(self.y)

    def of(self, columns: Sequence[int]) -> "Coded":
        return Coded(self.codes[list(columns)], self.tables[list(columns)], self.y)

    def head(self, rows: int) -> "Coded":
        return Coded(self.codes[:, :rows], self.tables, self.y[:rows])

    def with_tables(self, tables: Floats) -> "Coded":
        return Coded(self.codes, tables, self.y)

    def blocks(self, rows: slice) -> Iterator[tuple[slice, Floats]]:
        """Yield (rows, columns × rows of WOE); the array is used again for the next block."""
        begin, end, _ = rows.indices(self.rows)
        room = np.empty((self.columns, min(BLOCK, end - begin)))
        for at in range(begin, end, BLOCK):
            part = slice(at, min(at + BLOCK, end))
            block = room[:, : part.stop - part.start]
            for place in range(self.columns):
                codes = self.codes[place, part]
                np.take(self.tables[place], codes, out=block[place], mode="clip")
            yield part, block


@dataclass(frozen=True)
class Quadratic:
    """The log-likelihood near a point, as sums over rows: they add up, and can be taken away.

    loss        minus the log-likelihood at the point
    weight      Σ w, w = p (1 - p);   cross: Σ w x;   square: Σ w x x'
    excess      Σ (y - p);            slope: Σ (y - p) x
    """

    loss: float
    weight: float
    cross: Floats
    square: Floats
    excess: float
    slope: Floats

    def __add__(self, other: "Quadratic") -> "Quadratic":
        return Quadratic(
            self.loss + other.loss,
            self.weight + other.weight,
            self.cross + other.cross,
            self.square + other.square,
            self.excess + other.excess,
            self.slope + other.slope,
        )

    def __sub__(self, other: "Quadratic") -> "Quadratic":
        return Quadratic(
            self.loss - other.loss,
            self.weight - other.weight,
            self.cross - other.cross,
            self.square - other.square,
            self.excess - other.excess,
            self.slope - other.slope,
        )

    @property
    def information(self) -> Floats:
        """Of the weights, the intercept being free."""
        found: Floats = self.square - np.outer(self.cross, self.cross) / self.weight
        return found

    def best(self, at: "Point", ridge: float, penalty: Floats | float = 0.0) -> "Point":
        """Return the non-negative weights at which the approximation made at ``at`` is best.

        ``penalty``: an L1 price per weight, of the same scale as the slope.
        """
        information = self.information
        towards = information @ at.weights + self.slope - self.cross * self.excess / self.weight
        # A trace of ridge keeps a column that others add up to from making the matrix singular.
        trace = ridge + 1e-9 * float(np.trace(information)) / len(information)
        weights = _least(information + trace * np.eye(len(information)), towards - penalty, at)
        shift = (self.excess - self.cross @ (weights - at.weights)) / self.weight
        return Point(at.intercept + float(shift), weights)


@dataclass(frozen=True)
class Point:
    intercept: float
    weights: Floats

    def towards(self, other: "Point", share: float) -> "Point":
        return Point(
            self.intercept + share * (other.intercept - self.intercept),
            self.weights + share * (other.weights - self.weights),
        )

    @classmethod
    def start(cls, data: Coded) -> Self:
        """Where every row has the overall rate."""
        rate = data.y.mean()
        return cls(float(np.log(rate / (1 - rate))), np.zeros(data.columns))


def _least(square: Floats, towards: Floats, at: Point) -> Floats:
    """Return the w >= 0 of least ½ w'square w - towards'w.

    Near the minimum those that weigh are the same as at the last point: it is looked at first.
    """
    used = np.flatnonzero(at.weights > 0)
    weights = np.zeros(len(towards))
    if len(used):
        weights[used] = cho_solve(cho_factor(square[np.ix_(used, used)]), towards[used])
        rest = at.weights == 0
        if weights.min() >= 0 and (towards[rest] <= square[rest] @ weights).all():
            return weights
    upper = cholesky(square)
    target = solve_triangular(upper, towards, trans="T")
    found, _ = nnls(upper, target, maxiter=30 * len(upper))
    return np.asarray(found, dtype=np.float64)


def margins(data: Coded, at: Point, rows: slice = slice(None)) -> Floats:
    """Return η of each row."""
    begin, end, _ = rows.indices(data.rows)
    out = np.empty(end - begin)
    for part, block in data.blocks(rows):
        out[part.start - begin : part.stop - begin] = at.intercept + at.weights @ block
    return out


def quadratic(
    data: Coded, at: Point, rows: slice = slice(None), *, curved: bool = True
) -> Quadratic:
    """Return the approximation at ``at`` over ``rows``; the curvature is 0 where not asked for."""
    size = data.columns
    loss = weight = excess = 0.0
    cross, slope, square = np.zeros(size), np.zeros(size), np.zeros((size, size))
    for part, block in data.blocks(rows):
        eta = at.intercept + at.weights @ block
        p, y = expit(eta), data.y[part]
        rest = y - p
        loss += log_loss(eta, y)
        excess += float(rest.sum())
        slope += block @ rest
        if curved:
            w = p * (1 - p)
            weight += float(w.sum())
            cross += block @ w
            block *= np.sqrt(w)
            square += block @ block.T
    return Quadratic(loss, weight, cross, square, excess, slope)


def log_loss(eta: Floats, y: NDArray[np.bool_]) -> float:
    """Σ log(1 + exp(η)) - y·η, whatever the size of η."""
    return float(np.logaddexp(0.0, eta).sum() - eta[y].sum())


def fitted(
    data: Coded,
    ridge: float,
    start: Point | None = None,
    *,
    without: slice | None = None,
    tolerance: float = TOLERANCE,
) -> Point:
    """Return the minimum; ``without``: rows that take no part.

    ``tolerance``: the part of the loss less than which a last step brings.
    """
    rest = [slice(None)] if without is None else _beside(without)
    at, gain, renewed = start or Point.start(data), np.inf, True
    here = _over(data, at, rest)
    for _ in range(MOST_STEPS):
        there, share, new = _step(data, rest, at, here, ridge)
        before, gain = gain, _goal(here, at, ridge) - _goal(new, there, ridge)
        if gain <= tolerance * abs(new.loss) and (renewed or share == 1):
            return there
        renewed = share < 1 or gain > SLOW * before
        at, here = there, _over(data, there, rest) if renewed else new
    raise NotEstimable("did_not_converge", iterations=MOST_STEPS)


def _step(
    data: Coded, rest: list[slice], at: Point, here: Quadratic, ridge: float
) -> tuple[Point, float, Quadratic]:
    """Go to the least of the approximation, or as far towards it as it gets better."""
    least, loss, share = here.best(at, ridge), _goal(here, at, ridge), 1.0
    while True:
        there = at.towards(least, share)
        new = _over(data, there, rest, here)
        if _goal(new, there, ridge) <= loss + TOLERANCE * abs(loss) or share < LEAST_SHARE:
            return there, share, new
        share /= 2


def _goal(found: Quadratic, at: Point, ridge: float) -> float:
    return found.loss + ridge / 2 * float(at.weights @ at.weights)


def _over(data: Coded, at: Point, rest: list[slice], held: Quadratic | None = None) -> Quadratic:
    """The approximation over several stretches of rows; ``held``: whose curvature it keeps."""
    found = total([quadratic(data, at, rows, curved=held is None) for rows in rest])
    if held is None:
        return found
    return replace(held, loss=found.loss, excess=found.excess, slope=found.slope)


def _beside(rows: slice) -> list[slice]:
    return [slice(0, rows.start), slice(rows.stop, None)]


def total(parts: Sequence[Quadratic]) -> Quadratic:
    found = parts[0]
    for part in parts[1:]:
        found = found + part
    return found
