"""What experts hold of the indicators of a value index, and what follows from it, in words."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from common.errors import DomainError
from common.naming import in_chinese

from .judgements import hierarchy_of, said_in, weights_of
from .learning.ahp import Judgement as Said
from .learning.ahp import Node, NodeWeights, Opinion, Weights, weigh
from .learning.ahp_consistency import LIMIT, SCALE, TOLERANCE
from .learning.refusal import NotEstimable
from .models import Judgement, Model
from .names import Names
from .words import refused

# What one expert holds of a node's children: (item, other) → how many times more item counts.
Pairs = dict[tuple[str, str], float]
# Judgements shown of those that hurt most; a smaller fall of CR is none.
HURTS, LEAST_FALL = 3, 0.001


@dataclass(frozen=True)
class Choice:
    """A judgement that can be chosen: the value that is posted, as a sentence."""

    value: str
    words: str
    chosen: bool


@dataclass(frozen=True)
class Question:
    """A pair to judge; ``field``: the name of what is posted."""

    field: str
    title: str
    choices: list[Choice]


@dataclass(frozen=True)
class Hurting:
    """A judgement beside what the others imply, and CR once it is replaced."""

    given: str
    suggested: str
    ratio_after: float


@dataclass(frozen=True)
class Held:
    """One pair as the experts judge it together; ``least`` … ``factor``: of two experts or more.

    ``factor``: how far they are apart (1: not at all); ``opposed``: on which one counts more.
    """

    together: str
    least: str
    greatest: str
    factor: float | None
    opposed: bool


@dataclass(frozen=True)
class Comparison:
    """The children of one node: questions to this person, and what follows from all experts.

    ``own``: what follows from this person's judgements alone; None: he has not judged here.
    """

    number: int
    name: str
    questions: list[Question]
    found: NodeWeights
    own: Opinion | None
    weights: list[tuple[str, float]]
    missing: list[str]
    own_missing: list[str]
    hurts: list[Hurting]
    own_hurts: list[Hurting]
    held: list[Held]

    @property
    def several(self) -> bool:
        return len(self.found.opinions) > 1


@dataclass(frozen=True)
class Page:
    """``refused``: why no version could be trained with these weights; '': one could.

    ``leaves``: global weights, the weightiest first; empty while comparisons are incomplete.
    ``given``: by node what this person holds.
    """

    model: Model
    comparisons: list[Comparison]
    leaves: list[tuple[str, float]]
    refused: str
    given: dict[str, Pairs]
    limit: float = LIMIT


def page_of(model: Model, user: User, given: Mapping[str, Pairs] | None = None) -> Page:
    """Return the page for one person; ``given``: what he holds now, though it is not kept yet."""
    goal = hierarchy_of(model.definition, ["hierarchy"])
    kept = list(model.judgements.select_related("expert"))
    stored = {row.node: pairs_of(row) for row in kept if row.expert_id == user.pk}
    mine = {node.code: stored.get(node.code, {}) for node in parents(goal)} | dict(given or {})
    own = list(_said(goal, user.username, mine))
    others = [*said_in(model.definition)]
    others += [
        said
        for row in kept
        if row.expert_id != user.pk
        for said in _said(goal, row.expert.username, {row.node: pairs_of(row)})
    ]
    names = names_of(model.definition)
    weights, alone = weigh(goal, [*others, *own]), weigh(goal, own)
    asked = zip(parents(goal), weights.nodes, alone.nodes, strict=True)
    comparisons = [
        _comparison(number, node, found, single, mine[node.code], user.username, names)
        for number, (node, found, single) in enumerate(asked, start=1)
    ]
    leaves = sorted((weights.leaves or {}).items(), key=lambda leaf: -leaf[1])
    told = [(names[code], weight) for code, weight in leaves]
    refusal = _refusal(model, names, None if given is None else weights)
    return Page(model, comparisons, told, refusal, mine)


def posted(model: Model, data: Mapping[str, str]) -> dict[str, Pairs]:
    """Read the form: each node's judged pairs. DomainError for what is no judgement."""
    found: dict[str, Pairs] = {}
    for node in parents(hierarchy_of(model.definition, ["hierarchy"])):
        pairs = found[node.code] = {}
        for item, other in _pairs(node):
            text = data.get(field_of(node.code, item, other), "")
            if text:
                pairs[item, other] = _ratio(text)
    return found


def pairs_of(row: Judgement) -> Pairs:
    return {(a, b): ratio for a, others in row.pairs.items() for b, ratio in others.items()}


def parents(node: Node) -> Iterator[Node]:
    """Every node whose children are compared, in the order of ``Weights.nodes``."""
    if node.children:
        yield node
    for child in node.children:
        yield from parents(child)


def field_of(node: str, item: str, other: str) -> str:
    """The name of a pair's field: codes may hold any letters."""
    return json.dumps([node, item, other])


def names_of(definition: Mapping[str, Any]) -> dict[str, str]:
    """Each code of the hierarchy by its own name or, of an indicator, by the attribute's."""
    catalogue, language = Names(), "zh" if in_chinese() else "en"
    found: dict[str, str] = {}

    def walk(node: Mapping[str, Any]) -> None:
        code = node["code"]
        found[code] = node["name"][language] if "name" in node else catalogue.attribute(code)
        for child in node.get("children", []):
            walk(child)

    walk(definition["hierarchy"])
    return found


# --- words ---------------------------------------------------------------------------------------


def in_words(item: str, other: str, ratio: float) -> str:
    """``Revenue counts 3 times as much as tenure``."""
    if abs(ratio - 1) < TOLERANCE:
        return _("%(item)s and %(other)s count the same") % {"item": item, "other": other}
    if ratio < 1:
        item, other, ratio = other, item, 1 / ratio
    return _("%(item)s counts %(times)s times as much as %(other)s") % {
        "item": item,
        "times": f"{ratio:.3g}",
        "other": other,
    }


def brief(ratio: float) -> str:
    """3, 1/3, 2.45."""
    return f"{ratio:.3g}" if ratio >= 1 - TOLERANCE else f"1/{1 / ratio:.3g}"


def _title(item: str, other: str) -> str:
    return _("%(item)s beside %(other)s") % {"item": item, "other": other}


def _refusal(model: Model, names: Mapping[str, str], weights: Weights | None) -> str:
    """Why a training would refuse the weights, or those that are kept; '' if it would not."""
    try:
        (weights or weights_of(model)).require_consistent()
    except NotEstimable as error:
        told = {figure: _told(figure, value, names) for figure, value in error.figures.items()}
        return refused(NotEstimable(error.code, **told), model.name).message
    return ""


def _told(figure: str, value: Any, names: Mapping[str, str]) -> Any:
    """Names for codes, and ratios as people say them."""
    if figure in ("node", "item", "other"):
        return names.get(value, value)
    return brief(value) if figure in ("given", "suggested") else value


# --- one comparison ------------------------------------------------------------------------------


def _comparison(
    number: int,
    node: Node,
    found: NodeWeights,
    single: NodeWeights,
    mine: Pairs,
    expert: str,
    names: Mapping[str, str],
) -> Comparison:
    own = next((o for o in found.opinions if o.expert == expert), None)
    weights = sorted((found.weights or {}).items(), key=lambda one: -one[1])
    return Comparison(
        number,
        names[node.code],
        [_question(node.code, pair, mine, names) for pair in _pairs(node)],
        found,
        own,
        [(names[code], weight) for code, weight in weights],
        [_title(names[a], names[b]) for a, b in found.missing],
        [_title(names[a], names[b]) for a, b in single.missing] if own else [],
        _hurts(found, names),
        _hurts(single, names) if own else [],
        _held(node, found, names),
    )


def _question(node: str, pair: tuple[str, str], mine: Pairs, names: Mapping[str, str]) -> Question:
    item, other = names[pair[0]], names[pair[1]]
    ratio = _judged(mine, pair)
    values = list(reversed(SCALE))
    if ratio is not None and not any(abs(ratio - v) < TOLERANCE for v in values):
        # Between the steps, as a definition or another page may have it.
        values = sorted([*values, ratio], reverse=True)
    choices = [Choice("", _("not judged yet"), ratio is None)]
    for value in values:
        chosen = ratio is not None and abs(ratio - value) < TOLERANCE
        choices.append(Choice(repr(value), in_words(item, other, value), chosen))
    return Question(field_of(node, *pair), _title(item, other), choices)


def _judged(pairs: Pairs, pair: tuple[str, str]) -> float | None:
    """The ratio, whichever way round it was given."""
    back = (pair[1], pair[0])
    return pairs[pair] if pair in pairs else 1 / pairs[back] if back in pairs else None


def _hurts(found: NodeWeights, names: Mapping[str, str]) -> list[Hurting]:
    worst = [hurt for hurt in found.hurts if hurt.fall >= LEAST_FALL][:HURTS]
    return [
        Hurting(
            in_words(names[h.item], names[h.other], h.given),
            in_words(names[h.item], names[h.other], h.suggested),
            h.ratio_after,
        )
        for h in worst
    ]


def _held(node: Node, found: NodeWeights, names: Mapping[str, str]) -> list[Held]:
    """Each pair that somebody judged, those first on which the experts are furthest apart."""
    spreads = {(s.item, s.other): s for s in found.spreads}
    places = {item: place for place, item in enumerate(found.items)}
    held = []
    for item, other in _pairs(node):
        together = found.matrix[places[item]][places[other]]
        if together is None:
            continue
        spread = spreads.get((item, other))
        held.append(
            Held(
                in_words(names[item], names[other], together),
                brief(spread.least) if spread else "",
                brief(spread.greatest) if spread else "",
                spread.factor if spread else None,
                spread.opposed if spread else False,
            )
        )
    return sorted(held, key=lambda one: -(one.factor or 0))


def _pairs(node: Node) -> Iterator[tuple[str, str]]:
    return combinations((child.code for child in node.children), 2)


def _said(goal: Node, expert: str, given: Mapping[str, Pairs]) -> Iterator[Said]:
    """The judgements that belong to the hierarchy as it is now: it may have been another one."""
    for node in parents(goal):
        codes = {child.code for child in node.children}
        for (item, other), ratio in given.get(node.code, {}).items():
            if {item, other} <= codes:
                yield Said(expert, node.code, item, other, ratio)


def _ratio(text: str) -> float:
    try:
        ratio = float(text)
    except ValueError:
        ratio = 0.0
    # NaN is below nothing, so it is asked what must hold.
    if not SCALE[0] - TOLERANCE <= ratio <= SCALE[-1] + TOLERANCE:
        raise DomainError(
            "judgement_off_scale",
            _("A judgement is between 1/9 and 9, '%(text)s' is not.") % {"text": text[:40]},
        )
    return ratio
