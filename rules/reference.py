"""What a rule means, written to be read: slow, plain, one case per node.

The SQL and the closures are held against this on generated rules and rows. None is unknown
throughout: an unknown number, or the third truth value.
"""

from datetime import date

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
from rules.values import Row, Value, finite, read_value


def evaluate(node: Node, row: Row, business_date: date) -> Value:
    """The value of `node` for one customer on one day."""
    operands = [evaluate(child, row, business_date) for child in node.children]
    match node:
        case Number(value) | Text(value) | Truth(value) | Day(value):
            return value
        case Read(attribute):
            return read_value(row, attribute)
        case Coalesce():
            return next((operand for operand in operands if operand is not None), None)
        case IsNull():
            return operands[0] is None
        case And():
            return all_of(operands)
        case Or():
            return negation(all_of([negation(operand) for operand in operands]))
        case Between():
            operand, low, high = operands
            return all_of([compare("<=", low, operand), compare("<=", operand, high)])
    if None in operands:
        return None
    match node, operands:
        case Compare(operator), [left, right]:
            return compare(operator, left, right)
        case Among(_, values), [operand]:
            return any(operand == literal.value for literal in values)
        case Prefix(_, prefix), [str(operand)]:
            return operand[: len(prefix)] == prefix
        case Not(), [operand]:
            return not operand
        case Negate(), [float(operand)]:
            return -operand
        case DaysSince(), [date() as day]:
            return float((business_date - day).days)
        case Arithmetic(operator), [float(left), float(right)]:
            return calculate(operator, left, right)
    raise AssertionError(f"no meaning for {type(node).__name__}")


def all_of(truths: list[Value]) -> Value:
    """and: one false decides; without it one unknown leaves it open."""
    if False in truths:
        return False
    return None if None in truths else True


def negation(truth: Value) -> Value:
    return None if truth is None else not truth


def compare(operator: str, left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    match operator:
        case "=":
            return left == right
        case "<>":
            return left != right
        case "<":
            return left < right  # type: ignore[operator]  # checked: both numbers or both dates
        case "<=":
            return left <= right  # type: ignore[operator]
        case ">":
            return left > right  # type: ignore[operator]
        case ">=":
            return left >= right  # type: ignore[operator]
    raise AssertionError(f"no comparison {operator}")


def calculate(operator: str, left: float, right: float) -> float | None:
    """Doubles throughout; what has no finite result is unknown."""
    match operator:
        case "+":
            return finite(left + right)
        case "-":
            return finite(left - right)
        case "*":
            return finite(left * right)
        case "/":
            return None if right == 0 else finite(left / right)
    raise AssertionError(f"no operation {operator}")
