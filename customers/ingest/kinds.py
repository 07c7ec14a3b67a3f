"""What a source's column holds, and whether a table's column can be read from that."""

import re
from enum import StrEnum

from django.utils.translation import gettext as _

from common.errors import DomainError

from ..models import Type
from .mapping import Reading


class Kind(StrEnum):
    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    INSTANT = "timestamp with time zone"


_OF_TYPE = {
    "VARCHAR": Kind.TEXT,
    "BOOLEAN": Kind.BOOLEAN,
    "FLOAT": Kind.NUMBER,
    "DOUBLE": Kind.NUMBER,
    "DATE": Kind.DATE,
    "TIMESTAMP WITH TIME ZONE": Kind.INSTANT,
}
_WHOLE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL\(\d+,0\)")

TEXTUAL = (Type.TEXT, Type.CATEGORY)
NUMERIC = (Type.INTEGER, Type.NUMBER)
TEMPORAL = (Kind.DATE, Kind.TIMESTAMP, Kind.INSTANT)


def kind_of(sql_type: str) -> Kind | None:
    """Return the kind of a column of DuckDB's ``sql_type``; None if no column is read from it."""
    if sql_type in _OF_TYPE:
        return _OF_TYPE[sql_type]
    if _WHOLE.fullmatch(sql_type):
        return Kind.WHOLE
    if sql_type.startswith("DECIMAL"):
        return Kind.NUMBER
    return Kind.TIMESTAMP if sql_type.startswith("TIMESTAMP") else None


def read_as(reading: Reading, kind: Kind | None, sql_type: str) -> Kind:
    """Return what the source's value is taken for before it is converted.

    TEXT is trimmed and compared with the null words; NUMBER is a double, DATE a date. Raises
    DomainError ``unreadable_column`` where the column could only be guessed at.
    """
    found = _read_as(reading, kind)
    if found is None:
        raise DomainError(
            "unreadable_column",
            _(
                "Column %(source)s of the source has the type %(type)s; %(code)s (%(wanted)s) "
                "cannot be read from it. Write it as text, or give a format or a value map."
            )
            % {
                "source": reading.source,
                "type": sql_type,
                "code": reading.column.code,
                "wanted": reading.column.type,
            },
        )
    return found


def _read_as(reading: Reading, kind: Kind | None) -> Kind | None:
    wanted = reading.column.type
    if kind is None or kind is Kind.TEXT:
        return kind
    if wanted in TEXTUAL:
        # A number read as a float has lost its leading zeros and may have lost its last digits.
        unsafe = reading.column.identifier and kind is Kind.NUMBER
        return None if unsafe else Kind.TEXT
    if wanted in NUMERIC:
        return Kind.NUMBER if kind in (Kind.WHOLE, Kind.NUMBER) else None
    if wanted == Type.BOOLEAN:
        if reading.values and kind not in TEMPORAL:
            return Kind.TEXT
        return {Kind.BOOLEAN: Kind.BOOLEAN, Kind.WHOLE: Kind.NUMBER, Kind.NUMBER: Kind.NUMBER}.get(
            kind
        )
    if kind in TEMPORAL:
        return Kind.DATE
    return Kind.TEXT if kind is Kind.WHOLE and reading.format else None
