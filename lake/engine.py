"""The set engine inside the process: DuckDB over Parquet, fed with sqlglot trees only."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import duckdb
import pyarrow as pa
from django.conf import settings
from sqlglot import exp

SPILL = ".spill"
ROW_GROUP = 122_880
# Rows that a thread gathers before it writes them to the files of their parts. DuckDB's own half
# million takes 2 GiB at 100 columns; below 50,000 the files fall into too many small row groups.
PARTED_ROWS = 100_000


class DuckDB:
    """One connection with bounded memory; spills to the lake's disk, never to the system's /tmp.

    Tables are registered under a name and the trees speak of names only, so the same tree runs on
    another engine. ``values`` are bound by the driver: no value is ever part of a text.
    """

    dialect = "duckdb"

    def __init__(self, memory: str | None = None, threads: int | None = None) -> None:
        # A folder of its own: DuckDB names its spill files alike in every process.
        self._spill = Path(settings.LAKE_DIR) / SPILL / uuid4().hex
        self._spill.mkdir(parents=True)
        self.connection = duckdb.connect(
            config={
                "memory_limit": memory or settings.ENGINE_MEMORY,
                "threads": threads or settings.ENGINE_THREADS,
                "temp_directory": str(self._spill),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "allow_community_extensions": False,
            }
        )
        self.connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        self._texts: dict[int, tuple[exp.Expression, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()
        shutil.rmtree(self._spill, ignore_errors=True)

    def register(
        self, name: str, source: Path | Iterable[Path] | pa.Table | pa.RecordBatchReader
    ) -> None:
        """Make Parquet files or an Arrow table known as ``name``, replacing what had that name.

        A reader is read once, by the first statement that names it.
        """
        if isinstance(source, pa.Table | pa.RecordBatchReader):
            self.connection.register(name, source)
            return
        files = [source] if isinstance(source, Path) else list(source)
        relation = self.connection.read_parquet([str(file) for file in files])
        relation.create_view(name, replace=True)

    def register_numbered(self, name: str, file: Path) -> dict[str, str]:
        """Make one Parquet file known as ``name``; return its columns with their SQL types.

        The last column, ``file_row_number``, counts its rows from 0. DuckDB only: other engines
        promise no order of a file's rows.
        """
        relation = self.connection.read_parquet(str(file), file_row_number=True)
        relation.create_view(name, replace=True)
        return dict(zip(relation.columns, map(str, relation.types), strict=True))

    def rows(
        self, tree: exp.Expression, values: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        return self._execute(self.text(tree), values).fetchall()

    def arrow(self, tree: exp.Expression, values: Mapping[str, Any] | None = None) -> pa.Table:
        return self._execute(self.text(tree), values).to_arrow_table()

    def batches(
        self, tree: exp.Expression, values: Mapping[str, Any] | None = None, size: int = ROW_GROUP
    ) -> pa.RecordBatchReader:
        return self._execute(self.text(tree), values).to_arrow_reader(size)

    def write(
        self, tree: exp.Expression, file: Path, values: Mapping[str, Any] | None = None
    ) -> int:
        """Write the rows to one Parquet file, in the tree's order; return how many."""
        return self._copy(tree, file, f"COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP}", values)

    def write_parted(
        self,
        tree: exp.Expression,
        folder: Path,
        column: str,
        values: Mapping[str, Any] | None = None,
    ) -> int:
        """Write the rows to files in folders ``folder/column=value/``; return how many.

        Nothing but ``PARTED_ROWS`` rows per thread is held. For files that are read again once:
        lightly packed, in no order.
        """
        self.connection.execute(f"SET partitioned_write_flush_threshold = {PARTED_ROWS}")
        name = exp.to_identifier(column, quoted=True).sql(self.dialect)
        return self._copy(tree, folder, f"COMPRESSION snappy, PARTITION_BY ({name})", values)

    def text(self, tree: exp.Expression) -> str:
        """Return the tree in SQL, rendered once: a tree must not change once it has been used.

        A statement of a plan is as long as a book and is asked of every part.
        """
        if id(tree) not in self._texts:
            # The tree is kept with its text, so that no other can come to have its id.
            self._texts[id(tree)] = (tree, tree.sql(self.dialect))
        return self._texts[id(tree)][1]

    def _copy(
        self, tree: exp.Expression, to: Path, options: str, values: Mapping[str, Any] | None
    ) -> int:
        place = exp.Literal.string(str(to)).sql(self.dialect)
        text = f"COPY ({self.text(tree)}) TO {place} (FORMAT parquet, {options})"
        return int(self._execute(text, values).fetchall()[0][0])

    def _execute(self, text: str, values: Mapping[str, Any] | None) -> duckdb.DuckDBPyConnection:
        return self.connection.execute(text, dict(values) if values else None)


def ahead(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Yield the reader's batches, each read while the one before it is worked on."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, reader, None)
        while (batch := coming.result()) is not None:
            coming = thread.submit(next, reader, None)
            yield batch
