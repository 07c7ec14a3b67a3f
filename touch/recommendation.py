"""A customer's answer put into words for a touch point.

Read (``current``), let through or not (``gates``, ``choice``), kept (``decisions``), put in words
(``phrases``).
Two statements in all: what is read, and the decision that is written; all else is in memory.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from common.api import Unproven
from common.errors import DomainError
from common.permissions import Permission

from .answers import Recommendation
from .choice import Choice, choose
from .current import Caller, Current, checked, current_of, known, unknown_customer
from .decisions import keep
from .explain import considered_of
from .gates import Asked
from .models import Decision
from .phrases import phrases_of

MOST_ITEMS = 50
DEFAULT_ITEMS = 10
MOST_CUSTOMERS = 500
# What is considered of one customer is every policy of every campaign.
MOST_EXPLAINED = 20
# A caller's clock may be off by so much; what is planned may lie so far ahead.
BEHIND, AHEAD = timedelta(minutes=15), timedelta(hours=12)
ASKERS = (Permission.RECOMMEND, Permission.VIEW_CUSTOMERS)


def recommend(
    customer_no: str,
    *,
    user: Caller | Unproven,
    channel: str | None = None,
    limit: int = DEFAULT_ITEMS,
    explain: bool = False,
    at: datetime | None = None,
) -> Recommendation:
    """Return what the customer is offered, best first, and keep the decision.

    ``channel``: only policies that it carries, within its contact limits and hours; None: whatever
    holds for any channel. ``at``: when the customer is met, now if not said; an aware time.
    ``explain``: also what was considered and left out, and why.

    Raises DomainError ``clock_skew``, ``malformed_number`` (400), ``unknown_customer`` (404), and
    what ``current_of`` raises.
    """
    asked = asked_of(channel, limit, at)
    caller, [now] = current_of([checked(customer_no)], user, *ASKERS)
    return _answer(known(now), caller, asked, explain)


def recommend_to(
    now: Current,
    *,
    user: Caller,
    channel: str | None = None,
    limit: int = DEFAULT_ITEMS,
    explain: bool = False,
) -> Recommendation:
    """The same to a customer who has just been read, for whoever shows more of him beside it."""
    return _answer(now, user, asked_of(channel, limit, None), explain)


def recommend_all(
    numbers: Sequence[str],
    *,
    user: Caller | Unproven,
    channel: str | None = None,
    limit: int = DEFAULT_ITEMS,
    explain: bool = False,
    at: datetime | None = None,
) -> list[Recommendation | DomainError]:
    """The same for many customers in the order asked, with two statements in all.

    In the place of one who isn't known here stands the refusal that ``recommend`` would raise. A
    customer asked for twice is answered twice.
    """
    asked = asked_of(channel, limit, at)
    if explain and len(numbers) > MOST_EXPLAINED:
        raise DomainError(
            "too_many_explained",
            _("At most %(most)d customers can be explained at once; these are %(n)d.")
            % {"most": MOST_EXPLAINED, "n": len(numbers)},
            where=["explain"],
        )
    caller, found = current_of(numbers, user, *ASKERS, cost=len(numbers))
    answers = iter(_answers([now for now in found if now], caller, asked, explain))
    return [unknown_customer() if now is None else next(answers) for now in found]


def asked_of(channel: str | None, limit: int, at: datetime | None) -> Asked:
    now = timezone.now()
    if at is None:
        return Asked(channel or "", limit, now)
    if not now - BEHIND <= at <= now + AHEAD:
        raise DomainError(
            "clock_skew",
            _(
                "The time of contact may lie %(behind)d minutes back and %(ahead)d hours ahead; "
                "%(at)s came, and it is %(now)s here. Set the caller's clock, or leave “at” out."
            )
            % {
                "behind": BEHIND // timedelta(minutes=1),
                "ahead": AHEAD // timedelta(hours=1),
                "at": at.isoformat(),
                "now": timezone.localtime(now).isoformat(timespec="seconds"),
            },
            where=["at"],
            now=now.isoformat(),
        )
    return Asked(channel or "", limit, at)


def _answer(now: Current, caller: Caller, asked: Asked, explain: bool) -> Recommendation:
    [answer] = _answers([now], caller, asked, explain)
    return answer


def _answers(
    found: Sequence[Current], caller: Caller, asked: Asked, explain: bool
) -> list[Recommendation]:
    choices = [choose(now, asked) for now in found]
    kept = keep(list(zip(found, choices, strict=True)), by=str(caller), asked=asked)
    return [
        in_words(now, choice, caller, asked, decision, explain=explain)
        for now, choice, decision in zip(found, choices, kept, strict=True)
    ]


def in_words(
    now: Current,
    choice: Choice,
    caller: Caller,
    asked: Asked,
    decision: Decision,
    *,
    explain: bool,
) -> Recommendation:
    personalised = choice.gates.personalised
    phrases = phrases_of(choice.words, now, numbers=caller.can(Permission.VIEW_SENSITIVE))
    places = {offer: place for place, offer in enumerate(now.offers)} if personalised else {}
    items = [
        phrases.item(now, offer, places.get(offer.id), rank)
        for rank, offer in enumerate(choice.offers, 1)
    ]
    if explain:
        ranked = zip(items, choice.offers, strict=True)
        items = [
            replace(item, ranking=phrases.ranking(now, offer, places.get(offer.id)))
            for item, offer in ranked
        ]
    return Recommendation(
        decision=decision.id,
        at=timezone.localtime(asked.at),
        expires_at=timezone.localtime(decision.expires_at),
        customer_no=phrases.number(now.customer_no),
        city=now.city,
        channel=asked.channel,
        personalised=personalised,
        profile=phrases.profile(now),
        cells=phrases.cells(now) if personalised else [],
        items=items,
        considered=considered_of(now, choice, asked, phrases) if explain else None,
        business_date=now.published.business_date,
        published_at=now.published.published_at,
        publication=now.published.id,
        versions=now.published.versions | {"contact_policy": now.contact_policy},
    )
