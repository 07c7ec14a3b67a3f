"""Eligibility, cities and priority as columns: each distinct condition is computed once.

A rule is cut into its conjuncts, and equal conjuncts of all rules share a column: two hundred
policies ask the same few dozen questions. By SQL's logic a conjunction is true exactly when every
conjunct is, so nothing is lost; unknown counts as not true.
"""

from collections.abc import Iterable
from dataclasses import replace

from rules import Catalogue, Params, Rule, canonical, compile_condition, is_true
from rules.nodes import And, attributes_of

from . import trees
from .trees import Tree

ALWAYS: frozenset[str] = frozenset()


class Conditions:
    """The distinct conjuncts met so far, each with the name of its column."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._columns: dict[str, tuple[str, Rule]] = {}
        self._known: dict[str, frozenset[str]] = {"": ALWAYS}

    def of(self, text: str) -> frozenset[str]:
        """The columns that must all be true for the condition to be; "" is always true."""
        if text not in self._known:
            rule = compile_condition(text, self._catalogue)
            self._known[text] = frozenset(map(self._column, _conjuncts(rule)))
        return self._known[text]

    def of_cities(self, cities: Iterable[str]) -> frozenset[str]:
        """The same for being a customer of one of these cities; none named is always true."""
        listed = ", ".join("'" + city.replace("'", "''") + "'" for city in sorted(cities))
        return self.of(f"city in ({listed})") if listed else ALWAYS

    def columns(self, params: Params, table: str) -> list[Tree]:
        """Every conjunct as a boolean column, never null."""
        return [
            trees.named(is_true(rule.sql(params, table)), name)
            for name, rule in self._columns.values()
        ]

    @property
    def attributes(self) -> set[str]:
        return {code for _name, rule in self._columns.values() for code in rule.attributes}

    def _column(self, conjunct: Rule) -> str:
        key = canonical(conjunct)
        if key not in self._columns:
            self._columns[key] = (f"if_{len(self._columns)}", conjunct)
        return self._columns[key][0]


def _conjuncts(rule: Rule) -> list[Rule]:
    parts = rule.tree.operands if isinstance(rule.tree, And) else (rule.tree,)
    codes = [tuple(sorted(a.code for a in attributes_of(part))) for part in parts]
    return [
        replace(rule, tree=part, attributes=read) for part, read in zip(parts, codes, strict=True)
    ]
