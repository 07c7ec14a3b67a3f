"""What one customer is offered of all that fits him: that for which every gate is open."""

from collections.abc import Collection
from dataclasses import dataclass

from campaigns.planned import PlannedOffer
from contacts.rules import rules_at

from .current import Current
from .gates import Asked, Gates, Touched
from .words import Words, words_of


@dataclass(frozen=True)
class Choice:
    """What one customer is offered: offers, best first, and what let them through."""

    words: Words
    gates: Gates
    offers: list[PlannedOffer]
    sold_out: frozenset[str]


def choose(now: Current, asked: Asked, sold_out: Collection[str] | None = None) -> Choice:
    """What the customer is offered. Depends on its arguments alone, so it can be replayed.

    ``sold_out``: the policies whose capacity was used up; None: those that are so now.
    """
    words = words_of(now.published.plan)
    gone = words.sold_out(now.taken) if sold_out is None else frozenset(sold_out)
    touched = Touched(now.customer_no, now.city, now.record, gone)
    rules = rules_at(now.contact_policy).of(now.city)
    gates = Gates(words, rules, touched, asked)
    offers = []
    for offer in words.candidates(now, personalised=gates.personalised):
        if len(offers) == asked.limit:
            break
        if gates.shut(offer) is None:
            offers.append(offer)
    return Choice(words, gates, offers, gone)
