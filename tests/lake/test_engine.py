"""DuckDB behind the interface that Spark has too."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from threading import Event

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import settings
from sqlglot import exp

from lake.engine import DuckDB, ahead
from rules import Params

N = exp.column("n", quoted=True)


def test_values_are_bound_and_never_part_of_the_text() -> None:
    params = Params()
    hostile = "'); DROP TABLE t; --"
    tree = exp.select(params.bind(hostile, "VARCHAR"), params.bind(date(2026, 7, 1), "DATE"))
    with DuckDB() as engine:
        assert hostile not in engine.text(tree)
        assert engine.rows(tree, params.values) == [(hostile, date(2026, 7, 1))]


def test_a_file_is_written_in_the_trees_order_and_its_rows_are_counted(tmp_path: Path) -> None:
    params = Params()
    tree = exp.select(N).from_("t").where(exp.GT(this=N.copy(), expression=params.bind(1, "INT")))
    file = tmp_path / "it's a file.parquet"
    with DuckDB() as engine:
        engine.register("t", pa.table({"n": [2, 1, 3]}))
        assert engine.write(tree.order_by(N.desc()), file, params.values) == 2
    assert pq.read_table(file).to_pylist() == [{"n": 3}, {"n": 2}]


def test_a_name_registered_again_means_the_new_table(tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": [1, 2]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"n": [3]}), tmp_path / "b.parquet")
    tree = exp.select(exp.Sum(this=N)).from_("t")
    with DuckDB() as engine:
        engine.register("t", tmp_path / "a.parquet")
        assert engine.rows(tree) == [(3,)]
        engine.register("t", [tmp_path / "a.parquet", tmp_path / "b.parquet"])
        assert engine.rows(tree) == [(6,)]
        engine.register("t", pa.table({"n": [10]}))
        assert engine.rows(tree) == [(10,)]


def test_a_table_is_read_in_batches() -> None:
    with DuckDB() as engine:
        engine.register("t", pa.table({"n": range(10_000)}))
        batches = list(engine.batches(exp.select(N).from_("t"), size=2048))
    assert sum(batch.num_rows for batch in batches) == 10_000
    assert max(batch.num_rows for batch in batches) <= 2048


def test_the_next_batch_is_read_while_one_is_worked_on() -> None:
    begun = Event()

    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"n": [1]})
        begun.set()
        yield pa.record_batch({"n": [2]})

    schema = pa.schema([("n", pa.int64())])
    found = []
    for batch in ahead(pa.RecordBatchReader.from_batches(schema, batches())):
        assert begun.wait(timeout=30)
        found += batch.column("n").to_pylist()
    assert found == [1, 2]


def test_a_fault_of_reading_ahead_is_raised_where_its_batch_is_due() -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"n": [1]})
        raise OSError("the disk is gone")

    read = ahead(pa.RecordBatchReader.from_batches(pa.schema([("n", pa.int64())]), batches()))
    assert next(read).num_rows == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(read)


def test_rows_are_numbered_as_they_stand_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"n": range(5_000)}), file, row_group_size=1000)
    number = exp.column("file_row_number", quoted=True)
    tree = exp.select(exp.func("max", exp.func("abs", exp.Sub(this=N, expression=number))))
    with DuckDB() as engine:
        assert engine.register_numbered("t", file) == {"n": "BIGINT", "file_row_number": "BIGINT"}
        assert engine.rows(tree.from_("t")) == [(0,)]


def test_rows_are_written_to_the_folder_of_their_value(tmp_path: Path) -> None:
    with DuckDB() as engine:
        engine.register("t", pa.table({"n": [1, 2, 3, 4], "odd": [1, 0, 1, 0]}))
        assert engine.write_parted(exp.select("*").from_("t"), tmp_path / "parted", "odd") == 4
    found = {
        folder.name: sorted(pq.ParquetFile(f).read()["n"].to_pylist()[0] for f in folder.iterdir())
        for folder in (tmp_path / "parted").iterdir()
    }
    assert set(found) == {"odd=0", "odd=1"}
    columns = pq.ParquetFile(next((tmp_path / "parted/odd=1").iterdir())).read()
    assert columns.to_pydict() == {"n": [1, 3]}


def test_two_connections_spill_to_folders_of_their_own_and_leave_none() -> None:
    spill = Path(settings.LAKE_DIR) / ".spill"
    with DuckDB(), DuckDB():
        assert len(list(spill.iterdir())) == 2
    assert list(spill.iterdir()) == []


def test_more_than_memory_is_spilled_not_refused() -> None:
    numbers = exp.select(exp.column("range")).from_(
        exp.func("range", exp.Literal.number(3_000_000))
    )
    word = exp.func("md5", exp.cast(exp.column("range"), "VARCHAR"))
    tree = numbers.select(exp.alias_(word, "word"), append=False).order_by("word")
    with DuckDB(memory="120MiB") as engine:
        assert sum(batch.num_rows for batch in engine.batches(tree)) == 3_000_000


def test_nothing_is_fetched_from_outside() -> None:
    """An extension that a tree needs is never downloaded in the middle of a day."""
    with DuckDB() as engine, pytest.raises(duckdb.Error, match="extension"):
        engine.connection.execute("SELECT * FROM sqlite_scan('a', 'b')")
