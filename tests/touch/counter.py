"""At the counter of the small province: ask for a customer, report what became of it."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.test import Client

import contacts.definitions
from accounts.models import User
from contacts.services import set_opt_outs
from tests.accounts.clients import bearer
from tests.campaigns import province
from touch.answers import Recommendation
from touch.explain import Considered
from touch.feedback import Reported, record_feedback
from touch.recommendation import recommend

NUMBER = "12000000001"
PERSON = {"number": 12000000001}
NAMED = province.name("limit")


def limit(most: int, days: int, per: str = "customer", **more: Any) -> dict[str, Any]:
    code = more.pop("code", f"{per}_{most}_{days}")
    says = {"code": code, "name": NAMED, "per": per, "counts": "contacts"}
    return says | {"most": most, "days": days} | more


def contact_policy(*limits: Any, quiet: Any = (), organisation: str = "zhejiang") -> None:
    """Let this be what the organisation says of contacts from now on."""
    content = {"organisation": organisation, "limits": list(limits), "quiet_hours": list(quiet)}
    contacts.definitions.load([content], "test")


def report(
    answer: Recommendation,
    policy: str,
    outcome: str = "shown",
    *,
    by: User,
    channel: str = "",
    at: datetime | None = None,
) -> dict[str, Any]:
    reason = "too dear" if outcome == "declined" else ""
    event = Reported(answer.decision, policy, outcome, reason, channel, at)
    with transaction.atomic():
        return record_feedback([event], by=by)


def opt_out(*what: str, customer_no: str = NUMBER, city: str = "hangzhou") -> None:
    set_opt_outs(customer_no=customer_no, opted_out=what, city=city, by="test")


def considered(
    user: User, policy: str = "P1", campaign: str = "C1", *, number: str = NUMBER, **asked: Any
) -> Considered:
    """What the answer says of one policy and campaign."""
    answer = recommend(number, user=user, explain=True, **asked)
    assert answer.considered is not None
    [one] = [c for c in answer.considered if (c.policy, c.campaign) == (policy, campaign)]
    return one


def policies(answer: Recommendation) -> list[str]:
    return [item.policy for item in answer.items]


def event(decision: UUID | str, policy: str = "P1", outcome: str = "shown", **more: Any) -> Any:
    """One event as a touch point sends it."""
    says = {"decision": str(decision), "policy": policy, "outcome": outcome}
    return says | ({"reason": "too dear"} if outcome == "declined" else {}) | more


def send(
    key: str, events: list[Any], once: str = "k1", *, body: str | bytes = "", **headers: str
) -> Any:
    """Post feedback; ``body``: these bytes in place of the events."""
    said = {"Idempotency-Key": once} if once else {}
    return Client().post(
        "/api/v1/feedback",
        body or json.dumps({"events": events}),
        content_type="application/json",
        headers=bearer(key) | said | {"accept-language": "en"} | headers,
    )
