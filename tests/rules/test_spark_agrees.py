"""The same law on the second engine. Needs Java and requirements-spark.txt: `make test-long`."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from rules import Rule, compile_condition, reference
from tests.rules.catalogue import CATALOGUE, ROW, TODAY
from tests.rules.engines import Row, arrow_table, query, run_duckdb, same
from tests.rules.spec import LARGE
from tests.rules.strategies import Maker, rule_of

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[1]")
    for name, value in {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
    }.items():
        builder = builder.config(name, value)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def test_spark_and_duckdb_agree_on_many_rules_and_customers(spark: Any) -> None:
    maker = Maker(Random(20260131))
    rules = [rule_of(maker.tree()) for _ in range(1500)]
    table = [maker.row() for _ in range(200)]
    for start in range(0, len(rules), 30):
        assert_engines_agree(spark, rules[start : start + 30], table)


def test_spark_takes_no_short_cut_in_long_lists(spark: Any) -> None:
    """Past ten values Spark looks up instead of comparing, and to a hash -0.0 is not 0.0."""
    numbers = ", ".join(map(str, range(20)))
    texts = [
        f"arpu in ({numbers})",
        f"-arpu in ({numbers})",
        f"arpu * 0 not in ({numbers})",
        "handset in ('', ' ', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j')",
    ]
    figures = [0.0, -0.0, 5.0, -5.0, float("nan"), None]
    table = [{**ROW, "arpu": x, "handset": t} for x in figures for t in ("", " ", "A", None)]
    rules = [compile_condition(text, CATALOGUE) for text in texts]
    assert_engines_agree(spark, rules, table)


def test_spark_takes_the_largest_rules(spark: Any) -> None:
    assert_engines_agree(spark, [compile_condition(text, CATALOGUE) for text in LARGE], [ROW])


def assert_engines_agree(spark: Any, rules: list[Rule], table: list[Row]) -> None:
    duckdb_rows = run_duckdb(rules, table, CATALOGUE, TODAY)
    spark_rows = run_spark(spark, rules, table)
    for row, in_duckdb, in_spark in zip(table, duckdb_rows, spark_rows, strict=True):
        for rule, one, other in zip(rules, in_duckdb, in_spark, strict=True):
            expected = reference.evaluate(rule.tree, row, TODAY)
            assert same(one, expected), ("DuckDB", one, expected, rule.text, row)
            assert same(other, expected), ("Spark", other, expected, rule.text, row)


def run_spark(spark: Any, rules: list[Rule], table: list[Row]) -> list[tuple[object, ...]]:
    sql, values = query(rules, TODAY, "spark")
    spark.createDataFrame(arrow_table(table, CATALOGUE)).createOrReplaceTempView("customers")
    found = spark.sql(sql, args=values).collect()
    return [tuple(row[1:]) for row in sorted(found, key=lambda row: row[0])]
