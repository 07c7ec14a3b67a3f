"""Generated rules and generated customers, thick with the values that engines disagree on.

One generator, driven by a source of chance: a seed gives thousands of rules evenly spread over
the language (Hypothesis' own lists repeat their simplest elements); Hypothesis in the place of
the seed gives rules that shrink.
"""

import math
import struct
from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import get_args

from hypothesis import strategies as st

from rules import Rule
from rules.canonical import canonical_text
from rules.nodes import (
    Among,
    And,
    Arithmetic,
    ArithmeticOperator,
    Between,
    Coalesce,
    Compare,
    ComparisonOperator,
    Day,
    DaysSince,
    IsNull,
    LiteralValue,
    Negate,
    Node,
    Not,
    Number,
    Or,
    Prefix,
    Read,
    Text,
    Truth,
    attributes_of,
)
from rules.parse import MAX_EXPANDED
from rules.sql import LARGEST, SMALLEST, expanded_size
from tests.rules.catalogue import BRANDS, CATALOGUE

FIGURES = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.1,
    0.2,
    0.3,
    2.0,
    80.0,
    1e16,
    LARGEST,
    -LARGEST,
    SMALLEST,
    1e-308,
]
MISSING = [math.nan, math.inf, -math.inf]
WHOLE = [0, 1, -1, 2, 80, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]
WORDS = [
    "",
    " ",
    "a",
    "A",
    "ab",
    "a%b",
    "a_b",
    "O'Hara",
    "\\",
    "$p1",
    "é",
    "e\u0301",
    "全球通",
    "😀",
]
DAYS = [date(1, 1, 1), date(1582, 10, 10), date(2024, 2, 29), date(2026, 1, 31), date(9999, 12, 31)]
CODES = [value[0] for value in BRANDS]

COMPARISONS: tuple[ComparisonOperator, ...] = get_args(ComparisonOperator)
OPERATIONS: tuple[ArithmeticOperator, ...] = get_args(ArithmeticOperator)


class Maker:
    """Makes values, rows and typed trees from a source of chance."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    # --- values ----------------------------------------------------------------------------------

    def figure(self) -> float:
        """A finite double: a treacherous one, an ordinary one, or any pattern of bits."""
        match self._chance.randrange(4):
            case 0:
                return self._chance.choice(FIGURES)
            case 1:
                return float(self._chance.randrange(-5, 100))
            case 2:
                return self._chance.randrange(-1000, 1000) / 10
        (any_double,) = struct.unpack("d", struct.pack("Q", self._chance.getrandbits(64)))
        return any_double if math.isfinite(any_double) else 0.5

    def day(self) -> date:
        if self._chance.randrange(2):
            return self._chance.choice(DAYS)
        return date(2026, 1, 31) + timedelta(days=self._chance.randrange(-900, 30))

    def word(self) -> str:
        return "".join(self._chance.choice(WORDS) for _ in range(self._chance.randrange(3)))

    def row(self) -> dict[str, object]:
        """One customer; one attribute in five is null."""
        makers: dict[str, Callable[[], object]] = {
            "integer": lambda: self._chance.choice([*WHOLE, self._chance.randrange(-5, 100)]),
            "number": lambda: self._chance.choice([*[self.figure()] * 9, *MISSING]),
            "boolean": lambda: self._chance.randrange(2) == 1,
            "category": lambda: self._chance.choice(CODES),
            "text": self.word,
            "date": self.day,
        }
        return {
            code: makers[attribute.type]() if self._chance.randrange(5) else None
            for code, attribute in CATALOGUE.items()
        }

    # --- trees -----------------------------------------------------------------------------------

    def tree(self, depth: int = 4) -> Node:
        """A condition (three in four) or a number, as large as a rule may be."""
        while True:
            make = self.number if self._chance.randrange(4) == 0 else self.condition
            tree = make(depth)
            if expanded_size(tree) <= MAX_EXPANDED:
                return tree

    def condition(self, depth: int) -> Node:
        if depth <= 1:
            return self._read("boolean") if self._chance.randrange(5) else self._truth()
        below = depth - 1
        match self._chance.randrange(12):
            case 0 | 1 | 2:
                return self._compare(below)
            case 3:
                return self._among(below)
            case 4:
                return self._between(below)
            case 5:
                prefix = self.word().replace("%", "").replace("_", "")
                return Prefix(self._open_text(below), prefix)
            case 6:
                return IsNull(self._any(below))
            case 7:
                return Not(self.condition(below))
            case 8:
                return self._coalesce(self.condition, below)
            case 9:
                return self._junction(And, below)
            case 10:
                return self._junction(Or, below)
        return self.condition(below)

    def number(self, depth: int) -> Node:
        if depth <= 1:
            literal = self._chance.randrange(3) == 0
            return Number(self.figure()) if literal else self._read("number", "integer")
        below = depth - 1
        match self._chance.randrange(8):
            case 0 | 1 | 2 | 3:
                operation = self._chance.choice(OPERATIONS)
                return Arithmetic(operation, self.number(below), self.number(below))
            case 4:
                operand = self.number(below)
                return Number(-operand.value) if isinstance(operand, Number) else Negate(operand)
            case 5:
                return self._coalesce(self.number, below)
            case 6:
                return DaysSince(self._date(below))
        return self.number(below)

    def _date(self, depth: int) -> Node:
        if depth > 1 and self._chance.randrange(4) == 0:
            return self._coalesce(self._date, depth - 1)
        return self._read("date") if self._chance.randrange(3) else Day(self.day())

    def _open_text(self, depth: int) -> Node:
        """A text whose values nobody has listed: at least one text attribute is in it."""
        if depth > 1 and self._chance.randrange(4) == 0:
            other = self._chance.choice([Text(self.word()), self._read("text", "category")])
            return Coalesce((self._open_text(depth - 1), other))
        return self._read("text")

    def _category(self, depth: int) -> Node:
        if depth > 1 and self._chance.randrange(4) == 0:
            return self._coalesce(self._category, depth - 1)
        return self._read("category")

    def _any(self, depth: int) -> Node:
        makers = [self.condition, self.number, self._date, self._open_text, self._category]
        return self._chance.choice(makers)(depth)

    def _compare(self, depth: int) -> Node:
        operator = self._chance.choice(COMPARISONS)
        equality = self._chance.choice(COMPARISONS[:2])
        match self._chance.randrange(7):
            case 0 | 1 | 2:
                return Compare(operator, self.number(depth), self.number(depth))
            case 3:
                return Compare(operator, self._date(depth), self._date(depth))
            case 4:
                other = self._chance.choice([Text(self.word()), self._open_text(depth)])
                return Compare(equality, self._open_text(depth), other)
            case 5:
                other = self._chance.choice([self._code(), self._category(depth)])
                return Compare(equality, self._category(depth), other)
        return Compare(equality, self.condition(depth), self.condition(depth))

    def _among(self, depth: int) -> Node:
        """Up to 15 values: engines change their method for long lists."""
        makers: list[tuple[Callable[[int], Node], Callable[[], LiteralValue]]] = [
            (self.number, lambda: Number(self.figure())),
            (self._date, lambda: Day(self.day())),
            (self._open_text, lambda: Text(self.word())),
            (self._category, self._code),
        ]
        operand, value = self._chance.choice(makers)
        count = self._chance.randrange(1, 16)
        return Among(operand(depth), tuple(value() for _ in range(count)))

    def _between(self, depth: int) -> Node:
        make = self._chance.choice([self.number, self._date])
        return Between(make(depth), make(depth), make(depth))

    def _junction(self, kind: type[And] | type[Or], depth: int) -> Node:
        parts = [self.condition(depth) for _ in range(self._chance.randrange(2, 5))]
        flat = [x for part in parts for x in (part.operands if isinstance(part, kind) else [part])]
        return kind(tuple(flat))

    def _coalesce(self, make: Callable[[int], Node], depth: int) -> Node:
        return Coalesce(tuple(make(depth) for _ in range(self._chance.randrange(2, 4))))

    def _read(self, *types: str) -> Node:
        return Read(self._chance.choice([a for a in CATALOGUE.values() if a.type in types]))

    def _truth(self) -> Node:
        return Truth(self._chance.randrange(2) == 1)

    def _code(self) -> Text:
        return Text(self._chance.choice(CODES))


def makers() -> st.SearchStrategy[Maker]:
    return st.randoms(use_true_random=False).map(Maker)


def trees(depth: int = 4) -> st.SearchStrategy[Node]:
    return makers().map(lambda maker: maker.tree(depth))


def rows() -> st.SearchStrategy[dict[str, object]]:
    return makers().map(lambda maker: maker.row())


def rule_of(tree: Node) -> Rule:
    """A rule of a tree that did not come from a text."""
    codes = sorted(attribute.code for attribute in attributes_of(tree))
    return Rule(canonical_text(tree), tree, tree.kind, tuple(codes))
