"""What limits and quiet hours stop, and until when; the bounded record against all events."""

from datetime import UTC, datetime, time
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contacts.limits import ContactRules, Limit, QuietHours
from contacts.record import DAY, KEPT, MOST_DAYS, Met, Record, Visits, fold

from .reference import occurrences, stops

ZONE = ZoneInfo("Asia/Shanghai")
START = 1_800_000_000


def limit(most: int, days: int, **more: Any) -> Limit:
    says = {"code": "l", "name_zh": "限", "name_en": "L", "per": "customer", "counts": "contacts"}
    return Limit(**says | {"most": most, "days": days} | more)


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def day(n: float) -> int:
    return START + int(n * DAY)


def rules(*limits: Limit, quiet: tuple[QuietHours, ...] = ()) -> ContactRules:
    return ContactRules(limits, quiet, ZONE)


def stop(
    of: ContactRules, record: Record, at: float, channel: str | None = "sms", **asked: str
) -> Any:
    """As the gate asks: what stops every policy, then what stops this one."""
    asked = {"policy": "P1"} | asked
    whole = of.whole(record, channel=channel, at=moment(at))
    return whole or of.own(record, channel=channel, at=moment(at), **asked)


def shown(*days: float, **more: Any) -> list[Met]:
    return [Met(**{"kind": "shown", "at": day(n), "channel": "sms"} | more) for n in days]


def until(of: Limit, *days: float) -> float:
    """In days; 0 where it was not reached."""
    end = of.until([day(n) for n in days])
    return (end - START) / DAY if end else 0


@pytest.mark.parametrize(
    ("of", "days", "ends"),
    [
        # The most-th in a window reaches it; the window opens when its first drops out.
        (limit(2, 7), (0,), 0),
        (limit(2, 7), (0, 3), 7),
        (limit(2, 7), (0, 3, 7), 10),
        (limit(1, 30), (5,), 35),
        # Exactly `days` apart is not within one window, a second less is.
        (limit(2, 30), (0, 30), 0),
        (limit(2, 30), (0, 30 - 1 / DAY), 30),
        # A rest runs from the one that reached the limit; the later of rest and window holds.
        (limit(2, 30, rest=60), (0, 29), 89),
        (limit(2, 30, rest=60), (0, 30), 0),
        (limit(2, 30, rest=10), (0, 5), 30),
        # What comes during a rest neither ends nor prolongs it, unless it reaches the limit anew.
        (limit(2, 30, rest=60), (0, 29, 80), 89),
        (limit(2, 30, rest=60), (0, 29, 58), 118),
    ],
)
def test_until_when_a_limit_stops(of: Limit, days: tuple[float, ...], ends: float) -> None:
    assert until(of, *days) == pytest.approx(ends)


def test_the_second_at_which_a_limit_ends_is_open() -> None:
    of, record = rules(limit(2, 7)), fold(shown(0, 3))
    stopped = stop(of, record, day(7) - 0.001)
    assert (stopped.kind, stopped.seen, stopped.most, stopped.days) == ("limit", 2, 2, 7)
    assert stopped.until == moment(day(7))
    assert stop(of, record, day(7)) is None


def test_what_is_ahead_of_the_clock_counts_as_well() -> None:
    assert stop(rules(limit(2, 7)), fold(shown(0, 3)), day(2))


def test_a_decision_that_shows_three_policies_is_one_contact_and_one_of_each_policy() -> None:
    met = [
        *shown(0, policy="P1", group="g", decision="a"),
        *shown(0, policy="P2", group="g", decision="a"),
        *shown(1, policy="P3", group="g", decision="a", kind="accepted"),
        *shown(2, policy="P1", group="g", decision="b"),
    ]
    record = fold(met)
    assert stop(rules(limit(3, 7)), record, day(3)) is None
    assert stop(rules(limit(2, 7)), record, day(3)).seen == 2
    assert stop(rules(limit(2, 7, per="channel")), record, day(3)).seen == 2
    assert stop(rules(limit(3, 7, per="exclusivity_group")), record, day(3), group="g") is None
    assert stop(rules(limit(2, 7, per="exclusivity_group")), record, day(3), group="g").seen == 2
    per_policy = rules(limit(2, 7, per="policy"))
    assert stop(per_policy, record, day(3), policy="P1").seen == 2
    assert stop(per_policy, record, day(3), policy="P2") is None


@pytest.mark.parametrize(
    ("kind", "contact"),
    [
        ("shown", True),
        ("accepted", True),
        ("declined", True),
        ("ordered", True),
        ("complained", False),
        ("opt_out", False),
    ],
)
def test_who_accepts_declines_or_orders_has_been_met(kind: str, contact: bool) -> None:
    record = fold(shown(0, kind=kind, policy="P1"))
    assert (stop(rules(limit(1, 7)), record, day(1)) is not None) == contact


def test_a_decision_that_is_met_by_two_channels_is_a_contact_of_each() -> None:
    met = [*shown(0, decision="a"), *shown(1, decision="a", channel="app")]
    assert stop(rules(limit(2, 7)), fold(met), day(2)).seen == 2


def test_what_comes_late_still_reaches_a_limit_with_what_is_long_past() -> None:
    """A window of 400 days and a rest of 400: nothing newer than 800 days is forgotten."""
    of = limit(2, 400, rest=400, per="policy")
    met = [*shown(0, policy="P1"), *shown(790, channel="app"), *shown(399, policy="P1")]
    assert stop(rules(of), fold(met), day(798)).until == moment(day(799))


def test_a_limit_on_channels_counts_them_together_and_stops_them_alone() -> None:
    of = rules(limit(2, 7, channels=("sms", "outbound_call")))
    record = fold([*shown(0), *shown(1, channel="outbound_call"), *shown(2, 3, channel="app")])
    assert stop(of, record, day(4)).seen == 2
    assert stop(of, record, day(4), channel="outbound_call").seen == 2
    assert stop(of, record, day(4), channel="app") is None


def test_a_limit_per_channel_counts_each_by_itself() -> None:
    of = rules(limit(2, 7, per="channel"))
    record = fold([*shown(0, 1), *shown(1, channel="app")])
    assert stop(of, record, day(4))
    assert stop(of, record, day(4), channel="app") is None


def test_without_a_channel_only_what_stops_every_channel_holds() -> None:
    record = fold(shown(0, 1, policy="P1"))
    for one in (limit(2, 7, per="channel"), limit(2, 7, channels=("sms",))):
        assert stop(rules(one), record, day(2), channel="sms")
        assert stop(rules(one), record, day(2), channel=None) is None
    assert stop(rules(limit(2, 7)), record, day(2), channel=None).seen == 2
    assert stop(rules(limit(2, 7, per="policy")), record, day(2), channel=None)
    night = datetime(2027, 1, 5, 22, tzinfo=ZONE).timestamp()
    quiet = QuietHours(time(21), time(9))
    assert stop(rules(quiet=(quiet,)), Record(), night, channel=None)
    sms = QuietHours(time(21), time(9), ("sms",))
    assert stop(rules(quiet=(sms,)), Record(), night, channel=None) is None


def test_a_policy_without_a_group_is_not_limited_per_group() -> None:
    of = rules(limit(1, 7, per="exclusivity_group"))
    assert stop(of, fold(shown(0, policy="P1")), day(1)) is None


def test_the_first_that_stops_is_told_whole_before_own() -> None:
    own = limit(1, 30, per="policy", code="own")
    whole = limit(2, 7, code="whole")
    of, record = rules(own, whole), fold(shown(0, 1, policy="P1"))
    assert stop(of, record, day(2)).code == "whole"
    assert of.whole(record, channel="sms", at=moment(day(2))).code == "whole"
    assert of.own(record, channel="sms", policy="P1", at=moment(day(2))).code == "own"
    assert of.own(record, channel="sms", policy="P2", at=moment(day(2))) is None


def test_an_order_holds_the_policy_or_its_group_for_its_days() -> None:
    ordered = shown(0, kind="ordered", policy="P1", held_days=30)
    record = fold(ordered)
    assert record.holds_until(day(30) - 1, policy="P1") == day(30)
    assert record.holds_until(day(30), policy="P1") is None
    assert record.holds_until(day(1), policy="P2") is None
    of_group = fold(shown(0, kind="ordered", policy="P1", group="g", held_days=30))
    assert of_group.holds_until(day(1), policy="P2", group="g") == day(30)
    assert of_group.holds_until(day(1), policy="P2", group="h") is None
    # A later version of the policy may be in another group, or in none.
    assert of_group.holds_until(day(1), policy="P1") == day(30)
    still = fold([*ordered, *shown(29.9, policy="P2")])
    assert still.holds_until(day(29.95), policy="P1") == day(30)
    longer = fold([*ordered, *shown(1, kind="ordered", policy="P1", held_days=3)])
    assert longer.holds_until(day(1), policy="P1") == day(30)


def test_opt_outs_hold_until_opted_in_again() -> None:
    met = [*shown(0, kind="opt_out"), *shown(1, kind="opt_out", channel="personalised")]
    assert fold(met).opted_out == {"sms", "personalised"}
    assert fold([*met, *shown(2, kind="opt_in")]).opted_out == {"personalised"}


@pytest.mark.parametrize(
    ("start", "end", "now", "ends"),
    [
        (time(21), time(9), "2027-01-05 20:59:59", None),
        (time(21), time(9), "2027-01-05 21:00:00", "2027-01-06 09:00"),
        (time(21), time(9), "2027-01-06 08:59:59", "2027-01-06 09:00"),
        (time(21), time(9), "2027-01-06 09:00:00", None),
        (time(12), time(14), "2027-01-06 12:00:00", "2027-01-06 14:00"),
        (time(12), time(14), "2027-01-06 14:00:00", None),
        (time(12), time(14), "2027-01-06 11:59:59", None),
        (time(0), time(9), "2027-01-06 00:00:00", "2027-01-06 09:00"),
        (time(21), time(0), "2027-01-06 23:59:59", "2027-01-07 00:00"),
    ],
)
def test_quiet_hours_are_told_in_the_provinces_time(
    start: time, end: time, now: str, ends: str | None
) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=ZONE).astimezone(UTC)
    stopped = stop(rules(quiet=(QuietHours(start, end, ("sms",)),)), Record(), at.timestamp())
    told = stopped and f"{stopped.until.astimezone(ZONE):%Y-%m-%d %H:%M}"
    assert told == ends
    if stopped:
        assert (stopped.kind, stopped.code) == ("quiet_hours", "quiet_hours")


# --- the bounded record decides as the list of all events does ---

GAPS = (0, 1, 3600, DAY - 1, DAY, DAY + 1, 5 * DAY, 30 * DAY, 90 * DAY, 400 * DAY)
KINDS = ("shown", "shown", "accepted", "declined", "complained", "ordered")


@st.composite
def histories(draw: st.DrawFn) -> list[Met]:
    """Events in the order in which they are recorded, most of them in that of their times."""
    gaps = draw(st.lists(st.sampled_from(GAPS[: draw(st.integers(1, len(GAPS)))]), max_size=90))
    times = list(accumulate(gaps, initial=START))
    events = [
        Met(
            kind=draw(st.sampled_from(KINDS)),
            at=at,
            channel=draw(st.sampled_from(("sms", "sms", "sms", "app"))),
            policy=draw(st.sampled_from(("P1", "P1", "P2"))),
            group=draw(st.sampled_from(("g", ""))),
            decision=draw(st.sampled_from(("", "", "", "a", "b"))),
        )
        for at in times
    ]
    for _late in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(events) - 1))
        events.append(events.pop(place))
    return events


@st.composite
def limits(draw: st.DrawFn) -> Limit:
    most = draw(st.integers(1, 20))
    days = draw(st.sampled_from((1, 2, 7, 30, 90, 400)))
    longest = limit(most, days).longest_rest
    return limit(
        most,
        days,
        per=draw(st.sampled_from(("customer", "channel", "policy", "exclusivity_group"))),
        counts=draw(st.sampled_from(("contacts", "contacts", "declined", "complained"))),
        channels=draw(st.sampled_from(((), ("sms",), ("sms", "app"), ("web",)))),
        rest=draw(st.sampled_from((0, 1, longest // 2, longest))),
    )


@given(histories(), limits(), st.integers(0, 400 * DAY), st.sampled_from(("P1", "P2")))
@settings(max_examples=150, deadline=None)
def test_the_bounded_record_decides_as_all_events_do(
    events: list[Met], of: Limit, later: int, policy: str
) -> None:
    record = fold(events)
    newest = max(met.at for met in events)
    all_times = occurrences(of, events, "sms", policy, "g")
    edges = [x + d * DAY + s for x in all_times for d in (of.days, of.rest) for s in (-1, 0)]
    for now in {newest, newest + later, *(edge for edge in edges if edge >= newest)}:
        stopped = stop(rules(of), record, now, policy=policy, group="g")
        expected = of.concerns("sms") and stops(of, all_times, now)
        assert (stopped is not None) == expected
        if stopped and stopped.until != moment(now):
            ends = int(stopped.until.timestamp())
            assert stops(of, all_times, ends - 1)
            assert not stops(of, all_times, ends)
    kept = [times for key in record.times.values() for times in key.values()]
    assert all(len(times) <= KEPT and times == sorted(times) for times in kept)


@example(most=5, days=7)
@given(most=st.integers(2, 20), days=st.integers(1, 400))
def test_a_rest_longer_than_the_longest_would_be_forgotten(most: int, days: int) -> None:
    """Reached once, then as many and as close together as they come without reaching it anew."""
    longest = limit(most, days).longest_rest
    apart = days * DAY
    later = [divmod(place, most - 1) for place in range(1, KEPT + 2 - most)]
    after = [windows * apart + (1 if more else 0) for windows, more in later]
    times = [day(0) + n for n in (*[1 - apart] * (most - 1), 0, *after)]
    now = times[-1]
    for rest, forgotten in ((longest, False), (longest + 1, True)):
        if rest > MOST_DAYS:
            continue
        of = limit(most, days, rest=rest)
        assert (now < of.until(times)) == stops(of, times, now)
        assert (stops(of, times, now) and now >= of.until(times[-KEPT:])) == forgotten


def test_visits_count_once_whatever_comes_late() -> None:
    visits, record = Visits(), Record()
    first = shown(0, policy="P1", decision="old")[0]
    record = record.after(first, visits.news(first))
    for met in shown(*range(1, KEPT + 3)):
        record = record.after(met, visits.news(met))
    late = shown(40, policy="P1", decision="old", kind="ordered")[0]
    record = record.after(late, visits.news(late))
    assert record.times["contacts"]["sms"][-1] == day(KEPT + 2)
    assert record.version == KEPT + 4
