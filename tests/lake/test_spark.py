"""Spark does what DuckDB does with the same trees; and says what it needs where it is missing."""

import builtins
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlglot import exp

from common.errors import DomainError
from lake.engine import DuckDB
from lake.spark import Spark
from rules import Params

N, WORD, DAY = (exp.column(name, quoted=True) for name in ("n", "word", "day"))
TABLE = pa.table(
    {
        "n": pa.array([3, 1, None, 2] * 500, pa.int64()),
        "word": ["矩阵", "", None, "it's"] * 500,
        "day": pa.array([date(2026, 7, 1), None, date(1, 1, 1), date(9999, 12, 31)] * 500),
        "share": [0.1, None, float("nan"), -0.0] * 500,
    }
)


def test_a_missing_pyspark_names_the_file_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("pyspark"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(DomainError) as error:
        Spark()
    assert error.value.code == "spark_missing"
    assert "requirements-spark.txt" in error.value.message


def test_a_missing_java_names_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(DomainError) as error:
        Spark()
    assert error.value.code == "java_missing"


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    from django.test import override_settings

    with (
        override_settings(LAKE_DIR=tmp_path_factory.mktemp("lake")),
        Spark(memory="1GiB", threads=2) as engine,
    ):
        yield engine


@pytest.mark.long
def test_both_engines_read_and_answer_alike(spark: Spark, tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "t.parquet")
    params = Params()
    wanted = exp.In(this=WORD, expressions=[params.bind(w, "VARCHAR") for w in ("it's", "矩阵")])
    tree = (
        exp.select(WORD, DAY, exp.alias_(exp.Sum(this=N), "n"))
        .from_("t")
        .where(wanted)
        .group_by(WORD.copy(), DAY.copy())
        .order_by(WORD.copy())
    )
    with DuckDB() as duckdb:
        answers = []
        for engine in (duckdb, spark):
            engine.register("t", tmp_path / "t.parquet")
            answers.append(engine.rows(tree, params.values))
    assert answers[0] == answers[1]
    assert answers[0] == [("it's", date(9999, 12, 31), 1000), ("矩阵", date(2026, 7, 1), 1500)]


@pytest.mark.long
def test_both_engines_write_the_same_file_in_order(spark: Spark, tmp_path: Path) -> None:
    tree = exp.select("*").from_("t").order_by(N.desc(nulls_first=False), WORD.copy())
    with DuckDB() as duckdb:
        for engine in (duckdb, spark):
            engine.register("t", TABLE)
            assert engine.write(tree, tmp_path / f"{engine.dialect}.parquet") == 2000
    files = [tmp_path / f"{engine}.parquet" for engine in ("duckdb", "spark")]
    with DuckDB() as engine:
        rows = []
        for file in files:
            engine.register("written", file)
            rows.append(repr(engine.rows(exp.select("*").from_("written"))))
    assert rows[0] == rows[1]


@pytest.mark.long
def test_a_file_without_rows_still_has_its_columns(spark: Spark, tmp_path: Path) -> None:
    spark.register("t", TABLE)
    assert spark.write(exp.select("*").from_("t").where(exp.false()), tmp_path / "e.parquet") == 0
    assert pq.read_schema(tmp_path / "e.parquet").names == TABLE.schema.names


@pytest.mark.long
def test_batches_and_arrow_give_the_same_rows(spark: Spark) -> None:
    spark.register("t", TABLE.select(["n"]))
    tree = exp.select(N).from_("t").order_by(N.copy())
    batches = list(spark.batches(tree, size=300))
    assert pa.Table.from_batches(batches).to_pylist() == spark.arrow(tree).to_pylist()
    assert max(batch.num_rows for batch in batches) <= 300


@pytest.mark.long
def test_a_second_engine_of_the_process_does_not_end_the_first(spark: Spark) -> None:
    with Spark() as second:
        assert second.rows(exp.select(exp.Literal.number(1))) == [(1,)]
    assert spark.rows(exp.select(exp.Literal.number(2))) == [(2,)]
