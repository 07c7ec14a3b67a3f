"""Amounts of attributes in the reader's words: with their unit, days as dates."""

from collections.abc import Iterable
from datetime import date, timedelta

from django.utils.translation import gettext as _

from common.naming import in_chinese
from customers.models import Type
from rules.canonical import format_number

from .names import Names

EPOCH = date(1970, 1, 1)


class Wording(Names):
    """Names, and what a value of an attribute is as people write it."""

    def type(self, code: str) -> str:
        """A ``Type``; of an attribute that is gone a number."""
        return self._attributes[code].type if code in self._attributes else Type.NUMBER

    def unit(self, code: str) -> str:
        if code not in self._attributes:
            return ""
        attribute = self._attributes[code]
        return attribute.unit_zh if in_chinese() else attribute.unit_en

    def amount(self, code: str, value: float | None) -> str:
        """A value, or a mean, of a number with its unit, of a day its date, of yes/no a share."""
        if value is None:
            return "–"
        match self.type(code):
            case Type.DATE:
                return (EPOCH + timedelta(days=round(value))).isoformat()
            case Type.BOOLEAN:
                return f"{value:.1%}".replace("%", "\u202f%")
        return f"{brief(value)} {self.unit(code)}".strip()


def brief(value: float) -> str:
    """A measured number as people read it: four digits that tell, or whole."""
    return f"{value:,.0f}" if abs(value) >= 1000 else format_number(float(f"{value:.4g}"))


def listed(parts: Iterable[str]) -> str:
    return ("、" if in_chinese() else ", ").join(parts)


def yes_no(yes: bool) -> str:
    return _("yes") if yes else _("no")
