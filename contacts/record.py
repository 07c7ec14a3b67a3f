"""What is remembered of one customer's contacts: enough to say whether he may be met again.

Pure. Times are whole seconds since 1970 (UTC).

A *contact* is one decision (visit) met by one channel: whatever is shown of it. Three policies
shown in one decision are one contact of the customer and of the channel, one of each policy and one
of each exclusivity group. Who accepts, declines or orders has been met, also where nobody said
"shown". The time of a contact is that of the first event of its decision that was recorded.

A record keeps the newest ``KEPT`` times of each key and channel and nothing older than ``HORIZON``.
No limit counts more and none reaches further back (``limits.Limit`` refuses it), so that for every
moment from the newest event on the record decides as the list of all events would.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["shown", "accepted", "declined", "ordered", "complained", "opt_out", "opt_in"]
Counts = Literal["contacts", "declined", "complained"]
Times = Mapping[str, Mapping[str, list[int]]]

OPTED = ("opt_out", "opt_in")
COUNTS: tuple[Counts, ...] = ("contacts", "declined", "complained")
# What a kind of event counts as. An opt-out is no contact: the customer came by himself.
_COUNTED: Mapping[str, tuple[Counts, ...]] = {
    "shown": ("contacts",),
    "accepted": ("contacts",),
    "declined": ("contacts", "declined"),
    "ordered": ("contacts",),
    "complained": ("complained",),
}
# In place of a channel: no personalised marketing at all.
PERSONALISED = "personalised"

DAY = 86_400
KEPT = 20
MOST_DAYS = 400
HORIZON = 2 * MOST_DAYS * DAY


def key_of(counts: Counts, *, policy: str = "", group: str = "") -> str:
    """The key of what is counted of the customer, of one policy, or of one exclusivity group."""
    if policy:
        return f"{counts}:policy:{policy}"
    return f"{counts}:group:{group}" if group else counts


@dataclass(frozen=True)
class Met:
    """One event of a customer, as it came back from a touch point.

    at          when it was, in seconds
    channel     where; of an opt-out the channel that is closed, or PERSONALISED
    group       the policy's exclusivity group; "" for none
    decision    what it belongs to; "" for none: then it is a contact of its own
    held_days   of an order: for how long the policy (its group) is held from now on
    """

    kind: Kind
    at: int
    channel: str
    policy: str = ""
    group: str = ""
    decision: str = ""
    held_days: int = 0

    @property
    def keys(self) -> tuple[str, ...]:
        """Whatever it can count for; fewer where its decision has been counted already."""
        keys: list[str] = []
        for counts in _COUNTED.get(self.kind, ()):
            keys.append(counts)
            keys += [key_of(counts, policy=self.policy)] if self.policy else []
            keys += [key_of(counts, group=self.group)] if self.group else []
        return tuple(keys)

    @property
    def holds(self) -> tuple[str, ...]:
        """What an order holds: the policy, and its group, of which one policy may be held.

        Both, since a later version of the policy may name another group or none.
        """
        return (f"policy:{self.policy}", *((f"group:{self.group}",) if self.group else ()))


class Visits:
    """What each decision has counted so far, so that each counts once."""

    def __init__(self) -> None:
        self._counted: defaultdict[tuple[str, str], set[str]] = defaultdict(set)

    def news(self, met: Met) -> tuple[str, ...]:
        """The keys that this event counts for, and from now on its decision has counted for."""
        if not met.decision:
            return met.keys
        counted = self._counted[met.decision, met.channel]
        new = tuple(key for key in met.keys if key not in counted)
        counted.update(new)
        return new


@dataclass(frozen=True)
class Record:
    """What is known of a customer's contacts after ``version`` events.

    times       by key (``key_of``) and channel: when, ascending, the newest ``KEPT``
    held        until when, exclusively, "group:<code>" or "policy:<number>" is held
    opted_out   channels, and PERSONALISED
    """

    version: int = 0
    times: Times = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)
    opted_out: frozenset[str] = frozenset()

    def after(self, met: Met, keys: Iterable[str] | None = None) -> "Record":
        """The record with one event more, in whatever order of their times events arrive.

        ``keys``: those the event counts for (``Visits.news``); None: all that it can.
        """
        times = self._since(met.at - HORIZON)
        for key in met.keys if keys is None else keys:
            mine = dict(times.get(key, {}))
            mine[met.channel] = sorted([*mine.get(met.channel, ()), met.at])[-KEPT:]
            times[key] = mine
        return Record(self.version + 1, times, self._held(met), self._opted_out(met))

    def holds_until(self, at: int, *, policy: str, group: str = "") -> int | None:
        """Until when the customer holds the policy or another of its group; None: he holds none."""
        names = (f"policy:{policy}", *((f"group:{group}",) if group else ()))
        until = max(self.held.get(name, 0) for name in names)
        return until if until > at else None

    def _since(self, oldest: int) -> dict[str, Mapping[str, list[int]]]:
        """The times after ``oldest``; what has none is left out."""
        kept: dict[str, Mapping[str, list[int]]] = {}
        for key, by_channel in self.times.items():
            newer = {c: [t for t in times if t > oldest] for c, times in by_channel.items()}
            if left := {channel: times for channel, times in newer.items() if times}:
                kept[key] = left
        return kept

    def _held(self, met: Met) -> dict[str, int]:
        held = {name: until for name, until in self.held.items() if until > met.at}
        if met.kind == "ordered" and met.held_days:
            until = met.at + met.held_days * DAY
            for name in met.holds:
                held[name] = max(until, held.get(name, until))
        return held

    def _opted_out(self, met: Met) -> frozenset[str]:
        if met.kind == "opt_out":
            return self.opted_out | {met.channel}
        return self.opted_out - {met.channel} if met.kind == "opt_in" else self.opted_out


def fold(events: Iterable[Met]) -> Record:
    """The record after these events of one customer, in the order in which they were recorded."""
    visits, record = Visits(), Record()
    for met in events:
        record = record.after(met, visits.news(met))
    return record
