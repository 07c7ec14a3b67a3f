"""Building blocks of the matching query, which every dialect renders to the same meaning.

Arrays count from 1. Whole numbers that index arrays or shift bits are INT: Spark takes no others.
"""

from collections.abc import Callable, Iterable

from sqlglot import exp

Tree = exp.Expression


def column(name: str, table: str | None = None) -> exp.Column:
    return exp.column(name, table=table, quoted=True)


def named(tree: Tree, name: str) -> exp.Alias:
    return exp.alias_(tree, name, quoted=True)


def layer(inner: exp.Select, name: str, *columns: Tree) -> exp.Select:
    """SELECT columns FROM (inner) AS name. ``inner`` is used up, not copied."""
    alias = exp.to_identifier(name, quoted=True)
    return exp.select(*columns, copy=False).from_(inner.subquery(alias, copy=False), copy=False)


def joined(tree: exp.Select, other: str, on: Tree | None, alias: str = "") -> exp.Select:
    """``tree`` with another table beside it, row by row where ``on`` holds; without it, whole."""
    table = exp.to_table(other, alias=exp.to_identifier(alias or other, quoted=True))
    return tree.join(table, on=on, join_type="left" if on else "cross", copy=False)


def whole(value: int) -> Tree:
    return exp.cast(exp.Literal.number(value), "BIGINT")


def small(value: int) -> Tree:
    return exp.cast(exp.Literal.number(value), "INT")


def double(value: float) -> Tree:
    return exp.cast(exp.Literal.number(value), "DOUBLE")


def decimal(tree: Tree, type_: str) -> Tree:
    """The tree as a decimal, null where it does not fit."""
    return exp.TryCast(this=tree, to=exp.DataType.build(type_), safe=True)


def text(tree: Tree) -> Tree:
    return exp.cast(tree, "TEXT")


def times(left: Tree, right: Tree) -> Tree:
    return exp.paren(exp.Mul(this=left, expression=right))


def plus(left: Tree, right: Tree) -> Tree:
    return exp.paren(exp.Add(this=left, expression=right))


def minus(left: Tree, right: Tree) -> Tree:
    return exp.paren(exp.Sub(this=left, expression=right))


def divided(left: Tree, right: Tree) -> Tree:
    """The quotient of two doubles."""
    return exp.paren(exp.Div(this=left, expression=right))


def quotient(left: Tree, right: Tree) -> Tree:
    """The whole part of a quotient of whole numbers that are not negative."""
    return exp.paren(exp.IntDiv(this=left, expression=right))


def remainder(left: Tree, right: Tree) -> Tree:
    return exp.paren(exp.Mod(this=left, expression=right))


def nearest(tree: Tree) -> Tree:
    """The nearest whole number of a double; halves go up."""
    return exp.cast(exp.Floor(this=plus(tree, double(0.5))), "BIGINT")


def when(*cases: tuple[Tree, Tree], otherwise: Tree) -> Tree:
    return exp.Case(
        ifs=[exp.If(this=condition, true=value) for condition, value in cases], default=otherwise
    )


def coalesce(tree: Tree, other: Tree) -> Tree:
    return exp.Coalesce(this=tree, expressions=[other])


# --- arrays ---


def array(items: Iterable[Tree], item_type: str) -> Tree:
    return exp.cast(exp.Array(expressions=list(items)), f"ARRAY<{item_type}>")


def item(array_: Tree, index: Tree) -> Tree:
    return exp.func("element_at", array_, index, dialect="spark")


def size(array_: Tree) -> Tree:
    return exp.cast(exp.ArraySize(this=array_), "INT")


def each(array_: Tree, variable: str, body: Callable[[Tree], Tree]) -> Tree:
    return exp.Transform(this=array_, expression=_function(variable, body))


def keep(array_: Tree, variable: str, condition: Callable[[Tree], Tree]) -> Tree:
    return exp.ArrayFilter(this=array_, expression=_function(variable, condition))


def sort(array_: Tree) -> Tree:
    return exp.func("array_sort", array_)


def distinct(array_: Tree) -> Tree:
    return exp.ArrayDistinct(this=array_)


def chain(first: Tree, *others: Tree) -> Tree:
    """One array of several."""
    for other in others:
        first = exp.ArrayConcat(this=first, expressions=[other])
    return first


def position(array_: Tree, value: Tree) -> Tree:
    """Where the value first stands."""
    return exp.func("array_position", array_, value)


def glued(array_: Tree, separator: str) -> Tree:
    return exp.func("array_join", array_, exp.Literal.string(separator), dialect="spark")


def together(separator: str, *texts: Tree) -> Tree:
    """The texts with a separator between them; nulls are left out."""
    return exp.func("concat_ws", exp.Literal.string(separator), *texts, dialect="duckdb")


def glue(*texts: Tree) -> Tree:
    """The texts one after another; nulls are left out."""
    return exp.Concat(expressions=list(texts), safe=False, coalesce=True)


def up_to(last: Tree) -> Tree:
    """The array 1 … last; ``last`` must be at least 1."""
    return exp.GenerateSeries(start=small(1), end=last)


def _function(variable: str, body: Callable[[Tree], Tree]) -> exp.Lambda:
    name = exp.to_identifier(variable)
    return exp.Lambda(this=body(exp.column(variable)), expressions=[name])
