"""The second engine, for provinces that outgrow one machine: Spark with DuckDB's interface."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from django.utils.translation import gettext as _
from sqlglot import exp

from common.errors import DomainError

from .engine import ROW_GROUP, SPILL


class Spark:
    """A local Spark session over the same Parquet files, fed with the same trees and values.

    One session per process: Spark allows no more, so a second ``Spark()`` joins the first, and
    ``close`` leaves the session to whoever opened it. Needs Java 17 and requirements-spark.txt.
    """

    dialect = "spark"

    def __init__(self, memory: str | None = None, threads: int | None = None) -> None:
        pyspark = _pyspark()
        self._spill = Path(settings.LAKE_DIR) / SPILL / uuid4().hex
        self._spill.mkdir(parents=True)
        self._joined = pyspark.sql.SparkSession.getActiveSession() is not None
        builder = pyspark.sql.SparkSession.builder.master(
            f"local[{threads or settings.ENGINE_THREADS}]"
        )
        for name, value in self._options(memory or settings.ENGINE_MEMORY).items():
            builder = builder.config(name, value)
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel("ERROR")

    def _options(self, memory: str) -> dict[str, str]:
        return {
            "spark.driver.memory": memory.lower().replace("ib", ""),
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.local.dir": str(self._spill),
            "spark.sql.warehouse.dir": str(self._spill / "warehouse"),
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.ansi.enabled": "true",
            "spark.sql.parquet.compression.codec": "zstd",
            "spark.sql.execution.arrow.pyspark.enabled": "true",
            "spark.sql.shuffle.partitions": "8",
        }

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
        if not self._joined:
            self.session.stop()
        shutil.rmtree(self._spill, ignore_errors=True)

    def register(self, name: str, source: Path | Iterable[Path] | pa.Table) -> None:
        """Make Parquet files or an Arrow table known as ``name``, replacing what had that name."""
        if isinstance(source, pa.Table):
            frame = self.session.createDataFrame(source)
        else:
            files = [source] if isinstance(source, Path) else list(source)
            frame = self.session.read.parquet(*(str(file) for file in files))
        frame.createOrReplaceTempView(name)

    def rows(
        self, tree: exp.Expression, values: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._frame(tree, values).collect()]

    def arrow(self, tree: exp.Expression, values: Mapping[str, Any] | None = None) -> pa.Table:
        return self._frame(tree, values).toArrow()

    def batches(
        self, tree: exp.Expression, values: Mapping[str, Any] | None = None, size: int = ROW_GROUP
    ) -> pa.RecordBatchReader:
        table = self.arrow(tree, values)
        return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(size))

    def write(
        self, tree: exp.Expression, file: Path, values: Mapping[str, Any] | None = None
    ) -> int:
        """Write the rows to one Parquet file, in the tree's order; return how many."""
        folder = self._spill / uuid4().hex
        try:
            # One task writes one file; Spark names it itself.
            self._frame(tree, values).coalesce(1).write.parquet(str(folder))
            (written,) = folder.glob("part-*.parquet")
            rows = int(pq.read_metadata(written).num_rows)
            shutil.move(written, file)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return rows

    def text(self, tree: exp.Expression) -> str:
        return tree.sql(self.dialect)

    def _frame(self, tree: exp.Expression, values: Mapping[str, Any] | None) -> Any:
        return self.session.sql(self.text(tree), args=dict(values) if values else None)


def _pyspark() -> ModuleType:
    try:
        import pyspark.sql
    except ImportError as error:
        raise DomainError(
            "spark_missing",
            _(
                "The Spark engine needs the packages of requirements-spark.txt and Java 17; "
                "pyspark is not installed. Install it with: "
                "pip install --require-hashes -r requirements-spark.txt"
            ),
            status=503,
        ) from error
    if shutil.which("java") is None:
        raise DomainError(
            "java_missing",
            _(
                "The Spark engine needs Java 17 and no java was found on the PATH. "
                "On Debian: apt-get install openjdk-17-jre-headless"
            ),
            status=503,
        )
    return pyspark
