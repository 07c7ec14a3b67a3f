"""How often a customer may be met, and at which hours. Pure: values in, values out.

A limit lets through at most ``most`` of what it counts within any ``days`` days, to the second:

- Two occurrences x ≤ y lie within one window when y − x < days: exactly ``days`` apart they don't.
- The limit is *reached* by an occurrence y that is the ``most``-th within one window, i.e. when
  y − x < days for the occurrence x that came ``most`` − 1 before it.
- From then on nothing, until the window opens again: at x + days, exclusively (at that second the
  customer may be met). With ``rest`` also not before y + rest days; the later of the two holds.
- What is counted during a rest doesn't end it, and prolongs it only where it reaches the limit
  anew, with the ones before it.

So "2 SMS in 7 days" after SMS on days 0 and 3 stops until day 7, then until day 10 if there was
another on day 7. "Declined twice in 30 days → not for 60": after declines on days 0 and 29 until
day 89; after declines on days 0 and 30 not at all.

An occurrence later than the moment asked about (a touch point whose clock is fast) counts as well:
a contact now would share a window with it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import chain
from typing import Literal
from zoneinfo import ZoneInfo

from .record import DAY, KEPT, MOST_DAYS, Counts, Record, key_of

Per = Literal["customer", "channel", "policy", "exclusivity_group"]
PERS: tuple[Per, ...] = ("customer", "channel", "policy", "exclusivity_group")
# Of these a stop holds for every policy alike.
WHOLE: tuple[Per, ...] = ("customer", "channel")


@dataclass(frozen=True)
class Limit:
    """At most ``most`` of what it ``counts`` in any ``days`` days, then ``rest`` days nothing.

    per        what has a count of its own: the customer, each channel, each policy, each
               exclusivity group (a policy without one is not limited)
    channels   the channels on which it counts and which it stops; empty: all
    rest       0: only until the window opens again
    """

    code: str
    name_zh: str
    name_en: str
    per: Per
    counts: Counts
    most: int
    days: int
    channels: tuple[str, ...] = ()
    rest: int = 0

    @property
    def longest_rest(self) -> int:
        """The greatest ``rest`` that a record of ``KEPT`` times decides exactly, in days.

        What reached the limit drops out of the record when ``KEPT`` + 1 − most later ones are
        there. If none of these reached it anew they span at least this long, so that the rest is
        over. One in a window reaches the limit every time: any rest.
        """
        if self.most == 1:
            return MOST_DAYS
        windows = (KEPT + 1 - self.most) // (self.most - 1)
        return min(windows * self.days, MOST_DAYS)

    def concerns(self, channel: str | None) -> bool:
        """Whether it can stop a contact by the channel; None: one by whatever channel."""
        if channel is None:
            return not self.channels and self.per != "channel"
        return not self.channels or channel in self.channels

    def times(
        self, record: Record, channel: str | None, policy: str = "", group: str = ""
    ) -> Sequence[int]:
        """When what it counts happened, ascending: at least the newest ``KEPT``."""
        if self.per == "exclusivity_group" and not group:
            return ()
        if self.per == "policy":
            key = key_of(self.counts, policy=policy)
        elif self.per == "exclusivity_group":
            key = key_of(self.counts, group=group)
        else:
            key = self.counts
        by_channel = record.times.get(key)
        if not by_channel:
            return ()
        if self.per == "channel":
            return by_channel.get(channel or "", ())
        counted = [
            times for c, times in by_channel.items() if not self.channels or c in self.channels
        ]
        return counted[0] if len(counted) == 1 else sorted(chain.from_iterable(counted))

    def until(self, times: Sequence[int]) -> int:
        """Until when, exclusively, it stops after these ascending times; 0: it was never reached.

        The newest occurrence that reached it says so: those before stop no longer than it does.
        """
        for last in range(len(times) - 1, self.most - 2, -1):
            first, reached = times[last - self.most + 1], times[last]
            if reached - first < self.days * DAY:
                return max(first + self.days * DAY, reached + self.rest * DAY)
        return 0


@dataclass(frozen=True)
class QuietHours:
    """No contact by these channels from ``start`` until ``end``, exclusively, local time.

    ``end`` before ``start``: over midnight. ``channels`` empty: all.
    """

    start: time
    end: time
    channels: tuple[str, ...] = ()

    code = "quiet_hours"

    def concerns(self, channel: str | None) -> bool:
        return not self.channels or channel in self.channels

    def until(self, local: datetime) -> datetime | None:
        """When the quiet time that holds at ``local`` ends; None: it is not quiet."""
        now = local.time()
        if self.start < self.end:
            quiet, tomorrow = self.start <= now < self.end, False
        else:
            quiet, tomorrow = now >= self.start or now < self.end, now >= self.start
        if not quiet:
            return None
        day = local.date() + timedelta(days=tomorrow)
        return datetime.combine(day, self.end, local.tzinfo)


@dataclass(frozen=True)
class Stop:
    """Why a customer may not be met now.

    seen    how many of what the limit counts lie in the window that ends now; of quiet hours 0.
            Fewer than ``most`` while the limit rests
    until   when it stops no longer
    """

    rule: Limit | QuietHours
    seen: int
    until: datetime

    @property
    def kind(self) -> Literal["limit", "quiet_hours"]:
        return "limit" if isinstance(self.rule, Limit) else "quiet_hours"

    @property
    def code(self) -> str:
        return self.rule.code

    @property
    def most(self) -> int:
        return self.rule.most if isinstance(self.rule, Limit) else 0

    @property
    def days(self) -> int:
        return self.rule.days if isinstance(self.rule, Limit) else 0


@dataclass(frozen=True)
class ContactRules:
    """The limits and quiet hours that hold for the customers of a city: the province's, then its.

    All of them hold, so that a city's can only be the tighter for them. ``zone``: where quiet hours
    are told.
    """

    limits: tuple[Limit, ...]
    quiet_hours: tuple[QuietHours, ...]
    zone: ZoneInfo
    _whole: tuple[Limit, ...] = field(init=False, repr=False, compare=False)
    _own: tuple[Limit, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        whole = tuple(limit for limit in self.limits if limit.per in WHOLE)
        own = tuple(limit for limit in self.limits if limit.per not in WHOLE)
        object.__setattr__(self, "_whole", whole)
        object.__setattr__(self, "_own", own)

    def whole(self, record: Record, *, channel: str | None, at: datetime) -> Stop | None:
        """The first that stops every policy alike: limits of customer and channel, quiet hours.

        ``channel`` None: only what stops by whatever channel. ``at`` knows its time zone.
        """
        return self._first(self._whole, record, channel, at) or self._quiet(channel, at)

    def own(
        self, record: Record, *, channel: str | None, policy: str, group: str = "", at: datetime
    ) -> Stop | None:
        """The first limit per policy or per exclusivity group that stops this one."""
        return self._first(self._own, record, channel, at, policy, group)

    def _first(
        self,
        limits: Iterable[Limit],
        record: Record,
        channel: str | None,
        at: datetime,
        policy: str = "",
        group: str = "",
    ) -> Stop | None:
        if not record.times:
            return None
        now = at.timestamp()
        for limit in limits:
            if not limit.concerns(channel):
                continue
            times = limit.times(record, channel, policy, group)
            until = limit.until(times)
            if now < until:
                seen = sum(1 for moment in times if moment > now - limit.days * DAY)
                return Stop(limit, seen, datetime.fromtimestamp(until, UTC))
        return None

    def _quiet(self, channel: str | None, at: datetime) -> Stop | None:
        for quiet in self.quiet_hours:
            if quiet.concerns(channel):
                until = quiet.until(at.astimezone(self.zone))
                if until is not None:
                    return Stop(quiet, 0, until)
        return None
