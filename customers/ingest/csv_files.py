"""A CSV file as batches of text with row numbers, and its unreadable rows apart.

Dialect: a record ends with LF, CR LF or CR; a field that begins with the quote character ends with
it and may hold anything between, the quote itself doubled; blank lines are nothing. These are the
rules of Python's csv module, read by Arrow some twenty times faster.
"""

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from django.utils.translation import gettext as _

from common.errors import DomainError

from ..reasons import Reason
from .conversion import POSITION, SHOWN_LENGTH, raw_column
from .rejects import Spool, Unreadable

# No record may be longer; where a quote is never closed, the "record" is the rest of the file.
BLOCK = 8 * 2**20

# A byte that is not text becomes the private character BROKEN + byte, so that the rest of its row
# can still be told apart; no text of a real system stands in that last plane of Unicode.
BROKEN = 0x10FE00
BROKEN_PATTERN = f"[{chr(BROKEN)}-{chr(BROKEN + 255)}]"
BROKEN_PREFIX = chr(BROKEN).encode()[:2]


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    broken = error.object[error.start : error.end]
    return "".join(chr(BROKEN + byte) for byte in broken), error.end


codecs.register_error("juzhen.mark", _mark)


@dataclass(frozen=True)
class Dialect:
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> "Dialect":
        return cls(**mapping.get("csv", {}))

    @property
    def codec(self) -> str:
        """UTF-8 with or without a byte-order mark is read alike."""
        return "utf-8-sig" if self.encoding == "utf-8" else self.encoding


def header(file: Path, dialect: Dialect) -> list[str]:
    """Return the names in the first record, trimmed. Raises DomainError for a file without one."""
    quoting = csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE
    with file.open(encoding=dialect.codec, errors="juzhen.mark", newline="") as text:
        records = csv.reader(
            _without_mark(text),
            delimiter=dialect.delimiter,
            quotechar=dialect.quote or None,
            quoting=quoting,
        )
        try:
            names = next((record for record in records if record), None)
        except csv.Error as error:
            raise _unclosed(file, 0) from error
    if names is None:
        raise DomainError(
            "file_empty",
            _("%(file)s is empty; a CSV file begins with a line of column names.")
            % {"file": file.name},
        )
    return [name.strip() for name in names]


def _without_mark(lines: Iterable[str]) -> Iterator[str]:
    """The lines without a byte-order mark, which would hide the quote of a quoted first name."""
    for number, line in enumerate(lines):
        yield line if number else line.removeprefix("\ufeff")


class CsvFile:
    """Read one file once.

    ``batches`` gives (``_position``, the wanted columns as ``_r0`` …) of the readable rows, where
    position is the row's number + ``base``; rows that cannot be read go to ``spool`` meanwhile. Row
    1 is the first after the header. Afterwards ``rows`` says how many there were, of both kinds.
    """

    def __init__(
        self,
        file: Path,
        dialect: Dialect,
        wanted: Sequence[int],
        names: Sequence[str],
        *,
        base: int,
        spool: Spool,
    ) -> None:
        self.file = file
        self.dialect = dialect
        self.wanted = wanted
        self.names = names
        self.base = base
        self.spool = spool
        self.rows = 0
        self._skipped: deque[int] = deque()
        self._seal = uuid4().hex

    @property
    def schema(self) -> pa.Schema:
        texts = [pa.field(raw_column(i), pa.string()) for i in range(len(self.wanted))]
        return pa.schema([pa.field(POSITION, pa.int64()), *texts])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Raises DomainError for a file that breaks off inside a quote, when it comes to it."""
        with self.file.open("rb") as raw:
            stream = _Transcoded(raw, self.dialect, self._last_record())
            held: pa.RecordBatch | None = None
            for batch in self._read(stream):
                if batch.num_rows == 0:
                    continue
                if held is None:
                    held = batch.slice(1)  # the header
                else:
                    yield self._readable(held, stream.broken)
                    held = batch
            yield self._readable(self._without_seal(held), stream.broken)
        self.rows += len(self._skipped)

    def _last_record(self) -> str:
        """A record of our own after the last: if it does not come out whole, a quote is open."""
        return "\n" + self.dialect.delimiter.join([self._seal] * len(self.names)) + "\n"

    def _without_seal(self, last: pa.RecordBatch | None) -> pa.RecordBatch:
        if last is None or not last.num_rows or last.column(0)[-1].as_py() != self._seal:
            raise _unclosed(self.file, self.rows)
        return last.slice(0, last.num_rows - 1)

    def _read(self, stream: "_Transcoded") -> Iterator[pa.RecordBatch]:
        columns = [f"f{index}" for index in self.wanted]
        try:
            yield from pacsv.open_csv(
                stream,
                pacsv.ReadOptions(
                    use_threads=False, block_size=BLOCK, autogenerate_column_names=True
                ),
                pacsv.ParseOptions(
                    delimiter=self.dialect.delimiter,
                    quote_char=self.dialect.quote or False,
                    newlines_in_values=bool(self.dialect.quote),
                    ignore_empty_lines=True,
                    invalid_row_handler=self._skip,
                ),
                pacsv.ConvertOptions(
                    include_columns=columns,
                    column_types=dict.fromkeys(columns, pa.string()),
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            raise _unclosed(self.file, self.rows) from error

    def _skip(self, row: pacsv.InvalidRow) -> str:
        """Arrow's handler of records with a wrong number of fields; to it the header is 1."""
        number = row.number - 1
        self._skipped.append(number)
        text = shown(row.text)
        self.spool.add(Unreadable(self.base + number, None, text, Reason.WRONG_FIELD_COUNT))
        return "skip"

    def _readable(self, batch: pa.RecordBatch, any_broken: bool) -> pa.RecordBatch:
        numbers = self._numbers(batch.num_rows)
        if any_broken:
            sound = self._report_broken(batch, numbers)
            batch, numbers = batch.filter(pa.array(sound)), numbers[sound]
        arrays = [pa.array(numbers + self.base), *batch.columns]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _numbers(self, count: int) -> np.ndarray:
        """Return the next ``count`` row numbers that Arrow did not skip."""
        end = self.rows + count
        skipped = []
        while self._skipped and self._skipped[0] <= end:
            skipped.append(self._skipped.popleft())
            end += 1
        numbers = np.arange(self.rows + 1, end + 1, dtype=np.int64)
        self.rows = end
        return numbers[~np.isin(numbers, skipped)] if skipped else numbers

    def _report_broken(self, batch: pa.RecordBatch, numbers: np.ndarray) -> np.ndarray:
        """Send rows with undecodable bytes to the spool; return which rows have none."""
        sound = np.ones(batch.num_rows, dtype=bool)
        for index, column in zip(self.wanted, batch.columns, strict=True):
            broken = pc.match_substring_regex(column, BROKEN_PATTERN).to_numpy(zero_copy_only=False)
            for row in np.flatnonzero(broken):
                self.spool.add(
                    Unreadable(
                        self.base + int(numbers[row]),
                        self.names[index],
                        shown(column[int(row)].as_py()),
                        Reason.BROKEN_ENCODING,
                    )
                )
            sound &= ~broken
        return sound


class _Transcoded(io.RawIOBase):
    """The file's bytes as UTF-8, followed by a last record; ``broken`` once a byte was marked."""

    def __init__(self, raw: io.BufferedReader, dialect: Dialect, last: str) -> None:
        self.broken = False
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(dialect.codec)(errors="juzhen.mark")
        self._last = last
        self._begun = False
        self._ended = False
        self._ready = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = BLOCK) -> bytes:
        """Return ``size`` bytes, or what is left: Arrow takes a short block for a whole one."""
        while len(self._ready) < size and not self._ended:
            self._ready += self._next(size)
        given, self._ready = self._ready[:size], self._ready[size:]
        return given

    def _next(self, size: int) -> bytes:
        block = self._raw.read(size)
        self._ended = not block
        text = self._decoder.decode(block, final=self._ended)
        if text and not self._begun:
            self._begun = True
            text = text.removeprefix("\ufeff")
        data = text.encode()
        self.broken = self.broken or BROKEN_PREFIX in data
        return data + self._last.encode() if self._ended else data


def shown(text: str) -> str:
    r"""Return the text as a person may read it: an undecodable byte as \x81, cut to length."""
    marks = {BROKEN + byte: f"\\x{byte:02x}" for byte in range(256)}
    return text.translate(marks)[:SHOWN_LENGTH]


def _unclosed(file: Path, row: int) -> DomainError:
    return DomainError(
        "file_broken_off",
        _(
            "%(file)s breaks off inside a quoted field after row %(row)d, or holds a record longer "
            "than %(limit)d MiB: a quote is opened and never closed. Deliver the file again, or "
            'set csv.quote to "" if it quotes nothing.'
        )
        % {"file": file.name, "row": row, "limit": BLOCK // 2**20},
        file=file.name,
        row=row,
    )
