"""How a customer may be met now, and how he has been met: what the customer's page says of it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from campaigns.models import PolicyVersion
from common.naming import in_chinese
from contacts.limits import WHOLE, ContactRules, Limit
from contacts.models import ContactEvent
from contacts.record import OPTED, PERSONALISED, Record
from contacts.rules import rules_at
from contacts.words import OPTED_OUT_NAMES, stop_in_words
from customers.meetings import Channel

from .answers import Recommendation
from .current import Current
from .models import Decision

MOST_ROWS = 20


@dataclass(frozen=True)
class Used:
    """How much of a limit is used up: ``seen`` of ``most`` in its days."""

    name: str
    seen: int
    most: int


@dataclass(frozen=True)
class ChannelNow:
    """stop: what stops every policy alike on this channel, in words; empty: nothing does."""

    code: str
    opted_out: bool
    stop: str
    used: list[Used]

    @property
    def is_open(self) -> bool:
        return not (self.opted_out or self.stop)


@dataclass(frozen=True)
class Standing:
    channels: list[ChannelNow]
    personalised: bool


@dataclass(frozen=True)
class Told:
    """One event with its policy's name; of an opt-out, what it is about."""

    event: ContactEvent
    name: str

    @property
    def kind(self) -> str:
        return self.event.kind


@dataclass(frozen=True)
class Notice:
    """Something that concerns the whole answer. tone: "warning" or "info"."""

    tone: str
    title: str
    text: str


def standing_of(now: Current, at: datetime) -> Standing:
    rules, record = rules_at(now.contact_policy).of(now.city), now.record
    return Standing(
        [_channel(code, rules, record, at) for code in Channel.values],
        PERSONALISED not in record.opted_out,
    )


def _channel(code: str, rules: ContactRules, record: Record, at: datetime) -> ChannelNow:
    stop = rules.whole(record, channel=code, at=at)
    limits = [limit for limit in rules.limits if limit.per in WHOLE and limit.concerns(code)]
    return ChannelNow(
        code,
        code in record.opted_out,
        stop_in_words(stop) if stop else "",
        [_used(limit, code, record, at) for limit in limits],
    )


def _used(limit: Limit, channel: str, record: Record, at: datetime) -> Used:
    since = (at - timedelta(days=limit.days)).timestamp()
    seen = sum(1 for moment in limit.times(record, channel) if moment > since)
    return Used(limit.name_zh if in_chinese() else limit.name_en, seen, limit.most)


def notices_of(answer: Recommendation, now: Current) -> list[Notice]:
    """What stops everything for one reason, and whether the list is everybody's.

    A control group is no notice: who serves the customer is to treat him like anybody else.
    """
    notices, channel = [], answer.channel
    if not answer.personalised:
        notices.append(
            Notice(
                "info",
                _("Opted out of personalised marketing"),
                _("What stands here is everybody's list: nothing of the customer chose it."),
            )
        )
    stop = (
        rules_at(now.contact_policy)
        .of(now.city)
        .whole(now.record, channel=channel or None, at=answer.at)
    )
    if channel in now.record.opted_out:
        name = str(OPTED_OUT_NAMES[channel])
        notices.append(
            Notice(
                "warning",
                _("Opted out of this channel: %s") % name,
                _("The customer does not want to hear from us this way, so nothing is offered."),
            )
        )
    elif stop is not None:
        title = _("Quiet hours") if stop.kind == "quiet_hours" else _("A contact limit is reached")
        notices.append(Notice("warning", title, stop_in_words(stop)))
    return notices


def contacts_of(customer_no: str, *, user: User) -> list[Told]:
    """The customer's newest events, newest first; of cities that the user may see."""
    events = _in_reach(ContactEvent.objects.filter(customer_no=customer_no), user)
    return told(list(events.order_by("-version")[:MOST_ROWS]))


def opt_outs_of(customer_no: str, *, user: User) -> list[Told]:
    """The same of opt-outs and opt-ins alone."""
    events = ContactEvent.objects.filter(customer_no=customer_no, kind__in=OPTED)
    return told(list(_in_reach(events, user).order_by("-version")[:MOST_ROWS]))


def decisions_of(customer_no: str, *, user: User) -> list[Decision]:
    """The newest decisions about the customer, newest first; of cities that the user may see."""
    decisions = _in_reach(Decision.objects.filter(customer_no=customer_no), user)
    return list(decisions.order_by("-id")[:MOST_ROWS])


def reported_of(decision: UUID) -> dict[str, list[ContactEvent]]:
    """By policy what has been reported of a decision that the user may see, oldest first."""
    found: dict[str, list[ContactEvent]] = {}
    for event in ContactEvent.objects.filter(decision=decision).order_by("version"):
        found.setdefault(event.policy, []).append(event)
    return found


def told(events: Sequence[ContactEvent]) -> list[Told]:
    names = policy_names((e.policy, e.policy_version) for e in events if e.policy)
    return [Told(event, _what(event, names)) for event in events]


def policy_names(wanted: Iterable[tuple[str, int | None]]) -> dict[tuple[str, int | None], str]:
    """The names of policy versions by (policy, version)."""
    pairs: Collection[tuple[str, int | None]] = set(wanted)
    versions = PolicyVersion.objects.filter(policy__in={policy for policy, _number in pairs})
    return {(v.policy_id, v.number): v.name for v in versions if (v.policy_id, v.number) in pairs}


def _what(event: ContactEvent, names: dict[tuple[str, int | None], str]) -> str:
    if event.kind in OPTED:
        return str(OPTED_OUT_NAMES[event.channel])
    return names.get((event.policy, event.policy_version), event.policy)


def _in_reach(rows: QuerySet, user: User) -> QuerySet:
    return rows if user.cities is None else rows.filter(city__in=user.cities)
