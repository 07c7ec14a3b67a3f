"""What was considered, the gate that stopped it, and how a rank came about."""

from datetime import UTC, date, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.controls import UNIVERSAL, bucket_of
from campaigns.planned import IdleOffer, PlannedOffer
from common.naming import in_chinese
from contacts.record import PERSONALISED
from contacts.words import stop_in_words
from customers.catalogue import CITY
from customers.meetings import Channel

from .answers import Considered
from .choice import Choice
from .current import Current
from .gates import Asked, Gate, Shut
from .phrases import Phrases


def considered_of(now: Current, choice: Choice, asked: Asked, phrases: Phrases) -> list[Considered]:
    """Every policy and campaign of the plan: the answer's first, the rest by policy number."""
    looks = _Looks(now, choice, asked, phrases)
    found = [looks.at(offer) for offer in choice.words.planned.offers]
    found += [looks.at_idle(offer) for offer in choice.words.planned.idle]
    return sorted(found, key=lambda c: (c.rank is None, c.rank or 0, c.policy, c.campaign))


class _Looks:
    """Looks at one offer after the other through all gates."""

    def __init__(self, now: Current, choice: Choice, asked: Asked, phrases: Phrases) -> None:
        self._now, self._choice, self._asked, self._phrases = now, choice, asked, phrases
        self._words = choice.words
        self._ranks = {offer.id: rank for rank, offer in enumerate(choice.offers, 1)}
        candidates = self._words.candidates(now, personalised=choice.gates.personalised)
        self._best = {offer.policy: offer for offer in candidates}
        matrices = self._words.planned.matrices
        self._cells = dict(zip((m.code for m in matrices), now.cells, strict=True))

    def at(self, offer: PlannedOffer) -> Considered:
        passed: list[str] = []
        for gate in Gate:
            if shut := self._shut(gate, offer):
                return self._considered(offer, None, gate, passed, self._text(offer, shut))
            passed.append(gate.value)
        return self._considered(offer, self._ranks.get(offer.id), None, passed, self._open(offer))

    def at_idle(self, offer: IdleOffer) -> Considered:
        if not offer.campaign:
            text = _("No row of the marketing matrix offers it")
            return self._considered(offer, None, Gate.CELL, [], text)
        if not self._meets(offer):
            return self._considered(offer, None, Gate.CELL, [], self._no_cell(offer.campaign))
        passed = [Gate.CELL.value]
        day = self._now.published.business_date.isoformat()
        if offer.first is not None and offer.first <= day <= (offer.last or ""):
            text = _("Campaign %s runs in no city in which the policy is sold") % offer.campaign
            passed.append(Gate.VALIDITY.value)
            return self._considered(offer, None, Gate.CITY, passed, text)
        if offer.first is None:
            text = _("The policy is not valid while the campaign runs")
        else:
            text = self._not_yet(
                date.fromisoformat(offer.first), date.fromisoformat(offer.last or "")
            )
        return self._considered(offer, None, Gate.VALIDITY, passed, text)

    def _not_yet(self, first: date, last: date) -> str:
        """Of an offer that is not among the day's: it may have begun since."""
        day = self._now.published.business_date
        if not day < first <= self._asked.day <= last:
            return _valid(first, last)
        return _("Offered from %(first)s on; these answers are still those of %(day)s") % {
            "first": first.isoformat(),
            "day": day.isoformat(),
        }

    def _considered(
        self,
        offer: PlannedOffer | IdleOffer,
        rank: int | None,
        gate: Gate | None,
        passed: list[str],
        text: str,
    ) -> Considered:
        policy = self._words.policies[offer.policy, offer.version]
        code = None if gate is None else gate.value
        return Considered(
            offer.policy, offer.version, policy.name, offer.campaign, rank, code, passed, text
        )

    def _meets(self, offer: PlannedOffer | IdleOffer) -> bool:
        sets = map(self._words.planned.cell_sets.__getitem__, offer.cell_sets)
        return any((n := self._cells[s.matrix]) is not None and s.holds(n) for s in sets)

    def _shut(self, gate: Gate, offer: PlannedOffer) -> Shut | None:
        if gate is Gate.CELL:
            return None if self._meets(offer) else Shut(gate)
        if gate is Gate.CITY:
            return None if self._now.city in (offer.cities or (self._now.city,)) else Shut(gate)
        if gate is Gate.ELIGIBILITY:
            return None if self._eligible(offer) else Shut(gate)
        return self._choice.gates.is_shut(gate, offer)

    def _city(self, code: str) -> str:
        """A city in the reader's language; its code where the plan knows no name of it."""
        city = self._words.planned.by_code.get(CITY)
        names = {c: zh if in_chinese() else en for c, zh, en in city.values} if city else {}
        return names.get(code, code)

    def _eligible(self, offer: PlannedOffer) -> bool:
        if not offer.eligibility:
            return True
        rule = self._words.rules[offer.eligibility]
        row = self._words.row(rule.attributes, self._now)
        return rule.evaluate(row, self._now.published.business_date) is True

    def _open(self, offer: PlannedOffer) -> str:
        """What becomes of an offer that no gate stops."""
        if rank := self._ranks.get(offer.id):
            return _("Offered as number %d") % rank
        best = self._best.get(offer.policy)
        if best is None:
            return _("How likely the customer takes it is not known, so it is not ranked")
        if best.id != offer.id:
            return _("The policy ranks better through campaign %s") % best.campaign
        return _("It fits, and ranks behind the first %d") % self._asked.limit

    def _no_cell(self, campaign: str) -> str:
        return _("The customer is in none of the cells to which campaign %s offers it") % campaign

    def _text(self, offer: PlannedOffer, shut: Shut) -> str:
        """Why the gate is shut."""
        what: Any = shut.what
        match shut.gate:
            case Gate.CELL:
                return self._no_cell(offer.campaign)
            case Gate.VALIDITY:
                return _valid(*what)
            case Gate.CITY:
                return _("Only in %(cities)s; the customer is of %(city)s") % {
                    "cities": _(", ").join(map(self._city, offer.cities)),
                    "city": self._city(self._now.city),
                }
            case Gate.CHANNEL:
                return _("Carried by %s only") % _(", ").join(map(_channel, what))
            case Gate.ELIGIBILITY:
                return self._not_eligible(offer)
            case Gate.EXCLUSIVITY:
                return _held(offer, what)
            case Gate.OPT_OUT:
                if what == PERSONALISED:
                    return _("The customer opted out of personalised marketing")
                return _("The customer opted out of this channel: %s") % _channel(what)
            case Gate.CONTACT_POLICY:
                return stop_in_words(what)
            case Gate.CONTROL_GROUP:
                return self._control(what)
            case Gate.CAPACITY:
                return _("All %(capacity)d are taken") % {"capacity": offer.capacity}

    def _not_eligible(self, offer: PlannedOffer) -> str:
        rule = self._words.rules[offer.eligibility]
        if not self._phrases.sees(rule.attributes):
            return _("A condition on attributes that you may not see does not hold")
        return _("Not fulfilled: %s") % self._phrases.rule(offer.eligibility, self._now)

    def _control(self, name: str) -> str:
        bucket = bucket_of(self._words.planned.hold_out["key"], name, self._now.customer_no)
        if name == UNIVERSAL:
            return _("The customer is in the province's hold-out (bucket %d)") % bucket
        return _("The customer is in the control group of campaign %(campaign)s (bucket %(n)d)") % {
            "campaign": name,
            "n": bucket,
        }


def _valid(first: date, last: date) -> str:
    return _("Offered from %(first)s to %(last)s only") % {
        "first": first.isoformat(),
        "last": last.isoformat(),
    }


def _held(offer: PlannedOffer, until: int) -> str:
    day = timezone.localtime(datetime.fromtimestamp(until, UTC)).date().isoformat()
    if not offer.exclusivity_group:
        return _("The customer holds it already, until %s") % day
    return _("The customer holds this or another of the group %(group)s, until %(day)s") % {
        "group": offer.exclusivity_group,
        "day": day,
    }


def _channel(code: str) -> str:
    return str(Channel(code).label)
