"""The tables that are ingested: customers (their columns are the catalogue's) and three of events.

A table is a plain value, so that an ingest depends on what was pinned for it and on nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext as _

from accounts.models import Level, Organisation
from common.errors import DomainError

from .catalogue import CITY
from .meetings import Arm, Channel, Outcome
from .models import Attribute, Origin, Type
from .reasons import Reason

CUSTOMER_NO = "customer_no"
TABLES = ("customers", "orders", "contacts", "trials")

# Whole numbers are compared as doubles in rules, which are exact up to here.
GREATEST_INTEGER = 2**53 - 1
GREATEST_NUMBER = 1.7976931348623157e308
KEY_LENGTH = 40
TEXT_LENGTH = 200

SQL_TYPES = {
    Type.INTEGER: "BIGINT",
    Type.NUMBER: "DOUBLE",
    Type.BOOLEAN: "BOOLEAN",
    Type.CATEGORY: "VARCHAR",
    Type.TEXT: "VARCHAR",
    Type.DATE: "DATE",
}


@dataclass(frozen=True)
class Column:
    """One column of a table: what it holds and what makes a value of it bad.

    missing       the reason for rejecting a row without it; None: null is a value like another
    unknown       the reason for rejecting a value outside ``values`` (categories only)
    identifier    a number by which a thing is known: no control characters, ``KEY_LENGTH`` at most
    minimum, maximum   inclusive, numbers only
    """

    code: str
    type: str
    missing: str | None = None
    unknown: str = Reason.UNKNOWN_CATEGORY
    identifier: bool = False
    values: tuple[str, ...] = ()
    minimum: float = -GREATEST_NUMBER
    maximum: float = GREATEST_NUMBER

    @property
    def sql_type(self) -> str:
        return SQL_TYPES[Type(self.type)]


@dataclass(frozen=True)
class Table:
    """``key`` is unique in a loaded table; rows lie in parts by ``customer_no``, ordered by it."""

    name: str
    key: str
    columns: tuple[Column, ...]

    def __getitem__(self, code: str) -> Column:
        return next(column for column in self.columns if column.code == code)

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(column.code for column in self.columns)

    @property
    def mapped(self) -> tuple[str, ...]:
        """The columns that a source's ``columns`` may map: all but the key and the city."""
        return tuple(code for code in self.codes if code not in (self.key, CITY))


def _identifier(code: str, missing: str | None = Reason.MISSING_VALUE) -> Column:
    return Column(code, Type.TEXT, missing=missing, identifier=True)


def _category(code: str, known: type[TextChoices]) -> Column:
    values = tuple(known.values)
    return Column(code, Type.CATEGORY, missing=Reason.MISSING_VALUE, values=values)


ORDERS = Table(
    "orders",
    "order_no",
    (
        _identifier("order_no", Reason.NULL_KEY),
        _identifier(CUSTOMER_NO),
        Column("ordered_on", Type.DATE, missing=Reason.MISSING_VALUE),
        _identifier("policy"),
        _identifier("campaign", None),
        _category("channel", Channel),
        Column("device_price", Type.NUMBER, minimum=0),
        Column("amount", Type.NUMBER, missing=Reason.MISSING_VALUE),
    ),
)
CONTACTS = Table(
    "contacts",
    "contact_no",
    (
        _identifier("contact_no", Reason.NULL_KEY),
        _identifier(CUSTOMER_NO),
        Column("contacted_on", Type.DATE, missing=Reason.MISSING_VALUE),
        _category("channel", Channel),
        _identifier("campaign"),
        _identifier("policy"),
        _category("outcome", Outcome),
        Column("reason", Type.TEXT),
    ),
)
# Who was contacted by lot, and who was left alone: what a contact adds can be told from these only.
TRIALS = Table(
    "trials",
    "trial_no",
    (
        _identifier("trial_no", Reason.NULL_KEY),
        _identifier(CUSTOMER_NO),
        Column("assigned_on", Type.DATE, missing=Reason.MISSING_VALUE),
        _identifier("trial"),
        _category("arm", Arm),
    ),
)
FIXED = {table.name: table for table in (ORDERS, CONTACTS, TRIALS)}


def pin_catalogue() -> dict[str, Any]:
    """Return what an ingest of customers needs of the catalogue and the organisation, as JSON."""
    attributes = Attribute.objects.exclude(origin=Origin.SCORE)
    cities = Organisation.objects.filter(level=Level.CITY).order_by("code")
    return {
        "attributes": [
            {
                "code": a.code,
                "type": a.type,
                "minimum": a.minimum,
                "maximum": a.maximum,
                "values": [value["code"] for value in a.values],
            }
            for a in attributes
        ],
        "cities": list(cities.values_list("code", flat=True)),
    }


def table_of(name: str, catalogue: Mapping[str, Any]) -> Table:
    """Return the table as pinned. ``catalogue`` (see ``pin_catalogue``) is for customers only."""
    if name in FIXED:
        return FIXED[name]
    if not catalogue["cities"]:
        raise DomainError(
            "no_cities",
            _("The organisation has no cities yet; load it before customers are ingested."),
            status=503,
        )
    number = _identifier(CUSTOMER_NO, Reason.NULL_KEY)
    city = Column(
        CITY,
        Type.CATEGORY,
        missing=Reason.UNKNOWN_CITY,
        unknown=Reason.UNKNOWN_CITY,
        values=tuple(catalogue["cities"]),
    )
    attributes = (_attribute(pinned) for pinned in catalogue["attributes"])
    return Table("customers", CUSTOMER_NO, (number, city, *attributes))


def _attribute(pinned: Mapping[str, Any]) -> Column:
    low, high = -GREATEST_NUMBER, GREATEST_NUMBER
    if pinned["type"] == Type.INTEGER:
        low, high = -GREATEST_INTEGER, GREATEST_INTEGER
    return Column(
        pinned["code"],
        pinned["type"],
        values=tuple(pinned["values"]),
        minimum=low if pinned["minimum"] is None else max(low, pinned["minimum"]),
        maximum=high if pinned["maximum"] is None else min(high, pinned["maximum"]),
    )
