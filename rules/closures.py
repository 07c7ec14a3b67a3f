"""A tree to nested Python functions: the fast reading, for one customer at a time.

Each function takes (row, business date) and returns the value, None for unknown. The choice of
what to do is made once, here; a call only does it. Held against `reference` by the tests.
"""

import operator
import sys
from collections.abc import Callable
from datetime import date
from typing import Any

from rules.catalogue import Attribute
from rules.kinds import Kind
from rules.nodes import (
    Among,
    And,
    Arithmetic,
    Between,
    Coalesce,
    Compare,
    Day,
    DaysSince,
    IsNull,
    Negate,
    Node,
    Not,
    Number,
    Or,
    Prefix,
    Read,
    Text,
    Truth,
)
from rules.values import Row, read_value

# Any: the tree is typed when it is built; checking again at each call is what this avoids.
Closure = Callable[[Row, date], Any]

_LARGEST = sys.float_info.max

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def compile_tree(node: Node) -> Closure:
    """The function that evaluates `node`."""
    match node:
        case Number(value) | Text(value) | Truth(value) | Day(value):
            return lambda row, today: value
        case Read(attribute):
            return _read(attribute)
        case And(operands):
            return _junction([compile_tree(operand) for operand in operands], decisive=False)
        case Or(operands):
            return _junction([compile_tree(operand) for operand in operands], decisive=True)
        case Not(operand):
            return _not(compile_tree(operand))
        case Compare(sign, left, Number(value) | Text(value) | Day(value)):
            return _compare_literal(_COMPARISONS[sign], compile_tree(left), value)
        case Compare(sign, left, right):
            return _compare(_COMPARISONS[sign], compile_tree(left), compile_tree(right))
        case Among(operand, values):
            return _among(compile_tree(operand), frozenset(literal.value for literal in values))
        case Between(operand, low, high):
            return _between(*map(compile_tree, (operand, low, high)))
        case Prefix(operand, prefix):
            return _prefix(compile_tree(operand), prefix)
        case IsNull(operand):
            inner = compile_tree(operand)
            return lambda row, today: inner(row, today) is None
        case Coalesce(operands):
            return _coalesce([compile_tree(operand) for operand in operands])
        case Arithmetic("/", left, right):
            return _divide(compile_tree(left), compile_tree(right))
        case Arithmetic(sign, left, right):
            return _calculate(_ARITHMETIC[sign], compile_tree(left), compile_tree(right))
        case Negate(operand):
            return _negate(compile_tree(operand))
        case DaysSince(operand):
            return _days_since(compile_tree(operand))
    raise AssertionError(f"no closure for {type(node).__name__}")


def _read(attribute: Attribute) -> Closure:
    """The attribute; the usual Python type goes straight through, all else through read_value."""
    code = attribute.code

    def number(row: Row, today: date) -> Any:
        value = row.get(code)
        if type(value) is float and -_LARGEST <= value <= _LARGEST:
            return value
        return read_value(row, attribute)

    def plain(row: Row, today: date) -> Any:
        value = row.get(code)
        return value if type(value) is usual else read_value(row, attribute)

    kind = Read(attribute).kind
    if kind is Kind.NUMBER:
        return number
    usual = {Kind.BOOLEAN: bool, Kind.TEXT: str, Kind.DATE: date}[kind]
    return plain


def _junction(parts: list[Closure], *, decisive: bool) -> Closure:
    """and (false decides) or or (true decides); unknown when nothing decides and one is open."""

    def junction(row: Row, today: date) -> Any:
        result: bool | None = not decisive
        for part in parts:
            truth = part(row, today)
            if truth is decisive:
                return decisive
            if truth is None:
                result = None
        return result

    return junction


def _not(inner: Closure) -> Closure:
    def negation(row: Row, today: date) -> Any:
        truth = inner(row, today)
        return None if truth is None else not truth

    return negation


def _compare(compare: Callable[[Any, Any], bool], left: Closure, right: Closure) -> Closure:
    def comparison(row: Row, today: date) -> Any:
        one = left(row, today)
        if one is None:
            return None
        other = right(row, today)
        return None if other is None else compare(one, other)

    return comparison


def _compare_literal(compare: Callable[[Any, Any], bool], left: Closure, literal: Any) -> Closure:
    """The commonest condition there is, `attribute >= 80`, with one call less."""

    def comparison(row: Row, today: date) -> Any:
        value = left(row, today)
        return None if value is None else compare(value, literal)

    return comparison


def _among(inner: Closure, values: frozenset[Any]) -> Closure:
    def membership(row: Row, today: date) -> Any:
        value = inner(row, today)
        return None if value is None else value in values

    return membership


def _between(operand: Closure, low: Closure, high: Closure) -> Closure:
    """Not one chained comparison: with one end unknown, the other can still decide (false)."""

    def between(row: Row, today: date) -> Any:
        value = operand(row, today)
        if value is None:
            return None
        least, most = low(row, today), high(row, today)
        if (least is not None and value < least) or (most is not None and value > most):
            return False
        return None if least is None or most is None else True

    return between


def _prefix(inner: Closure, prefix: str) -> Closure:
    def beginning(row: Row, today: date) -> Any:
        value = inner(row, today)
        return None if value is None else value.startswith(prefix)

    return beginning


def _coalesce(parts: list[Closure]) -> Closure:
    def first_known(row: Row, today: date) -> Any:
        for part in parts:
            value = part(row, today)
            if value is not None:
                return value
        return None

    return first_known


def _calculate(
    calculate: Callable[[float, float], float], left: Closure, right: Closure
) -> Closure:
    def calculation(row: Row, today: date) -> Any:
        one = left(row, today)
        if one is None:
            return None
        other = right(row, today)
        if other is None:
            return None
        result = calculate(one, other)
        return result if -_LARGEST <= result <= _LARGEST else None

    return calculation


def _divide(left: Closure, right: Closure) -> Closure:
    def quotient(row: Row, today: date) -> Any:
        dividend = left(row, today)
        if dividend is None:
            return None
        divisor = right(row, today)
        if not divisor:  # unknown or 0
            return None
        result = dividend / divisor
        return result if -_LARGEST <= result <= _LARGEST else None

    return quotient


def _negate(inner: Closure) -> Closure:
    def opposite(row: Row, today: date) -> Any:
        value = inner(row, today)
        return None if value is None else -value

    return opposite


def _days_since(inner: Closure) -> Closure:
    def days(row: Row, today: date) -> Any:
        day = inner(row, today)
        return None if day is None else float((today - day).days)

    return days
