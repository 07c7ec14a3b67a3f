"""The tree of a rule: frozen nodes that refuse to be built wrongly.

Every node knows its `kind` and its `children`. Nodes compare by meaning: the span in the text
they came from is carried along for error messages and plays no part in equality. A tree that
exists is well typed: no reading of it (SQL, evaluator, sentence) has to check again.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import ClassVar, Literal, get_args

from rules.catalogue import Attribute
from rules.errors import NOWHERE, RuleError, Span
from rules.kinds import KIND_OF_TYPE, Kind

MAX_LIST = 1_000

ComparisonOperator = Literal["=", "<>", "<", "<=", ">", ">="]
ArithmeticOperator = Literal["+", "-", "*", "/"]


@dataclass(frozen=True)
class Node:
    operand_fields: ClassVar[tuple[str, ...]] = ()
    span: Span = field(default=NOWHERE, compare=False, repr=False, kw_only=True)

    @property
    def kind(self) -> Kind:
        raise NotImplementedError

    @property
    def children(self) -> "tuple[Node, ...]":
        """The nodes this one is made of, in the order they are written."""
        found: list[Node] = []
        for name in self.operand_fields:
            value = getattr(self, name)
            found += value if isinstance(value, tuple) else [value]
        return tuple(found)


class Condition(Node):
    """A node that is true, false or unknown."""

    @property
    def kind(self) -> Kind:
        return Kind.BOOLEAN


class Numeric(Node):
    """A node that yields a finite double or unknown."""

    @property
    def kind(self) -> Kind:
        return Kind.NUMBER


# --- literals ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Number(Numeric):
    """A finite double; -0.0 becomes 0.0, so that equal numbers are one number."""

    value: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise RuleError("bad_number", self.span, shown=self.value)
        object.__setattr__(self, "value", float(self.value) + 0.0)


@dataclass(frozen=True)
class Text(Node):
    value: str

    def __post_init__(self) -> None:
        for character in self.value:
            # Engines disagree on these or cannot carry them: control characters, half surrogates.
            if character < " " or character == "\x7f" or "\ud800" <= character <= "\udfff":
                raise RuleError("control_character", self.span, shown=f"U+{ord(character):04X}")

    @property
    def kind(self) -> Kind:
        return Kind.TEXT


@dataclass(frozen=True)
class Day(Node):
    value: date

    @property
    def kind(self) -> Kind:
        return Kind.DATE


@dataclass(frozen=True)
class Truth(Condition):
    value: bool


LITERALS = (Number, Text, Day)
LiteralValue = Number | Text | Day


# --- attributes and what is computed from them ---------------------------------------------------


@dataclass(frozen=True)
class Read(Node):
    """The customer's value of one attribute."""

    attribute: Attribute

    @property
    def kind(self) -> Kind:
        return KIND_OF_TYPE[self.attribute.type]


@dataclass(frozen=True)
class Arithmetic(Numeric):
    operand_fields = ("left", "right")
    operator: ArithmeticOperator
    left: Node
    right: Node

    def __post_init__(self) -> None:
        if self.operator not in get_args(ArithmeticOperator):
            raise ValueError(f"no operation {self.operator!r}")
        _need(Kind.NUMBER, self.operator, self.left, self.right)


@dataclass(frozen=True)
class Negate(Numeric):
    operand_fields = ("operand",)
    operand: Node

    def __post_init__(self) -> None:
        _need(Kind.NUMBER, "-", self.operand)
        if isinstance(self.operand, Number):
            # One meaning, one tree: -5 is the number -5.
            raise TypeError("a negative number is Number(-x), not Negate(Number(x))")


@dataclass(frozen=True)
class DaysSince(Numeric):
    """Days from a date to the business date: 0 on the day itself, negative before it."""

    operand_fields = ("operand",)
    operand: Node

    def __post_init__(self) -> None:
        _need(Kind.DATE, "days_since", self.operand)


@dataclass(frozen=True)
class Coalesce(Node):
    """The first operand that is known; unknown when none is."""

    operand_fields = ("operands",)
    operands: tuple[Node, ...]

    def __post_init__(self) -> None:
        if len(self.operands) < 2:
            raise RuleError(
                "function_arguments",
                self.span,
                shown="coalesce",
                expected="two or more arguments",
                expected_zh="两个或更多参数",
                found=len(self.operands),
            )
        for operand in self.operands[1:]:
            _need_same("coalesce", self.operands[0], operand)

    @property
    def kind(self) -> Kind:
        return self.operands[0].kind


# --- conditions -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Compare(Condition):
    operand_fields = ("left", "right")
    operator: ComparisonOperator
    left: Node
    right: Node

    def __post_init__(self) -> None:
        if self.operator not in get_args(ComparisonOperator):
            raise ValueError(f"no comparison {self.operator!r}")
        _need_same(self.operator, self.left, self.right)
        if self.operator not in ("=", "<>"):
            _need_order(self.operator, self.left)
        _need_known_value(self.left, self.right)
        _need_known_value(self.right, self.left)


@dataclass(frozen=True)
class Among(Condition):
    """`operand in (values)`; the values are literals of the operand's kind."""

    operand_fields = ("operand",)
    operand: Node
    values: tuple[LiteralValue, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise RuleError("list_value", self.span)
        if len(self.values) > MAX_LIST:
            raise RuleError("list_too_long", self.span, limit=MAX_LIST, found=len(self.values))
        for value in self.values:
            _need_same("in", self.operand, value)
            _need_known_value(value, self.operand)


@dataclass(frozen=True)
class Between(Condition):
    """`low <= operand and operand <= high`, both ends included."""

    operand_fields = ("operand", "low", "high")
    operand: Node
    low: Node
    high: Node

    def __post_init__(self) -> None:
        _need_same("between", self.operand, self.low)
        _need_same("between", self.operand, self.high)
        _need_order("between", self.operand)


@dataclass(frozen=True)
class Prefix(Condition):
    """`operand like 'prefix%'`: begins with `prefix`, case and accents as written."""

    operand_fields = ("operand",)
    operand: Node
    prefix: str

    def __post_init__(self) -> None:
        Text(self.prefix, span=self.span)
        _need(Kind.TEXT, "like", self.operand)
        if known_values(self.operand) is not None:
            raise RuleError("like_needs_text", self.operand.span)
        if "%" in self.prefix or "_" in self.prefix:
            raise RuleError("like_pattern", self.span)


@dataclass(frozen=True)
class IsNull(Condition):
    operand_fields = ("operand",)
    operand: Node


@dataclass(frozen=True)
class Not(Condition):
    operand_fields = ("operand",)
    operand: Node

    def __post_init__(self) -> None:
        _need_condition(self.operand)


@dataclass(frozen=True)
class _Junction(Condition):
    """Two or more conditions joined by one word; a nested junction of the same word is merged."""

    operand_fields = ("operands",)
    word: ClassVar[str]
    operands: tuple[Node, ...]

    def __post_init__(self) -> None:
        if len(self.operands) < 2:
            raise TypeError(f"{self.word} joins two or more conditions")
        for operand in self.operands:
            _need_condition(operand)
            if type(operand) is type(self):
                raise TypeError(f"{self.word} within {self.word} must be merged")


class And(_Junction):
    word = "and"


class Or(_Junction):
    word = "or"


# --- what a tree is made of -----------------------------------------------------------------------


def walk(tree: Node) -> Iterator[Node]:
    """Every node, parents first."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))


def attributes_of(tree: Node) -> tuple[Attribute, ...]:
    """The attributes a tree reads, each once, in the order they appear."""
    return tuple(dict.fromkeys(node.attribute for node in walk(tree) if isinstance(node, Read)))


def depth_of(tree: Node) -> int:
    """Nodes on the longest way from the root to a leaf."""
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [child for node in level for child in node.children]
    return depth


def known_values(node: Node) -> tuple[str, ...] | None:
    """The values a text can take, when the catalogue and the literals fix them; None if open."""
    match node:
        case Read(attribute) if attribute.values:
            return tuple(value[0] for value in attribute.values)
        case Text(value):
            return (value,)
        case Coalesce(operands):
            parts = [known_values(operand) for operand in operands]
            known = [part for part in parts if part is not None]
            if len(known) < len(parts):
                return None
            return tuple(dict.fromkeys(value for part in known for value in part))
    return None


# --- what nodes demand ----------------------------------------------------------------------------


def _need(kind: Kind, operator: str, *operands: Node) -> None:
    for operand in operands:
        if operand.kind is not kind:
            raise RuleError(
                "needs", operand.span, operator=operator, expected=kind, found=operand.kind
            )


def _need_condition(operand: Node) -> None:
    if operand.kind is not Kind.BOOLEAN:
        raise RuleError("not_a_condition", operand.span, found=operand.kind)


def _need_same(operator: str, left: Node, right: Node) -> None:
    if left.kind is not right.kind:
        raise RuleError("mismatch", right.span, operator=operator, left=left.kind, right=right.kind)


def _need_order(operator: str, operand: Node) -> None:
    if operand.kind not in (Kind.NUMBER, Kind.DATE):
        raise RuleError("not_ordered", operand.span, operator=operator, found=operand.kind)


def _need_known_value(literal: Node, other: Node) -> None:
    """A text literal beside a category must be one of its values: a slip must not pass silently."""
    if not isinstance(literal, Text) or isinstance(other, Text):
        return
    known, readers = known_values(other), attributes_of(other)
    if known is None or literal.value in known or not readers:
        return
    raise RuleError(
        "unknown_value",
        literal.span,
        attribute=readers[0].code,
        shown=repr(literal.value),
        nearest=tuple(get_close_matches(literal.value, known, n=3, cutoff=0.5)),
    )
