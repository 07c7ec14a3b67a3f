"""Channels: what came back for what was spent, credited by a stated rule, adding up to all."""

from dataclasses import astuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.learning.channels import Rule, Tariff, profitability

TARIFFS = {"sms": Tariff(0.5), "hall": Tariff(5.0, 2.0, 0.1), "app": Tariff()}
START = pd.Timestamp("2026-07-01")


def contacts_of(rows: list[tuple]) -> pd.DataFrame:
    """Rows (customer, channel, segment, day)."""
    frame = pd.DataFrame(rows, columns=["customer_no", "channel", "segment", "contacted_on"])
    frame["contacted_on"] = START + pd.to_timedelta(frame["contacted_on"].astype(float), "D")
    return frame.assign(contact_no=[f"k{i:03d}" for i in range(len(rows))])


def orders_of(rows: list[tuple]) -> pd.DataFrame:
    """Rows (customer, day, revenue)."""
    frame = pd.DataFrame(rows, columns=["customer_no", "ordered_on", "revenue"])
    frame["ordered_on"] = START + pd.to_timedelta(frame["ordered_on"].astype(float), "D")
    frame["revenue"] = frame["revenue"].astype(float)
    numbers = [f"o{i:03d}" for i in range(len(rows))]
    return frame.assign(order_no=numbers, margin=frame["revenue"] * 0.4)


def credited_slowly(
    contacts: pd.DataFrame, orders: pd.DataFrame, rule: Rule, window: float
) -> tuple[dict[tuple[str, str], list[float]], float]:
    """Each order held against each contact; returns orders and revenue by line, and uncredited."""
    lines: dict[tuple[str, str], list[float]] = {}
    for contact in contacts.itertuples():
        lines.setdefault((contact.channel, contact.segment), [0.0, 0.0])
    uncredited = 0.0
    for order in orders.itertuples():
        fitting = [
            contact
            for contact in contacts.itertuples()
            if contact.customer_no == order.customer_no
            and pd.Timedelta(0) <= order.ordered_on - contact.contacted_on
            and order.ordered_on - contact.contacted_on <= pd.Timedelta(days=window)
        ]
        fitting.sort(key=lambda contact: (contact.contacted_on, contact.contact_no))
        if rule != "linear" and fitting:
            fitting = [fitting[-1 if rule == "last_touch" else 0]]
        for contact in fitting:
            line = lines[contact.channel, contact.segment]
            line[0] += 1 / len(fitting)
            line[1] += order.revenue / len(fitting)
        uncredited += 0 if fitting else order.revenue
    return lines, uncredited


customers = st.sampled_from(["c1", "c2", "c3"])
contact_rows = st.lists(
    st.tuples(
        customers,
        st.sampled_from(["sms", "hall", "app"]),
        st.sampled_from(["high", "low"]),
        st.integers(0, 70),
    ),
    max_size=25,
)
order_rows = st.lists(
    st.tuples(st.sampled_from(["c1", "c2", "c4"]), st.integers(0, 80), st.integers(1, 100)),
    max_size=15,
)


@settings(deadline=None)
@given(
    contact_rows,
    order_rows,
    st.sampled_from(["last_touch", "first_touch", "linear"]),
    st.sampled_from([0, 7, 30]),
)
def test_orders_are_credited_as_one_by_one_and_add_up(
    met: list[tuple], bought: list[tuple], rule: Rule, window: float
) -> None:
    contacts, orders = contacts_of(met), orders_of(bought)
    found = profitability(contacts, orders, TARIFFS, rule, window)
    lines, uncredited = credited_slowly(contacts, orders, rule, window)
    assert [(line.channel, line.segment) for line in found.lines] == sorted(lines)
    for line in found.lines:
        expected = lines[line.channel, line.segment]
        assert [line.credited.orders, line.credited.revenue] == pytest.approx(expected)
    assert found.uncredited.revenue == pytest.approx(uncredited)
    parts = [astuple(part) for part in [found.uncredited, *(x.credited for x in found.lines)]]
    assert np.sum(parts, axis=0) == pytest.approx(astuple(found.total))
    assert sum(line.contacts for line in found.lines) == len(contacts)


@pytest.mark.parametrize(
    ("contacts", "each", "responses", "back", "roi"),
    [(20_000, 5.0, 474, 0.9954, -0.0046), (2_000, 12.5, 222, 1.8648, 0.8648)],
)
def test_the_textbooks_campaigns(
    contacts: int, each: float, responses: int, back: float, roi: float
) -> None:
    """Its "return" of 99 % and 186 % is revenue by cost; ROI is -0.46 % and 86.48 %."""
    met = contacts_of([(f"c{i}", "mail", "all", 0) for i in range(contacts)])
    bought = orders_of([(f"c{i}", 3, 210) for i in range(responses)])
    bought["margin"] = bought["revenue"]
    line = profitability(met, bought, {"mail": Tariff(each)}).lines[0]
    assert (line.cost, line.credited.revenue) == (contacts * each, responses * 210)
    assert line.profit == responses * 210 - contacts * each
    assert (line.return_on_cost, line.roi) == (pytest.approx(back), pytest.approx(roi))
    assert line.response == responses / contacts
    assert line.response_low < line.response < line.response_high


def test_cost_is_contacts_and_commission_and_profit_is_of_the_margin() -> None:
    met = contacts_of([("c1", "hall", "high", 0), ("c2", "hall", "high", 0)])
    line = profitability(met, orders_of([("c1", 1, 100)]), TARIFFS).lines[0]
    assert (line.contact_cost, line.commission, line.cost) == (10.0, 12.0, 22.0)
    assert line.profit == pytest.approx(40 - 22)
    assert line.return_on_cost == pytest.approx(100 / 22)
    assert line.roi == pytest.approx(18 / 22)


def test_what_costs_nothing_has_neither_return_nor_roi() -> None:
    met = contacts_of([("c1", "app", "high", 0)])
    line = profitability(met, orders_of([("c1", 1, 100)]), TARIFFS).lines[0]
    assert (line.return_on_cost, line.roi, line.not_estimable) == (None, None, "no_cost")
    assert line.profit == pytest.approx(40)


def test_two_orders_after_one_contact_are_one_response() -> None:
    met = contacts_of([("c1", "sms", "high", 0), ("c2", "sms", "high", 0)])
    line = profitability(met, orders_of([("c1", 1, 10), ("c1", 2, 10)]), TARIFFS).lines[0]
    assert (line.credited.orders, line.responded, line.response) == (2, 1, 0.5)


def test_of_one_moment_the_greater_number_is_the_later_whatever_the_order_of_rows() -> None:
    met = contacts_of([("c1", "sms", "high", 0), ("c1", "hall", "high", 0)])
    for contacts in (met, met[::-1]):
        found = profitability(contacts, orders_of([("c1", 1, 10)]), TARIFFS)
        assert [(line.channel, line.credited.orders) for line in found.lines] == [
            ("hall", 1),
            ("sms", 0),
        ]


def test_an_unknown_tariff_is_no_cost_of_zero() -> None:
    with pytest.raises(KeyError):
        profitability(contacts_of([("c1", "fax", "high", 0)]), orders_of([]), TARIFFS)


def test_nulls_repeated_numbers_and_unknown_rules_are_refused() -> None:
    met, bought = contacts_of([("c1", "sms", "high", 0)] * 2), orders_of([("c1", 1, 10)])
    with pytest.raises(ValueError, match="nulls"):
        profitability(met.assign(segment=None), bought, TARIFFS)
    with pytest.raises(ValueError, match="contact_no must be unique"):
        profitability(met.assign(contact_no="k"), bought, TARIFFS)
    with pytest.raises(ValueError, match="rule must be"):
        profitability(met, bought, TARIFFS, "best_touch")  # type: ignore[arg-type]
