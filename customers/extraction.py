"""A source in a PostgreSQL database, extracted to a Parquet file in the landing directory.

The query is the operator's own text; the business date is bound to ``%(business_date)s``. It runs
read-only, in one snapshot, through a server-side cursor: memory holds one batch of rows. The file
of a date is made once, so that a run repeated reads what it read before; remove it to extract anew.
"""

import os
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from django.utils.translation import gettext as _

from common.errors import DomainError
from common.keys import key_of

from .models import Source

FOLDER = ".extracted"
BATCH_ROWS = 20_000
CONNECT_SECONDS = 10

# PostgreSQL's own types, by number: what is none of these is fetched as text.
_WHOLE = ("int2", "int4", "int8")
_ARROW = {
    **dict.fromkeys(_WHOLE, pa.int64()),
    "float4": pa.float64(),
    "float8": pa.float64(),
    "numeric": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}


def extract(source: Source, business_date: date) -> Path:
    """Return the file with the rows of the source's query for the date, making it if need be.

    Raises DomainError ``source_missing`` (503) if the environment variable with the DSN is not set,
    the database does not answer, or a source of customers gives no row; ``query_failed`` if the
    database refuses the query.
    """
    key = key_of(source.mapping["dsn_env"], source.mapping["query"])
    folder = Path(settings.LANDING_DIR) / FOLDER / source.code
    file = folder / f"{business_date.isoformat()}-{key}.parquet"
    if file.exists():
        return file
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{uuid4().hex}"
    try:
        rows = _write(source, business_date, draft)
        if rows == 0 and source.table == "customers":
            raise _missing(source, _("its query gives no rows for %s") % business_date.isoformat())
        draft.rename(file)
    finally:
        draft.unlink(missing_ok=True)
    return file


def _write(source: Source, business_date: date, draft: Path) -> int:
    with _connect(source) as connection, connection.cursor(uuid4().hex) as cursor:
        try:
            cursor.itersize = BATCH_ROWS
            cursor.execute(source.mapping["query"], {"business_date": business_date})
            schema = _schema(cursor.description or (), connection)
            rows = 0
            with pq.ParquetWriter(draft, schema, compression="zstd") as writer:
                for batch in _batches(cursor, schema):
                    writer.write_batch(batch)
                    rows += batch.num_rows
        except psycopg.Error as error:
            raise DomainError(
                "query_failed",
                _("The database of source %(source)s refused its query: %(error)s")
                % {"source": source.code, "error": str(error).splitlines()[0]},
                source=source.code,
            ) from error
        return rows


def _connect(source: Source) -> psycopg.Connection[Any]:
    name = source.mapping["dsn_env"]
    if name not in os.environ:
        raise _missing(source, _("the environment variable %s with its DSN is not set") % name)
    try:
        connection = psycopg.connect(os.environ[name], connect_timeout=CONNECT_SECONDS)
    except psycopg.OperationalError as error:
        raise _missing(source, _("its database does not answer")) from error
    connection.read_only = True
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return connection


def _schema(columns: Sequence[psycopg.Column], connection: psycopg.Connection[Any]) -> pa.Schema:
    types = connection.adapters.types
    names = [getattr(types.get(column.type_code), "name", "") for column in columns]
    return pa.schema(
        [(c.name, _ARROW.get(name, pa.string())) for c, name in zip(columns, names, strict=True)]
    )


def _batches(cursor: psycopg.ServerCursor[Any], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    while rows := cursor.fetchmany(BATCH_ROWS):
        columns = zip(*rows, strict=True)
        arrays = [
            pa.array([_plain(value, field.type) for value in column], field.type)
            for column, field in zip(columns, schema, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _plain(value: Any, arrow: pa.DataType) -> Any:
    if value is None or pa.types.is_temporal(arrow) or pa.types.is_boolean(arrow):
        return value
    if pa.types.is_floating(arrow):
        return float(value)
    return value if pa.types.is_integer(arrow) else str(value)


def _missing(source: Source, why: str) -> DomainError:
    return DomainError(
        "source_missing",
        _("Source %(source)s cannot be read: %(why)s.") % {"source": source.code, "why": why},
        status=503,
        source=source.code,
    )
