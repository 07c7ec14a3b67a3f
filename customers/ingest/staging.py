"""All rows of a table's files, typed and judged, cut into the parts of the lake: once through."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from itertools import chain, islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from django.utils.translation import gettext as _
from sqlglot import exp

from common.errors import DomainError
from lake.engine import DuckDB
from rules import Params

from ..tables import Table
from .conversion import (
    PART,
    POSITION,
    PROBLEMS,
    UNLISTED,
    UNLISTED_TYPE,
    Field,
    converted,
    raw_column,
)
from .csv_files import BLOCK, CsvFile, Dialect, header
from .kinds import Kind, kind_of, read_as
from .mapping import NULL_WORDS, Reading, readings
from .rejects import ROWS_PER_FILE, Spool

# What is written between two reports of progress: the longest a lost lease goes unnoticed.
SLICE_ROWS = 1_000_000
SLICE_BLOCKS = 32

RAW = "raw"
ROW_NUMBER = "file_row_number"


class Stage:
    """The typed rows of the files added so far, below ``folder``, one folder per part."""

    def __init__(
        self,
        engine: DuckDB,
        table: Table,
        mapping: Mapping[str, Any],
        folder: Path,
        parts: int,
    ) -> None:
        self.engine = engine
        self.table = table
        self.mapping = mapping
        self.folder = folder
        self.parts = parts
        self.readings = readings(table, mapping)
        self.spool = Spool(folder / "unreadable.parquet")
        self._slices = 0

    def units(self, files: Sequence[Path]) -> int:
        """Return how many slices the files will take, for progress; for CSV nearly so."""
        return sum(self._units(file) for file in files)

    def add(self, index: int, file: Path, tick: Callable[[], None]) -> int:
        """Read one file, the table's ``index``-th; return its rows. ``tick`` is called per slice.

        Raises DomainError ``file_unreadable``, ``file_broken_off``, ``file_empty``,
        ``missing_column`` or ``unreadable_column``: such a file is refused whole.
        """
        base = index * ROWS_PER_FILE
        return (self._add_csv if self._is_csv else self._add_parquet)(file, base, tick)

    def files(self, part: int) -> list[Path]:
        """Return the staged files of one part, after an empty one that has their columns."""
        return [self._shape(), *sorted(self.folder.glob(f"rows/*/{PART}={part}/*.parquet"))]

    @property
    def _is_csv(self) -> bool:
        return self.mapping["format"] == "csv"

    def _units(self, file: Path) -> int:
        if self._is_csv:
            return math.ceil(file.stat().st_size / (SLICE_BLOCKS * BLOCK))
        return math.ceil(_parquet_rows(file) / SLICE_ROWS)

    def _add_parquet(self, file: Path, base: int, tick: Callable[[], None]) -> int:
        rows = _parquet_rows(file)
        with _unreadable(file):
            types = self.engine.register_numbered("numbered", file)
        fields = self._fields(file, {name: types[name] for name in list(types)[:-1]})
        for first in range(0, rows, SLICE_ROWS):
            with _unreadable(file):
                self._write(_numbered_rows(fields, base, first), fields)
            tick()
        return rows

    def _add_csv(self, file: Path, base: int, tick: Callable[[], None]) -> int:
        dialect = Dialect.of(self.mapping)
        names = header(file, dialect)
        fields = self._fields(file, dict.fromkeys(names, "VARCHAR"), names)
        wanted = [names.index(name) for name in _sources(fields)]
        source = CsvFile(file, dialect, wanted, names, base=base, spool=self.spool)
        for slice_ in _slices(source.batches(), SLICE_BLOCKS):
            with _faithful(slice_) as batches:
                reader = pa.RecordBatchReader.from_batches(source.schema, batches)
                self.engine.register(RAW, reader)
                self._write(exp.select("*").from_(RAW), fields)
            tick()
        return source.rows

    def _write(self, raw: exp.Select, fields: Sequence[Field]) -> None:
        params = Params()
        null_words = self.mapping.get("null_words", NULL_WORDS)
        tree = converted(raw, self.table, fields, null_words, params, self.parts)
        folder = self.folder / "rows" / f"{self._slices:06d}"
        folder.parent.mkdir(exist_ok=True)
        self.engine.write_parted(tree, folder, PART, params.values)
        self._slices += 1

    def _fields(
        self, file: Path, types: Mapping[str, str], names: Sequence[str] = ()
    ) -> list[Field]:
        """Match the readings with the columns that the file has."""
        mapped = [reading for reading in self.readings if reading.source is not None]
        _require(file, mapped, names or list(types))
        raw: dict[str, str] = {}
        fields = []
        for reading in mapped:
            name, sql_type = str(reading.source), types[str(reading.source)]
            raw.setdefault(name, raw_column(len(raw)))
            kind = kind_of(sql_type)
            taken_for = read_as(reading, kind, sql_type)
            fields.append(Field(reading, raw[name], kind or Kind.TEXT, taken_for))
        return fields

    def _shape(self) -> Path:
        file = self.folder / "shape.parquet"
        if not file.exists():
            nothing = exp.select(
                *(exp.alias_(exp.cast(exp.null(), t), n, quoted=True) for n, t in self._types())
            )
            self.engine.write(nothing.where(exp.false()), file)
        return file

    def _types(self) -> Iterator[tuple[str, str]]:
        yield POSITION, "BIGINT"
        for column in self.table.columns:
            yield column.code, column.sql_type
        yield PROBLEMS, "STRUCT(column VARCHAR, value VARCHAR, reason VARCHAR)[]"
        yield UNLISTED, UNLISTED_TYPE


def _numbered_rows(fields: Sequence[Field], base: int, first: int) -> exp.Select:
    number = exp.column(ROW_NUMBER, quoted=True)
    position = exp.Add(this=number, expression=exp.Literal.number(base + 1))
    last = exp.Literal.number(first + SLICE_ROWS - 1)
    return (
        exp.select(exp.alias_(exp.cast(position, "BIGINT"), POSITION, quoted=True))
        .select(
            *(
                exp.alias_(exp.column(name, quoted=True), raw, quoted=True)
                for name, raw in _sources(fields).items()
            )
        )
        .from_("numbered")
        .where(exp.Between(this=number.copy(), low=exp.Literal.number(first), high=last))
    )


def _sources(fields: Sequence[Field]) -> dict[str, str]:
    """Return the raw column of each source column, in the order of the raw columns."""
    return {str(field.reading.source): field.raw for field in fields}


def _require(file: Path, mapped: Sequence[Reading], names: Sequence[str]) -> None:
    """Each mapped column must be there, once."""
    wanted = list(dict.fromkeys(str(reading.source) for reading in mapped))
    missing = [name for name in wanted if name not in names]
    if missing:
        raise DomainError(
            "missing_column",
            _(
                "%(file)s has no column %(missing)s; it has %(found)s. "
                "Correct the mapping, or its delimiter, or deliver the file with these columns."
            )
            % {"file": file.name, "missing": ", ".join(missing), "found": ", ".join(names)[:500]},
            file=file.name,
            columns=missing,
            nearest={name: get_close_matches(name, names) for name in missing},
        )
    repeated = [name for name in wanted if names.count(name) > 1]
    if repeated:
        raise DomainError(
            "repeated_column",
            _(
                "%(file)s has more than one column %(repeated)s; "
                "it must be clear which one is meant."
            )
            % {"file": file.name, "repeated": ", ".join(repeated)},
            file=file.name,
            columns=repeated,
        )


def _parquet_rows(file: Path) -> int:
    with _unreadable(file):
        return int(pq.read_metadata(file).num_rows)


# What DuckDB and Arrow raise for bytes that are no Parquet; a fault of our own is something else.
_CORRUPT = (
    duckdb.Error,
    duckdb.InvalidInputException,
    duckdb.IOException,
    duckdb.InternalException,
    duckdb.SerializationException,
)


@contextmanager
def _unreadable(file: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, duckdb.Error) as error:
        foreign = isinstance(error, pa.ArrowException) or type(error) in _CORRUPT
        if not foreign or "No space left" in str(error):
            raise
        raise DomainError(
            "file_unreadable",
            _("%(file)s is not a whole Parquet file (%(error)s). Deliver it again.")
            % {"file": file.name, "error": str(error).splitlines()[0][:300]},
            file=file.name,
        ) from error


@contextmanager
def _faithful(batches: Iterable[pa.RecordBatch]) -> Iterator[Iterator[pa.RecordBatch]]:
    """Give ``batches`` to an engine; what is raised inside them reaches the caller as itself."""
    raised: list[Exception] = []

    def pulled() -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except Exception as error:
            raised.append(error)
            raise

    try:
        yield pulled()
    except duckdb.Error:
        if raised:
            raise raised[0] from None
        raise


def _slices(batches: Iterator[pa.RecordBatch], size: int) -> Iterator[Iterable[pa.RecordBatch]]:
    """Cut a stream into streams of ``size`` batches; each must be used up before the next."""
    for first in batches:
        yield chain([first], islice(batches, size - 1))
