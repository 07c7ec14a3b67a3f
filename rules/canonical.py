"""A tree back to text: one spelling per meaning, with brackets only where precedence needs them."""

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

# How tightly a node holds together; a looser node inside a tighter place takes brackets.
_OR, _AND, _NOT, _CONDITION, _SUM, _PRODUCT, _SIGN, _ATOM = range(8)


def canonical_text(tree: Node) -> str:
    """The text that reads back as an equal tree (within the length bound of a rule)."""
    return _write(tree, _OR)


def format_number(value: float) -> str:
    """The shortest text that reads back as the same double: 80, 0.4, 1e+300."""
    if value.is_integer() and abs(value) <= 2**53:
        return str(int(value))
    return repr(value)


def _write(node: Node, place: int) -> str:
    tightness, text = _form(node)
    return text if tightness >= place else f"({text})"


def _form(node: Node) -> tuple[int, str]:
    match node:
        case Number(value):
            return _ATOM, format_number(value)
        case Text(value):
            return _ATOM, _quote(value)
        case Day(value):
            return _ATOM, f"date '{value.isoformat()}'"
        case Truth(value):
            return _ATOM, "true" if value else "false"
        case Read(attribute):
            return _ATOM, attribute.code
        case DaysSince(operand):
            return _ATOM, f"days_since({_write(operand, _OR)})"
        case Coalesce(operands):
            return _ATOM, f"coalesce({', '.join(_write(part, _OR) for part in operands)})"
        case Negate(operand):
            return _SIGN, f"-{_write(operand, _ATOM)}"
        case Arithmetic(operator, left, right):
            own = _SUM if operator in "+-" else _PRODUCT
            return own, f"{_write(left, own)} {operator} {_write(right, own + 1)}"
        case Or(operands):
            return _OR, " or ".join(_write(part, _AND) for part in operands)
        case And(operands):
            return _AND, " and ".join(_write(part, _NOT) for part in operands)
        case Not(operand):
            return _not_form(operand)
    return _CONDITION, _condition(node, "")


def _not_form(operand: Node) -> tuple[int, str]:
    match operand:
        case Among() | Between() | Prefix() | IsNull():
            return _CONDITION, _condition(operand, "not ")
        case Read() | Truth() | Coalesce():
            return _NOT, f"not {_write(operand, _ATOM)}"
    return _NOT, f"not ({_write(operand, _OR)})"


def _condition(node: Node, negation: str) -> str:
    match node:
        case Compare(operator, left, right):
            return f"{_write(left, _SUM)} {operator} {_write(right, _SUM)}"
        case Among(operand, values):
            listed = ", ".join(_write(value, _OR) for value in values)
            return f"{_write(operand, _SUM)} {negation}in ({listed})"
        case Between(operand, low, high):
            ends = f"{_write(low, _SUM)} and {_write(high, _SUM)}"
            return f"{_write(operand, _SUM)} {negation}between {ends}"
        case Prefix(operand, prefix):
            return f"{_write(operand, _SUM)} {negation}like {_quote(prefix + '%')}"
        case IsNull(operand):
            return f"{_write(operand, _SUM)} is {negation}null"
    raise AssertionError(f"no text for {type(node).__name__}")


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
