"""A source's mapping, column by column: which column of the source fills which of the table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..catalogue import CITY
from ..tables import Column, Table

NULL_WORDS = ("",)
ISO_DATE = "%Y-%m-%d"
REJECT_SHARE = 0.01


@dataclass(frozen=True)
class Reading:
    """How one column of a table is read.

    source   the column of the source; None: not mapped, the column is null throughout
    values   text in the source → category code or truth value; a text not named stays as it is
    format   of dates given as text or number
    other    the code for every value that is none of the catalogue's; None: such a row is rejected
    """

    column: Column
    source: str | None = None
    values: Mapping[str, str | bool] = field(default_factory=dict)
    format: str | None = None
    other: str | None = None


def readings(table: Table, mapping: Mapping[str, Any]) -> tuple[Reading, ...]:
    """Return a reading for every column of the table, in its order."""
    entries = {
        **mapping["columns"],
        table.key: mapping["key"],
        CITY: mapping.get("city"),
    }
    return tuple(_reading(column, entries.get(column.code)) for column in table.columns)


def _reading(column: Column, entry: str | Mapping[str, Any] | None) -> Reading:
    if entry is None:
        return Reading(column)
    if isinstance(entry, str):
        return Reading(column, source=entry)
    return Reading(
        column,
        source=entry["column"],
        values=entry.get("values", {}),
        format=entry.get("format"),
        other=entry.get("other"),
    )
