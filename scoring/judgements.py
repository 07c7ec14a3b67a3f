"""Experts' pairwise comparisons of a value index's indicators: kept, and turned into weights."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import log
from common.errors import DomainError
from common.naming import in_chinese

from .learning.ahp import MOST_ITEMS, Node, Weights, weigh
from .learning.ahp import Judgement as Said
from .learning.refusal import NotEstimable
from .models import Judgement, Model
from .words import refused


def hierarchy_of(definition: Mapping[str, Any], where: list[Any]) -> Node:
    """Return the hierarchy, whose leaves are just the indicators; DomainError says what is not."""
    goal = _node(definition["hierarchy"], where)
    leaves = [node.code for node in _nodes(goal) if not node.children]
    inner = [node.code for node in _nodes(goal) if node.children]
    twice = sorted({code for code in inner if inner.count(code) > 1 or code in leaves})
    if twice:
        raise DomainError(
            "hierarchy_differs",
            _("Each node of the hierarchy must have a code of its own; look at %(codes)s.")
            % {"codes": ", ".join(twice)},
            where=where,
        )
    indicators = [one["attribute"] for one in definition["indicators"]]
    if sorted(leaves) != sorted(indicators):
        odd = sorted({*leaves} ^ {*indicators}) or sorted(
            {c for c in leaves if leaves.count(c) > 1}
        )
        raise DomainError(
            "hierarchy_differs",
            _("The leaves of the hierarchy must be the indicators, each once; look at %(codes)s.")
            % {"codes": ", ".join(odd)},
            where=where,
        )
    return goal


def check_judgements(definition: Mapping[str, Any], goal: Node, where: list[Any]) -> None:
    """DomainError for what is no judgement of the hierarchy; incomplete ones may be completed."""
    try:
        weigh(goal, list(said_in(definition)))
    except NotEstimable as error:
        found = refused(error, definition["name"]["en"])
        raise DomainError(found.code, found.message, where=[*where, "judgements"]) from error


def said_in(definition: Mapping[str, Any]) -> Iterator[Said]:
    """Return what the definition's own experts hold."""
    language = "zh" if in_chinese() else "en"
    for opinion in definition.get("judgements", []):
        # No user name has a blank: nobody who judges on the page is taken for one of these.
        expert = _("%(expert)s, in the definition") % {"expert": opinion["expert"][language]}
        for node, pairs in opinion["pairs"].items():
            for item, others in pairs.items():
                for other, ratio in others.items():
                    yield Said(expert, node, item, other, ratio)


def weights_of(model: Model) -> Weights:
    """Return all that the experts' judgements say of the model's hierarchy, consistent or not."""
    goal = hierarchy_of(model.definition, ["hierarchy"])
    return weigh(goal, list(_said(model, goal)))


@transaction.atomic
def judge(model: Model, *, node: str, ratios: Mapping[tuple[str, str], float], by: User) -> Weights:
    """Keep what an expert says of one node's children, instead of what he said before.

    ``ratios``: (item, other) → how many times more item counts; pairs that are left out are not
    judged yet. Raises DomainError for what is no judgement of this hierarchy.
    """
    Model.objects.select_for_update().get(pk=model.pk)
    before = Judgement.objects.filter(model=model, node=node, expert=by).first()
    pairs: dict[str, dict[str, float]] = {}
    for (item, other), ratio in ratios.items():
        pairs.setdefault(item, {})[other] = ratio
    Judgement.objects.update_or_create(model=model, node=node, expert=by, defaults={"pairs": pairs})
    try:
        weights = weights_of(model)
    except NotEstimable as error:
        raise refused(error, model.name) from error
    log(
        by=by,
        action="judge_indicators",
        target=("model", model.code, f"{model.name_en}: {node}"),
        before={"pairs": before.pairs} if before else None,
        after={"pairs": pairs},
    )
    return weights


def _said(model: Model, goal: Node) -> Iterator[Said]:
    """What was said of pairs that are in the hierarchy, by the definition and on the page.

    What was said on the page of a pair that has left the hierarchy counts no more.
    """
    yield from said_in(model.definition)
    children = {node.code: {child.code for child in node.children} for node in _nodes(goal)}
    for row in model.judgements.select_related("expert"):
        there = children.get(row.node, set())
        for item, others in row.pairs.items():
            for other, ratio in others.items():
                if item in there and other in there:
                    yield Said(row.expert.username, row.node, item, other, ratio)


def _node(written: Mapping[str, Any], where: list[Any]) -> Node:
    children = written.get("children", [])
    if len(children) > MOST_ITEMS:
        raise DomainError(
            "too_many_items",
            _("At most %(most)d can be compared with each other, '%(node)s' has %(n)d.")
            % {"most": MOST_ITEMS, "node": written["code"], "n": len(children)},
            where=[*where, "children"],
        )
    below = (_node(child, [*where, "children", i]) for i, child in enumerate(children))
    return Node(written["code"], tuple(below))


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _nodes(child)
