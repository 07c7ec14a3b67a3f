"""A rule on one customer: what a row must hold and how its values are read."""

import pickle
from datetime import datetime
from decimal import Decimal

import pytest

from rules import RuleError, compile_condition, compile_number
from tests.rules.catalogue import CATALOGUE, ROW, TODAY


def test_a_missing_attribute_is_not_the_same_as_an_unknown_one() -> None:
    rule = compile_condition("arpu > 80", CATALOGUE)
    assert rule.evaluate({"arpu": None}, TODAY) is None
    with pytest.raises(RuleError) as caught:
        rule.evaluate({}, TODAY)
    assert caught.value.code == "missing_attribute"


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("arpu", "96.5"),
        ("arpu", True),
        ("is_campus", 1),
        ("is_campus", "true"),
        ("brand", 3),
        ("join_date", "2024-01-31"),
    ],
)
def test_a_value_of_another_type_is_refused(code: str, value: object) -> None:
    with pytest.raises(RuleError) as caught:
        compile_condition(f"{code} is null", CATALOGUE).evaluate({code: value}, TODAY)
    assert caught.value.code == "value_type"
    assert code in caught.value.render("zh-hans")


@pytest.mark.parametrize(
    ("expression", "row", "result"),
    [
        ("arpu", {"arpu": Decimal("0.1")}, 0.1),
        ("arpu", {"arpu": Decimal("NaN")}, None),
        ("arpu", {"arpu": 10**400}, None),
        ("arpu", {"arpu": 3}, 3.0),
        ("calls", {"calls": 2**53 + 1}, float(2**53)),
        ("days_since(join_date)", {"join_date": datetime(2026, 1, 30, 23, 59)}, 1.0),
    ],
)
def test_python_values_are_read_as_a_column_would_be(
    expression: str, row: dict[str, object], result: object
) -> None:
    assert compile_number(expression, CATALOGUE).evaluate(row, TODAY) == result


def test_a_rule_knows_what_it_reads_and_can_be_stored() -> None:
    rule = compile_condition("calls > arpu and arpu > 1", CATALOGUE)
    assert rule.attributes == ("arpu", "calls")
    assert rule.evaluate(ROW, TODAY) is False
    copy = pickle.loads(pickle.dumps(rule))
    assert copy == rule
    assert copy.evaluate(ROW, TODAY) is False
