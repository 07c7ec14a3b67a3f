"""Words to a typed tree: `check` is the only way from a text to nodes.

The reader takes the words one by one, knowing at each whether an operand or an operator must
come, so that a mistake is named where it stands. A bracket is folded into one operand as it
closes; what remains inside it is a flat row of operands and operators, which `precedence` turns
into a tree.
"""

import math
import re
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches

from rules import nodes
from rules.catalogue import FUNCTIONS, Catalogue
from rules.errors import RuleError, Span
from rules.lexer import Sort, Word, scan
from rules.nodes import Node
from rules.precedence import Item, Values, tree_of
from rules.sql import expanded_size

MAX_TEXT = 4_000
MAX_DEPTH = 40
MAX_NODES = 500
MAX_EXPANDED = 5_000

# Beyond this not every integer is a double: 9007199254740993 would silently be another number.
MAX_INTEGER = 2**53

_JOINING = frozenset({"and", "or", "between", "like", "=", "<>", "<", "<=", ">", ">=", *"+-*/"})
_BEFORE_NOT = ("and", "or", "not")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def check(text: str, catalogue: Catalogue) -> Node:
    """The typed tree of a rule. Raises RuleError, with its position, for anything else."""
    whole = Span(0, len(text))
    try:
        if len(text) > MAX_TEXT:
            raise RuleError("too_long", whole, limit=MAX_TEXT, found=len(text))
        words = scan(text)
        if not words:
            raise RuleError("empty", whole)
        tree = _Reader(words, catalogue).read()
        _check_size(tree, whole)
        return tree
    except RecursionError:
        raise RuleError("too_deep", whole, limit=MAX_DEPTH).located(text) from None
    except RuleError as error:
        raise error.located(text) from None


def _check_size(tree: Node, whole: Span) -> None:
    if sum(1 for _ in nodes.walk(tree)) > MAX_NODES:
        raise RuleError("too_many_nodes", whole, limit=MAX_NODES)
    if nodes.depth_of(tree) > MAX_DEPTH:
        raise RuleError("too_deep", whole, limit=MAX_DEPTH)
    if expanded_size(tree) > MAX_EXPANDED:
        raise RuleError("too_complex", whole)


@dataclass(slots=True)
class _Bracket:
    """An open bracket: its opening word, the function or `in` before it, its parts so far."""

    opening: Word | None = None
    owner: Word | None = None
    parts: list[list[Item]] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)


class _Reader:
    """One pass over the words."""

    def __init__(self, words: list[Word], catalogue: Catalogue) -> None:
        self._words = words
        self._catalogue = catalogue
        self._position = 0
        self._wants_operand = True
        self._stack = [_Bracket()]

    def read(self) -> Node:
        while (word := self._take()) is not None:
            if self._wants_operand:
                self._operand(word)
            else:
                self._operator(word)
        if self._wants_operand:
            raise RuleError("unfinished", self._words[-1].span, shown=self._words[-1].text)
        if opening := self._stack[-1].opening:
            raise RuleError("bracket", opening.span, shown="(")
        return tree_of(self._stack[0].items)

    # --- the words -------------------------------------------------------------------------------

    def _take(self) -> Word | None:
        word = self._peek()
        self._position += 1
        return word

    def _peek(self) -> Word | None:
        return self._words[self._position] if self._position < len(self._words) else None

    def _follows(self, *texts: str) -> bool:
        """Whether the next word is one of these signs or keywords."""
        word = self._peek()
        return word is not None and word.sort in (Sort.SIGN, Sort.KEYWORD) and word.text in texts

    # --- where an operand must come --------------------------------------------------------------

    def _operand(self, word: Word) -> None:
        match word:
            case Word(Sort.NUMBER):
                self._push(nodes.Number(_number(word), span=word.span))
            case Word(Sort.TEXT):
                self._push(nodes.Text(word.text, span=word.span))
            case Word(Sort.NAME) if self._follows("("):
                self._function(word)
            case Word(Sort.NAME):
                self._push(self._read_attribute(word))
            case Word(text="true" | "false"):
                self._push(nodes.Truth(word.text == "true", span=word.span))
            case Word(text="date"):
                self._push(self._date(word))
            case Word(text="("):
                self._open(word, owner=None)
            case Word(text="not" | "-"):
                self._prefix(word)
            case Word(text="null"):
                raise RuleError("null_place", word.span)
            case _:
                raise RuleError("missing_operand", word.span, shown=word.text)

    def _push(self, operand: Node | Values) -> None:
        self._stack[-1].items.append(operand)
        self._wants_operand = False

    def _read_attribute(self, word: Word) -> Node:
        attribute = self._catalogue.get(word.text)
        if attribute is None:
            nearest = get_close_matches(word.text.lower(), self._catalogue, n=3)
            raise RuleError("unknown_attribute", word.span, shown=word.text, nearest=tuple(nearest))
        return nodes.Read(attribute, span=word.span)

    def _date(self, word: Word) -> Node:
        quoted = self._take()
        if quoted is None or quoted.sort is not Sort.TEXT:
            raise RuleError("bad_date", word.span, shown="date")
        if not _DATE.fullmatch(quoted.text):
            raise RuleError("bad_date", quoted.span, shown=repr(quoted.text))
        try:
            value = date.fromisoformat(quoted.text)
        except ValueError:
            raise RuleError("bad_date", quoted.span, shown=repr(quoted.text)) from None
        return nodes.Day(value, span=word.span.to(quoted.span))

    def _prefix(self, word: Word) -> None:
        items = self._stack[-1].items
        before = items[-1] if items else None
        starts = not isinstance(before, Word) or before.text in _BEFORE_NOT
        if word.text == "not" and not starts:
            raise RuleError("ambiguous", word.span)
        run = 1
        while run <= len(items) and isinstance(items[-run], Word):
            run += 1
        if run > MAX_DEPTH:
            raise RuleError("too_deep", word.span, limit=MAX_DEPTH)
        items.append(word)

    # --- where an operator must come -------------------------------------------------------------

    def _operator(self, word: Word) -> None:
        if word.sort not in (Sort.SIGN, Sort.KEYWORD):
            raise RuleError("missing_operator", word.span, shown=word.text)
        match word.text:
            case ")":
                self._close(word)
            case ",":
                self._comma(word)
            case "in":
                self._list(word)
            case "is":
                self._is_null(word)
            case "not" if self._follows("in", "between", "like"):
                self._stack[-1].items.append(word)
            case text if text in _JOINING:
                self._stack[-1].items.append(word)
                self._wants_operand = True
            case _:
                raise RuleError("missing_operator", word.span, shown=word.text)

    def _is_null(self, word: Word) -> None:
        items = self._stack[-1].items
        items.append(word)
        if self._follows("not"):
            items.append(self._must_take())
        if not self._follows("null"):
            raise RuleError("is_null", word.span)
        items.append(self._must_take())

    def _must_take(self) -> Word:
        word = self._take()
        assert word is not None
        return word

    # --- brackets --------------------------------------------------------------------------------

    def _function(self, word: Word) -> None:
        if word.text not in FUNCTIONS:
            raise RuleError("unknown_function", word.span, shown=word.text)
        self._open(self._must_take(), owner=word)

    def _list(self, word: Word) -> None:
        if not self._follows("("):
            raise RuleError("list_place", word.span)
        self._stack[-1].items.append(word)
        self._open(self._must_take(), owner=word)

    def _open(self, opening: Word, owner: Word | None) -> None:
        if len(self._stack) > MAX_DEPTH:
            raise RuleError("too_deep", opening.span, limit=MAX_DEPTH)
        self._stack.append(_Bracket(opening, owner))
        self._wants_operand = True

    def _comma(self, word: Word) -> None:
        bracket = self._stack[-1]
        if bracket.owner is None:
            raise RuleError("comma", word.span)
        bracket.parts.append(bracket.items)
        bracket.items = []
        self._wants_operand = True

    def _close(self, word: Word) -> None:
        bracket = self._stack.pop()
        if bracket.opening is None:
            raise RuleError("bracket", word.span, shown=")")
        bracket.parts.append(bracket.items)
        span = (bracket.owner or bracket.opening).span.to(word.span)
        if bracket.owner is None:
            self._push(tree_of(bracket.items))
        elif bracket.owner.text == "in":
            self._push(Values(tuple(_list_value(part, span) for part in bracket.parts), span))
        else:
            self._push(_call(bracket.owner, [tree_of(part) for part in bracket.parts], span))


def _number(word: Word) -> float:
    value = float(word.text)
    vanished = value == 0 and any(digit in "123456789" for digit in re.split("[eE]", word.text)[0])
    inexact = word.text.isdigit() and int(word.text) > MAX_INTEGER
    if vanished or inexact or not math.isfinite(value):
        raise RuleError("bad_number", word.span, shown=word.text[:40])
    return value


def _list_value(part: list[Item], span: Span) -> nodes.LiteralValue:
    match part:
        case [nodes.Number() | nodes.Text() | nodes.Day() as literal]:
            return literal
        case [Word(text="-") as minus, nodes.Number(value=value, span=place)]:
            return nodes.Number(-value, span=minus.span.to(place))
    raise RuleError("list_value", part[0].span if part else span)


def _call(name: Word, arguments: list[Node], span: Span) -> Node:
    if name.text == "coalesce":
        return nodes.Coalesce(tuple(arguments), span=span)
    if len(arguments) != 1:
        raise RuleError(
            "function_arguments",
            span,
            shown=name.text,
            expected="one argument",
            expected_zh="一个参数",
            found=len(arguments),
        )
    return nodes.DaysSince(arguments[0], span=span)
