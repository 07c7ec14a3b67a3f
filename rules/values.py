"""A customer's value of an attribute, read from a row as every engine reads it from a column."""

import math
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from numbers import Real
from typing import SupportsFloat

from rules.catalogue import Attribute
from rules.errors import RuleError
from rules.kinds import KIND_OF_TYPE, Kind

Row = Mapping[str, object]
Value = float | str | bool | date | None


def read_value(row: Row, attribute: Attribute) -> Value:
    """The value, or None where it is not known.

    A number that is not a finite double (NaN, infinities) is not known: a figure that is missing
    must not be the greatest of all. A datetime counts as its day. Raises RuleError when the row
    lacks the attribute (which is not the same as None) or holds a value of another kind.
    """
    try:
        value = row[attribute.code]
    except KeyError:
        raise RuleError("missing_attribute", attribute=attribute.code) from None
    if value is None:
        return None
    kind = KIND_OF_TYPE[attribute.type]
    if kind is Kind.NUMBER and isinstance(value, Real | Decimal) and not isinstance(value, bool):
        return finite(value)
    if kind is Kind.BOOLEAN and isinstance(value, bool):
        return value
    if kind is Kind.TEXT and isinstance(value, str):
        return value
    if kind is Kind.DATE and isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    raise RuleError(
        "value_type", attribute=attribute.code, expected=kind, found=type(value).__name__
    )


def finite(number: SupportsFloat) -> float | None:
    """The number as a double, None when there is no finite one."""
    try:
        value = float(number)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None
