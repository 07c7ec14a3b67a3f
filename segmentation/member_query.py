"""All sets of a day as one query over a table of customers: each distinct leaf computed once.

    found       every box of cells, list and city says of him whether he is in it; his numbers, each
                looked at once for whether it is finite
    compared    the comparisons that several rules make
    ruled       what every rule says
    level 1     the sets that are made of these alone
    level 2 …   the sets that name sets of the levels before

A box of cells is looked up in a small table of the matrix's cells; a list is a join on the
customer's number. No leaf is null: what is unknown of a customer does not put him into a set.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import sqlglot
from sqlglot import exp

from rules import Catalogue, Params, canonical, is_true

from .audience_checks import compiled
from .bands import SOURCE, column
from .keys import ROW, cell_column
from .member_sets import SetInUse, SetsInUse
from .parts import CITY, CUSTOMER
from .sets import (
    LIST,
    MARK,
    AllOf,
    AnyOf,
    But,
    InCells,
    NamedSet,
    Node,
    OfRule,
    Ref,
    references,
)


@dataclass(frozen=True)
class Boxes:
    """The boxes of one matrix: ``table`` has ``cell`` and one truth per box, true inside it."""

    matrix: str
    table: pa.Table
    place: int

    @property
    def name(self) -> str:
        return f"cells_{self.place}"


class MemberQuery:
    """``boxes``: by matrix; ``held_lists``: the lists that hold anybody today, by code.

    SOURCE has ROW, the customer's number where lists are asked, the attributes that rules read, and
    the column of cells of every matrix in ``boxes``.
    """

    def __init__(
        self,
        used: SetsInUse,
        catalogue: Catalogue,
        params: Params,
        boxes: Mapping[str, Boxes],
        held_lists: Collection[str],
    ) -> None:
        self._used = used
        self._catalogue = catalogue
        self._params = params
        self._boxes = boxes
        self._held = sorted(held_lists)
        self._found: dict[exp.Expression, str] = {}
        self._rules: dict[exp.Expression, str] = {}
        self._conditions: dict[Ref, exp.Expression] = {
            it.ref: self._condition(it) for it in used.sets
        }
        self.tree = self._tree()

    def list_name(self, code: str) -> str:
        return f"list_{self._held.index(code)}"

    # --- one set ---

    def _condition(self, it: SetInUse) -> exp.Expression:
        """The set over the columns of leaves and of the levels before its own."""
        condition = self._of(it.node)
        if it.city:
            home = column(CITY, SOURCE).eq(self._params.bind(it.city, "TEXT"))
            condition = exp.and_(condition, _named(is_true(home), self._found, "found"))
        return condition

    def _of(self, node: Node) -> exp.Expression:
        match node:
            case AnyOf(sets):
                return exp.paren(exp.or_(*map(self._of, sets)))
            case AllOf(sets):
                return exp.paren(exp.and_(*map(self._of, sets)))
            case But():
                others = exp.or_(*map(self._of, node.without))
                return exp.paren(exp.and_(self._of(node.whole), exp.not_(exp.paren(others))))
            case NamedSet() if node.kind != LIST:
                return exp.column(f"{node.kind}_{node.code}", quoted=True)
        if isinstance(node, OfRule):
            return _named(self._rule(node), self._rules, "rule")
        return _named(self._membership(node), self._found, "found")

    def _rule(self, leaf: OfRule) -> exp.Expression:
        """In its one spelling, so that a rule is computed once however it is written."""
        rule = compiled(leaf.rule, self._catalogue)
        return is_true(compiled(canonical(rule), self._catalogue).sql(self._params, SOURCE))

    def _membership(self, leaf: Node) -> exp.Expression:
        match leaf:
            case InCells():
                return is_true(column(box_column(leaf), self._boxes[leaf.matrix].name))
            case NamedSet(_kind, code) if code in self._held:
                found = column(CUSTOMER, self.list_name(code))
                return exp.not_(exp.Is(this=found, expression=exp.null()))
        return exp.false()  # a list that has expired

    # --- all sets ---

    def _tree(self) -> exp.Select:
        tree = self._leaves()
        carried = [*self._found.values(), *self._rules.values()]
        levels: dict[str, int] = {}
        for it in self._used.sets:
            levels[it.column] = 1 + max((levels[name] for name in _needs(it)), default=0)
        for level in sorted(set(levels.values())):
            now = [it for it in self._used.sets if levels[it.column] == level]
            new = {it.column: self._conditions[it.ref] for it in now}
            tree = _layer(tree, [ROW, *carried], new, f"level {level}")
            carried += new
        return _layer(tree, [ROW, *self.columns], {}, "members")

    @property
    def columns(self) -> list[str]:
        """The sets as columns: marks, then audiences, by code."""
        return [
            it.column for it in sorted(self._used.sets, key=lambda it: (it.kind != MARK, it.code))
        ]

    def _leaves(self) -> exp.Select:
        """ROW and every leaf by name."""
        rules = list(self._rules)
        numbers: dict[exp.Expression, str] = {}
        rules = [_hoisted(rule, _is_number, numbers, "number") for rule in rules]
        shared: dict[exp.Expression, str] = {}
        made = Counter(tree for rule in rules for tree in rule.find_all(exp.Predicate))
        rules = [
            _hoisted(rule, lambda tree: made[tree] > 1, shared, "comparison") for rule in rules
        ]
        kept = [ROW, *self._found.values()]
        read = sorted({c.name for rule in [*rules, *shared] for c in rule.find_all(exp.Column)})
        raw = [name for name in read if name not in {*numbers.values(), *shared.values()}]
        tree = self._joined(
            [ROW, *raw], {n: t for t, n in [*self._found.items(), *numbers.items()]}
        )
        kept += [*raw, *numbers.values()]
        tree = _layer(tree, kept, {name: part for part, name in shared.items()}, SOURCE)
        kept += shared.values()
        named = dict(zip(self._rules.values(), rules, strict=True))
        return _layer(tree, kept, named, SOURCE)

    def _joined(self, own: Sequence[str], new: Mapping[str, exp.Expression]) -> exp.Select:
        """SOURCE with the small tables beside it."""
        columns = [exp.alias_(column(name, SOURCE), name, quoted=True) for name in own]
        columns += [exp.alias_(tree, name, quoted=True) for name, tree in new.items()]
        tree = sqlglot.select(*columns).from_(SOURCE)
        for boxes in self._boxes.values():
            here = column(cell_column(boxes.matrix), SOURCE)
            tree = tree.join(boxes.name, on=here.eq(column("cell", boxes.name)), join_type="left")
        for code in self._held:
            name = self.list_name(code)
            same = column(CUSTOMER, SOURCE).eq(column(CUSTOMER, name))
            tree = tree.join(name, on=same, join_type="left")
        return tree


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
    """The tree with columns of a layer below in place of the parts that are wanted."""

    def replaced(part: exp.Expression) -> exp.Expression:
        if not wanted(part):
            return part
        return column(_named(part, names, what).name, SOURCE)

    return tree.transform(replaced)


def _is_number(tree: exp.Expression) -> bool:
    """A number where a rule looks at it, null unless finite: the engine shares no CASE itself."""
    return isinstance(tree, exp.Case)


def _needs(it: SetInUse) -> set[str]:
    return {f"{kind}_{code}" for kind, code in references(it.node) if kind != LIST}


def box_column(leaf: InCells) -> str:
    """The column of the matrix's small table that says which cells are in the box."""
    return "in " + ("; ".join(f"{code}={'|'.join(bands)}" for code, bands in leaf.box) or "any")
