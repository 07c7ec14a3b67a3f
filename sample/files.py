"""Parquet files that are whole or not there at all, and that know what they were made from."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

RECIPE = b"sample"
ROW_GROUP = 1 << 18


class ParquetFile:
    """A file written block by block under another name and renamed when it is complete.

    ``recipe`` is kept in the file: whoever finds the file later can tell whether it is the one that
    he was about to make.
    """

    def __init__(self, path: Path, schema: pa.Schema, recipe: str) -> None:
        self.path = path
        self._part = path.with_name(path.name + ".part")
        self._waiting: list[pa.Table] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = [f.name for f in schema if f.type == pa.string()]
        others = [f.name for f in schema if f.name not in texts]
        self._writer = pq.ParquetWriter(
            self._part,
            schema.with_metadata({RECIPE: recipe.encode()}),
            compression="lz4",
            use_dictionary=others + [t for t in texts if not t.lower().endswith("_no")],
        )

    def add(self, table: pa.Table) -> None:
        """Keep a block until a row group is full."""
        self._waiting.append(table)
        if sum(len(waiting) for waiting in self._waiting) >= ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            table = pa.concat_tables(self._waiting).replace_schema_metadata(None)
            self._writer.write_table(table, row_group_size=max(len(table), 1))
            self._waiting.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._flush()
        self._writer.close()
        if kind is not None:
            self._part.unlink()
            return
        put_in_place(self._part, self.path)


def put_in_place(part: Path, final: Path) -> None:
    """Rename a complete file, so that a crash of the machine leaves the old one or the new one."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(part, final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    put_in_place(part, path)


def is_made(path: Path, recipe: str) -> bool:
    """Whether ``path`` is a complete file of this recipe."""
    if not path.is_file():
        return False
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (pa.ArrowException, OSError):  # damaged: it is made again
        return False
    return metadata.get(RECIPE) == recipe.encode()
