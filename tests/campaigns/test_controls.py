"""Control groups: buckets that stay, spread evenly, and mean the same in every engine."""

from collections import Counter

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, chisquare

from campaigns.controls import (
    BUCKETS,
    UNIVERSAL,
    Control,
    Ranges,
    bucket_of,
    check_ranges,
    ranges,
)
from campaigns.models import Campaign, HoldOut
from common.errors import DomainError
from tests.accounts.people import make_user

from . import province
from .province import edited, load

KEY = "zhejiang-2026"
MANY = [f"{13_800_000_000 + number}" for number in range(100_000)]
numbers = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)


@pytest.mark.parametrize(
    ("key", "name", "number", "bucket"),
    [
        (KEY, "C1", "13800000000", 1202),
        (KEY, "C2", "13800000000", 4314),
        (KEY, UNIVERSAL, "13800000000", 7142),
        (KEY, "C1", "客户一", 2125),
        ("another-key", "C1", "13800000000", 3950),
    ],
)
def test_a_bucket_stays_for_ever(key: str, name: str, number: str, bucket: int) -> None:
    """Another value would draw all groups anew, and what they measured would be lost."""
    assert bucket_of(key, name, number) == bucket
    assert Control(name, key, ((bucket, bucket),)).holds(number)
    assert not Control(name, key, ((0, bucket - 1), (bucket + 1, 9999))).holds(number)


def test_buckets_are_even() -> None:
    """Consecutive numbers, as operators give them out: no bucket of 100 gets more than its share"""
    counts = Counter(bucket_of(KEY, "C1", number) // 100 for number in MANY)
    assert sorted(counts) == list(range(100))
    assert chisquare(list(counts.values())).pvalue > 0.001
    last_digits = Counter(bucket_of(KEY, "C1", number) % 10 for number in MANY)
    assert chisquare(list(last_digits.values())).pvalue > 0.001


@pytest.mark.parametrize(
    ("one", "other"), [((KEY, "C1"), (KEY, "C2")), ((KEY, "C1"), (KEY, UNIVERSAL))]
)
def test_the_buckets_of_two_campaigns_have_nothing_to_do_with_each_other(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    pairs = Counter((bucket_of(*one, n) // 1000, bucket_of(*other, n) // 1000) for n in MANY)
    expected = len(MANY) / 100
    statistic = sum((pairs[a, b] - expected) ** 2 for a in range(10) for b in range(10)) / expected
    assert chi2.sf(statistic, 99) > 0.001


def test_the_set_engine_draws_the_same_buckets() -> None:
    sql = """
        SELECT number, ('0x' || left(md5(concat_ws(chr(9), $key, $name, number)), 13))::BIGINT
               % 10000 AS bucket
        FROM unnest($numbers) AS t(number)
    """

    def drawn(name: str, numbers: list[str]) -> dict[str, int]:
        with duckdb.connect() as engine:
            values = {"key": KEY, "name": name, "numbers": numbers}
            return dict(engine.execute(sql, values).fetchall())

    assert drawn("C1", MANY[:5000]) == {n: bucket_of(KEY, "C1", n) for n in MANY[:5000]}
    odd = ["", "0", "客户一", "a\tb", "é" * 40, "'; --", "\U0001f600"]
    assert drawn(UNIVERSAL, odd) == {n: bucket_of(KEY, UNIVERSAL, n) for n in odd}


@given(numbers, st.integers(0, 9999), st.integers(0, 9999))
def test_a_control_holds_whose_bucket_is_in_a_range(number: str, a: int, b: int) -> None:
    first, last = sorted((a, b))
    bucket = bucket_of(KEY, "C1", number)
    assert 0 <= bucket < BUCKETS
    assert Control("C1", KEY, ((first, last),)).holds(number) == (first <= bucket <= last)


def test_without_buckets_nobody_is_in_control_and_with_all_everybody() -> None:
    for number in MANY[:100]:
        assert not Control("C1", KEY, ()).holds(number)
        assert Control("C1", KEY, ((0, 9999),)).holds(number)


def test_ranges_are_pairs_of_whatever_came() -> None:
    assert ranges([[1, 2], (3, 4)]) == ((1, 2), (3, 4))


@pytest.mark.parametrize("right", [(), ((0, 0),), ((0, 9999),), ((10, 19), (0, 9))])
def test_ranges_that_are_right(right: Ranges) -> None:
    check_ranges(right)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (((-1, 5),), 0),
        (((0, 10_000),), 0),
        (((5, 4),), 0),
        (((0, 9), (9, 12)), 1),
        (((9, 12), (0, 9)), 0),
        (((0, 100), (200, 300), (50, 60)), 2),
        (((0, 100), (0, 100)), 1),
    ],
)
def test_ranges_that_are_wrong(wrong: Ranges, where: int) -> None:
    with pytest.raises(DomainError) as refusal:
        check_ranges(wrong, "control")
    assert (refusal.value.code, refusal.value.status) == ("bad_buckets", 400)
    assert refusal.value.extra["where"] == ["control", where]


# --- as they are defined ---


@pytest.fixture
def defined(db: None) -> None:
    province.define()


def test_campaigns_and_the_hold_out_refuse_wrong_buckets(defined: None) -> None:
    with pytest.raises(DomainError, match="bad_buckets") as refusal:
        load("campaigns", edited("campaigns", 1, control=[[0, 9], [5, 20]]))
    assert refusal.value.extra["where"] == [1, "control", 1]
    with pytest.raises(DomainError, match="bad_buckets"):
        load("hold_out", {"key": KEY, "buckets": [[9, 0]]})
    assert not HoldOut.objects.exists()
    assert Campaign.objects.get(pk="C2").control == []


def test_a_control_group_needs_a_key(defined: None) -> None:
    with pytest.raises(DomainError, match="no_control_key") as refusal:
        load("campaigns", edited("campaigns", 1, control=[[0, 9]]))
    assert refusal.value.extra["where"] == [1, "control"]
    load("hold_out", {"key": KEY, "buckets": []})
    load("campaigns", edited("campaigns", 1, control=[[0, 9]]))
    assert Campaign.objects.get(pk="C2").control == [[0, 9]]


def test_buckets_may_change_and_the_key_may_not(defined: None) -> None:
    assert load("hold_out", {"key": KEY, "buckets": [[0, 9]]}).added == ["hold_out"]
    assert load("hold_out", {"key": KEY, "buckets": [[0, 99]]}).changed == ["hold_out"]
    assert load("hold_out", {"key": KEY, "buckets": [[0, 99]]}).unchanged == ["hold_out"]
    with pytest.raises(DomainError, match="control_key_kept") as refusal:
        load("hold_out", {"key": "another-key", "buckets": [[0, 99]]})
    assert refusal.value.status == 409
    assert HoldOut.objects.get().key == KEY


def test_the_hold_out_is_the_provinces(defined: None) -> None:
    from campaigns.services import set_hold_out

    with pytest.raises(DomainError) as refusal:
        set_hold_out(key=KEY, buckets=((0, 9),), by=make_user("city-marketer", "hangzhou"))
    assert refusal.value.status in (403, 404)
    set_hold_out(key=KEY, buckets=((0, 9),), by=make_user("province-marketer"))
