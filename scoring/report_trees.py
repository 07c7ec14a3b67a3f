"""The tree of an index for a page: boxes to draw, branches to unfold, leaves as rules in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count, pairwise
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Type

from .charts import fitted
from .kinds.base import Definition, grades_of
from .report_names import Wording, listed, yes_no

Json = Mapping[str, Any]

# The drawing shows so many levels below the root; the unfolding list shows all of them.
LEVELS = 4
WIDTH, HEIGHT, ACROSS, DOWN = 184, 58, 28, 10
# Least to greatest rate of the boxes; the text on all of them is dark.
SHADES = ("#f4f8fc", "#eaf2fa", "#d3e4f4", "#b3d0ec", "#8ab6e0")
# A line of a box holds so many columns of letters, of which a Chinese one takes two.
COLUMNS = 27


@dataclass(frozen=True)
class Branch:
    """A node in words; ``says``: the condition that leads here, in brief ('' of the root).

    ``leaves``: how many are below or, of a leaf, 1; ``grade``: a leaf's, if there are grades.
    """

    node: Json
    attribute: str
    says: str
    leaves: int
    grade: str
    below: tuple["Branch", ...]

    @property
    def found(self) -> Json:
        """n and rate: of customers held out; of those learnt from where no others are told."""
        told: Json = self.node.get("held_out") or self.node
        return told

    @property
    def title(self) -> str:
        return f"{self.attribute} {self.says}".strip() or _("all customers")


@dataclass(frozen=True)
class Box:
    """A branch at its place in the drawing; ``hidden``: leaves below it that are not drawn."""

    branch: Branch
    x: int
    y: float
    lines: tuple[str, str]
    shade: str
    hidden: str

    @property
    def end(self) -> int:
        return self.x + WIDTH

    @property
    def middle(self) -> float:
        return self.y + HEIGHT / 2


@dataclass(frozen=True)
class Edge:
    start: Box
    end: Box

    @property
    def path(self) -> str:
        """A curve from the right of one box to the left of the other."""
        turn = self.start.end + ACROSS / 2
        return (
            f"M{self.start.end},{self.start.middle:g} C{turn:g},{self.start.middle:g} "
            f"{turn:g},{self.end.middle:g} {self.end.x},{self.end.middle:g}"
        )


@dataclass(frozen=True)
class Drawing:
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    width: int
    height: float
    box_width: int = WIDTH
    box_height: int = HEIGHT


@dataclass(frozen=True)
class Leaf:
    """A leaf as a sentence; ``figures``: its LeafRule."""

    sentence: str
    grade: str
    figures: Json


def root_of(report: Json, definition: Definition) -> Branch:
    """Return the whole tree of a report in words."""
    tree: list[Json] = report["tree"]
    below: dict[int, list[Json]] = {}
    for node in tree[1:]:
        below.setdefault(node["parent"], []).append(node)
    return _branch(tree[0], below, Wording(), definition)


def drawing(root: Branch) -> Drawing:
    """Lay the first levels out from left to right, each parent in the middle of its children."""
    boxes: list[Box] = []
    edges: list[Edge] = []
    shades = _shades(root)
    rows = count()

    def place(branch: Branch, depth: int) -> Box:
        below = branch.below if depth < LEVELS else ()
        children = [place(child, depth + 1) for child in below]
        y = (children[0].y + children[-1].y) / 2 if children else next(rows) * (HEIGHT + DOWN)
        box = _box(branch, depth * (WIDTH + ACROSS), y, shades, hidden=not children)
        boxes.append(box)
        edges.extend(Edge(box, child) for child in children)
        return box

    place(root, 0)
    width = max(box.end for box in boxes)
    return Drawing(tuple(boxes), tuple(edges), width, max(b.y for b in boxes) + HEIGHT)


def leaves_of(report: Json, definition: Definition) -> list[Leaf]:
    """Return the leaves as sentences, the highest score first."""
    names = Wording()
    found = [
        Leaf(names.condition(leaf["rule"]), _grade(leaf["score"], definition, names), leaf)
        for leaf in report["leaves"]
    ]
    return sorted(found, key=lambda leaf: -leaf.figures["score"])


# --- words ---------------------------------------------------------------------------------------


def condition(node: Json, names: Wording) -> str:
    """What a node asks of its attribute, in brief: ``< 12 months, or unknown``."""
    if node["none_known"]:
        return _("unknown")
    code = node["attribute"]
    kind = names.type(code)
    low, high = node["low"], node["high"]
    if kind == Type.BOOLEAN and (low is None) != (high is None):
        known = yes_no(low is not None)
    elif low is None and high is None:
        known = listed(names.value(code, value) for value in node["codes"])
    else:
        signs = [("≥", low), ("<", high)]
        ends = [f"{sign} {names.amount(code, end)}" for sign, end in signs if end is not None]
        known = listed(ends)
    if not known:
        return _("any other, or unknown") if node["unknown"] else _("any")
    return _("%(known)s, or unknown") % {"known": known} if node["unknown"] else known


def _branch(
    node: Json, below: Mapping[int, list[Json]], names: Wording, definition: Definition
) -> Branch:
    children = tuple(_branch(c, below, names, definition) for c in below.get(node["id"], []))
    return Branch(
        node,
        names.attribute(node["attribute"]) if node["attribute"] else "",
        condition(node, names) if node["attribute"] else "",
        sum(child.leaves for child in children) or 1,
        _grade(node["score"], definition, names) if node["leaf"] else "",
        children,
    )


def _grade(score: float, definition: Definition, names: Wording) -> str:
    grades = grades_of(definition)
    if grades is None:
        return ""
    return names.value(grades.output, grades.of(np.array([score]))[0].as_py())


# --- the drawing ---------------------------------------------------------------------------------


def _box(branch: Branch, x: int, y: float, shades: Mapping[int, str], *, hidden: bool) -> Box:
    more = ""
    if hidden and branch.below:
        more = ngettext("+ %(n)d leaf", "+ %(n)d leaves", branch.leaves) % {"n": branch.leaves}
    first, second = (branch.attribute, branch.says) if branch.says else (branch.title, "")
    lines = (fitted(first, COLUMNS), fitted(second, COLUMNS))
    return Box(branch, x, y, lines, shades[branch.node["id"]], more)


def _shades(root: Branch) -> dict[int, str]:
    """Each node's shade, by where its score lies among all."""
    scores = {b.node["id"]: b.node["score"] for b in every(root)}
    ends = np.linspace(min(scores.values()), max(scores.values()), len(SHADES) + 1)
    steps = list(pairwise(ends))
    return {
        node: SHADES[next(i for i, (_low, high) in enumerate(steps) if score <= high)]
        for node, score in scores.items()
    }


def every(branch: Branch) -> Iterator[Branch]:
    yield branch
    for child in branch.below:
        yield from every(child)
