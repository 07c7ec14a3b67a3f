"""Purchases cleaned: who, when, how much; what is left out is counted."""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from scoring.learning.ledger import NEVER, days_since_1970, ledger

START = date(2026, 1, 1)
ZERO = days_since_1970(START)


def frame(rows: list[tuple[str | None, int | None, float | None]]) -> pd.DataFrame:
    days = [None if d is None else pd.Timestamp(START) + pd.Timedelta(days=d) for _, d, _ in rows]
    return pd.DataFrame(
        {
            "customer": pd.Series([c for c, _, _ in rows], dtype="string"),
            "day": pd.to_datetime(pd.Series(days, dtype="datetime64[us]")),
            "amount": pd.Series([a for _, _, a in rows], dtype="float64"),
        }
    )


def test_rows_without_customer_day_or_amount_are_counted_by_the_first_that_lacks() -> None:
    rows = [
        (None, None, 1.0),
        ("", 1, 1.0),
        ("a", None, None),
        ("a", 1, float("inf")),
        ("a", 2, 3.0),
    ]
    got = ledger(frame(rows))
    assert got.left_out == {"no_customer": 2, "no_day": 1, "no_amount": 1}
    assert got.day.tolist() == [ZERO + 2]


def test_customers_ascend_and_rows_stand_by_customer_and_day() -> None:
    got = ledger(frame([("b", 3, 1.0), ("a", 9, 2.0), ("b", 1, 3.0), ("a", 2, 4.0)]))
    assert got.customers.to_pylist() == ["a", "b"]
    assert got.of.tolist() == [0, 0, 1, 1]
    assert (got.day - ZERO).tolist() == [2, 9, 1, 3]
    assert got.amount.tolist() == [4, 2, 3, 1]


def test_arrow_and_pandas_give_the_same() -> None:
    rows = frame([("b", 3, 1.0), ("a", 9, 2.0), (None, 1, 3.0)])
    one, other = ledger(rows), ledger(pa.Table.from_pandas(rows, preserve_index=False))
    assert one.customers == other.customers
    assert one.day.tolist() == other.day.tolist()
    assert one.left_out == other.left_out


def test_the_window_begins_with_its_first_day_and_ends_before_its_last() -> None:
    got = ledger(frame([("a", d, 10.0) for d in range(5)]))
    assert got.purchases(ZERO + 1, ZERO + 3).tolist() == [2]
    assert got.money(ZERO + 1, ZERO + 3).tolist() == [20]


def test_a_return_takes_money_but_is_no_purchase_and_a_gift_is_one() -> None:
    got = ledger(frame([("a", 0, -5.0), ("a", 1, 0.0), ("a", 2, -3.0), ("b", 0, -1.0)]))
    assert got.purchases(ZERO, ZERO + 9).tolist() == [1, 0]
    assert got.money(ZERO, ZERO + 9).tolist() == [-8, -1]
    assert got.first_purchase().tolist() == [ZERO + 1, NEVER]
    assert got.last_purchase(ZERO + 9).tolist() == [ZERO + 1, NEVER]
    assert got.second_purchase().tolist() == [NEVER, NEVER]


def test_an_orders_lines_are_one_purchase_on_its_first_day_and_customers_share_no_order() -> None:
    rows = frame([("a", 1, 4.0), ("a", 0, 2.0), ("b", 0, 1.0), ("a", 5, 1.0), ("b", 2, -1.0)])
    rows["order"] = ["x", "x", "x", "y", "z"]
    got = ledger(rows, order="order")
    assert got.of.tolist() == [0, 0, 1, 1]
    assert (got.day - ZERO).tolist() == [0, 5, 0, 2]
    assert got.amount.tolist() == [6, 1, 1, -1]


@pytest.mark.parametrize("rows", [[], [(None, 1, 1.0)]])
def test_of_nothing_comes_an_empty_ledger(rows: list[tuple[str | None, int, float]]) -> None:
    got = ledger(frame(rows))
    assert len(got.customers) == 0
    assert got.start is None
    assert got.last_purchase(ZERO).tolist() == []
    assert got.money(ZERO, ZERO + 1).dtype == np.float64
