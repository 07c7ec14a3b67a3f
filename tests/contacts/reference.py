"""Limits the slow and obvious way, over the list of all events that there ever were."""

from collections.abc import Iterable, Sequence

from contacts.limits import Limit
from contacts.record import DAY, Met

WHAT = {
    "contacts": {"shown", "accepted", "declined", "ordered"},
    "declined": {"declined"},
    "complained": {"complained"},
}


def occurrences(
    limit: Limit, events: Iterable[Met], channel: str | None, policy: str, group: str
) -> list[int]:
    """When what the limit counts happened: once per decision, as it was first recorded."""
    seen, times = set(), []
    for place, met in enumerate(events):
        if met.kind not in WHAT[limit.counts]:
            continue
        if limit.channels and met.channel not in limit.channels:
            continue
        if limit.per == "channel" and met.channel != channel:
            continue
        if limit.per == "policy" and met.policy != policy:
            continue
        if limit.per == "exclusivity_group" and (not group or met.group != group):
            continue
        visit = (met.decision or place, met.channel)
        if visit not in seen:
            seen.add(visit)
            times.append(met.at)
    return times


def stops(limit: Limit, times: Sequence[int], now: int) -> bool:
    """Whether the limit stops a contact ``now``, not before any of the times."""

    def in_window(end: int) -> int:
        return sum(1 for x in times if end - limit.days * DAY < x <= end)

    if in_window(now) >= limit.most:
        return True
    return any(in_window(y) >= limit.most and now < y + limit.rest * DAY for y in times)
