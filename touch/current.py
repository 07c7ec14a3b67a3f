"""What is published of one customer now: one statement, so it is of one publication."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import User
from common.errors import DomainError
from customers.selectors import attributes_for


@dataclass(frozen=True)
class Current:
    """The publication, and the customer's newest row up to it.

    cells     numbers in the order of the plan's matrices, null outside a matrix's scope
    bands     cell number → dimension code → band code
    visible   codes of the attributes whose values the caller may see
    """

    publication: int
    business_date: date
    published_at: datetime
    plan: str
    versions: dict[str, Any]
    city: str
    profile: dict[str, Any]
    cells: list[int | None]
    bands: dict[int, dict[str, str]]
    offers: list[int]
    tiers: list[int]
    take_ups: list[float]
    worths: list[float]
    visible: frozenset[str]


# What the caller may see is asked anew each time: an attribute declared sensitive is hidden at
# once, not with the next publication.
_CURRENT = """
    SELECT p.id AS publication, p.business_date, p.published_at, p.plan_id AS plan, p.versions,
           a.city, a.profile, a.cells, a.offers, a.tiers, a.take_ups, a.worths, a.departed,
           ARRAY({visible}) AS visible,
           (SELECT jsonb_object_agg(cell.number, cell.bands) FROM segmentation_cell AS cell
            WHERE cell.number = ANY(a.cells)) AS bands
    FROM campaigns_currentpublication AS c
    JOIN campaigns_publication AS p ON p.id = c.publication_id
    LEFT JOIN LATERAL (
        SELECT * FROM campaigns_answer AS row
        WHERE row.customer_no = %s AND row.publication_id <= p.id
        ORDER BY row.publication_id DESC
        LIMIT 1
    ) AS a ON true
"""


def current(customer_no: str, user: User) -> Current:
    """Return what is published of the customer.

    Raises DomainError ``nothing_published`` (503), and ``unknown_customer`` (404) alike for a
    customer who doesn't exist, has left, or belongs to a city outside the caller's: which of them
    is nobody's business.
    """
    row = _row(customer_no, user)
    if row is None:
        raise DomainError(
            "nothing_published",
            _("No day has been published yet: the answers come with the first daily run."),
            status=503,
        )
    if row["city"] is None or row.pop("departed") or not user.sees_city(row["city"]):
        raise DomainError(
            "unknown_customer",
            _("There is no customer with this number here. Check the number."),
            status=404,
        )
    row["bands"] = {int(number): bands for number, bands in (row["bands"] or {}).items()}
    row["visible"] = frozenset(row["visible"])
    return Current(**row)


def _row(customer_no: str, user: User) -> dict[str, Any] | None:
    visible, values = attributes_for(user).order_by().values("code").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_CURRENT.format(visible=visible), [*values, customer_no])
        names = [column.name for column in cursor.description]
        found = cursor.fetchone()
    return _decoded(dict(zip(names, found, strict=True))) if found else None


def _decoded(row: Mapping[str, Any]) -> dict[str, Any]:
    """Django keeps psycopg from decoding jsonb, so that its own field may."""
    json_columns = ("versions", "profile", "bands")
    return {
        name: json.loads(value) if name in json_columns and value is not None else value
        for name, value in row.items()
    }
