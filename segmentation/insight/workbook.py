"""A profile as a workbook: its definition, the ranking, and a sheet for each dimension.

Figures only: no customer's number ever stands in it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter

from .profile import REASONS, Line, Profile, ValueLine
from .stats import Interval, Reason

HEAD = PatternFill("solid", fgColor="DCE6F1")
# What a spreadsheet would take for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Row = list[Any]


@dataclass(frozen=True)
class Described:
    """What the figures are of, in words."""

    group: str
    against: str
    scope: str
    business_date: date
    run_number: int
    versions: Sequence[str]


def workbook(profile: Profile, described: Described) -> bytes:
    """Return the XLSX file."""
    book = Workbook(write_only=True)
    _sheet(
        book, _("Definition"), [_("item"), _("Value")], _definition(profile, described), [28, 90]
    )
    _sheet(book, _("Ranking"), _ranking_head(), _ranking(profile), [6, 34, 14, 16, 12, 12, 10])
    for facet, lines in profile.facets:
        rows = [row for line in lines for row in _rows(line)]
        _sheet(book, str(facet.label).capitalize(), _head(), rows, [34, 24, *[13] * 22])
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def safe(value: Any) -> Any:
    """A text that a spreadsheet takes for text; an XLSX can't hold control characters."""
    if not isinstance(value, str):
        return value
    plain = "".join(c for c in value if c >= " " or c in "\n\t")
    return f"'{plain}" if value.startswith(FORMULA) else plain


def _sheet(
    book: Workbook, title: str, head: Row, rows: Iterable[Row], widths: Sequence[int]
) -> None:
    sheet = book.create_sheet(title[:31])
    sheet.freeze_panes = "A2"
    for place, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    titles = [WriteOnlyCell(sheet, value=safe(name)) for name in head]
    for cell in titles:
        cell.font, cell.fill = Font(bold=True), HEAD
    sheet.append(titles)
    for row in rows:
        sheet.append([safe(value) for value in row])


def _definition(profile: Profile, described: Described) -> list[Row]:
    return [
        [_("group (A)"), described.group],
        [_("compared with (B)"), described.against],
        [_("among the customers of"), described.scope],
        [_("customers of A"), profile.a],
        [_("customers of B"), profile.b],
        [_("customers in both"), profile.both],
        [_("as of the business date"), described.business_date.isoformat()],
        [_("run"), described.run_number],
        *[[_("version"), version] for version in described.versions],
        [_("intervals"), _("95 %; customers whose value is unknown are left out and counted")],
        [
            _("effect of a number"),
            _("Hedges' g: the difference of the means in pooled standard deviations"),
        ],
        [_("effect of a category"), _("Cramér's V; of yes or no, φ with the sign of the surplus")],
        [
            _("strength"),
            _("the effect as a correlation of groups of equal size, -1 to 1: ranks all alike"),
        ],
    ]


def _ranking_head() -> Row:
    return [
        _("rank"),
        _("attribute"),
        _("dimension"),
        _("strength"),
        _("known in A"),
        _("known in B"),
        _("size"),
    ]


def _ranking(profile: Profile) -> Iterable[Row]:
    for rank, line in enumerate(profile.ranked, 1):
        facet = str(line.facet.label)
        yield [rank, line.name, facet, line.strength, line.a.known, line.b.known, line.size]
    for line in profile.not_estimable:
        facet = str(line.facet.label)
        yield [None, line.name, facet, _("not estimable"), line.a.known, line.b.known, line.why]


def _head() -> Row:
    of_group = [
        _("known"),
        _("unknown share"),
        _("mean"),
        _("median"),
        _("standard deviation"),
        _("share"),
        _("share from"),
        _("share to"),
    ]
    return [
        _("attribute"),
        _("Value"),
        _("unit"),
        *[f"A: {name}" for name in of_group],
        *[f"B: {name}" for name in of_group],
        _("Hedges' g, or V"),
        _("from"),
        _("to"),
        _("difference of shares"),
        _("from"),
        _("to"),
        _("lift"),
        _("from"),
        _("to"),
        _("strength"),
        _("not estimable because"),
    ]


def _rows(line: Line) -> Iterable[Row]:
    """One row of the attribute, and of a category one for each of its values."""
    effect: Row = [None, None, None]
    if line.number:
        effect = [line.number.g, *_ends(line.number.interval)]
    if line.category:
        effect = [line.category.v, None, None]
    sides = [*_side(line, 0), *_side(line, 1)]
    empty: Row = [None] * 6
    yield [line.name, None, line.unit, *sides, *effect, *empty, line.strength, line.why]
    for value in line.values:
        yield _value_row(line, value)


def _side(line: Line, place: int) -> Row:
    side = (line.a, line.b)[place]
    return [side.known, side.unknown, side.mean, side.median, side.deviation, None, None, None]


def _value_row(line: Line, value: ValueLine) -> Row:
    effect = value.effect
    sides: Row = []
    for share in (effect.a, effect.b):
        sides += [share.known, None, None, None, None, share.value, *_ends(share.interval)]
    return [
        line.name,
        value.name,
        None,
        *sides,
        None,
        None,
        None,
        effect.difference,
        *_ends(effect.interval),
        effect.lift,
        *_ends(effect.lift_interval),
        None,
        _why(effect.reason or effect.lift_reason),
    ]


def _ends(interval: Interval | None) -> Row:
    return [interval.low, interval.high] if interval else [None, None]


def _why(reason: Reason | None) -> str | None:
    return str(REASONS[reason]) if reason else None
