"""The set engine inside the process: DuckDB over Parquet, fed with sqlglot trees only."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa
from django.conf import settings
from sqlglot import exp

ROW_GROUP = 122_880


class DuckDB:
    """One connection with bounded memory; spills to the lake's disk, never to the system's /tmp.

    Tables are registered under a name and the trees speak of names only, so the same tree runs on
    another engine. ``values`` are bound by the driver: no value is ever part of a text.
    """

    dialect = "duckdb"

    def __init__(self, memory: str | None = None, threads: int | None = None) -> None:
        spill = Path(settings.LAKE_DIR) / ".spill"
        spill.mkdir(parents=True, exist_ok=True)
        self.connection = duckdb.connect(
            config={
                "memory_limit": memory or settings.ENGINE_MEMORY,
                "threads": threads or settings.ENGINE_THREADS,
                "temp_directory": str(spill),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "allow_community_extensions": False,
            }
        )
        self.connection.execute("SET TimeZone = 'UTC'")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.connection.close()

    def register(self, name: str, source: Path | Iterable[Path] | pa.Table) -> None:
        """Make Parquet files or an Arrow table known as ``name``, replacing what had that name."""
        if isinstance(source, pa.Table):
            self.connection.register(name, source)
            return
        files = [source] if isinstance(source, Path) else list(source)
        relation = self.connection.read_parquet([str(file) for file in files])
        relation.create_view(name, replace=True)

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
        copy = (
            f"COPY ({self.text(tree)}) TO {exp.Literal.string(str(file)).sql('duckdb')} "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
        )
        return int(self._execute(copy, values).fetchall()[0][0])

    def text(self, tree: exp.Expression) -> str:
        return tree.sql(self.dialect)

    def _execute(self, text: str, values: Mapping[str, Any] | None) -> duckdb.DuckDBPyConnection:
        return self.connection.execute(text, dict(values) if values else None)
