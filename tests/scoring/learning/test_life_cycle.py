"""The groups of the life cycle are a partition; indicators are counted as they are defined."""

import json
from collections import Counter, defaultdict
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.learning.ledger import Ledger, ledger
from scoring.learning.life_cycle import GROUPS, NO_GROUP, groups, life_cycle, more_returning

from .test_ledger import ZERO, frame

ROWS = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 60), st.sampled_from([-1.0, 0.0, 2.0])),
    min_size=1,
    max_size=60,
)


def bought(*days: int) -> Ledger:
    return ledger(frame([("a", d, 1.0) for d in days]))


def group_of(book: Ledger, as_of: int, window: int = 45) -> str:
    return GROUPS[groups(book, ZERO + as_of, window=window)[0]]


@pytest.mark.parametrize(
    ("days", "group"),
    [
        ([199], "new"), ([155], "new"), ([155, 199], "new"), ([154, 155], "active_returning"),
        ([0, 199], "active_returning"), ([154], "pre_churn"), ([0, 110], "pre_churn"),
        ([109], "lost"), ([0], "lost"), ([0, 200], "lost"),
    ],
)  # fmt: skip
def test_the_edges_of_the_groups_on_day_200(days: list[int], group: str) -> None:
    assert group_of(bought(*days), 200) == group


def test_who_has_not_bought_yet_is_in_no_group() -> None:
    book = ledger(frame([("a", 9, 1.0), ("b", 1, -1.0)]))
    assert groups(book, ZERO + 9).tolist() == [NO_GROUP, NO_GROUP]


def slowly(rows: list[tuple[str, int, float]], as_of: int, w: int) -> dict[str, object]:
    """The definitions, customer by customer."""
    days: dict[str, list[int]] = defaultdict(list)
    for customer, day, amount in rows:
        if amount >= 0:
            days[customer].append(day)

    def group(mine: list[int], at: int) -> str | None:
        before = sorted(d for d in mine if d < at)
        if not before:
            return None
        first, last = at - before[0], at - before[-1]
        holds = {
            "new": first <= w,
            "active_returning": last <= w and first > w,
            "pre_churn": w < last <= 2 * w,
            "lost": last > 2 * w,
        }
        assert sum(holds.values()) == 1
        return next(name for name, held in holds.items() if held)

    def rate(did: list[bool]) -> tuple[int, float | None]:
        return len(did), sum(did) / len(did) if did else None

    everybody = {c: sorted(days[c]) for c, _, _ in rows}
    now = {c: group(d, as_of) for c, d in everybody.items()}
    fresh = [d for d in everybody.values() if d and as_of - 2 * w <= d[0] < as_of - w]
    active = [
        sum(as_of - w <= d < as_of for d in everybody[c])
        for c, g in now.items()
        if g == "active_returning"
    ]

    def back(name: str, ago: int) -> tuple[int, float | None]:
        then = [d for d in everybody.values() if group(d, as_of - ago) == name]
        return rate([any(as_of - ago <= day < as_of for day in d) for d in then])

    return {
        "customers": {name: Counter(now.values())[name] for name in GROUPS},
        "no_group": Counter(now.values())[None],
        "conversion": rate([sum(d[0] <= day < d[0] + w for day in d) >= 2 for d in fresh]),
        "repeat_rate": rate([n >= 2 for n in active]),
        "orders": (len(active), sum(active) / len(active) if active else None),
        "weekly_return": back("pre_churn", 7),
        "won_back": back("lost", w),
    }


@given(rows=ROWS, as_of=st.integers(1, 70), window=st.integers(1, 20))
def test_groups_and_indicators_are_those_of_the_definitions(
    rows: list[tuple[str, int, float]], as_of: int, window: int
) -> None:
    got = life_cycle(ledger(frame(rows)), ZERO + as_of, window=window, record_from=ZERO - 1000)
    expected = slowly(rows, as_of, window)
    assert got.customers == expected["customers"]
    assert got.no_group == expected["no_group"]
    assert got.not_yet == got.customers["new"]
    for name in ("conversion", "repeat_rate", "orders", "weekly_return", "won_back"):
        found = getattr(got, name)
        n, value = expected[name]  # type: ignore[misc]
        assert found.n == n, name
        assert found.value == (None if value is None else pytest.approx(value)), name
        assert (found.not_estimable == "no_rows") == (n == 0), name
        if found.low is not None:
            assert found.low <= found.value <= found.high
    json.dumps(asdict(got), allow_nan=False)


def test_who_became_new_within_the_window_is_left_out_of_the_conversion_and_counted() -> None:
    book = ledger(frame([("old", 0, 1.0), ("a", 150, 1.0), ("b", 151, 1.0), ("b", 152, 1.0)]))
    got = life_cycle(book, ZERO + 197)  # both have gone out of the new
    assert (got.conversion.n, got.not_yet) == (2, 0)
    assert got.conversion.value == 0.5
    got = life_cycle(book, ZERO + 196)
    assert (got.conversion.n, got.not_yet) == (1, 1)


@pytest.mark.parametrize(
    ("indicator", "days"),
    [
        ("conversion", 135),
        ("repeat_rate", 90),
        ("orders", 90),
        ("weekly_return", 97),
        ("won_back", 180),
    ],
)
def test_a_record_too_short_to_tell_the_customers_apart_is_not_estimable(
    indicator: str, days: int
) -> None:
    book = bought(0, 120)
    short = life_cycle(book, ZERO + 130, record_from=ZERO + 130 - days + 1)
    enough = life_cycle(book, ZERO + 130, record_from=ZERO + 130 - days)
    assert getattr(short, indicator).not_estimable == "record_too_short"
    assert getattr(enough, indicator).not_estimable != "record_too_short"


def test_the_published_gain_of_a_better_weekly_return_rate() -> None:
    assert more_returning(80_000, 0.0236, 0.0281) == (pytest.approx(360), pytest.approx(4_680))


def test_an_empty_ledger_has_nobody_and_no_rate() -> None:
    got = life_cycle(ledger(frame([])), ZERO)
    assert sum(got.customers.values()) == 0
    assert got.conversion.value is None
    assert got.conversion.not_estimable == "record_too_short"
