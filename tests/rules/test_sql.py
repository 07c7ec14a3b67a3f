"""The SQL of a rule: bound values with stated types, qualified columns."""

from datetime import date

import pytest

from rules import Params, RuleError, compile_condition, compile_number, is_true
from rules.sql import SMALLEST
from tests.rules.catalogue import CATALOGUE, ROW, TODAY
from tests.rules.engines import run_duckdb
from tests.rules.spec import LARGE


def test_equal_values_share_a_placeholder_and_types_are_stated() -> None:
    params = Params()
    names = [params.bind(*pair).sql("duckdb") for pair in [(1.0, "DOUBLE"), (1.0, "DOUBLE")]]
    assert names == ["CAST($p1 AS DOUBLE)"] * 2
    assert params.bind(True, "BOOLEAN").sql("spark") == "CAST(:p2 AS BOOLEAN)"
    assert params.bind(date(1, 2, 3), "DATE").sql("spark") == "CAST(:p3 AS DATE)"
    assert params.values == {"p1": 1.0, "p2": True, "p3": "0001-02-03"}


def test_columns_are_qualified_on_request() -> None:
    rule = compile_condition("is_campus", CATALOGUE)
    assert rule.sql(Params(), "c").sql("duckdb") == 'CAST("c"."is_campus" AS BOOLEAN)'
    assert rule.sql(Params()).sql("spark") == "CAST(`is_campus` AS BOOLEAN)"
    assert is_true(rule.sql(Params())).sql() == 'COALESCE(CAST("is_campus" AS BOOLEAN), FALSE)'


def test_days_since_needs_a_business_date() -> None:
    rule = compile_number("days_since(join_date)", CATALOGUE)
    with pytest.raises(RuleError) as caught:
        rule.sql(Params())
    assert caught.value.code == "business_date"


def test_no_divisor_can_be_zero_on_which_spark_would_stop() -> None:
    params = Params()
    compile_number("arpu / calls", CATALOGUE).sql(params)
    assert SMALLEST in params.values.values()


@pytest.mark.parametrize("text", LARGE, ids=lambda text: text[:20])
def test_the_largest_rules_run(text: str) -> None:
    rule = compile_condition(text, CATALOGUE)
    ((found,),) = run_duckdb([rule], [ROW], CATALOGUE, TODAY)
    assert found is rule.evaluate(ROW, TODAY)
