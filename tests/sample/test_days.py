"""From day to day: who changes, joins and leaves, and who was there a month before."""

from datetime import date
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from sample.days import Province
from sample.numbers import SPACE, customer_numbers
from tests.sample.landing import DAYS, FIRST, SECOND, THIRD, TRAINING, Landing


def numbers(landing: Landing, day: str) -> set[str]:
    return set(landing.raw(day, "customers")["USER_NO"].to_pylist())


def test_numbers_are_eleven_digits_of_a_range_without_subscribers(landing: Landing) -> None:
    for day in (TRAINING, *DAYS):
        column = landing.raw(day, "customers")["USER_NO"]
        assert pc.all(pc.match_substring_regex(column, r"^12\d{9}$")).as_py()
        assert pc.count_distinct(column).as_py() == len(column)


def test_numbers_are_unique_and_in_no_order() -> None:
    made = customer_numbers(np.arange(200_000))
    assert len(np.unique(made)) == 200_000
    rising = np.mean(np.diff(made) > 0)
    assert 0.3 < rising < 0.7
    spread = customer_numbers(np.array([0, SPACE - 1]))
    assert len(np.unique(spread)) == 2


def test_the_first_day_has_the_customers_asked_for(landing: Landing, province: Province) -> None:
    assert len(landing.raw(FIRST, "customers")) == province.customers
    assert len(landing.raw(TRAINING, "customers")) == province.customers


@pytest.mark.parametrize(("before", "after"), [(FIRST, SECOND), (SECOND, THIRD)])
def test_a_day_changes_two_to_three_per_cent(landing: Landing, before: str, after: str) -> None:
    old, new = (landing.raw(day, "customers") for day in (before, after))
    new = new.filter(pc.is_in(new["USER_NO"], old["USER_NO"])).sort_by("USER_NO")
    old = old.filter(pc.is_in(old["USER_NO"], new["USER_NO"])).sort_by("USER_NO")
    changed = np.zeros(len(old), dtype=bool)
    for name in old.column_names:
        a, b = (as_text(table[name]) for table in (old, new))
        changed |= pc.not_equal(a, b).to_numpy()
    assert 0.02 < changed.mean() < 0.03


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(column.cast(pa.string()), "")


def test_a_thousandth_joins_and_half_of_that_leaves(landing: Landing) -> None:
    sets = [numbers(landing, day) for day in DAYS]
    for before, after in pairwise(sets):
        assert len(after - before) == 66 + 66 + 19  # of two full blocks and one of 18,928
        assert len(before - after) / len(before) == pytest.approx(0.0005, abs=0.0002)
    assert not (sets[0] - sets[1]) & sets[2], "who left stays away"


def test_those_who_left_are_known_by_their_label_and_gone(landing: Landing) -> None:
    then = landing.raw(TRAINING, "customers")
    assert then["LEFT_30D"].null_count == 0
    left = set(then.filter(then["LEFT_30D"])["USER_NO"].to_pylist())
    stayed = numbers(landing, TRAINING) - left
    now = numbers(landing, FIRST)
    assert not left & now
    assert stayed < now
    for day in DAYS:
        assert landing.raw(day, "customers")["LEFT_30D"].null_count == len(
            landing.raw(day, "customers")
        )


def test_tenure_follows_from_the_date_of_joining(landing: Landing) -> None:
    for day in (TRAINING, FIRST):
        table = landing.table(day, "customers")
        joined = table["joined_on"].to_numpy().astype("datetime64[M]").astype(int)
        today = np.datetime64(day, "M").astype(int)
        assert np.array_equal(table["tenure_months"].to_numpy(), today - joined)


def test_who_has_no_bill_has_no_figures_from_bills(landing: Landing) -> None:
    table = landing.table(FIRST, "customers")
    tenure = table["tenure_months"].to_numpy()
    arpu = np.isnan(table["arpu"].to_numpy())
    change = np.isnan(table["arpu_change"].to_numpy())
    assert np.array_equal(arpu, tenure < 1)
    assert np.array_equal(change, tenure < 2)
    assert arpu.any()


@pytest.mark.parametrize("wrong", [{"customers": 0}, {"days": 0}, {"days": 32}, {"seed": -1}])
def test_a_province_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    asked = {"customers": 10, "first_day": date(2026, 7, 1), "days": 1, "seed": 7} | wrong
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must"):
        Province(**asked)
