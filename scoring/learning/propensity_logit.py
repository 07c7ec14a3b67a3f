"""Logistic regression on columns of WOE, none of whose weights may run against its WOE.

Minimise  Σ log(1 + exp(η)) - y·η  +  ½ · ridge · Σ b²,   η = a + Σ b_j · woe_j,   all b_j >= 0.

Each step takes the quadratic approximation at the last point; under the bounds that is a
non-negative least-squares problem, which is solved exactly. Rows stay coded (one byte a value) and
become WOE block by block: memory is rows × columns bytes and no more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls
from scipy.special import expit

from .refusal import NotEstimable

Floats = NDArray[np.float64]

BLOCK = 8192  # rows that stay in the processor's cache while they are worked on
MOST_STEPS = 50
TOLERANCE = 1e-9


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
                block[place] = self.tables[place][self.codes[place, part]]
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
        upper = cholesky(information + trace * np.eye(len(information)))
        target = solve_triangular(upper, towards - penalty, trans="T")
        weights, _ = nnls(upper, target, maxiter=30 * len(upper))
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


def margins(data: Coded, at: Point, rows: slice = slice(None)) -> Floats:
    """Return η of each row."""
    begin, end, _ = rows.indices(data.rows)
    out = np.empty(end - begin)
    for part, block in data.blocks(rows):
        out[part.start - begin : part.stop - begin] = at.intercept + at.weights @ block
    return out


def quadratic(data: Coded, at: Point, rows: slice = slice(None)) -> Quadratic:
    """Return the approximation at ``at`` over ``rows``."""
    size = data.columns
    loss = weight = excess = 0.0
    cross, slope, square = np.zeros(size), np.zeros(size), np.zeros((size, size))
    for part, block in data.blocks(rows):
        eta = at.intercept + at.weights @ block
        p, y = expit(eta), data.y[part]
        w, rest = p * (1 - p), y - p
        loss += log_loss(eta, y)
        weight += float(w.sum())
        excess += float(rest.sum())
        slope += block @ rest
        cross += block @ w
        block *= np.sqrt(w)
        square += block @ block.T
    return Quadratic(loss, weight, cross, square, excess, slope)


def log_loss(eta: Floats, y: NDArray[np.bool_]) -> float:
    """Σ log(1 + exp(η)) - y·η, whatever the size of η."""
    return float(np.logaddexp(0.0, eta).sum() - eta[y].sum())


def fitted(
    data: Coded, ridge: float, start: Point | None = None, without: slice | None = None
) -> tuple[Point, Quadratic]:
    """Return the minimum and the approximation there; ``without``: rows that take no part."""
    at = start or Point.start(data)
    found = _over(data, at, without)
    loss = found.loss + ridge / 2 * float(at.weights @ at.weights)
    for _ in range(MOST_STEPS):
        goal = found.best(at, ridge)
        share = 1.0
        while True:
            there = at.towards(goal, share)
            new = _over(data, there, without)
            new_loss = new.loss + ridge / 2 * float(there.weights @ there.weights)
            if new_loss <= loss + TOLERANCE * abs(loss) or share < 1e-6:
                break
            share /= 2
        done = abs(loss - new_loss) <= TOLERANCE * abs(loss)
        at, found, loss = there, new, new_loss
        if done:
            return at, found
    raise NotEstimable("did_not_converge", iterations=MOST_STEPS)


def _over(data: Coded, at: Point, without: slice | None) -> Quadratic:
    if without is None:
        return quadratic(data, at)
    head, tail = slice(0, without.start), slice(without.stop, data.rows)
    return quadratic(data, at, head) + quadratic(data, at, tail)
