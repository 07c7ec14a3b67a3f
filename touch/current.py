"""What is published of customers, and how they have been met: one statement.

So an answer is of one publication, and the caller is admitted, told who he may see, and answered
without a second look. It touches a known number of rows per customer: the pointer, his newest
answer, his contact record, and the few rows that are about everybody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import orjson
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.admission import ADMISSION, WIDTH, admitted, parameters
from accounts.clients import Client
from accounts.models import User
from campaigns.models import Publication
from common.api import Unproven, require
from common.errors import DomainError
from common.permissions import Permission
from common.statements import run
from contacts.record import Record

Caller = User | Client
LONGEST_NUMBER = 40


@dataclass(frozen=True)
class Published:
    """A publication, whose rows never change."""

    id: int
    business_date: date
    published_at: datetime
    plan: str
    versions: dict[str, Any]


@dataclass(frozen=True)
class Current:
    """One customer: the published row, and the contact record now.

    cells     numbers in the order of the plan's matrices, null outside a matrix's scope
    hidden    codes of attributes whose values the caller may not see
    taken     orders so far by policy, of policies with a capacity
    """

    published: Published
    customer_no: str
    city: str
    profile: dict[str, Any]
    cells: list[int | None]
    offers: list[int]
    tiers: list[int]
    take_ups: list[float]
    worths: list[float]
    record: Record
    contact_policy: int
    taken: Mapping[str, int]
    hidden: frozenset[str]


# What the caller may see is asked anew each time: an attribute declared sensitive is hidden at
# once, not with the next publication.
_FOUND = """
    SELECT asked.place, asked.customer_no, shown.publication_id AS publication,
           a.city, a.profile, a.cells, a.offers, a.tiers, a.take_ups, a.worths, a.departed,
           r.version, r.times, r.held, r.opted_out,
           (SELECT max(id) FROM contacts_contactpolicyversion) AS contact_policy,
           (SELECT jsonb_object_agg(policy, taken) FROM contacts_taken WHERE policy IN
            (SELECT policy_id FROM campaigns_policyversion WHERE capacity IS NOT NULL)) AS taken,
           ARRAY(SELECT code FROM customers_attribute WHERE sensitivity = 'sensitive') AS hidden
    FROM jsonb_array_elements_text(%(numbers)s::jsonb) WITH ORDINALITY AS asked(customer_no, place)
    LEFT JOIN (
        SELECT coalesce(%(publication)s::bigint,
                        (SELECT publication_id FROM campaigns_currentpublication)) AS publication_id
    ) AS shown ON true
    LEFT JOIN LATERAL (
        SELECT * FROM campaigns_answer AS row
        WHERE row.customer_no = asked.customer_no AND row.publication_id <= shown.publication_id
        ORDER BY row.publication_id DESC
        LIMIT 1
    ) AS a ON true
    LEFT JOIN contacts_contactrecord AS r ON r.customer_no = asked.customer_no
"""
_OF_PERSON = f"{_FOUND} ORDER BY asked.place"
_OF_CLIENT = f"""
    WITH {ADMISSION}
    SELECT admission.*, found.* FROM admission
    LEFT JOIN ({_FOUND}) AS found ON admission.refusal IS NULL
    ORDER BY found.place
"""
_COLUMNS = (
    *("place", "customer_no", "publication", "city", "profile", "cells", "offers", "tiers"),
    *("take_ups", "worths", "departed", "version", "times", "held", "opted_out"),
    *("contact_policy", "taken", "hidden"),
)


def current_of(
    numbers: Sequence[str],
    caller: Caller | Unproven,
    *permissions: Permission,
    publication: int | None = None,
    cost: int = 1,
) -> tuple[Caller, list[Current | None]]:
    """Return who calls, and for each number what is published of the customer.

    None stands alike for a customer who doesn't exist, has left, or belongs to a city outside the
    caller's: which of them is nobody's business. ``permissions``: any one is enough.
    ``publication``:
    in place of the current one. ``cost``: what a system client's call takes of its bucket.

    Raises what ``admitted`` raises, PermissionDenied, and DomainError ``nothing_published`` (503).
    """
    values = {"numbers": orjson.dumps(list(numbers)).decode(), "publication": publication}
    if isinstance(caller, Unproven):
        rows = run(_OF_CLIENT, values | parameters(caller.key_hash, cost=cost)).fetchall()
        caller = admitted(rows[0] if rows else None)
        rows = [row[WIDTH:] for row in rows]
    else:
        rows = run(_OF_PERSON, values).fetchall()
    require(caller, *permissions)
    found = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
    if found and found[0]["publication"] is None:
        raise DomainError(
            "nothing_published",
            _("No day has been published yet: the answers come with the first daily run."),
            status=503,
        )
    return caller, [_current(row, caller) for row in found]


def current(customer_no: str, caller: User, *permissions: Permission) -> Current:
    """Return one customer; DomainError ``unknown_customer`` (404) where there is none to see."""
    return known(current_of([checked(customer_no)], caller, *permissions)[1][0])


def checked(number: str, *where: str | int) -> str:
    """A customer number that can be one; DomainError ``malformed_number`` (400)."""
    if not number.strip() or len(number) > LONGEST_NUMBER or not number.isprintable():
        raise DomainError(
            "malformed_number",
            _("A customer number has 1 to %(most)d printable characters; %(n)d came: %(text)s.")
            % {"most": LONGEST_NUMBER, "n": len(number), "text": ascii(number)[:60]},
            where=list(where) or ["customer_no"],
        )
    return number


def known(now: Current | None) -> Current:
    if now is None:
        raise unknown_customer()
    return now


def unknown_customer() -> DomainError:
    return DomainError(
        "unknown_customer",
        _("There is no customer with this number here. Check the number."),
        status=404,
    )


@lru_cache(maxsize=64)
def published(number: int) -> Published:
    """The publication, from memory once it has been met."""
    row = Publication.objects.get(pk=number)
    return Published(
        row.pk, row.business_date, timezone.localtime(row.published_at), row.plan_id, row.versions
    )


def _current(row: dict[str, Any], caller: Caller) -> Current | None:
    if row["city"] is None or row["departed"] or not caller.sees_city(row["city"]):
        return None
    return Current(
        published=published(row["publication"]),
        customer_no=row["customer_no"],
        city=row["city"],
        profile=orjson.loads(row["profile"]),
        cells=row["cells"],
        offers=row["offers"],
        tiers=row["tiers"],
        take_ups=row["take_ups"],
        worths=row["worths"],
        record=_record(row),
        contact_policy=row["contact_policy"] or 0,
        taken=_json(row["taken"]),
        hidden=_hidden(row["hidden"], caller),
    )


def _hidden(sensitive: Sequence[str], caller: Caller) -> frozenset[str]:
    return frozenset() if caller.can(Permission.VIEW_SENSITIVE) else frozenset(sensitive)


def _record(row: Mapping[str, Any]) -> Record:
    if row["version"] is None:
        return Record()
    times, held = _json(row["times"]), _json(row["held"])
    return Record(row["version"], times, held, frozenset(row["opted_out"]))


def _json(text: str | None) -> dict[str, Any]:
    """Django keeps psycopg from decoding jsonb, so that its own field may."""
    return {} if text is None else orjson.loads(text)
