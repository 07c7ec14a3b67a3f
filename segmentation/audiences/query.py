"""All sets of a day as one query over a table of customers.

    numbers     every number that rules look at, null unless finite
    facts       every distinct condition of the rules, false where it is unknown
    level 1     the sets that are made of these and of boxes, lists and cities alone
    level 2 …   the sets that name sets of the levels before

A rule is true exactly when the truths of its conditions, joined by its own *and* and *or*, are: SQL
loses nothing when unknown becomes false below them instead of above. So no column is null, a
condition is computed once for all rules that make it, and the rest is a few bits per set.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import sqlglot
from sqlglot import exp

from customers.catalogue import compiled
from rules import Catalogue, Params, Rule, canonical, compile_condition, is_true
from rules.nodes import And, Or

from ..bands import SOURCE, column
from ..keys import ROW
from ..reading import CITY
from .in_use import SetInUse, SetsInUse
from .sets import LIST, MARK, AllOf, AnyOf, But, InCells, NamedSet, Node, OfRule, Ref, references


class MemberQuery:
    """``held_lists``: the lists that hold anybody today; another one is expired.

    SOURCE has ROW, the attributes that rules read, CITY, and truths never null: ``box_column`` of
    every box, ``list_column`` of every list held.
    """

    def __init__(
        self, used: SetsInUse, catalogue: Catalogue, params: Params, held_lists: Sequence[str]
    ) -> None:
        self._used = used
        self._catalogue = catalogue
        self._params = params
        self._held = frozenset(held_lists)
        self._truths: dict[str, None] = {}  # truths of SOURCE that are passed on, in order
        self._facts: dict[exp.Expression, str] = {}
        self._conditions: dict[Ref, exp.Expression] = {
            it.ref: self._condition(it) for it in used.sets
        }
        self.tree = self._tree()

    @property
    def columns(self) -> list[str]:
        """The sets as columns: marks, then audiences, by code."""
        return [
            it.column for it in sorted(self._used.sets, key=lambda it: (it.kind != MARK, it.code))
        ]

    # --- one set, over the columns of facts and truths, and of the levels before its own ---

    def _condition(self, it: SetInUse) -> exp.Expression:
        if not it.city:
            return self._of(it.node)
        home = column(CITY, SOURCE).eq(self._params.bind(it.city, "TEXT"))
        return exp.and_(self._of(it.node), self._fact(home))

    def _of(self, node: Node) -> exp.Expression:
        match node:
            case AnyOf(sets):
                return exp.paren(exp.or_(*map(self._of, sets)))
            case AllOf(sets):
                return exp.paren(exp.and_(*map(self._of, sets)))
            case But():
                others = exp.or_(*map(self._of, node.without))
                return exp.paren(exp.and_(self._of(node.whole), exp.not_(exp.paren(others))))
            case OfRule(text):
                rule = compiled(compile_condition, text, self._catalogue)
                # In its one spelling, so that conditions written unlike are still one.
                return self._rule(compiled(compile_condition, canonical(rule), self._catalogue))
            case InCells():
                return self._truth(box_column(node))
            case NamedSet(kind, code) if kind != LIST:
                return exp.column(f"{kind}_{code}", quoted=True)
            case NamedSet(_kind, code) if code in self._held:
                return self._truth(list_column(code))
        return exp.false()  # a list that has expired

    def _rule(self, rule: Rule) -> exp.Expression:
        match rule.tree:
            case And(operands):
                parts = [self._rule(replace(rule, tree=operand)) for operand in operands]
                return exp.paren(exp.and_(*parts))
            case Or(operands):
                parts = [self._rule(replace(rule, tree=operand)) for operand in operands]
                return exp.paren(exp.or_(*parts))
        return self._fact(rule.sql(self._params, SOURCE))

    def _truth(self, name: str) -> exp.Expression:
        self._truths[name] = None
        return exp.column(name, quoted=True)

    def _fact(self, condition: exp.Expression) -> exp.Expression:
        return _named(is_true(condition), self._facts, "fact")

    # --- all sets ---

    def _tree(self) -> exp.Select:
        tree = self._leaves()
        carried = [*self._truths, *self._facts.values()]
        levels: dict[str, int] = {}
        for it in self._used.sets:
            levels[it.column] = 1 + max((levels[name] for name in _needs(it)), default=0)
        for level in sorted(set(levels.values())):
            now = [it for it in self._used.sets if levels[it.column] == level]
            new = {it.column: self._conditions[it.ref] for it in now}
            tree = _layer(tree, [ROW, *carried], new, f"level {level}")
            carried += new
        return _layer(tree, [ROW, *self.columns], {}, "members")

    def _leaves(self) -> exp.Select:
        """ROW, every truth and every fact by name."""
        numbers: dict[exp.Expression, str] = {}
        facts = {
            name: _hoisted(tree, _is_number, numbers, "number")
            for tree, name in self._facts.items()
        }
        read = {c.name for tree in facts.values() for c in tree.find_all(exp.Column)}
        kept = [ROW, *self._truths, *sorted(read - set(numbers.values()))]
        own = [exp.column(name, quoted=True) for name in kept]
        looked_at = [exp.alias_(tree, name, quoted=True) for tree, name in numbers.items()]
        tree = sqlglot.select(*own, *looked_at).from_(SOURCE)
        return _layer(tree, [ROW, *self._truths], facts, SOURCE)


def _named(tree: exp.Expression, names: dict[exp.Expression, str], what: str) -> exp.Column:
    """The column that the tree is computed as; equal trees have one."""
    return exp.column(names.setdefault(tree, f"{what} {len(names)}"), quoted=True)


def _layer(
    inner: exp.Select, kept: Sequence[str], new: Mapping[str, exp.Expression], name: str
) -> exp.Select:
    columns = [exp.column(it, quoted=True) for it in kept]
    columns += [exp.alias_(tree, it, quoted=True) for it, tree in new.items()]
    return sqlglot.select(*columns).from_(inner.subquery(exp.to_identifier(name, quoted=True)))


def _hoisted(
    tree: exp.Expression,
    wanted: Callable[[exp.Expression], bool],
    names: dict[exp.Expression, str],
    what: str,
) -> exp.Expression:
    """The tree with columns of the layer below in place of the parts that are wanted."""

    def replaced(part: exp.Expression) -> exp.Expression:
        return column(_named(part, names, what).name, SOURCE) if wanted(part) else part

    return tree.transform(replaced)


def _is_number(tree: exp.Expression) -> bool:
    """A number where a rule looks at it, null unless finite: the engine shares no CASE itself."""
    return isinstance(tree, exp.Case)


def _needs(it: SetInUse) -> set[str]:
    return {f"{kind}_{code}" for kind, code in references(it.node) if kind != LIST}


def box_column(leaf: InCells) -> str:
    """The column of SOURCE that says whether the customer's cell is in the box."""
    bands = "; ".join(f"{code}={'|'.join(bands)}" for code, bands in leaf.box)
    return f"in {leaf.matrix}: {bands}"


def list_column(code: str) -> str:
    """The column of SOURCE that says whether the customer is on the list."""
    return f"on {code}"
