"""What customers bought, put together by the engine as a slow reading of the orders tells it."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.purchases import Bought, days_of, is_bought, orders_of, purchases
from lake.models import Partition
from lake.parts import part_of

from .buying import Order, delivered

pytestmark = pytest.mark.django_db
DAY = date(2026, 7, 1)
FIGURES = ("first", "second", "last", "purchases", "money", "repeats", "spend")
WINDOWS = ((30, 0), (10, 0), (30, 5))
COLUMNS = [Bought(f, *window) for f in FIGURES for window in WINDOWS]  # type: ignore[arg-type]


def made(
    orders: list[Partition], columns: list[Bought] = COLUMNS, *, parts: int = 2
) -> list[dict[str, Any]]:
    partition = purchases(
        orders, [c.code for c in columns], as_of=DAY, parts=parts, progress=lambda done, total: None
    )
    tables = [pq.read_table(file) for file in partition.files]
    for place, table in enumerate(tables):
        numbers = table.column("customer_no").to_pylist()
        assert numbers == sorted(numbers)
        assert all(part_of(number, parts) == place for number in numbers)
    return sorted(pa.concat_tables(tables).to_pylist(), key=lambda row: row["customer_no"])


def one(column: Bought, *days: int, yuan: float = 10.0) -> Any:
    """The figure of a customer who bought so many days ago."""
    orders = [(f"n{i}", "a", DAY - timedelta(d), yuan) for i, d in enumerate(days)]
    [row] = made([delivered(DAY, orders)], [column, Bought("money", 400)])
    return row[column.code]


# --- beside a slow reading ---


def slowly(orders: list[Order]) -> list[dict[str, Any]]:
    """The definitions, with pandas, customer by customer."""
    frame = pd.DataFrame(orders, columns=["order", "customer", "day", "yuan"])
    frame["age"] = [(DAY - day).days for day in frame["day"]]
    frame = frame[(frame["age"] >= 1) & (frame["age"] <= 30)]
    frame = frame.groupby(["customer", "order"], as_index=False).agg(
        age=("age", "max"), yuan=("yuan", "max")
    )
    return [
        {"customer_no": customer} | {c.code: figure(c, mine) for c in COLUMNS}
        for customer, mine in frame.groupby("customer")
    ]


def figure(column: Bought, orders: pd.DataFrame) -> float | None:
    orders = orders[(orders["age"] <= column.within) & (orders["age"] > column.before)]
    bought = orders[orders["yuan"] >= 0]
    ages = sorted(bought["age"], reverse=True)
    by_day = bought.groupby("age")["yuan"].sum().sort_index(ascending=False)
    match column.figure:
        case "first":
            return ages[0] if ages else None
        case "second":
            return ages[1] if len(ages) > 1 else None
        case "last":
            return ages[-1] if ages else None
        case "purchases":
            return len(ages)
        case "money":
            return float(orders["yuan"].sum())
        case "repeats":
            return len(by_day) - 1 if ages else None
        case _:
            return float(by_day.iloc[1:].mean()) if len(by_day) > 1 else None


ORDERS = st.lists(
    st.tuples(
        st.sampled_from([f"n{i}" for i in range(12)]),
        st.sampled_from("abcde"),
        st.integers(-2, 34).map(lambda ago: DAY - timedelta(ago)),
        st.sampled_from([-5.0, 0.0, 0.1, 12.34, 100.0]),
    ),
    max_size=40,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(orders=ORDERS, cuts=st.lists(st.integers(0, 40), max_size=3), lake=st.integers(1, 3))
def test_every_figure_is_that_of_a_slow_reading(
    orders: list[Order], cuts: list[int], lake: int
) -> None:
    """However the orders are delivered: a day at a time or several times, in any parts."""
    at = [0, *sorted(cuts), len(orders)]
    days = [
        delivered(DAY - timedelta(n), orders[a:b], parts=lake)
        for n, (a, b) in enumerate(pairwise(at))
    ]
    assert made(days) == [
        {name: pytest.approx(value) for name, value in row.items()} for row in slowly(orders)
    ]


# --- what the words of the definition mean ---


def test_an_order_of_the_day_itself_does_not_count_yet() -> None:
    assert one(Bought("last", 30), 0, 1) == 1


def test_two_purchases_of_one_day_are_two_but_no_repeat() -> None:
    assert one(Bought("second", 30), 7, 7, 2) == 7
    assert one(Bought("repeats", 30), 7, 7, 2) == 1


def test_what_is_older_than_the_window_or_younger_than_its_end_does_not_count() -> None:
    assert one(Bought("purchases", 20), 21, 20, 1) == 2
    assert one(Bought("purchases", 20, 1), 21, 20, 1) == 1


def test_an_order_that_is_delivered_again_is_one() -> None:
    again = ("n1", "a", DAY - timedelta(3), 10.0)
    days = [delivered(DAY - timedelta(3), [again]), delivered(DAY - timedelta(2), [again])]
    columns = [Bought("purchases", 30), Bought("money", 30)]
    [row] = made(days, columns)
    assert [row[c.code] for c in columns] == [1, 10]


def test_a_return_takes_its_yuan_off_and_no_purchase_away() -> None:
    orders = [("n1", "a", DAY - timedelta(3), 10.0), ("n2", "a", DAY - timedelta(2), -4.0)]
    columns = [Bought("purchases", 30), Bought("money", 30), Bought("last", 30)]
    [row] = made([delivered(DAY, orders)], columns)
    assert [row[c.code] for c in columns] == [1, 6, 3]


def test_nobody_has_ordered_where_there_are_no_orders() -> None:
    assert made([]) == []


# --- the partition ---


def test_orders_of_days_that_cannot_count_are_not_read() -> None:
    column = Bought("purchases", 5)
    order = ("n1", "a", DAY - timedelta(2), 1.0)
    late = delivered(DAY + timedelta(1), [order])
    early = delivered(DAY - timedelta(6), [order])
    today = delivered(DAY, [order])
    found = purchases(
        [early, today, late], [column.code], as_of=DAY, parts=2, progress=lambda *_: None
    )
    assert found.facts == {"days": 1, "orders": 1}


def test_equal_inputs_find_the_partition_and_others_make_another() -> None:
    first = delivered(DAY - timedelta(1), [("n1", "a", DAY - timedelta(1), 1.0)])
    ask: dict[str, Any] = {"as_of": DAY, "parts": 2, "progress": lambda *_: None}
    column, other = Bought("purchases", 5).code, Bought("money", 5).code
    known = purchases([first], [column], **ask)
    assert purchases([first], [column, column], **ask) == known
    assert purchases([first], [column, other], **ask) != known
    assert purchases([first, delivered(DAY, [])], [column], **ask) != known


def test_of_a_day_the_newest_delivery_counts() -> None:
    delivered(DAY, [])
    newest = delivered(DAY, [])
    before = delivered(DAY - timedelta(3), [])
    assert orders_of(DAY - timedelta(3), DAY) == [before, newest]
    assert orders_of(DAY - timedelta(2), DAY - timedelta(1)) == []


def test_a_column_is_known_by_its_code() -> None:
    for column in COLUMNS:
        assert is_bought(column.code)
        assert Bought.of(column.code) == column
    assert not is_bought("first_30_0")
    assert days_of([c.code for c in COLUMNS]) == 30
    with pytest.raises(ValueError, match="no column of purchases"):
        Bought.of("__customer")
