"""Channel profitability 渠道效益 (S3): what came back per channel and segment for what was spent.

An order is credited to contacts of the same customer that came before it, within a window, by one
of three rules. What no contact can be credited with stands beside: the parts add up to all orders.
Credited is not caused: some would have ordered anyway, and only a control group tells how many.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from common.rates import wilson

from .refusal import Code

WINDOW_DAYS = 30

Rule = Literal["last_touch", "first_touch", "linear"]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Tariff:
    """What a channel costs: yuan per contact, yuan per order and a share of its revenue."""

    per_contact: float = 0.0
    per_order: float = 0.0
    revenue_share: float = 0.0


@dataclass(frozen=True)
class Part:
    """Orders (shares of them, where credit is divided) and what they bring, in yuan."""

    orders: float
    revenue: float
    margin: float


@dataclass(frozen=True)
class Line:
    """One channel and segment.

    responded, response  contacts credited with an order or a part of one; their share of all
                         contacts, with its 95 % interval
    cost                 contact_cost + commission
    profit               margin - cost
    return_on_cost       revenue / cost ("return"), which is not
    roi                  profit / cost
    not_estimable        no_cost: nothing was spent, so neither ratio exists
    """

    channel: str
    segment: str
    contacts: int
    credited: Part
    responded: int
    response: float
    response_low: float
    response_high: float
    contact_cost: float
    commission: float
    cost: float
    profit: float
    return_on_cost: float | None = None
    roi: float | None = None
    not_estimable: Code | None = None


@dataclass(frozen=True)
class Profitability:
    """``rule`` and ``window_days`` say how orders were credited; credited + uncredited = total."""

    rule: Rule
    window_days: float
    total: Part
    uncredited: Part
    lines: list[Line] = field(default_factory=list)


def profitability(
    contacts: pd.DataFrame,
    orders: pd.DataFrame,
    tariffs: Mapping[str, Tariff],
    rule: Rule = "last_touch",
    window_days: float = WINDOW_DAYS,
) -> Profitability:
    """Return the lines by channel and segment.

    contacts   columns contact_no, customer_no, channel, segment, contacted_on
    orders     columns order_no, customer_no, ordered_on, revenue, margin (yuan; before the costs
               counted here; equal to revenue where nothing else is to be paid from it)
    tariffs    of every channel that occurs; a missing one is a KeyError, not a cost of zero

    A contact counts from the moment of the order back to ``window_days`` before, both included:
    with dates, a contact on the day of the order counts. last_touch credits the latest, first_touch
    the earliest of these, linear all alike; among contacts of one moment the greater contact_no
    is the later. Nulls, and numbers that occur twice, are a ValueError.
    """
    _check(contacts, "contact_no")
    _check(orders, "order_no")
    numbers, customers = pd.factorize(contacts["customer_no"])
    contacts = contacts.assign(customer=numbers, contacted_on=_moments(contacts["contacted_on"]))
    contacts = contacts.sort_values(["customer", "contacted_on", "contact_no"], kind="stable")
    orders = orders.assign(customer=pd.Index(customers).get_indexer(orders["customer_no"]))
    credits = _credits(contacts, orders, rule, window_days)
    groups = contacts.groupby(["channel", "segment"], sort=True)
    group = groups.ngroup().to_numpy()
    lines = [
        _line(channel, segment, int(size), credits, orders, group == place, tariffs[channel])
        for place, ((channel, segment), size) in enumerate(groups.size().items())
    ]
    missed = np.ones(len(orders), dtype=bool)
    missed[credits.order] = False
    everything = np.ones(len(orders))
    total, uncredited = _part(orders, everything), _part(orders, missed.astype(float))
    return Profitability(rule, window_days, total, uncredited, lines)


def _check(frame: pd.DataFrame, number: str) -> None:
    nulls = frame.isna().sum()
    if nulls.any():
        raise ValueError(f"there must be no nulls, got {nulls[nulls > 0].to_dict()}")
    if frame[number].duplicated().any():
        raise ValueError(f"{number} must be unique, {int(frame[number].duplicated().sum())} repeat")


@dataclass(frozen=True)
class _Credits:
    """``share`` of ``order`` goes to ``contact``: positions in the frames, one entry per credit."""

    order: Integers
    contact: Integers
    share: Floats


def _credits(
    contacts: pd.DataFrame, orders: pd.DataFrame, rule: Rule, window_days: float
) -> _Credits:
    """Credit each order to a run of the sorted contacts, found by two binary searches."""
    first, after = _runs(contacts, orders, window_days)
    matched = np.flatnonzero(after > first)
    first, after = first[matched], after[matched]
    if rule == "last_touch":
        return _Credits(matched, after - 1, np.ones(len(matched)))
    if rule == "first_touch":
        return _Credits(matched, first, np.ones(len(matched)))
    if rule == "linear":
        length = after - first
        begins = np.repeat(np.cumsum(length) - length, length)
        contact = np.repeat(first, length) + np.arange(length.sum()) - begins
        return _Credits(np.repeat(matched, length), contact, np.repeat(1 / length, length))
    raise ValueError(f"rule must be last_touch, first_touch or linear, got {rule}")


def _runs(
    contacts: pd.DataFrame, orders: pd.DataFrame, window_days: float
) -> tuple[Integers, Integers]:
    """Return, for each order, where its contacts begin and end; equal: it has none."""
    # Customer and rank of the moment, joined to one number that sorts as the contacts do. Who was
    # never contacted is customer -1: before all contacts, his run is empty.
    moments = contacts["contacted_on"].to_numpy()
    ranks = np.unique(moments)
    width = len(ranks) + 1
    keys = contacts["customer"].to_numpy() * width + np.searchsorted(ranks, moments)
    customer = orders["customer"].to_numpy()
    until = _moments(orders["ordered_on"])
    since = until - np.timedelta64(round(window_days * 86_400_000_000), "us")
    first = np.searchsorted(keys, customer * width + np.searchsorted(ranks, since, "left"))
    after = np.searchsorted(keys, customer * width + np.searchsorted(ranks, until, "right"))
    return first, after


def _moments(column: pd.Series) -> NDArray[np.datetime64]:
    moments: NDArray[np.datetime64] = pd.to_datetime(column).to_numpy(dtype="datetime64[us]")
    return moments


def _part(orders: pd.DataFrame, share: Floats, rows: Integers | None = None) -> Part:
    brought = orders[["revenue", "margin"]].to_numpy(dtype=np.float64)
    revenue, margin = share @ (brought if rows is None else brought[rows])
    return Part(float(share.sum()), float(revenue), float(margin))


def _line(
    channel: str,
    segment: str,
    contacts: int,
    credits: _Credits,
    orders: pd.DataFrame,
    mine: NDArray[np.bool_],
    tariff: Tariff,
) -> Line:
    """``mine``: which of the sorted contacts are of this channel and segment."""
    of_mine = mine[credits.contact]
    part = _part(orders, credits.share[of_mine], credits.order[of_mine])
    responded = len(np.unique(credits.contact[of_mine]))
    return priced(channel, segment, contacts, part, responded, tariff)


def priced(
    channel: str, segment: str, contacts: int, credited: Part, responded: int, tariff: Tariff
) -> Line:
    """Return the line of what was counted: its cost by the tariff, and what that brought."""
    low, high = wilson(responded, contacts)
    contact_cost = contacts * tariff.per_contact
    commission = credited.orders * tariff.per_order + credited.revenue * tariff.revenue_share
    cost = contact_cost + commission
    profit = credited.margin - cost
    spent = cost > 0
    return Line(
        channel,
        segment,
        contacts,
        credited,
        responded,
        responded / contacts,
        float(low),
        float(high),
        contact_cost,
        commission,
        cost,
        profit,
        return_on_cost=credited.revenue / cost if spent else None,
        roi=profit / cost if spent else None,
        not_estimable=None if spent else "no_cost",
    )
