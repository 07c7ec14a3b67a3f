"""The tree of an index in words: nodes to draw, and each leaf as a rule of the rule language.

The leaves' rules are exclusive and exhaustive: every customer, whatever is unknown of him, is
selected by exactly the rule of the leaf that scores him.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import inf, isfinite
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from common.rates import wilson

from .features import Feature
from .index_tree import IndexTree, Span

Kind = Literal["number", "boolean", "date"]
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class TreeNode:
    """A node and the condition by which its parent sends customers here.

    parent, attribute  None: the root
    low, high          of a number: low <= value < high; None: open
    codes              of a category; empty: no known code comes here
    unknown            whether the unknown, and codes that training has not seen, come here
    none_known         only the unknown come here
    n, positives       customers here, those with the outcome; rate None of nobody, else with
                       Wilson's 95 % interval
    score              what a customer gets who ends here, 0–100; leaf: whether any do
    """

    id: int
    parent: int | None
    depth: int
    attribute: str | None
    low: float | None
    high: float | None
    codes: tuple[str, ...]
    unknown: bool
    none_known: bool
    n: int
    positives: int
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    score: float
    leaf: bool


@dataclass(frozen=True)
class LeafRule:
    """A leaf as the condition that selects its customers, highest score first."""

    leaf: int
    rule: str
    score: float
    n: int
    positives: int
    rate: float | None
    rate_low: float | None
    rate_high: float | None


Counts = tuple[NDArray[np.int64], NDArray[np.int64]]


def nodes(model: IndexTree, found: Counts | None = None) -> list[TreeNode]:
    """Return all nodes, parents before children.

    ``found``: tree_growth.counts of rows that took no part in fitting; without it the training
    rows are told, whose rates are somewhat further apart than those of others.
    """
    n, positives = found or (model.tree_.n, model.tree_.positives)
    parents, depths, drawn = model.tree_.parents, {0: 0}, []
    low, high = wilson(positives, n)
    for node in range(len(n)):
        parent = int(parents[node])
        feature, span, codes = _condition(model, parent, node)
        if node:
            depths[node] = depths[parent] + 1
        number = feature is not None and feature.categories is None
        none_known = span.low == inf or span.high == -inf
        some = bool(n[node])
        drawn.append(
            TreeNode(
                node,
                parent if node else None,
                depths[node],
                feature.attribute if feature else None,
                _open(span.low) if number else None,
                _open(span.high) if number else None,
                codes,
                span.unknown,
                none_known,
                int(n[node]),
                int(positives[node]),
                float(positives[node] / n[node]) if some else None,
                float(low[node]) if some else None,
                float(high[node]) if some else None,
                float(model.score_[node]),
                bool(model.tree_.left[node] < 0),
            )
        )
    return drawn


def rules(
    model: IndexTree, kinds: Mapping[str, Kind] | None = None, found: Counts | None = None
) -> list[LeafRule]:
    """Return each leaf as a rule. ``kinds``: attributes that are booleans or dates."""
    told = [
        LeafRule(
            n.id, text(model, n.id, kinds or {}), n.score,
            n.n, n.positives, n.rate, n.rate_low, n.rate_high,
        )
        for n in nodes(model, found)
        if n.leaf
    ]  # fmt: skip
    return sorted(told, key=lambda rule: (-rule.score, rule.leaf))


def text(model: IndexTree, node: int, kinds: Mapping[str, Kind]) -> str:
    """Return the rule of those who come to ``node``; of the root it is ``true``."""
    parts = []
    for place, span in model.spans(node).items():
        feature = model.features[place]
        if feature.categories is not None:
            parts.append(_category(model, place, span))
        else:
            parts.append(_number(feature.attribute, span, kinds.get(feature.attribute, "number")))
    return " and ".join(parts) or "true"


def _condition(
    model: IndexTree, parent: int, node: int
) -> tuple[Feature | None, Span, tuple[str, ...]]:
    """Return what sends customers from the parent here; of the root nothing."""
    tree = model.tree_
    if node == 0:
        return None, Span(), ()
    place, cut = int(tree.feature[parent]), float(tree.threshold[parent])
    left = int(tree.left[parent]) == node
    unknown = bool(tree.null_left[parent]) == left
    span = Span(-inf, cut, unknown) if left else Span(cut, inf, unknown)
    feature = model.features[place]
    return feature, span, model.codes(place, span) if feature.categories is not None else ()


def _open(end: float) -> float | None:
    return end if isfinite(end) else None


def _category(model: IndexTree, place: int, span: Span) -> str:
    """What is unseen goes with the unknown: their side names the codes that it lacks."""
    attribute = model.features[place].attribute
    here = model.codes(place, span)
    if not span.unknown:
        return f"{attribute} in ({_listed(here)})"
    seen = model.codes(place, Span())
    elsewhere = tuple(code for code in seen if code not in here)
    return f"({attribute} not in ({_listed(elsewhere)}) or {attribute} is null)"


def _listed(codes: tuple[str, ...]) -> str:
    return ", ".join("'" + code.replace("'", "''") + "'" for code in codes)


def _number(attribute: str, span: Span, kind: Kind) -> str:
    if span.low == inf or span.high == -inf:
        return f"{attribute} is null"
    ends = _boolean(attribute, span) if kind == "boolean" else _range(attribute, span, kind)
    known = " and ".join(ends)
    if not span.unknown:
        return known or f"{attribute} is not null"
    return f"({known} or {attribute} is null)"


def _range(attribute: str, span: Span, kind: Kind) -> list[str]:
    ends = [(">=", span.low), ("<", span.high)]
    return [f"{attribute} {sign} {_value(end, kind)}" for sign, end in ends if isfinite(end)]


def _boolean(attribute: str, span: Span) -> list[str]:
    """A yes/no attribute is 0 or 1; a cut between them leaves one of the two."""
    yes, no = span.low <= 1 < span.high, span.low <= 0 < span.high
    if yes and no:
        return []
    return [attribute if yes else f"not {attribute}"]


def _value(value: float, kind: Kind) -> str:
    if kind == "date":
        # The first day that is not before the cut.
        return f"date '{(EPOCH + timedelta(days=int(np.ceil(value)))).isoformat()}'"
    return str(int(value)) if value.is_integer() and abs(value) <= 2**53 else repr(value)
