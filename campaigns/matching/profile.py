"""The customer's attributes as one JSON text, the same to the letter in every engine.

It is compact (unknown values are left out) and fit for comparing: the text of a value depends on
the value alone, and a change beyond the sixth decimal is none.
"""

from collections.abc import Iterable

from sqlglot import exp

from campaigns.planned import PlannedAttribute
from rules import Params

from . import trees
from .trees import Tree

FEN = "DECIMAL(18, 2)"
MILLIONTHS = "DECIMAL(18, 6)"
MOST_WITH_MILLIONTHS = 1e12
CONTROL = "".join(map(chr, range(1, 32)))


def profile(attributes: Iterable[PlannedAttribute], params: Params, table: str) -> Tree:
    """The object ``{"arpu":88.50,"brand":"gotone","is_campus":true}``."""
    members = [
        piece for a in attributes for piece in _member(a, trees.column(a.code, table), params)
    ]
    if not members:
        return exp.Literal.string("{}")
    # Every member begins with a comma; the first one's is cut off.
    inner = exp.func("substring", trees.glue(*members), trees.small(2))
    return trees.glue(exp.Literal.string("{"), inner, exp.Literal.string("}"))


def _member(attribute: PlannedAttribute, value: Tree, params: Params) -> list[Tree]:
    """The pieces of ``,"code":value``, all null or empty where the value is unknown."""
    name = f',"{attribute.code}":'
    match attribute.type:
        case "integer":
            return _unless_null(name, trees.text(value))
        case "number":
            return _unless_null(name, _number(value))
        case "boolean":
            yes, no = exp.Literal.string(name + "true"), exp.Literal.string(name + "false")
            return [
                trees.when((value, yes), (exp.Not(this=value.copy()), no), otherwise=exp.null())
            ]
        case "date" | "category":
            # A category is one of its codes, which hold nothing that JSON would escape.
            return _unless_null(name, trees.text(value), '"')
        case _:
            return _unless_null(name, _escaped(value, params), '"')


def _unless_null(name: str, shown: Tree, quote: str = "") -> list[Tree]:
    known = exp.Not(this=exp.Is(this=exp.paren(shown), expression=exp.null()))
    before = trees.when((known, exp.Literal.string(name + quote)), otherwise=exp.null())
    if not quote:
        return [before, shown.copy()]
    after = trees.when((known.copy(), exp.Literal.string(quote)), otherwise=exp.null())
    return [before, shown.copy(), after]


def _number(value: Tree) -> Tree:
    """With two decimals where they are exact, else six: money is yuan and fen.

    NaN and infinities are unknown, and so is what no attribute of a customer reaches: 10^16, or
    10^12 with more than two decimals.
    """
    fen = trees.decimal(value, FEN)
    exact = exp.EQ(this=exp.cast(fen, "DOUBLE"), expression=value.copy())
    size = exp.LT(this=exp.Abs(this=value.copy()), expression=trees.double(MOST_WITH_MILLIONTHS))
    # Rounded as a double first: engines differ in how they round a double to a decimal.
    parts = trees.nearest(trees.times(value.copy(), trees.double(1e6)))
    millionths = trees.divided(exp.cast(parts, "DOUBLE"), trees.double(1e6))
    return trees.when(
        (exact, trees.text(fen.copy())),
        (size, trees.text(trees.decimal(millionths, MILLIONTHS))),
        otherwise=exp.null(),
    )


def _escaped(value: Tree, params: Params) -> Tree:
    """Backslash and quote escaped; control characters, which no rule can name, become spaces."""
    spaced = exp.func(
        "translate", value, params.bind(CONTROL, "TEXT"), params.bind(" " * len(CONTROL), "TEXT")
    )
    for mark in ("\\", '"'):
        spaced = exp.func(
            "replace", spaced, params.bind(mark, "TEXT"), params.bind("\\" + mark, "TEXT")
        )
    return spaced
