"""The ingest once more, as plainly as it can be said: row by row, with Python's own csv module.

Slow and obvious; the fast one must load the same rows and reject the same, for the same reasons.
"""

import codecs
import csv
import io
import math
import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from customers.tables import Column, Table

BLANKS = " \t\r\n\u00a0\u3000"
NUMBER = re.compile(r"[+-]?(inf(inity)?|([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?)")

# Undecodable bytes as lone surrogates, which no decoded text holds.
codecs.register_error(
    "reference.mark",
    lambda e: ("".join(chr(0xDC00 + byte) for byte in e.object[e.start : e.end]), e.end),
)


@dataclass
class Result:
    rows_in: int = 0
    loaded: list[dict[str, Any]] = field(default_factory=list)
    # (file, row, column, reason)
    rejected: set[tuple[str, int, str | None, str]] = field(default_factory=set)

    @property
    def rejected_rows(self) -> int:
        return len({(file, row) for file, row, _, _ in self.rejected})


def ingest(table: Table, mapping: dict[str, Any], files: dict[str, bytes]) -> Result:
    result = Result()
    seen: set[str] = set()
    for name in sorted(files):
        names, records = read(files[name], mapping)
        for number, record in enumerate(records, start=1):
            result.rows_in += 1
            row, problems = judge(table, mapping, names, record)
            key = row.get(table.key)
            if not problems and key in seen:
                problems = [(mapping["key"], "duplicate_key")]
            if problems:
                result.rejected |= {(name, number, *problem) for problem in problems}
            else:
                seen.add(str(key))
                result.loaded.append(row)
    return result


def read(content: bytes, mapping: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    dialect = {"encoding": "utf-8", "delimiter": ",", "quote": '"', **mapping.get("csv", {})}
    text = content.decode(dialect["encoding"], "reference.mark").removeprefix("\ufeff")
    records = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=dialect["delimiter"],
        quotechar=dialect["quote"] or None,
        quoting=csv.QUOTE_MINIMAL if dialect["quote"] else csv.QUOTE_NONE,
    )
    names, *rows = [record for record in records if record]
    return [name.strip() for name in names], rows


def breaks_off(content: bytes, mapping: dict[str, Any]) -> bool:
    """Whether the file ends inside a quoted field, which Python's csv module passes over."""
    dialect = {"encoding": "utf-8", "delimiter": ",", "quote": '"', **mapping.get("csv", {})}
    if not dialect["quote"]:
        return False
    text = content.decode(dialect["encoding"], "reference.mark").removeprefix("\ufeff")
    state = "start"
    for character in text:
        if state == "quoted":
            state = "perhaps closed" if character == dialect["quote"] else "quoted"
        elif character == dialect["quote"] and state in ("start", "perhaps closed"):
            state = "quoted"
        else:
            state = "start" if character in (dialect["delimiter"], "\r", "\n") else "plain"
    return state == "quoted"


def judge(
    table: Table, mapping: dict[str, Any], names: list[str], record: list[str]
) -> tuple[dict[str, Any], list[tuple[str | None, str]]]:
    """Return the typed row, and (source column, reason) of all that is wrong with it."""
    if len(record) != len(names):
        return {}, [(None, "wrong_field_count")]
    raw = dict(zip(names, record, strict=True))
    entries = {**mapping["columns"], table.key: mapping["key"], "city": mapping.get("city")}
    entries = {
        code: {"column": entry} if isinstance(entry, str) else entry
        for code, entry in entries.items()
        if entry is not None
    }
    used = {entry["column"] for entry in entries.values()}
    broken = [name for name in names if name in used and re.search("[\udc00-\udcff]", raw[name])]
    if broken:
        return {}, [(name, "broken_encoding") for name in broken]
    row: dict[str, Any] = {}
    problems: list[tuple[str | None, str]] = []
    for column in table.columns:
        entry = entries.get(column.code)
        if entry is None:
            row[column.code] = None
            continue
        value = raw[entry["column"]].strip(BLANKS)
        null = value in mapping.get("null_words", [""])
        row[column.code], problem = judge_value(column, entry, None if null else value)
        if problem:
            problems.append((entry["column"], problem))
    return row, problems


def judge_value(column: Column, entry: dict[str, Any], text: str | None) -> tuple[Any, str | None]:
    if column.type in ("integer", "number") and text and text.lower() in ("nan", "+nan", "-nan"):
        text = None
    if text is None:
        if column.missing and "other" in entry:
            return entry["other"], None
        return None, column.missing
    match column.type:
        case "integer" | "number":
            return judge_number(column, text)
        case "boolean":
            return judge_boolean(entry, text)
        case "date":
            return judge_date(entry.get("format", "%Y-%m-%d"), text)
        case "category":
            code = entry.get("values", {}).get(text, text)
            if code in column.values:
                return code, None
            return (entry["other"], None) if "other" in entry else (None, column.unknown)
        case _:
            return judge_text(column, text)


def judge_number(column: Column, text: str) -> tuple[Any, str | None]:
    if not NUMBER.fullmatch(text):
        return None, "wrong_type"
    number = float(text)
    if column.type == "integer" and not math.isinf(number) and number != math.trunc(number):
        return None, "wrong_type"
    if not column.minimum <= number <= column.maximum:
        return None, "out_of_range"
    return (int(number) if column.type == "integer" else number), None


def judge_boolean(entry: dict[str, Any], text: str) -> tuple[Any, str | None]:
    if text in entry.get("values", {}):
        return entry["values"][text], None
    if text.lower() in ("true", "1", "yes"):
        return True, None
    if text.lower() in ("false", "0", "no"):
        return False, None
    return None, "wrong_type"


def judge_date(form: str, text: str) -> tuple[date | None, str | None]:
    """Each part in its full width: %Y is four digits, the others two."""
    groups = {"%Y": r"([0-9]{4})", "%m": r"([0-9]{2})", "%d": r"([0-9]{2})"}
    pattern = "".join(
        groups.get(piece, r"([0-9]{2})" if piece.startswith("%") else re.escape(piece))
        for piece in re.findall(r"%.|[^%]", form)
    )
    found = re.fullmatch(pattern, text)
    if not found:
        return None, "wrong_type"
    parts = dict(zip(re.findall(r"%.", form), map(int, found.groups()), strict=True))
    try:
        moment = datetime(
            parts["%Y"],
            parts["%m"],
            parts["%d"],
            parts.get("%H", 0),
            parts.get("%M", 0),
            parts.get("%S", 0),
        )
    except ValueError:
        return None, "wrong_type"
    return moment.date(), None


def judge_text(column: Column, text: str) -> tuple[str | None, str | None]:
    if len(text) > (40 if column.identifier else 200):
        return None, "value_too_long"
    control = "[\x00-\x1f\x7f-\x9f]" if column.identifier else "\x00"
    if re.search(control, text):
        return None, "control_character"
    return text, None
