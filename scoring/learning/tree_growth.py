"""One decision tree as plain arrays: grown by scikit-learn, pruned and smoothed here.

The arrays are read as they stand: thresholds are round numbers in the data's own units, compared
in double precision, so that a tree, its rules in words and its scores agree to the last customer.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import floor, inf, log10
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2
from sklearn.tree import DecisionTreeClassifier

from .features import Feature

Floats = NDArray[np.float64]
CHUNK = 65_536
SIGNIFICANCE = 0.05
LEAF = -1
# What scikit-learn's single precision holds.
WIDEST = 3e38


@dataclass(frozen=True)
class Tree:
    """Nodes in preorder: the root is 0, children come after their parent. One entry per node.

    feature            column that the node splits by, LEAF: none
    threshold          to the left: value < threshold; inf: all that are known
    null_left          whether the unknown go left
    left, right        children, LEAF: none
    n, positives       training rows that came here, and those with the outcome
    """

    feature: NDArray[np.int16]
    threshold: Floats
    null_left: NDArray[np.bool_]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    n: NDArray[np.int64]
    positives: NDArray[np.int64]

    @property
    def splits(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.left >= 0)

    @property
    def leaves(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.left < 0)

    @property
    def parents(self) -> NDArray[np.int32]:
        parents = np.full(len(self.left), LEAF, dtype=np.int32)
        parents[self.left[self.splits]] = self.splits
        parents[self.right[self.splits]] = self.splits
        return parents

    def apply(self, x: Floats, ranks: dict[int, Floats]) -> NDArray[np.int32]:
        """Return the leaf of each row of ``x`` (rows × features, as the features contract says).

        Rows are dealt out in blocks that stay in the processor's cache: a column is touched only
        for the rows that come to a node which splits by it.
        """
        out = np.empty(len(x), dtype=np.int32)
        used = np.unique(self.feature[self.splits])
        for start in range(0, len(x), CHUNK):
            block = x[start : start + CHUNK]
            columns = {int(f): encoded(block[:, f], ranks.get(int(f))) for f in used}
            self._deal(columns, out[start : start + CHUNK])
        return out

    def _deal(self, columns: dict[int, Floats], out: NDArray[np.int32]) -> None:
        waiting = [(0, np.arange(len(out), dtype=np.intp))]
        while waiting:
            node, rows = waiting.pop()
            if self.left[node] < 0 or not len(rows):
                out[rows] = node
                continue
            values = columns[int(self.feature[node])].take(rows)
            goes_left = sent_left(values, self.threshold[node], bool(self.null_left[node]))
            waiting.append((int(self.left[node]), rows[goes_left]))
            waiting.append((int(self.right[node]), rows[~goes_left]))


def sent_left(values: Floats, threshold: float, null_left: bool) -> NDArray[np.bool_]:
    """Return which values go left; a comparison with the unknown is false either way."""
    left: NDArray[np.bool_] = ~(values >= threshold) if null_left else values < threshold
    return left


# --- categories: a code's place in the order of rates --------------------------------------------


def encoded(column: Floats, ranks: Floats | None) -> Floats:
    """Return a category's column as ranks of its codes (unseen: NaN); a number's as it is.

    An infinite number is unknown, as in the rule language.
    """
    if ranks is None:
        return np.where(np.isfinite(column), column, np.nan)
    unknown = np.isnan(column)
    found = ranks.take(np.where(unknown, len(ranks) - 1, column).astype(np.intp))
    return np.asarray(found, dtype=np.float64)


def rank_codes(column: Floats, y: NDArray[np.bool_], codes: int) -> Floats:
    """Return each code's place in ascending order of rates, then NaN for what is unseen.

    Neighbours in the order share a place until they differ significantly (CHAID's merging, Kass
    1980, Bonferroni's correction for the number of pairs), and all share one where the codes do not
    differ at all: of fifty states that mean nothing none can be picked out by chance. Two codes are
    never merged: there is but one way to cut them.
    """
    here = column[np.isfinite(column) & (column < codes)].astype(np.intp)
    hits = y[np.isfinite(column) & (column < codes)]
    n = np.bincount(here, minlength=codes).astype(np.float64)
    positives = np.bincount(here, weights=hits, minlength=codes).astype(np.float64)
    seen = np.flatnonzero(n)
    order = seen[np.argsort(positives[seen] / n[seen], kind="stable")]
    groups = [([int(code)], n[code], positives[code]) for code in order]
    if len(order) > 2 and not _differ(n[order], positives[order]):
        groups = [(order.tolist(), n.sum(), positives.sum())]
    limit = chi2.isf(SIGNIFICANCE / max(1, len(groups) - 1), 1)
    while len(groups) > 1 and len(order) > 2:
        apart = [_chi2(a[1:], b[1:]) for a, b in pairwise(groups)]
        nearest = int(np.argmin(apart))
        if apart[nearest] >= limit:
            break
        a, b = groups[nearest], groups[nearest + 1]
        groups[nearest : nearest + 2] = [(a[0] + b[0], a[1] + b[1], a[2] + b[2])]
    ranks = np.full(codes + 1, np.nan)
    for place, group in enumerate(groups):
        ranks[group[0]] = place
    return ranks


def _differ(n: NDArray[Any], positives: NDArray[Any]) -> bool:
    """Return whether rates differ (Pearson's test); no codes were picked for it."""
    rate = positives.sum() / n.sum()
    apart = ((positives - n * rate) ** 2 / n).sum() / (rate * (1 - rate)) if 0 < rate < 1 else 0.0
    return bool(apart >= chi2.isf(SIGNIFICANCE, len(n) - 1))


def _chi2(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Pearson's statistic of two groups, each (n, positives)."""
    rate = (a[1] + b[1]) / (a[0] + b[0])
    variance = rate * (1 - rate) * (1 / a[0] + 1 / b[0])
    difference: float = a[1] / a[0] - b[1] / b[0]
    return difference**2 / variance if variance > 0 else 0.0


def ranks_of(
    x: Floats, y: NDArray[np.bool_], features: tuple[Feature, ...]
) -> dict[int, NDArray[np.float64]]:
    """Return ``rank_codes`` of each category, by its place among the features."""
    return {
        place: rank_codes(x[:, place], y, len(feature.categories))
        for place, feature in enumerate(features)
        if feature.categories is not None
    }


def encode(x: Floats, ranks: dict[int, Floats]) -> Floats:
    """Return ``x`` with each column ``encoded``, ready to grow a tree."""
    out = np.empty(x.shape, order="F")
    for place in range(x.shape[1]):
        out[:, place] = encoded(x[:, place], ranks.get(place))
    return out


# --- growing -------------------------------------------------------------------------------------


def grow(x: Floats, y: NDArray[np.bool_], least: int, seed: int) -> Tree:
    """Return the whole tree (Gini) on encoded ``x``, at least ``least`` rows in a leaf.

    Each threshold is the roundest number between the values that it parts. Where no unknown value
    came to a node in training, the unknown go with the more.
    """
    narrow = np.clip(x, -WIDEST, WIDEST).astype(np.float32)
    grown = DecisionTreeClassifier(min_samples_leaf=least, random_state=seed).fit(narrow, y).tree_
    missing_left = grown.__getstate__()["nodes"]["missing_go_to_left"].astype(bool)
    nodes = grown.node_count
    threshold, null_left = np.zeros(nodes), np.zeros(nodes, dtype=bool)
    n, positives = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64)
    waiting = [(0, np.arange(len(y)))]
    while waiting:
        node, rows = waiting.pop()
        n[node], positives[node] = len(rows), y[rows].sum()
        left, right = grown.children_left[node], grown.children_right[node]
        if left < 0:
            continue
        values, place = x[rows, grown.feature[node]], grown.feature[node]
        known = ~np.isnan(values)
        goes_left = narrow[rows, place] <= grown.threshold[node]
        null_left[node] = 2 * goes_left.sum() >= len(rows) if known.all() else missing_left[node]
        threshold[node] = _between(values[known], goes_left[known])
        goes_left = sent_left(values, threshold[node], bool(null_left[node]))
        waiting += [(left, rows[goes_left]), (right, rows[~goes_left])]
    leaf = grown.children_left < 0
    feature = np.where(leaf, LEAF, grown.feature).astype(np.int16)
    children = (grown.children_left.astype(np.int32), grown.children_right.astype(np.int32))
    return Tree(feature, threshold, null_left, *children, n, positives)


def _between(values: Floats, goes_left: NDArray[np.bool_]) -> float:
    if goes_left.all():
        return inf
    if not goes_left.any():
        return -inf
    return roundest(float(values[goes_left].max()), float(values[~goes_left].min()))


def roundest(low: float, high: float) -> float:
    """Return a number in (low, high] with the fewest decimals; low < high, both finite."""
    size = max(abs(low), abs(high))
    for decimals in range(-min(floor(log10(size)), 300) - 1, 18) if size > 0 else ():
        step = 10.0 ** abs(decimals)
        found = floor(high / step) * step if decimals < 0 else floor(high * step) / step
        if low < found <= high:
            return found
    return high


# --- pruning and smoothing -----------------------------------------------------------------------


def worth(tree: Tree) -> list[int]:
    """Return the splits in the order of their worth, each after its parent's.

    The reverse of weakest-link pruning (Breiman et al. 1984, section 3.3): the first k make the
    tree of k + 1 leaves. The risk is Gini's.
    """
    parents, left, right, splits = tree.parents, tree.left, tree.right, tree.splits
    rate = tree.positives / tree.n
    risk = rate * (1 - rate) * tree.n
    below, leaves = risk.copy(), np.ones(len(risk))
    for node in splits[::-1]:
        below[node] = below[left[node]] + below[right[node]]
        leaves[node] = leaves[left[node]] + leaves[right[node]]
    gain = np.full(len(risk), inf)
    gain[splits] = (risk[splits] - below[splits]) / (leaves[splits] - 1)
    pruned: list[int] = []
    while np.isfinite(gain[0]):
        weakest = int(np.argmin(gain))
        pruned += reversed(_cut(tree, weakest, gain))
        fewer, more = leaves[weakest] - 1, risk[weakest] - below[weakest]
        leaves[weakest], below[weakest] = 1, risk[weakest]
        node = parents[weakest]
        while node >= 0:
            leaves[node] -= fewer
            below[node] += more
            gain[node] = (risk[node] - below[node]) / (leaves[node] - 1)
            node = parents[node]
    return pruned[::-1]


def _cut(tree: Tree, node: int, gain: Floats) -> list[int]:
    """Return the splits at and below ``node`` that still stand, and strike them off."""
    waiting, standing = [node], list[int]()
    while waiting:
        here = waiting.pop()
        if np.isfinite(gain[here]):
            gain[here] = inf
            standing.append(here)
            waiting += [int(tree.left[here]), int(tree.right[here])]
    return sorted(standing)


def pruned(tree: Tree, kept: list[int]) -> Tree:
    """Return the tree of these splits, their parents' among them, alone."""
    stays = np.zeros(len(tree.left), dtype=bool)
    stays[0] = True
    stays[tree.left[kept]] = stays[tree.right[kept]] = True
    splits = np.zeros_like(stays)
    splits[kept] = True
    place = (np.cumsum(stays) - 1).astype(np.int32)
    splits, old = splits[stays], np.flatnonzero(stays)
    return Tree(
        np.where(splits, tree.feature[old], LEAF).astype(np.int16),
        np.where(splits, tree.threshold[old], 0.0),
        splits & tree.null_left[old],
        np.where(splits, place[tree.left[old]], LEAF).astype(np.int32),
        np.where(splits, place[tree.right[old]], LEAF).astype(np.int32),
        tree.n[old],
        tree.positives[old],
    )


def smoothed(tree: Tree, shrinkage: float) -> Floats:
    """Return each node's probability, drawn to its parent's (Agarwal et al. 2022, eq. 2).

    p(child) = p(parent) + (rate(child) - rate(parent)) / (1 + shrinkage / n(parent))
    """
    rate = tree.positives / tree.n
    value: Floats = rate.copy()
    for node in tree.splits:
        weight = 1 + shrinkage / tree.n[node]
        for child in (tree.left[node], tree.right[node]):
            value[child] = value[node] + (rate[child] - rate[node]) / weight
    return np.clip(value, 0.0, 1.0)


def counts(
    tree: Tree, leaves: NDArray[np.int32], y: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return per node how many of some rows come to it, and how many of these are positive."""
    n = np.bincount(leaves, minlength=len(tree.left)).astype(np.int64)
    positives = np.bincount(leaves[y], minlength=len(tree.left)).astype(np.int64)
    for node in tree.splits[::-1]:
        n[node] = n[tree.left[node]] + n[tree.right[node]]
        positives[node] = positives[tree.left[node]] + positives[tree.right[node]]
    return n, positives
