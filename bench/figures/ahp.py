"""Weights, consistency and composite of the two published AHP cases, to three decimals."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from bench.figures import Figure, Found
from bench.public_data import FOLDER
from scoring.learning.ahp import Judgement, Node, Weights, composite, read_matrix, weigh

ROUNDING = 0.0005


@cache
def cases() -> dict[str, dict[str, Any]]:
    read = json.loads((FOLDER / "ahp" / "ahp_cases.json").read_text())
    return {case["name"]: case for case in read["cases"]}


def drinks() -> Weights:
    case = cases()["drinks_US"]
    goal = Node("drinks", tuple(Node(item) for item in case["items"]))
    matrix = read_matrix(case["matrix"], case["items"], node="drinks", expert="Saaty")
    return weigh(goal, matrix)


def leader() -> Weights:
    case = cases()["leader"]
    people = tuple(Node(name) for name in case["composite"])
    criteria = case["criteria"]["weights"]
    goal = Node("leader", tuple(Node(criterion, people) for criterion in criteria))
    judgements = pairs("leader", case["criteria"]["pairs"])
    for criterion, compared in case["alternatives_pairs"].items():
        judgements += pairs(criterion, compared)
    return weigh(goal, judgements)


def pairs(node: str, compared: Mapping[str, float]) -> list[Judgement]:
    return [Judgement("case", node, *pair.split(">"), ratio) for pair, ratio in compared.items()]


def rounded_composite(weights: Weights) -> dict[str, float]:
    """The composite as published: of weights that were rounded to three decimals before."""
    local = {n.node: {k: round(w, 3) for k, w in (n.weights or {}).items()} for n in weights.nodes}
    return composite(local.pop("leader"), local)


def furthest(found: Mapping[str, float], published: Mapping[str, float]) -> float:
    return max(abs(found[name] - published[name]) for name in published)


def weights_found() -> Found:
    case, weights = cases()["drinks_US"], drinks().require_consistent()
    published = dict(zip(case["items"], case["published_weights"], strict=True))
    criteria = leader().nodes[0].weights or {}
    experience = next(n for n in leader().nodes if n.node == "Experience").weights or {}
    apart = [
        furthest(weights, published),
        furthest(criteria, cases()["leader"]["criteria"]["weights"]),
        furthest(experience, cases()["leader"]["experience_local"]),
    ]
    return Found(max(apart), len(published) + len(criteria) + len(experience))


def ratios_found() -> Found:
    case = cases()["leader"]
    found = {n.node: n.ratio or 0.0 for n in (*drinks().nodes, *leader().nodes)}
    published = {
        "drinks": cases()["drinks_US"]["published_CR"],
        "leader": case["criteria"]["CR"],
        "Experience": case["experience_CR"],
        "Education": case["education_CR"],
    }
    return Found(furthest(found, published), len(published))


def composite_found() -> Found:
    published = cases()["leader"]["composite"]
    return Found(furthest(rounded_composite(leader()), published), len(published))


def exact_composite_found() -> Found:
    published = cases()["leader"]["composite"]
    return Found(furthest(leader().require_consistent(), published), len(published))


FIGURES = (
    Figure("ahp.weights", "furthest from published", weights_found, ROUNDING, at_least=False),
    Figure("ahp.ratios", "CR, furthest from published", ratios_found, ROUNDING, at_least=False),
    Figure(
        "ahp.composite", "furthest from published, rounded as there", composite_found, ROUNDING,
        at_least=False,
    ),
    Figure("ahp.composite_exact", "the same without rounding on the way", exact_composite_found),
)  # fmt: skip
