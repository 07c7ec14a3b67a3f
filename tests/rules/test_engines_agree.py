"""Law: one tree, one meaning. The reference evaluator, the closures and DuckDB never differ."""

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules import Rule, reference
from rules.canonical import canonical_text
from rules.nodes import Node
from tests.rules.catalogue import CATALOGUE, TODAY
from tests.rules.engines import Row, run_duckdb, same
from tests.rules.strategies import Maker, rows, rule_of, trees


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(trees(), st.lists(rows(), min_size=1, max_size=5))
def test_closures_agree_with_the_reference(tree: Node, table: list[Row]) -> None:
    closure = rule_of(tree).closure()
    for row in table:
        found, expected = closure(row, TODAY), reference.evaluate(tree, row, TODAY)
        assert same(found, expected), (canonical_text(tree), row, found, expected)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(trees(), st.lists(rows(), min_size=1, max_size=5))
def test_duckdb_agrees_on_one_rule(tree: Node, table: list[Row]) -> None:
    """Few rules, but these shrink: a failure here is small enough to read."""
    assert_duckdb_agrees([rule_of(tree)], table)


def test_duckdb_agrees_on_many_rules_and_customers() -> None:
    maker = Maker(Random(20260131))
    rules = [rule_of(maker.tree()) for _ in range(500)]
    table = [maker.row() for _ in range(60)]
    for start in range(0, len(rules), 50):
        assert_duckdb_agrees(rules[start : start + 50], table)


def assert_duckdb_agrees(rules: list[Rule], table: list[Row]) -> None:
    results = run_duckdb(rules, table, CATALOGUE, TODAY)
    for row, found in zip(table, results, strict=True):
        for rule, value in zip(rules, found, strict=True):
            expected = reference.evaluate(rule.tree, row, TODAY)
            assert same(value, expected), (rule.text, row, value, expected)
