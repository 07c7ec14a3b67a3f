"""A flat row of operands and operators to a tree, by SQL's precedence.

sqlglot decides precedence, and nothing else: it is handed numbered operands between operators of
ours, so that neither names nor values nor nesting ever reach it. (Nested, it spends up to 29
Python frames per bracket: how deep a rule may be would hang on who calls.) What comes back is
admitted class by class and argument by argument: a class or a populated argument not listed here
is refused, so that another version of sqlglot cannot widen the language behind our back.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token, TokenType

from rules import nodes
from rules.errors import RuleError, Span
from rules.kinds import Kind
from rules.lexer import Word
from rules.nodes import Node


@dataclass(frozen=True, slots=True)
class Values:
    """The literals in the bracket after `in`."""

    literals: tuple[nodes.LiteralValue, ...]
    span: Span


Item = Node | Values | Word  # a Word is an operator

_TOKENS = {
    "and": TokenType.AND,
    "or": TokenType.OR,
    "not": TokenType.NOT,
    "in": TokenType.IN,
    "between": TokenType.BETWEEN,
    "like": TokenType.LIKE,
    "is": TokenType.IS,
    "null": TokenType.NULL,
    "=": TokenType.EQ,
    "<>": TokenType.NEQ,
    "<": TokenType.LT,
    "<=": TokenType.LTE,
    ">": TokenType.GT,
    ">=": TokenType.GTE,
    "+": TokenType.PLUS,
    "-": TokenType.DASH,
    "*": TokenType.STAR,
    "/": TokenType.SLASH,
}

_CALCULATING = ("+", "-", "*", "/")

_COMPARISONS: dict[type[exp.Expr], nodes.ComparisonOperator] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_ARITHMETIC: dict[type[exp.Expr], nodes.ArithmeticOperator] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
}

_ADMITTED: dict[type[exp.Expr], frozenset[str]] = {
    **dict.fromkeys([*_COMPARISONS, *_ARITHMETIC], frozenset(["this", "expression"])),
    **dict.fromkeys([exp.And, exp.Or, exp.Is], frozenset(["this", "expression"])),
    exp.Like: frozenset(["this", "expression", "negate"]),
    **dict.fromkeys([exp.Not, exp.Neg, exp.Column], frozenset(["this"])),
    exp.In: frozenset(["this", "expressions"]),
    exp.Between: frozenset(["this", "low", "high"]),
    exp.Identifier: frozenset(["this", "quoted"]),
    exp.Null: frozenset(),
}


def tree_of(items: list[Item]) -> Node:
    """The node that a row means. Raises RuleError where precedence leaves doubt."""
    _check_ranges(items)
    tokens = [token for index, item in enumerate(items) for token in _tokens(index, item)]
    try:
        (expression,) = Parser().parse(tokens, "")
    except ParseError as error:
        index = (error.errors[0].get("col") if error.errors else 0) or 0
        raise _unreadable(items[min(index, len(items) - 1)]) from None
    if expression is None:
        raise _unreadable(items[0])
    return _Translation(items).node(expression)


def _check_ranges(items: list[Item]) -> None:
    """Every between has its and: sqlglot takes some that have none for something else."""
    for index, item in enumerate(items):
        if isinstance(item, Word) and item.text == "between":
            words = [word for word in items[index + 1 :] if isinstance(word, Word)]
            follower = next((word for word in words if word.text not in _CALCULATING), None)
            if follower is None or follower.text != "and":
                raise RuleError("between", item.span)


def _unreadable(item: Item) -> RuleError:
    return RuleError("syntax", item.span, shown=item.text if isinstance(item, Word) else "…")


def _tokens(index: int, item: Item) -> Iterator[Token]:
    """An operand travels under its number; a token's column leads an error back to its item."""
    if isinstance(item, Word):
        yield Token(_TOKENS[item.text], item.text, col=index)
        return
    name = Token(TokenType.IDENTIFIER, f"p{index}", col=index)
    if isinstance(item, Values):
        yield Token(TokenType.L_PAREN, "(", col=index)
        yield name
        yield Token(TokenType.R_PAREN, ")", col=index)
    else:
        yield name


class _Translation:
    """sqlglot's tree to ours, over the operands that its columns stand for."""

    def __init__(self, items: list[Item]) -> None:
        self._items = items

    def node(self, expression: exp.Expr) -> Node:
        """The node of one expression. Raises RuleError for a class that is not admitted."""
        admit(expression)
        match expression:
            case exp.Column():
                return self._operand(expression)
            case exp.And() | exp.Or():
                return self._junction(expression)
            case exp.Not():
                operand = self.node(expression.this)
                return nodes.Not(operand, span=operand.span)
            case exp.Neg():
                return self._negative(expression)
            case exp.Is():
                return self._is_null(expression)
            case exp.In():
                return self._among(expression)
            case exp.Between():
                return self._between(expression)
            case exp.Like():
                return self._prefix(expression)
        left, right = self._side(expression.this), self._side(expression.expression)
        span = left.span.to(right.span)
        if operator := _ARITHMETIC.get(type(expression)):
            return nodes.Arithmetic(operator, left, right, span=span)
        return nodes.Compare(_COMPARISONS[type(expression)], left, right, span=span)

    def _item(self, column: exp.Expr) -> Node | Values:
        admit(column)
        admit(column.this)
        item = self._items[int(column.this.this.removeprefix("p"))]
        assert not isinstance(item, Word)
        return item

    def _operand(self, column: exp.Expr) -> Node:
        item = self._item(column)
        if isinstance(item, Values):
            raise RuleError("list_place", item.span)
        return item

    def _side(self, expression: exp.Expr) -> Node:
        """An operand of anything but and, or, not: a bare condition here is read differently by
        different dialects (`a = b is null`, `a < b < c`), so it must stand in brackets."""
        if type(expression) is exp.Paren:  # sqlglot's own, round `is null` beside a comparison
            raise RuleError("ambiguous", self.node(expression.this).span)
        node = self.node(expression)
        if node.kind is Kind.BOOLEAN and type(expression) is not exp.Column:
            raise RuleError("ambiguous", node.span)
        return node

    def _junction(self, expression: exp.Expr) -> Node:
        kind = nodes.And if type(expression) is exp.And else nodes.Or
        operands: list[Node] = []
        waiting = [expression]
        while waiting:  # a loop: hundreds of conditions in a row are no depth
            part = waiting.pop()
            if type(part) is type(expression):
                admit(part)
                waiting += [part.expression, part.this]
                continue
            operand = self.node(part)
            operands += operand.operands if isinstance(operand, kind) else [operand]
        return kind(tuple(operands), span=operands[0].span.to(operands[-1].span))

    def _negative(self, expression: exp.Expr) -> Node:
        operand = self._side(expression.this)
        if isinstance(operand, nodes.Number):
            return nodes.Number(-operand.value, span=operand.span)
        return nodes.Negate(operand, span=operand.span)

    def _is_null(self, expression: exp.Expr) -> Node:
        admit(expression.expression)
        if type(expression.expression) is not exp.Null:
            raise RuleError("is_null", self.node(expression.expression).span)
        operand = self._side(expression.this)
        return nodes.IsNull(operand, span=operand.span)

    def _among(self, expression: exp.Expr) -> Node:
        operand = self._side(expression.this)
        (column,) = expression.expressions
        values = self._item(column)
        if not isinstance(values, Values):
            raise RuleError("list_place", values.span)
        return nodes.Among(operand, values.literals, span=operand.span.to(values.span))

    def _between(self, expression: exp.Expr) -> Node:
        operand, low, high = (self._side(expression.args[name]) for name in ("this", "low", "high"))
        return nodes.Between(operand, low, high, span=operand.span.to(high.span))

    def _prefix(self, expression: exp.Expr) -> Node:
        operand, pattern = self._side(expression.this), self._side(expression.expression)
        if not isinstance(pattern, nodes.Text) or pattern.value[-1:] != "%":
            raise RuleError("like_pattern", pattern.span)
        begins = nodes.Prefix(operand, pattern.value[:-1], span=pattern.span)
        # `not like` alone comes as an argument; `not in` and `not between` come as Not.
        return nodes.Not(begins, span=begins.span) if expression.args.get("negate") else begins


def admit(expression: exp.Expr) -> None:
    """Refuse a class, or a populated argument of a class, that the language does not have."""
    allowed = _ADMITTED.get(type(expression))
    if allowed is None:
        raise RuleError("not_allowed", shown=expression.key)
    for name, value in expression.args.items():
        populated = value is not None and value is not False and value != []
        if populated and name not in allowed:
            raise RuleError("not_allowed", shown=f"{expression.key} {name}")
