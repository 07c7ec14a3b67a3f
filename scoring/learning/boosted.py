"""scikit-learn's small boosted trees as conditions and tables, for whole columns at once.

A tree of few leaves has few conditions. Each is asked of a whole column, the answers are the bits
of a number, and a table has the value for each number: the same values, added in the same order,
several times as fast as one row after another through every tree, and without threads of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .features import Feature

Floats = NDArray[np.float64]
Bits = NDArray[np.uint8]

MOST_LEAVES = 9  # the answers of a tree's conditions are the bits of a byte


@dataclass(frozen=True)
class Condition:
    """Whether a row goes left: its number is ``threshold`` at most, or unknown if ``unknown``.

    codes   of a category: 0 or 1 per position of its code, then of unseen ones, then unknown
    """

    column: int
    threshold: float
    unknown: bool
    codes: tuple[int, ...] = ()

    def of(self, column: Floats) -> Bits:
        if self.codes:
            last = len(self.codes) - 1
            places = np.where(np.isnan(column), last, np.minimum(column, last - 1))
            return np.array(self.codes, dtype=np.uint8).take(places.astype(np.intp))
        # A comparison with the unknown is false either way.
        left = ~(column > self.threshold) if self.unknown else column <= self.threshold
        return left.view(np.uint8)


class Boosted:
    """``predict`` gives what the trees add up to: of a classifier the log-odds.

    Learns ``conditions_``; ``asked_``: per tree the places of its own; ``values_``: per tree the
    value of each combination of answers, the first condition's being the lowest bit; ``start_``.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self.features = tuple(features)

    def fit(self, trees: Any) -> Self:
        """Read a fitted HistGradientBoosting estimator of one output."""
        self.start_ = float(np.ravel(trees._baseline_prediction)[0])
        places: dict[Condition, int] = {}
        self.asked_: list[list[int]] = []
        self.values_: list[Floats] = []
        order, codes = _columns(trees)
        for [tree] in trees._predictors:
            conditions = {
                node: self._condition(tree, tree.nodes[node], order, codes)
                for node in np.flatnonzero(tree.nodes["is_leaf"] == 0).tolist()
            }
            if len(conditions) >= MOST_LEAVES:
                raise ValueError(f"a tree must have at most {MOST_LEAVES} leaves")
            self.asked_.append([places.setdefault(c, len(places)) for c in conditions.values()])
            self.values_.append(_values(tree.nodes, list(conditions)))
        self.conditions_ = list(places)
        return self

    def predict(self, x: Floats) -> Floats:
        answers = [condition.of(x[:, condition.column]) for condition in self.conditions_]
        out = np.full(len(x), self.start_)
        number = np.empty(len(x), dtype=np.uint8)
        for asked, values in zip(self.asked_, self.values_, strict=True):
            number.fill(0)
            for condition in reversed(asked):
                number += number
                number |= answers[condition]
            out += values.take(number)
        return out

    def _condition(
        self, tree: Any, node: Any, order: list[int], codes: dict[int, Floats]
    ) -> Condition:
        column, unknown = order[node["feature_idx"]], bool(node["missing_go_to_left"])
        if not node["is_categorical"]:
            return Condition(column, float(node["num_threshold"]), unknown)
        bits = tree.raw_left_cat_bitsets[node["bitset_idx"]]
        seen = {int(code): place for place, code in enumerate(codes[column]) if code == code}
        asked = range(len(self.features[column].categories or ()) + 1)
        left = [
            int(bits[seen[code] // 32] >> (seen[code] % 32) & 1) if code in seen else int(unknown)
            for code in asked
        ]
        return Condition(column, np.inf, unknown, (*left, int(unknown)))


def _columns(trees: Any) -> tuple[list[int], dict[int, Floats]]:
    """Return which column the trees' columns are, and of categories the codes that they know.

    scikit-learn puts categories first, each code as its place among those that training had.
    """
    if trees._preprocessor is None:
        return list(range(trees._n_features)), {}
    categories = np.flatnonzero(trees.is_categorical_).tolist()
    known = trees._preprocessor.named_transformers_["encoder"].categories_
    numbers = np.flatnonzero(~trees.is_categorical_).tolist()
    return [*categories, *numbers], dict(zip(categories, known, strict=True))


def _values(nodes: Any, splits: list[int]) -> Floats:
    """Return the leaf's value for each combination of which conditions hold."""
    bit = {node: place for place, node in enumerate(splits)}
    values = np.empty(2 ** len(splits))
    for number in range(len(values)):
        node = 0
        while not nodes[node]["is_leaf"]:
            node = int(nodes[node]["left" if number >> bit[node] & 1 else "right"])
        values[number] = nodes[node]["value"]
    return values
