"""One spelling per meaning: what is printed reads back as the same tree."""

import pytest
from hypothesis import HealthCheck, assume, given, settings

from rules import canonical, check, compile_condition
from rules.canonical import canonical_text
from rules.nodes import Node
from rules.parse import MAX_TEXT
from tests.rules.catalogue import CATALOGUE
from tests.rules.strategies import trees


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(trees())
def test_the_canonical_text_reads_back_as_an_equal_tree(tree: Node) -> None:
    text = canonical_text(tree)
    assume(len(text) <= MAX_TEXT)
    assert check(text, CATALOGUE) == tree


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("arpu>=80.0 AND NOT(is_campus)", "arpu >= 80 and not is_campus"),
        ("((arpu != 1e2))", "arpu <> 100"),
        ("not brand in('mzone') or(opted_out)", "brand not in ('mzone') or opted_out"),
        ("(is_campus and opted_out) and true", "is_campus and opted_out and true"),
        ("is_campus and (opted_out or true)", "is_campus and (opted_out or true)"),
        ("not (arpu = 1)", "not (arpu = 1)"),
        ("not\n  not is_campus", "not (not is_campus)"),
        ("-(5) = arpu -(calls-(1))", "-5 = arpu - (calls - 1)"),
        ("handset Like 'O''H%'", "handset like 'O''H%'"),
        ("arpu + (calls + 1) > 0", "arpu + (calls + 1) > 0"),
        ("(arpu + calls) + 1 > 0", "arpu + calls + 1 > 0"),
        ("(arpu is null) = true", "(arpu is null) = true"),
    ],
)
def test_spacing_brackets_and_case_do_not_matter(written: str, printed: str) -> None:
    assert canonical(compile_condition(written, CATALOGUE)) == printed
