"""A tree to SQL: one sqlglot expression that every dialect is rendered from.

What makes the engines agree:

- Every attribute and every value is cast to the SQL type of its kind, so nothing is inferred.
- A number is finite or null wherever it is looked at (`_number`). Inside a calculation infinities
  and NaN are let through: they swallow whatever they meet, so that one look at the result sees
  them all. Only a divisor could hide one (1 / infinity is 0), so a divisor is looked at too, and
  0 is made null on the same occasion: Spark stops at a division by it.
- A condition is never null by accident of an operator: comparison, in, between are plain SQL.
"""

import sys

from sqlglot import exp

from rules.errors import RuleError
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
from rules.params import Params

SQL_TYPES = {Kind.NUMBER: "DOUBLE", Kind.TEXT: "TEXT", Kind.DATE: "DATE", Kind.BOOLEAN: "BOOLEAN"}

LARGEST = sys.float_info.max
SMALLEST = 5e-324

_COMPARISONS: dict[str, type[exp.Binary]] = {
    "=": exp.EQ,
    "<>": exp.NEQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}
_ARITHMETIC: dict[str, type[exp.Binary]] = {
    "+": exp.Add,
    "-": exp.Sub,
    "*": exp.Mul,
    "/": exp.Div,
}


def render(tree: Node, params: Params, table: str | None = None) -> exp.Expr:
    """The expression of `tree`; its values go to `params`, its columns belong to `table` if given.

    A condition yields a boolean or null, a number a finite double or null. Raises RuleError when
    the tree counts days and `params` has no business date.
    """
    return _Renderer(params, table).value(tree)


def is_true(condition: exp.Expr) -> exp.Expr:
    """The condition with unknown as false: what WHERE does, for use outside a WHERE."""
    return exp.Coalesce(this=condition, expressions=[exp.false()])


class _Renderer:
    def __init__(self, params: Params, table: str | None) -> None:
        self._params = params
        self._table = table

    def value(self, node: Node) -> exp.Expr:
        """The node as its surroundings may look at it."""
        if node.kind is Kind.NUMBER:
            return self._number(node)
        match node:
            case Truth(value):
                return exp.Boolean(this=value)
            case Text(value):
                return self._params.bind(value, "TEXT")
            case Day(day):
                return self._params.bind(day, "DATE")
            case Read() | Coalesce():
                return self._raw(node)
            case Compare(operator, left, right):
                return _COMPARISONS[operator](this=self._side(left), expression=self._side(right))
            case Among(operand, values):
                listed = [self.value(value) for value in values]
                return exp.In(this=self._side(operand), expressions=listed)
            case Between(operand, low, high):
                return exp.Between(
                    this=self._side(operand), low=self._side(low), high=self._side(high)
                )
            case Prefix(operand, prefix):
                return exp.StartsWith(
                    this=self.value(operand), expression=self._params.bind(prefix, "TEXT")
                )
            case IsNull(operand):
                return exp.Is(this=self._side(operand), expression=exp.null())
            case Not(operand):
                return exp.Not(this=self._side(operand))
            case And(operands):
                return exp.and_(*map(self.value, operands), copy=False)
            case Or(operands):
                return exp.or_(*map(self.value, operands), copy=False)
        raise AssertionError(f"no SQL for {type(node).__name__}")

    def _side(self, node: Node) -> exp.Expr:
        return _closed(self.value(node))

    def _number(self, node: Node) -> exp.Expr:
        """The number where it is looked at: finite or null."""
        if not _may_overflow(node):
            return self._raw(node)
        number = self._raw(node)
        finite = exp.LTE(this=exp.Abs(this=number), expression=self._double(LARGEST))
        return _only_if(finite, number)

    def _divisor(self, node: Node) -> exp.Expr:
        """The number if one can divide by it: finite and not 0."""
        number = self._raw(node)
        usable = exp.Between(
            this=exp.Abs(this=number), low=self._double(SMALLEST), high=self._double(LARGEST)
        )
        return _only_if(usable, number)

    def _double(self, value: float) -> exp.Expr:
        return self._params.bind(value, "DOUBLE")

    def _raw(self, node: Node) -> exp.Expr:
        """The value as the engine computes it: a number may be infinite or NaN."""
        match node:
            case Number(value):
                return self._double(value)
            case Read(attribute):
                column = exp.column(attribute.code, table=self._table, quoted=True)
                return exp.cast(column, SQL_TYPES[node.kind])
            case Arithmetic(operator, left, right):
                return _ARITHMETIC[operator](
                    this=_closed(self._raw(left)),
                    expression=(
                        self._divisor(right) if operator == "/" else _closed(self._raw(right))
                    ),
                )
            case Negate(operand):
                return exp.Neg(this=_closed(self._raw(operand)))
            case DaysSince(operand):
                return self._days_since(operand)
            case Coalesce(operands):
                first, *others = map(self.value, operands)
                return exp.Coalesce(this=first, expressions=others)
        raise AssertionError(f"no SQL for {type(node).__name__}")

    def _days_since(self, operand: Node) -> exp.Expr:
        if self._params.business_date is None:
            raise RuleError("business_date")
        today = self._params.bind(self._params.business_date, "DATE")
        days = exp.DateDiff(this=today, expression=self.value(operand), unit=exp.var("DAY"))
        return exp.cast(days, "DOUBLE")


def _only_if(condition: exp.Expr, value: exp.Expr) -> exp.Expr:
    """The value where the condition holds (NaN is above every number to both engines), else null.

    The value is written twice; `expanded_size` keeps count.
    """
    return exp.Case(ifs=[exp.If(this=condition, true=value.copy())])


def _closed(expression: exp.Expr) -> exp.Expr:
    """The expression so that no neighbour can tear it apart: in brackets unless it is one word."""
    # Not exp.Func: to sqlglot And and Or are functions too.
    if isinstance(expression, exp.Cast | exp.Case | exp.Coalesce | exp.StartsWith | exp.Boolean):
        return expression
    return exp.Paren(this=expression)


def _may_overflow(node: Node) -> bool:
    """Whether a number can come out of the engine infinite or NaN."""
    return isinstance(node, Read | Arithmetic | Negate)


def expanded_size(node: Node) -> int:
    """Parts of the SQL, counting what is written twice: a number where it is looked at, a divisor.

    Division within divisors doubles it at every level; `check` bounds it.
    """

    def looked_at(part: Node) -> int:
        twice = part.kind is Kind.NUMBER and _may_overflow(part)
        return (2 if twice else 1) * computed(part)

    def computed(part: Node) -> int:
        match part:
            case Arithmetic("/", left, right):
                return 1 + computed(left) + 2 * computed(right)
            case Arithmetic() | Negate():
                return 1 + sum(map(computed, part.children))
        return 1 + sum(map(looked_at, part.children))

    return looked_at(node)
