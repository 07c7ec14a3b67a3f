"""A rule ready for use, and the two ways to get one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import cast

from sqlglot import exp

from rules.canonical import canonical_text
from rules.catalogue import Catalogue
from rules.closures import Closure, compile_tree
from rules.errors import RuleError, Span
from rules.explain import Sentence, explain_tree
from rules.kinds import Kind, Language
from rules.nodes import Node, attributes_of
from rules.params import Params
from rules.parse import check
from rules.sql import render


@dataclass(frozen=True)
class Rule:
    """A checked expression. Equal when written alike; compare `tree` to compare meaning.

    text        as its author wrote it
    tree        typed nodes
    type        Kind.BOOLEAN for a condition, Kind.NUMBER for a number
    attributes  codes of the attributes it reads, sorted
    """

    text: str
    tree: Node
    type: Kind
    attributes: tuple[str, ...]

    def sql(self, params: Params, table: str | None = None) -> exp.Expr:
        """One SQL expression: boolean or null, finite double or null. Values go to `params`.

        `table` qualifies the columns. Outside a WHERE wrap a condition in `is_true`.
        """
        return render(self.tree, params, table)

    def evaluate(self, row: Mapping[str, object], business_date: date) -> bool | float | None:
        """The value for one customer: True, False or None, or a finite float or None.

        `row` holds every attribute of the rule by code, None where unknown. Raises RuleError
        when one is absent or of another type.
        """
        return cast("bool | float | None", self._evaluate(row, business_date))

    def closure(self) -> Closure:
        """The function behind `evaluate`, for loops: (row, business date) to value."""
        return self._evaluate

    def explain(self, language: Language) -> str:
        """The rule as a sentence in the names, units and labels of the catalogue."""
        return explain_tree(self.tree, language)

    def explain_with(self, row: Mapping[str, object], language: Language) -> str:
        """The same sentence with this customer's values beside each condition."""
        sentence = self._sentences.get(language)
        if sentence is None:
            sentence = self._sentences[language] = Sentence(self.tree, language)
        return sentence.with_values(row)

    @cached_property
    def _sentences(self) -> dict[Language, Sentence]:
        """By language, as they are asked for."""
        return {}

    @cached_property
    def _evaluate(self) -> Closure:
        return compile_tree(self.tree)

    def __getstate__(self) -> dict[str, object]:
        """What is derived on demand stays behind."""
        derived = ("_evaluate", "_sentences")
        return {name: value for name, value in self.__dict__.items() if name not in derived}


def compile_condition(text: str, catalogue: Catalogue) -> Rule:
    """A rule that is true, false or unknown of a customer. Raises RuleError."""
    return _compile(text, catalogue, Kind.BOOLEAN, "not_a_condition")


def compile_number(text: str, catalogue: Catalogue) -> Rule:
    """A rule that yields a finite number or unknown. Raises RuleError."""
    return _compile(text, catalogue, Kind.NUMBER, "not_a_number")


def canonical(rule: Rule) -> str:
    """The rule in its one spelling: compiles to an equal tree, whatever the author's spacing."""
    return canonical_text(rule.tree)


def _compile(text: str, catalogue: Catalogue, wanted: Kind, refusal: str) -> Rule:
    tree = check(text, catalogue)
    if tree.kind is not wanted:
        raise RuleError(refusal, Span(0, len(text)), found=tree.kind).located(text)
    codes = tuple(sorted(attribute.code for attribute in attributes_of(tree)))
    return Rule(text, tree, tree.kind, codes)
