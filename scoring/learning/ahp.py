"""Weights from experts' pairwise comparisons: the analytic hierarchy process (Saaty 1980).

A hierarchy is a tree of items; under each node experts say how many times more one child counts
than another, 1 to 9 or its reciprocal. A node's weights are the principal eigenvector of the
experts' geometric means; a leaf's global weight is the product down to it. Where one leaf stands
under several nodes (alternatives under each criterion) its weights add up.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from .ahp_consistency import (
    LIMIT,
    MOST_ITEMS,
    SCALE,
    TOLERANCE,
    Floats,
    Hurt,
    consistency,
    eigen,
    hurts,
)
from .refusal import NotEstimable

Pair = tuple[str, str]


@dataclass(frozen=True)
class Node:
    """An item of the hierarchy: with children it is a goal or criterion, without an indicator."""

    code: str
    children: tuple["Node", ...] = ()


@dataclass(frozen=True)
class Judgement:
    """``expert`` says that under ``node`` ``item`` counts ``ratio`` times as much as ``other``."""

    expert: str
    node: str
    item: str
    other: str
    ratio: float


@dataclass(frozen=True)
class Opinion:
    """What one expert's judgements say alone; None where they are not complete."""

    expert: str
    weights: dict[str, float] | None
    ratio: float | None
    consistent: bool | None
    missing: tuple[Pair, ...]


@dataclass(frozen=True)
class Spread:
    """How far experts are apart on a pair: the least and the greatest ratio given.

    factor    typical factor between them (geometric standard deviation); 1: they agree
    opposed   one holds the item for more important, another the other
    """

    item: str
    other: str
    experts: int
    least: float
    greatest: float
    factor: float
    opposed: bool


@dataclass(frozen=True)
class NodeWeights:
    """One comparison: its matrix (None: nobody judged the pair) and what follows from it.

    ``weights``, ``lambda_max``, ``index`` (CI), ``ratio`` (CR) and ``consistent`` are None while
    pairs are ``missing``. ``hurts``: strongest first; empty where the judgements agree.
    """

    node: str
    items: tuple[str, ...]
    matrix: tuple[tuple[float | None, ...], ...]
    missing: tuple[Pair, ...]
    weights: dict[str, float] | None
    lambda_max: float | None
    index: float | None
    ratio: float | None
    consistent: bool | None
    hurts: tuple[Hurt, ...]
    opinions: tuple[Opinion, ...]
    spreads: tuple[Spread, ...]


@dataclass(frozen=True)
class Weights:
    """All comparisons, the goal's first; ``leaves``: global weights, which sum to one.

    ``leaves`` is None while any comparison is incomplete. ``require_consistent`` before use.
    """

    nodes: tuple[NodeWeights, ...]
    leaves: dict[str, float] | None

    @property
    def consistent(self) -> bool:
        return all(node.consistent for node in self.nodes)

    def require_consistent(self) -> dict[str, float]:
        """Return the leaves' weights; NotEstimable names what is missing or hurts most.

        missing_judgements, inconsistent_judgements: of the first node in which it is so.
        """
        for node in self.nodes:
            if node.missing:
                item, other = node.missing[0]
                missing = len(node.missing)
                raise NotEstimable(
                    "missing_judgements", node=node.node, missing=missing, item=item, other=other
                )
        for node in self.nodes:
            if not node.consistent:
                raise _inconsistent(node)
        assert self.leaves is not None
        return self.leaves


def weigh(goal: Node, judgements: Sequence[Judgement]) -> Weights:
    """Return everything that the judgements say, consistent or not.

    Raises NotEstimable for what is no judgement of this hierarchy: judgement_off_scale,
    judgement_of_itself, judgement_repeated, judgement_unknown, too_many_items. ValueError for a
    hierarchy in which two inner nodes, or two children of one, have the same code.
    """
    parents = _by_code(goal)
    _check(parents, judgements)
    nodes = tuple(
        _compare(node, [j for j in judgements if j.node == node.code]) for node in parents.values()
    )
    if any(node.weights is None for node in nodes):
        return Weights(nodes, None)
    local = {node.node: node.weights or {} for node in nodes}
    leaves: dict[str, float] = {}
    _spread_down(goal, 1.0, local, leaves)
    return Weights(nodes, leaves)


def read_matrix(
    matrix: Sequence[Sequence[float]], items: Sequence[str], *, node: str, expert: str
) -> tuple[Judgement, ...]:
    """Return a full matrix of one expert as judgements: those above its diagonal.

    Raises NotEstimable: judgement_of_itself (a diagonal that is not 1), judgement_not_reciprocal,
    judgement_off_scale; ValueError when it is not items × items.
    """
    ratios = np.asarray(matrix, dtype=np.float64)
    if ratios.shape != (len(items), len(items)):
        raise ValueError(f"a matrix of {len(items)} items must be square, it is {ratios.shape}")
    where = {"node": node, "expert": expert}
    for place, item in enumerate(items):
        if not abs(ratios[place, place] - 1) <= TOLERANCE:
            ratio = float(ratios[place, place])
            raise NotEstimable("judgement_of_itself", **where, item=item, ratio=ratio)
    judgements = []
    for i, j in combinations(range(len(items)), 2):
        ratio, back = float(ratios[i, j]), float(ratios[j, i])
        judgement = Judgement(expert, node, items[i], items[j], ratio)
        _check_scale(judgement)
        if not abs(ratio * back - 1) <= TOLERANCE:
            raise NotEstimable(
                "judgement_not_reciprocal",
                **where, item=items[i], other=items[j], ratio=ratio, back=back,
            )  # fmt: skip
        judgements.append(judgement)
    return tuple(judgements)


def composite(
    criteria: Mapping[str, float], local: Mapping[str, Mapping[str, float]]
) -> dict[str, float]:
    """Return each alternative's Σ weight of a criterion × its own weight under that criterion."""
    total: dict[str, float] = {}
    for criterion, weight in criteria.items():
        for alternative, own in local[criterion].items():
            total[alternative] = total.get(alternative, 0.0) + weight * own
    return total


# --- one comparison ------------------------------------------------------------------------------


def _compare(node: Node, judgements: Sequence[Judgement]) -> NodeWeights:
    items = tuple(child.code for child in node.children)
    experts = sorted({j.expert for j in judgements})
    matrices = np.stack(
        [_matrix(items, [j for j in judgements if j.expert == e]) for e in experts]
        or [_matrix(items, [])]
    )
    group = _group(matrices)
    missing = _missing(group, items)
    opinions = tuple(_opinion(e, m, items) for e, m in zip(experts, matrices, strict=False))
    known = [[None if np.isnan(cell) else float(cell) for cell in row] for row in group]
    weights = lambda_max = index = ratio = None
    worst: tuple[Hurt, ...] = ()
    if not missing:
        vector, lambda_max = eigen(group)
        weights = dict(zip(items, vector.tolist(), strict=True))
        index, ratio = consistency(lambda_max, len(items))
        if ratio > TOLERANCE:
            worst = hurts(group, items)
    return NodeWeights(
        node.code, items, tuple(map(tuple, known)), missing, weights, lambda_max, index, ratio,
        None if ratio is None else ratio <= LIMIT, worst, opinions, _spreads(matrices, items),
    )  # fmt: skip


def _matrix(items: tuple[str, ...], judgements: Sequence[Judgement]) -> Floats:
    """Return one expert's ratios, reciprocal by construction; NaN where he has not judged."""
    place = {item: position for position, item in enumerate(items)}
    matrix = np.full((len(items), len(items)), np.nan)
    np.fill_diagonal(matrix, 1.0)
    for j in judgements:
        matrix[place[j.item], place[j.other]] = j.ratio
        matrix[place[j.other], place[j.item]] = 1 / j.ratio
    return matrix


def _group(matrices: Floats) -> Floats:
    """Return the geometric mean of those who judged each pair (Aczél and Saaty 1983)."""
    logs, judged = np.log(matrices), ~np.isnan(matrices)
    sums, given = np.where(judged, logs, 0.0).sum(axis=0), judged.sum(axis=0)
    means: Floats = np.divide(sums, given, out=np.full(sums.shape, np.nan), where=given > 0)
    return np.asarray(np.exp(means), dtype=np.float64)


def _missing(matrix: Floats, items: tuple[str, ...]) -> tuple[Pair, ...]:
    pairs = combinations(range(len(items)), 2)
    return tuple((items[i], items[j]) for i, j in pairs if np.isnan(matrix[i, j]))


def _opinion(expert: str, matrix: Floats, items: tuple[str, ...]) -> Opinion:
    missing = _missing(matrix, items)
    if missing:
        return Opinion(expert, None, None, None, missing)
    vector, lambda_max = eigen(matrix)
    ratio = consistency(lambda_max, len(items))[1]
    weights = dict(zip(items, vector.tolist(), strict=True))
    return Opinion(expert, weights, ratio, ratio <= LIMIT, ())


def _spreads(matrices: Floats, items: tuple[str, ...]) -> tuple[Spread, ...]:
    """Return the pairs that two experts or more have judged, those furthest apart first."""
    found = []
    for i, j in combinations(range(len(items)), 2):
        given = matrices[:, i, j]
        given = given[~np.isnan(given)]
        if len(given) < 2:
            continue
        least, greatest = float(given.min()), float(given.max())
        factor = float(np.exp(np.log(given).std(ddof=1)))
        opposed = least < 1 < greatest
        found.append(Spread(items[i], items[j], len(given), least, greatest, factor, opposed))
    return tuple(sorted(found, key=lambda spread: -spread.factor))


# --- the hierarchy -------------------------------------------------------------------------------


def _by_code(goal: Node) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for node in _parents(goal):
        children = [child.code for child in node.children]
        if node.code in found or len(set(children)) < len(children):
            raise ValueError(f"codes of the hierarchy must differ: {node.code}, with {children}")
        found[node.code] = node
    return found


def _parents(node: Node) -> Iterator[Node]:
    if node.children:
        yield node
    for child in node.children:
        yield from _parents(child)


def _spread_down(
    node: Node, weight: float, local: Mapping[str, Mapping[str, float]], leaves: dict[str, float]
) -> None:
    if not node.children:
        leaves[node.code] = leaves.get(node.code, 0.0) + weight
    for child in node.children:
        _spread_down(child, weight * local[node.code][child.code], local, leaves)


def _check(parents: Mapping[str, Node], judgements: Sequence[Judgement]) -> None:
    for code, node in parents.items():
        if len(node.children) > MOST_ITEMS:
            raise NotEstimable(
                "too_many_items", node=code, items=len(node.children), limit=MOST_ITEMS
            )
    seen: set[tuple[str, str, frozenset[str]]] = set()
    for j in judgements:
        items = {child.code for child in parents[j.node].children} if j.node in parents else set()
        for item in (j.item, j.other):
            if item not in items:
                raise NotEstimable("judgement_unknown", node=j.node, item=item)
        where = {"node": j.node, "expert": j.expert, "item": j.item}
        if j.item == j.other:
            raise NotEstimable("judgement_of_itself", **where, ratio=j.ratio)
        _check_scale(j)
        key = (j.expert, j.node, frozenset((j.item, j.other)))
        if key in seen:
            raise NotEstimable("judgement_repeated", **where, other=j.other)
        seen.add(key)


def _check_scale(j: Judgement) -> None:
    """A ratio lies from 1/9 to 9; also between the scale's steps, as group means do."""
    if not SCALE[0] - TOLERANCE <= j.ratio <= SCALE[-1] + TOLERANCE:
        where = {"node": j.node, "expert": j.expert, "item": j.item, "other": j.other}
        raise NotEstimable("judgement_off_scale", **where, ratio=j.ratio)


def _inconsistent(node: NodeWeights) -> NotEstimable:
    worst, ratio = node.hurts[0], node.ratio
    assert ratio is not None
    return NotEstimable(
        "inconsistent_judgements",
        node=node.node, ratio=ratio, limit=LIMIT,
        item=worst.item, other=worst.other, given=worst.given, suggested=worst.suggested,
    )  # fmt: skip
