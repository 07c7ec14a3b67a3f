"""What became of an answer: shown, accepted, declined, ordered, complained.

A report is taken whole or refused whole, with every fault in it; and it counts once, however often
it is sent: its key and body are kept with the reply. Contact records change in the same
transaction, so the very next answer obeys them.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.models import Offer
from common.errors import DomainError
from common.permissions import Permission
from common.removing import remove
from contacts.services import NewEvent, record_events

from .current import Caller
from .models import Decision, KeptReply

MOST_EVENTS = 1_000
# How far a touch point's clock may be off.
SKEW = timedelta(minutes=15)
REPLIES_KEPT = timedelta(days=7)
SENDERS = (Permission.SEND_FEEDBACK,)

Reply = dict[str, Any]


@dataclass(frozen=True)
class Reported:
    """One event as it was sent. ``channel``: where, if the decision named none; at: None: now."""

    decision: UUID
    policy: str
    outcome: str
    reason: str = ""
    channel: str = ""
    at: datetime | None = None


def record_feedback(reports: Sequence[Reported], *, by: Caller) -> Reply:
    """Record the events and return how many were new and how many were known.

    Raises DomainError with all faults in ``errors``, under the code and status of the first:
    ``unknown_decision`` (404: also another city's), ``decision_expired`` (409), ``not_offered``,
    ``channel_missing``, ``other_channel``, ``clock_skew`` (400). Inside the caller's transaction.
    """
    decisions = Decision.objects.in_bulk({report.decision for report in reports})
    offers = _offers(decisions.values())
    events, faults, now = [], [], timezone.now()
    for index, report in enumerate(reports):
        try:
            events.append(_event(report, decisions.get(report.decision), offers, by, now))
        except DomainError as error:
            error.extra["where"] = ["events", index, *error.extra["where"]]
            faults.append(error)
    if faults:
        raise _together(faults)
    done = record_events(events, by=str(by))
    return {"recorded": len(done.recorded), "known": len(done.repeated)}


def once(
    work: Callable[[], Reply], *, caller: Caller, key: str, body: Any, scope: str
) -> tuple[Reply, bool]:
    """Do the work unless this request was done before; return the reply, and whether it was.

    The reply stands or falls with the work: a request that is refused leaves nothing and may be
    sent again. Of several at once one works, and the others wait for its reply. DomainError
    ``key_used`` (422): the key came with another ``body`` (what it means, not how it is spelled) or
    for another operation, its ``scope``.
    """
    digest = hashlib.sha256(orjson.dumps([scope, body], option=orjson.OPT_SORT_KEYS)).hexdigest()
    with transaction.atomic():
        row = KeptReply(caller=str(caller), key=key, digest=digest)
        # Waits for whoever is doing the same; ignored, where it has been done.
        KeptReply.objects.bulk_create([row], ignore_conflicts=True)
        kept = KeptReply.objects.get(caller=str(caller), key=key)
        if kept.digest != digest:
            raise DomainError(
                "key_used",
                _("This Idempotency-Key came with another body before: a request needs its own."),
                status=422,
                where=["Idempotency-Key"],
            )
        if kept.reply is not None:
            return kept.reply, True
        kept.reply = work()
        kept.save(update_fields=["reply"])
        return kept.reply, False


def _offers(decisions: Any) -> dict[int, Offer]:
    wanted = {offer for decision in decisions for offer in decision.offers}
    return Offer.objects.select_related("policy_version").in_bulk(wanted)


def _event(
    report: Reported,
    decision: Decision | None,
    offers: Mapping[int, Offer],
    by: Caller,
    now: datetime,
) -> NewEvent:
    decision = _live(decision, by, now)
    offer = _offered(report, decision, offers)
    policy = offer.policy_version
    return NewEvent(
        customer_no=decision.customer_no,
        kind=report.outcome,
        at=_moment(report, decision, now),
        channel=_channel(report, decision),
        policy=policy.policy_id,
        policy_version=policy.number,
        campaign=offer.campaign_id,
        group=policy.exclusivity_group,
        held_days=policy.held_days,
        city=decision.city,
        decision=decision.id,
        reason=report.reason,
    )


def _live(decision: Decision | None, by: Caller, now: datetime) -> Decision:
    if decision is None or not by.sees_city(decision.city):
        raise DomainError(
            "unknown_decision",
            _("There is no such decision here. Send the id that the answer carried."),
            status=404,
            where=["decision"],
        )
    if now >= decision.expires_at:
        raise DomainError(
            "decision_expired",
            _("The decision expired at %(end)s: what became of it can't be counted any more.")
            % {"end": timezone.localtime(decision.expires_at).isoformat(timespec="seconds")},
            status=409,
            where=["decision"],
        )
    return decision


def _offered(report: Reported, decision: Decision, offers: Mapping[int, Offer]) -> Offer:
    for offer in map(offers.__getitem__, decision.offers):
        if offer.policy_version.policy_id == report.policy:
            return offer
    raise DomainError(
        "not_offered",
        _("The decision offered %(offered)s; it did not offer %(policy)s.")
        % {
            "offered": ", ".join(offers[o].policy_version.policy_id for o in decision.offers)
            or _("nothing"),
            "policy": report.policy,
        },
        where=["policy"],
    )


def _channel(report: Reported, decision: Decision) -> str:
    if not (report.channel or decision.channel):
        raise DomainError(
            "channel_missing",
            _("The decision named no channel, so the event must: where was the customer met?"),
            where=["channel"],
        )
    if report.channel and decision.channel and report.channel != decision.channel:
        raise DomainError(
            "other_channel",
            _("The decision was made for %(one)s; what happened by %(other)s needs one of its own.")
            % {"one": decision.channel, "other": report.channel},
            where=["channel"],
        )
    return decision.channel or report.channel


def _moment(report: Reported, decision: Decision, now: datetime) -> datetime:
    """When it happened: not before the answer was given, and not later than now."""
    if report.at is None:
        return now
    first, last = min(decision.at, decision.made_at) - SKEW, now + SKEW
    if not first <= report.at <= last:
        raise DomainError(
            "clock_skew",
            _(
                "The event must lie between the decision (%(first)s) and now (%(now)s), give or "
                "take %(skew)d minutes; %(at)s came. Set the touch point's clock."
            )
            % {
                "first": timezone.localtime(decision.made_at).isoformat(timespec="seconds"),
                "now": timezone.localtime(now).isoformat(timespec="seconds"),
                "skew": SKEW // timedelta(minutes=1),
                "at": report.at.isoformat(),
            },
            where=["at"],
        )
    return min(report.at, now)


def _together(faults: Sequence[DomainError]) -> DomainError:
    """All faults under the first one's code and status."""
    first = faults[0]
    if len(faults) == 1:
        return first
    message = _("%(n)d of the events can't be taken, so none was. The first: %(text)s") % {
        "n": len(faults),
        "text": first.message,
    }
    errors = [
        {"where": fault.extra["where"], "code": fault.code, "message": fault.message}
        for fault in faults
    ]
    return DomainError(
        first.code, message, status=first.status, where=first.extra["where"], errors=errors
    )


def forget_replies() -> int:
    """Remove kept replies that nobody will ask for again; return how many."""
    return remove(KeptReply.objects.filter(at__lt=timezone.now() - REPLIES_KEPT))
