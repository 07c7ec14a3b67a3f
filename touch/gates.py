"""What stands between what fits a customer and what he is offered now.

The day decides by cell, city and eligibility whether an offer fits; all else is asked at the touch
point, since it changes from one contact to the next. The gates stand in one order; the first that
is shut is the reason.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from django.utils import timezone

from campaigns.controls import UNIVERSAL, Control, ranges
from campaigns.planned import PlannedOffer
from contacts.limits import ContactRules
from contacts.limits import Stop as ContactStop
from contacts.record import PERSONALISED, Record

from .words import Words


class Gate(StrEnum):
    """In the order in which they are asked."""

    CELL = "cell"
    VALIDITY = "validity"
    CITY = "city"
    CHANNEL = "channel"
    ELIGIBILITY = "eligibility"
    EXCLUSIVITY = "exclusivity"
    OPT_OUT = "opt_out"
    CONTACT_POLICY = "contact_policy"
    CONTROL_GROUP = "control_group"
    CAPACITY = "capacity"


@dataclass(frozen=True)
class Asked:
    """channel: "": none is named, and what differs between channels is not asked. at: aware."""

    channel: str
    limit: int
    at: datetime

    @cached_property
    def day(self) -> date:
        """The calendar day of ``at`` in the province."""
        return timezone.localtime(self.at).date()


@dataclass(frozen=True)
class Shut:
    """A gate that is shut, and what shut it, for whoever puts it into words."""

    gate: Gate
    what: Any = None


@dataclass(frozen=True)
class Touched:
    """The customer as the gates need him. sold_out: policies whose capacity is used up."""

    customer_no: str
    city: str
    record: Record
    sold_out: frozenset[str]


class Gates:
    """The gates as they stand for one customer, channel and moment."""

    def __init__(
        self,
        words: Words,
        rules: ContactRules,
        touched: Touched,
        asked: Asked,
    ) -> None:
        self._words, self._planned, self._rules = words, words.planned, rules
        self._touched, self._asked = touched, asked
        self._controls: dict[str, bool] = {}
        self._order: tuple[tuple[Gate, Callable[[PlannedOffer], Any]], ...] = (
            (Gate.VALIDITY, self._validity),
            (Gate.CHANNEL, self._channel),
            (Gate.EXCLUSIVITY, self._exclusivity),
            (Gate.OPT_OUT, self._opt_out),
            (Gate.CONTACT_POLICY, self._contact_policy),
            (Gate.CONTROL_GROUP, self._control_group),
            (Gate.CAPACITY, self._capacity),
        )

    @property
    def personalised(self) -> bool:
        return PERSONALISED not in self._touched.record.opted_out

    def shut(self, offer: PlannedOffer) -> Shut | None:
        """The first gate that is shut, of those that the day does not decide; None: all open."""
        for gate, look in self._order:
            if (what := look(offer)) is not None:
                return Shut(gate, what)
        return None

    def is_shut(self, gate: Gate, offer: PlannedOffer) -> Shut | None:
        """Whether this one is."""
        what = dict(self._order)[gate](offer)
        return None if what is None else Shut(gate, what)

    # Each returns None where the gate is open, else what shut it.

    def _validity(self, offer: PlannedOffer) -> tuple[date, date] | None:
        first, last = self._words.first_days[offer.id], self._words.last_days[offer.id]
        return None if first <= self._asked.day <= last else (first, last)

    def _channel(self, offer: PlannedOffer) -> list[str] | None:
        channels = self._words.policy(offer).channels
        return None if self._asked.channel in ("", *channels) else channels

    def _exclusivity(self, offer: PlannedOffer) -> int | None:
        """Until when he holds the policy or another of its group, unix seconds."""
        if not self._touched.record.held:
            return None
        now = int(self._asked.at.timestamp())
        return self._touched.record.holds_until(
            now, policy=offer.policy, group=offer.exclusivity_group
        )

    def _opt_out(self, offer: PlannedOffer) -> str | None:
        """The channel, or PERSONALISED for an offer that is not for everybody."""
        opted_out = self._touched.record.opted_out
        if self._asked.channel in opted_out:
            return self._asked.channel
        if not self.personalised and offer.id not in self._words.general_ids:
            return PERSONALISED
        return None

    @cached_property
    def _whole(self) -> ContactStop | None:
        """What stops every policy alike."""
        channel = self._asked.channel or None
        return self._rules.whole(self._touched.record, channel=channel, at=self._asked.at)

    def _contact_policy(self, offer: PlannedOffer) -> ContactStop | None:
        if self._whole:
            return self._whole
        return self._rules.own(
            self._touched.record,
            channel=self._asked.channel or None,
            policy=offer.policy,
            group=offer.exclusivity_group,
            at=self._asked.at,
        )

    def _control_group(self, offer: PlannedOffer) -> str | None:
        """UNIVERSAL or the campaign's code."""
        if self._in_control(UNIVERSAL, self._planned.hold_out.get("buckets", ())):
            return UNIVERSAL
        buckets = self._planned.campaigns[offer.campaign].get("control", ())
        return offer.campaign if self._in_control(offer.campaign, buckets) else None

    def _in_control(self, name: str, buckets: Any) -> bool:
        if not buckets:
            return False
        if name not in self._controls:
            control = Control(name, self._planned.hold_out["key"], ranges(buckets))
            self._controls[name] = control.holds(self._touched.customer_no)
        return self._controls[name]

    def _capacity(self, offer: PlannedOffer) -> bool | None:
        return True if offer.policy in self._touched.sold_out else None
