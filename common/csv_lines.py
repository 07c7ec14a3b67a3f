"""Rows as a CSV file that spreadsheets open rightly and safely."""

import csv
from collections.abc import Iterable, Iterator, Sequence

# By which spreadsheets know UTF-8.
MARK = "\ufeff"
# What a spreadsheet would take for a formula.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """A file for csv.writer that hands back each line."""

    def write(self, line: str) -> str:
        return line


def csv_lines(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield the file line by line; a text that looks like a formula is made harmless."""
    writer = csv.writer(_Echo())
    yield MARK
    yield writer.writerow(headings)
    for row in rows:
        yield writer.writerow([_harmless(value) for value in row])


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value
