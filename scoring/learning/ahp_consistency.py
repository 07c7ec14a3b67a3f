"""How consistent pairwise judgements are, and which of them hurt most (Saaty 1980, Harker 1987)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Mean consistency index of random matrices, by the number of items (Saaty 2005, p. 31): his later
# estimates, with which the published cases were computed. Those of 1977 have 0.58 for three.
RANDOM_INDEX = (
    0.0, 0.0, 0.0, 0.52, 0.89, 1.11, 1.25, 1.35, 1.40, 1.45, 1.49, 1.52, 1.54, 1.56, 1.58, 1.59,
)  # fmt: skip
MOST_ITEMS = len(RANDOM_INDEX) - 1
LIMIT = 0.1
SCALE = tuple([1 / n for n in range(9, 1, -1)] + [float(n) for n in range(1, 10)])
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Hurt:
    """One judgement of the group beside what all the others imply, and what replacing it does.

    suggested     the implied ratio, rounded to Saaty's scale
    ratio_after   the consistency ratio with the suggested value; fall: how much less that is
    """

    item: str
    other: str
    given: float
    implied: float
    suggested: float
    ratio_after: float
    fall: float


def eigen(matrix: Floats) -> tuple[Floats, float]:
    """Return the principal eigenvector, summing to one, and its eigenvalue (λmax)."""
    values, vectors = np.linalg.eig(matrix)
    first = int(np.argmax(values.real))
    vector = np.abs(vectors[:, first].real)
    return vector / vector.sum(), float(values[first].real)


def consistency(lambda_max: float, items: int) -> tuple[float, float]:
    """Return CI = (λmax - n) / (n - 1) and CR = CI / random index; two items always agree."""
    if items <= 2:
        return 0.0, 0.0
    index = max(0.0, (lambda_max - items) / (items - 1))
    return index, index / RANDOM_INDEX[items]


def hurts(matrix: Floats, items: Sequence[str]) -> tuple[Hurt, ...]:
    """Return each pair beside what the others imply, by how much the ratio (CR) would fall.

    Implied: w(i) / w(j) of the matrix without that pair (Harker 1987: its two cells 0, the two
    diagonal cells 2). Equals stand in the order of the items.
    """
    before = consistency(eigen(matrix)[1], len(items))[1]
    found = []
    for i, j in combinations(range(len(items)), 2):
        without = matrix.copy()
        without[i, j] = without[j, i] = 0.0
        without[i, i] = without[j, j] = 2.0
        weights = eigen(without)[0]
        implied = float(weights[i] / weights[j])
        suggested = nearest_on_scale(implied)
        replaced = matrix.copy()
        replaced[i, j], replaced[j, i] = suggested, 1 / suggested
        after = consistency(eigen(replaced)[1], len(items))[1]
        given = float(matrix[i, j])
        found.append(Hurt(items[i], items[j], given, implied, suggested, after, before - after))
    return tuple(sorted(found, key=lambda hurt: -hurt.fall))


def nearest_on_scale(ratio: float) -> float:
    """Return the value of Saaty's scale, 1/9 to 9, that is nearest by factor."""
    return min(SCALE, key=lambda value: abs(np.log(value / ratio)))
