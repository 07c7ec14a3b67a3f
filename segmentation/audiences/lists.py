"""Imported lists: customer numbers out of a text, what is wrong with it, and where they are kept.

A line is one customer: its first field, the rest is not looked at. Every step is one operation on
the whole column.
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlglot
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from sqlglot import exp

from common.errors import DomainError
from common.keys import key_of
from common.masking import mask_number
from customers.tables import KEY_LENGTH
from lake import partitions
from lake.engine import DuckDB
from lake.models import Partition
from lake.parts import part_of_sql
from rules import Params

from ..bands import column
from ..parts import CUSTOMERS
from ..reading import CITY, CUSTOMER

LISTS = "lists"
REJECTS_FILE = "rejects.parquet"
MOST_BYTES = 64 * 1024**2
BAD_NUMBER, DUPLICATE = "bad_number", "duplicate"
REASON_WORDS = (gettext_noop("bad number"), gettext_noop("duplicate"))
# The first field, with or without quotes; what separates fields, or the line's end.
FIELD = r'^[\s"\']*(?P<number>[^,;|\t"\']*?)\s*(?:[,;|\t"\'].*)?$'
# As ingest takes one, and never what a spreadsheet would take for a formula.
GOOD = rf"^[^\s\pC=@-][^\s\pC]{{0,{KEY_LENGTH - 1}}}$"
ENCODINGS = ("utf-8-sig", "gb18030")
NUMBERS, SNAPSHOT = "numbers", "snapshot"


@dataclass(frozen=True)
class Brought:
    """What a text held. ``numbers``: each once, ascending; ``rejects``: line, value, reason.

    lines = numbers + rejects; empty lines and a heading are none.
    """

    numbers: pa.Array
    rejects: pa.Table

    @property
    def lines(self) -> int:
        return len(self.numbers) + len(self.rejects)

    @property
    def reasons(self) -> dict[str, int]:
        counted = pc.value_counts(self.rejects["reason"].combine_chunks()).to_pylist()
        return {row["values"]: row["counts"] for row in sorted(counted, key=lambda r: r["values"])}


@dataclass(frozen=True)
class Stored:
    """Where the numbers are, and how many of them the latest snapshot does not know.

    ``unknown`` None: there is no snapshot yet.
    """

    key: str
    compared_with: date | None
    unknown: int | None


def read(content: bytes) -> Brought:
    """Take the numbers out of a CSV or text. Raises DomainError for what can't be read at all."""
    lines = pa.array(_text(content).splitlines(), pa.string())
    fields = pc.struct_field(pc.extract_regex(lines, FIELD), "number")
    numbers = pc.utf8_trim_whitespace(pc.fill_null(fields, ""))
    table = pa.table({"line": pa.array(range(1, len(lines) + 1), pa.int32()), "value": numbers})
    table = table.filter(pc.not_equal(pc.utf8_trim_whitespace(lines), ""))
    if len(table) and not _has_digit(table["value"][:1])[0].as_py():
        table = table.slice(1)  # a heading
    good = pc.and_(pc.match_substring_regex(table["value"], GOOD), _has_digit(table["value"]))
    sound, bad = table.filter(good), table.filter(pc.invert(good))
    first = sound.group_by("value").aggregate([("line", "min")])
    again = sound.filter(pc.invert(pc.is_in(sound["line"], first["line_min"].combine_chunks())))
    if not len(first):
        raise DomainError(
            "no_numbers",
            _(
                "The file holds no customer number. Each line must begin with one: at most "
                "%(length)d characters, digits among them, no spaces."
            )
            % {"length": KEY_LENGTH},
            where=["file"],
        )
    rejects = pa.concat_tables([_with_reason(bad, BAD_NUMBER), _with_reason(again, DUPLICATE)])
    numbers = first["value"].combine_chunks()
    return Brought(numbers.take(pc.sort_indices(numbers)), rejects.sort_by("line"))


def _text(content: bytes) -> str:
    if len(content) > MOST_BYTES:
        raise DomainError(
            "file_too_large",
            _("A list may have at most %(most)d MiB; this file has %(came)d. Split it in two.")
            % {"most": MOST_BYTES // 1024**2, "came": len(content) // 1024**2},
            where=["file"],
        )
    for encoding in ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise DomainError(
        "not_a_text",
        _("The file must be a text or CSV in UTF-8 or GB 18030. Save a workbook as CSV first."),
        where=["file"],
    )


def _has_digit(values: pa.Array) -> pa.Array:
    return pc.match_substring_regex(values, r"\d")


def _with_reason(rows: pa.Table, reason: str) -> pa.Table:
    return rows.append_column("reason", pa.array([reason] * len(rows), pa.string()))


# --- the lake ---


def store(brought: Brought, *, code: str, city: str, expires_on: date) -> Stored:
    """Keep the numbers in the lake, cut like every dataset, the rejected lines beside them.

    Equal numbers, rejects, code and last day are one partition: bringing them again writes nothing.
    """
    numbers = pa.table({CUSTOMER: brought.numbers})
    key = key_of("list", 1, code, _digest(numbers), _digest(brought.rejects), settings.LAKE_PARTS)
    if partitions.find(LISTS, expires_on, key) is None:
        with partitions.writing(LISTS, expires_on, key) as draft, DuckDB() as engine:
            engine.register(NUMBERS, numbers)
            for part in range(draft.parts):
                engine.write(_of_part(part, draft.parts), draft.file(part))
            pq.write_table(brought.rejects, draft.path / REJECTS_FILE, compression="zstd")
    snapshot = (
        Partition.objects.of(CUSTOMERS).order_by("-business_date", "-created_at", "-pk").first()
    )
    if snapshot is None:
        return Stored(key, None, None)
    return Stored(key, snapshot.business_date, _unknown(brought, snapshot, city))


def _digest(table: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()


def _of_part(part: int, parts: int) -> exp.Select:
    number = column(CUSTOMER, NUMBERS)
    mine = exp.EQ(this=part_of_sql(number, parts), expression=exp.Literal.number(part))
    return sqlglot.select(number).from_(NUMBERS).where(mine).order_by(number.copy())


def _unknown(brought: Brought, snapshot: Partition, city: str) -> int:
    """How many numbers are no customer's; a city's list is held against the city's customers."""
    params = Params()
    same = [column(CUSTOMER, NUMBERS).eq(column(CUSTOMER, SNAPSHOT))]
    if city:
        same.append(column(CITY, SNAPSHOT).eq(params.bind(city, "TEXT")))
    tree = (
        sqlglot.select(exp.Count(this=exp.Star()))
        .from_(NUMBERS)
        .join(SNAPSHOT, on=exp.and_(*same), join_type="semi")
    )
    with DuckDB() as engine:
        engine.register(NUMBERS, pa.table({CUSTOMER: brought.numbers}))
        engine.register(SNAPSHOT, snapshot.files)
        [(found,)] = engine.rows(tree, params.values)
    return len(brought.numbers) - int(found)


def rejected_lines(folder: Path, limit: int) -> list[dict[str, object]]:
    """The first rejected lines: line, value (its middle hidden, law 8), reason."""
    rows = pq.read_table(folder / REJECTS_FILE).slice(0, limit).to_pylist()
    return [row | {"value": mask_number(row["value"])} for row in rows]
