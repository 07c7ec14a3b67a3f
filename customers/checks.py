"""What a schema cannot refuse in the definitions of attributes and sources.

Each check raises DomainError with ``where``, the path of the value within its item.
"""

import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from django.utils.translation import gettext as _

from common.definitions import refuse_twice
from common.errors import DomainError, at, did_you_mean
from rules.catalogue import RESERVED_WORDS

from .catalogue import CITY
from .models import Origin, Type
from .tables import CUSTOMER_NO, Column, Table

OWN_COLUMNS = frozenset({CUSTOMER_NO, CITY})
NUMERIC = (Type.INTEGER, Type.NUMBER)
NAMED = (Type.CATEGORY, Type.BOOLEAN)


def check_attribute(item: Mapping[str, Any]) -> None:
    """Refuse an attribute that contradicts itself, or whose code is taken."""
    code, kind = item["code"], item["type"]
    if code in OWN_COLUMNS | RESERVED_WORDS:
        raise _error(
            "reserved_code",
            _(
                "%(code)s is a word of the rule language or a column of every snapshot; "
                "choose another code."
            )
            % {"code": code},
            "code",
        )
    if "range" in item:
        _check_range(item["range"], kind)
    if ("values" in item) != (kind == Type.CATEGORY):
        raise _error(
            "values_misplaced",
            _(
                "A category lists its values, and only a category does; "
                "%(code)s is of type %(type)s."
            )
            % {"code": code, "type": kind},
            "values" if "values" in item else "type",
        )
    with at("values"):
        refuse_twice([value["code"] for value in item.get("values", [])])
    if item.get("front_desk") and item.get("origin") == Origin.LABEL:
        raise _error(
            "label_at_front_desk",
            _("%(code)s is an outcome known only afterwards; it cannot be shown at touch points.")
            % {"code": code},
            "front_desk",
        )


def _check_range(range_: Sequence[float | None], kind: str) -> None:
    if kind not in NUMERIC:
        raise _error(
            "range_misplaced",
            _("Only whole numbers and numbers have a range; this is of type %s.") % kind,
            "range",
        )
    low, high = range_
    if not all(math.isfinite(end) for end in range_ if end is not None):
        raise _error(
            "range_not_finite",
            _("The ends of a range are numbers; write null for an end that is open."),
            "range",
        )
    if low is not None and high is not None and low > high:
        raise _error(
            "range_reversed",
            _("A range is [lowest, highest]; %(low)s is above %(high)s.")
            % {"low": low, "high": high},
            "range",
        )


def check_source(item: Mapping[str, Any], table: Table, origins: Mapping[str, str]) -> None:
    """Refuse a mapping to what the table has not; ``origins``: attribute code → origin."""
    if ("city" in item) != (CITY in table.codes):
        raise _error(
            "city_misplaced",
            _("A source of customers says which column holds the city, and no other source does."),
            "city" if "city" in item else "table",
        )
    dialect = item.get("csv", {})
    if dialect.get("delimiter", ",") == dialect.get("quote", '"'):
        raise _error(
            "delimiter_is_quote",
            _("The delimiter and the quote of a CSV file must be different characters."),
            "csv",
        )
    for code, entry in item["columns"].items():
        where = ("columns", code)
        _check_target(code, table, origins, where)
        if isinstance(entry, Mapping):
            _check_entry(entry, table[code], where)
    if "city" in item:
        _check_codes(item["city"], table[CITY], ("city",))
    mapped = (c for c in table.columns if c.missing and c.code in table.mapped)
    for column in mapped:
        if column.code not in item["columns"]:
            raise _error(
                "column_not_mapped",
                _("Every row of %(table)s needs %(code)s; say which column holds it.")
                % {"table": table.name, "code": column.code},
                "columns",
            )


def _check_target(
    code: str, table: Table, origins: Mapping[str, str], where: tuple[str | int, ...]
) -> None:
    if code in table.mapped:
        return
    if origins.get(code) == Origin.SCORE:
        raise _error(
            "score_mapped",
            _("%s is computed by a model; it cannot be read from a source.") % code,
            *where,
        )
    near = get_close_matches(code, table.mapped)
    raise _error(
        "unknown_attribute",
        _("%(table)s has no column %(code)s to fill.") % {"table": table.name, "code": code}
        + did_you_mean(near),
        *where,
        nearest=near,
    )


def _check_entry(entry: Mapping[str, Any], column: Column, where: tuple[str | int, ...]) -> None:
    if "format" in entry and column.type != Type.DATE:
        raise _error(
            "format_misplaced",
            _("Only a date has a format; %(code)s is of type %(type)s.")
            % {"code": column.code, "type": column.type},
            *where,
            "format",
        )
    if "values" in entry and column.type not in NAMED:
        raise _error(
            "value_map_misplaced",
            _(
                "Only a category or a truth value is read through a map; "
                "%(code)s is of type %(type)s."
            )
            % {"code": column.code, "type": column.type},
            *where,
            "values",
        )
    if "other" in entry and column.type != Type.CATEGORY:
        raise _error(
            "other_misplaced",
            _("Only a category has an other value; %(code)s is of type %(type)s.")
            % {"code": column.code, "type": column.type},
            *where,
            "other",
        )
    _check_codes(entry, column, where)


def _check_codes(entry: Mapping[str, Any], column: Column, where: tuple[str | int, ...]) -> None:
    """The codes that a value map or ``other`` names must be values of the column."""
    known: Sequence[str | bool] = column.values if column.type == Type.CATEGORY else (True, False)
    named = [(("values", raw), value) for raw, value in entry.get("values", {}).items()]
    if "other" in entry:
        named.append((("other",), entry["other"]))
    for path, value in named:
        if value not in known:
            near = get_close_matches(str(value), [str(k) for k in known])
            raise _error(
                "unknown_value",
                _("%(value)s is no value of %(code)s; it has %(known)s.")
                % {
                    "value": value,
                    "code": column.code,
                    "known": ", ".join(map(str, known))[:300] or "-",
                },
                *where,
                *path,
                nearest=near,
            )


def _error(code: str, message: str, *where: str | int, **extra: Any) -> DomainError:
    return DomainError(code, message, where=list(where), **extra)
