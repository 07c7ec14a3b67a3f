"""Sets of customers as people describe them: one language for marks and for audiences.

    {any: [...]}   {all: [...]}   {but: [these, not these, nor these]}
    {rule: ...}   {cells: {matrix: ..., box: {dimension: [bands]}}}
    {mark: code}   {audience: code}   {list: code}

Frozen nodes, equal when they say the same. Reading one checks its shape; whether what it names is
there is for segmentation.audiences.checks to say. A rule that is unknown of a customer is not true
of him: nobody is in a set by what is not known of him.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, Self

import jsonschema
from django.utils.translation import gettext as _

from common.definitions import CODE, object_of
from common.errors import DomainError

from ..schema import BOX, RULE

Json = dict[str, Any]
Where = tuple[str | int, ...]
MARK, AUDIENCE, LIST = "mark", "audience", "list"
# What a set refers to: the kind and the code.
Ref = tuple[str, str]

MOST_NODES, MOST_DEPTH = 500, 20
# In the JSON of a set every level is a mapping in a list; a box of cells adds four.
_MOST_NESTED = 2 * MOST_DEPTH + 4

# No hyphen: a mark or an audience is a column of the day's members, and an attribute of rules.
SET_CODE = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"}
_CODE = re.compile(SET_CODE["pattern"])


def _sets(least: int) -> Json:
    return {"type": "array", "minItems": least, "maxItems": MOST_NODES, "items": {"$ref": "#"}}


SET: Json = {
    # With an address of its own the schema can refer to itself wherever it is put.
    "$id": "urn:juzhen:set",
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
    "properties": {
        "any": _sets(1),
        "all": _sets(1),
        "but": _sets(2),
        "rule": RULE,
        "cells": object_of({"matrix": CODE, "box": BOX}, ["matrix"]),
        MARK: SET_CODE,
        AUDIENCE: SET_CODE,
        LIST: SET_CODE,
    },
}


# --- nodes ---


@dataclass(frozen=True)
class AnyOf:
    """Who is in at least one of the sets."""

    sets: tuple["Node", ...]

    def __post_init__(self) -> None:
        _several(self.sets, 1, "any")

    def to_json(self) -> Json:
        return {"any": [inner.to_json() for inner in self.sets]}


@dataclass(frozen=True)
class AllOf:
    """Who is in each of the sets."""

    sets: tuple["Node", ...]

    def __post_init__(self) -> None:
        _several(self.sets, 1, "all")

    def to_json(self) -> Json:
        return {"all": [inner.to_json() for inner in self.sets]}


@dataclass(frozen=True)
class But:
    """Who is in the first set and in none of the others."""

    sets: tuple["Node", ...]

    def __post_init__(self) -> None:
        _several(self.sets, 2, "but")

    @property
    def whole(self) -> "Node":
        return self.sets[0]

    @property
    def without(self) -> tuple["Node", ...]:
        return self.sets[1:]

    def to_json(self) -> Json:
        return {"but": [inner.to_json() for inner in self.sets]}


@dataclass(frozen=True)
class OfRule:
    """Of whom the rule is true."""

    rule: str

    def __post_init__(self) -> None:
        if not self.rule.strip():
            raise _misshapen(_("a rule says something; this one is empty"), ("rule",))

    def to_json(self) -> Json:
        return {"rule": self.rule}


@dataclass(frozen=True)
class InCells:
    """Whose cell of the matrix is in the box; a dimension left out has all of its bands.

    ``box``: dimensions in the order of their codes, the bands of each too.
    """

    matrix: str
    box: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @classmethod
    def of(cls, matrix: str, box: Mapping[str, list[str]]) -> Self:
        return cls(matrix, tuple((code, tuple(sorted(box[code]))) for code in sorted(box)))

    @property
    def named_box(self) -> dict[str, tuple[str, ...]]:
        return dict(self.box)

    def to_json(self) -> Json:
        box = {code: list(bands) for code, bands in self.box}
        return {"cells": {"matrix": self.matrix} | ({"box": box} if box else {})}


@dataclass(frozen=True)
class NamedSet:
    """Who is in the mark, the audience or the list of that code."""

    kind: str
    code: str

    def __post_init__(self) -> None:
        if self.kind not in (MARK, AUDIENCE, LIST) or not _CODE.fullmatch(self.code):
            raise _misshapen(f"{self.kind} {self.code!r}", (self.kind,))

    @property
    def ref(self) -> Ref:
        return self.kind, self.code

    def to_json(self) -> Json:
        return {self.kind: self.code}


Joined = AnyOf | AllOf | But
Leaf = OfRule | InCells | NamedSet
Node = Joined | Leaf
_JOINED = {"any": AnyOf, "all": AllOf, "but": But}


def _several(sets: tuple[Node, ...], least: int, word: str) -> None:
    if len(sets) < least:
        text = _("'%(word)s' needs at least %(least)d sets; %(came)d came")
        raise _misshapen(text % {"word": word, "least": least, "came": len(sets)}, (word,))


# --- reading ---


def from_json(body: Any) -> Node:
    """Read what ``to_json`` or a YAML file says. Raises DomainError ``bad_set`` with ``where``."""
    _check_nesting(body)
    fault = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(SET).iter_errors(body))
    if fault is not None:
        raise _misshapen(_told(fault), tuple(fault.absolute_path))
    node = _read(body)
    parts = [where for _node, where in walk(node)]
    if len(parts) > MOST_NODES:
        text = _("it has more than %(most)d parts; make named audiences of some of them")
        raise _misshapen(text % {"most": MOST_NODES}, ())
    _check_depth(max(map(len, parts)) // 2)
    return node


def _told(fault: jsonschema.ValidationError) -> str:
    """What is wrong; of an unknown word, the words there are."""
    known = fault.schema.get("properties", {})
    if fault.validator != "additionalProperties" or "but" not in known:
        return fault.message[:300]
    came = ", ".join(word for word in fault.instance if word not in known)
    text = _("a set begins with one of %(known)s; '%(came)s' came")
    return text % {"known": ", ".join(known), "came": came[:60]}


def _check_nesting(body: Any) -> None:
    """Before anything recurses into it: a text of brackets must not exhaust the stack."""
    level = [body]
    for _depth in range(_MOST_NESTED + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    _check_depth(MOST_DEPTH + 1)


def _check_depth(depth: int) -> None:
    if depth <= MOST_DEPTH:
        return
    text = _("it is nested deeper than %(most)d levels; make named audiences of some parts")
    raise _misshapen(text % {"most": MOST_DEPTH}, ())


def _read(body: Json) -> Node:
    [(word, said)] = body.items()
    if word in _JOINED:
        return _JOINED[word](tuple(map(_read, said)))
    if word == "rule":
        return OfRule(said)
    if word == "cells":
        return InCells.of(said["matrix"], said.get("box", {}))
    return NamedSet(word, said)


def _misshapen(fault: str, where: Where) -> DomainError:
    path = ".".join(map(str, where)) or "/"
    return DomainError(
        "bad_set",
        _("A set of customers has another form than required at %(where)s: %(fault)s.")
        % {"where": path, "fault": fault.rstrip(".")},
        where=list(where),
    )


# --- what a set is made of ---


def walk(node: Node, where: Where = ()) -> Iterator[tuple[Node, Where]]:
    """The node and all nodes within, each with its path in the JSON."""
    yield node, where
    if isinstance(node, Joined):
        word = next(iter(node.to_json()))
        for place, inner in enumerate(node.sets):
            yield from walk(inner, (*where, word, place))


def leaves(node: Node) -> Iterator[tuple[Leaf, Where]]:
    """The leaves, each with the path of what it says."""
    for inner, where in walk(node):
        if isinstance(inner, Leaf):
            yield inner, (*where, next(iter(inner.to_json())))


def references(node: Node) -> set[Ref]:
    """The marks, audiences and lists that the set names itself."""
    return {leaf.ref for leaf, _where in leaves(node) if isinstance(leaf, NamedSet)}


Graph = Mapping[Ref, set[Ref]]


def in_order(graph: Graph) -> list[Ref]:
    """Every set after those that it refers to, otherwise by kind and code.

    Raises DomainError ``set_cycle`` that names the sets which refer to each other in a ring.
    """
    sorter = TopologicalSorter({ref: sorted(graph[ref]) for ref in sorted(graph)})
    try:
        sorter.prepare()
    except CycleError as error:
        raise _in_a_ring(error.args[1][::-1]) from error
    order: list[Ref] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return order


def _in_a_ring(ring: list[Ref]) -> DomainError:
    """The ring as told from its least member: the same one however it was found."""
    start = ring.index(min(ring))
    ring = [*ring[start:-1], *ring[:start], ring[start]]
    spelled = " → ".join(f"{kind} {code}" for kind, code in ring)
    return DomainError(
        "set_cycle",
        _("Sets must not refer to each other in a ring; these do: %(ring)s. Take one step out.")
        % {"ring": spelled},
        status=409,
        cycle=[list(ref) for ref in ring],
    )
