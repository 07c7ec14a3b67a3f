"""The language by example, on every reading of a rule."""

from pathlib import Path

import pytest

from rules import Kind, Rule, check, reference
from tests.rules.catalogue import CATALOGUE, ROW, TODAY
from tests.rules.engines import run_duckdb, same
from tests.rules.spec import SPEC, Example, markdown
from tests.rules.strategies import rule_of

EXAMPLES = [example for examples in SPEC.values() for example in examples]


def rule(expression: str) -> Rule:
    return rule_of(check(expression, CATALOGUE))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.expression)
def test_the_evaluator_and_its_reference_give_the_stated_result(example: Example) -> None:
    row = {**ROW, **example.values}
    found = rule(example.expression)
    assert same(found.evaluate(row, TODAY), example.result)
    assert same(reference.evaluate(found.tree, row, TODAY), example.result)


def test_duckdb_gives_the_stated_results() -> None:
    for example in EXAMPLES:
        row = {**ROW, **example.values}
        ((found,),) = run_duckdb([rule(example.expression)], [row], CATALOGUE, TODAY)
        assert same(found, example.result), example


def test_every_kind_of_rule_has_examples() -> None:
    kinds = {rule(example.expression).type for example in EXAMPLES}
    assert kinds == {Kind.BOOLEAN, Kind.NUMBER}


def test_the_documentation_shows_these_examples() -> None:
    page = Path(__file__, "../../../docs/rules.md").resolve().read_text(encoding="utf-8")
    assert markdown() in page, "docs/rules.md: paste tests.rules.spec.markdown() anew"
