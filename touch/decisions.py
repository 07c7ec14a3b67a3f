"""Decisions: each answer is kept, with the versions from which it can be made again."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import connection
from django.utils import timezone

from common.removing import remove
from common.statements import run
from common.uuid7 import earliest_uuid7, uuid7

from .choice import Choice
from .current import Current
from .gates import Asked
from .models import Decision

_FIELDS = Decision._meta.concrete_fields
_NAMES = ", ".join(field.column for field in _FIELDS)
_TYPED = ", ".join(f"{field.column} {field.db_type(connection)}" for field in _FIELDS)
# One statement for one decision and for five hundred. It does not wait for the disk: a server that
# crashes may forget decisions of its last second. None that feedback has reached, for feedback
# waits, and what came before it in the log is on the disk with it.
_INSERT = f"""
    INSERT INTO touch_decision ({_NAMES})
    SELECT {_NAMES} FROM jsonb_to_recordset(%(rows)s::jsonb) AS row({_TYPED}),
        (SELECT set_config('synchronous_commit', 'off', true)) AS quick
"""


def keep(answers: Sequence[tuple[Current, Choice]], *, by: str, asked: Asked) -> list[Decision]:
    """Write one decision per customer, in one statement."""
    now = timezone.now()
    expires = now + timedelta(days=settings.DECISION_DAYS)
    decisions = [
        Decision(
            id=uuid7(now),
            at=asked.at,
            expires_at=expires,
            by=by,
            customer_no=customer.customer_no,
            city=customer.city,
            channel=asked.channel,
            most=asked.limit,
            publication_id=customer.published.id,
            contact_policy=customer.contact_policy,
            contact_version=customer.record.version,
            sold_out=sorted(choice.sold_out),
            offers=[offer.id for offer in choice.offers],
            personalised=choice.gates.personalised,
        )
        for customer, choice in answers
    ]
    if decisions:
        run(_INSERT, {"rows": orjson.dumps([_row(decision) for decision in decisions]).decode()})
    return decisions


def _row(decision: Decision) -> dict[str, Any]:
    return {field.column: getattr(decision, field.attname) for field in _FIELDS}


def prune_decisions(keep_days: int) -> int:
    """Remove decisions made more than ``keep_days`` ago, the oldest first; return how many."""
    # Ids are in the order of time.
    oldest = earliest_uuid7(timezone.now() - timedelta(days=keep_days))
    return remove(Decision.objects.filter(id__lt=oldest).order_by("id"))
