"""Customers who buy now and then, cut into parts by their numbers as the lake cuts them."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from customers.purchases import orders_of
from lake import partitions
from lake.models import Partition
from lake.parts import part_of
from scoring.bought import earlier_orders, purchases_read
from scoring.models import ModelVersion
from scoring.score import score
from tests.customers.buying import Order, delivered

from .conftest import DAY

PARTS = 2


def customers(rows: int, *, day: date = DAY, key: str = "buyers", **columns: list) -> Partition:
    """A snapshot of customers 0000000, 0000001, … in the parts of their numbers."""
    numbers = [f"{n:07d}" for n in range(rows)]
    table = pa.table({"customer_no": numbers, "city": ["hangzhou"] * rows} | columns)
    part = pa.array([part_of(number, PARTS) for number in numbers])
    with partitions.writing("customers", day, key, parts=PARTS) as draft:
        for place in range(PARTS):
            mine = table.filter(pa.compute.equal(part, place))
            pq.write_table(mine.sort_by("customer_no"), draft.file(place))
    assert draft.partition is not None
    return draft.partition


def ordered(
    bought: dict[int, list[tuple[int, float]]], *, day: date = DAY, every: int = 60
) -> list[Partition]:
    """Deliver each customer's purchases (days before ``day``, yuan), so many days at a time."""
    by_day: dict[date, list[Order]] = {}
    for customer, purchases in bought.items():
        for place, (ago, yuan) in enumerate(purchases):
            order = (f"{customer}-{place}", f"{customer:07d}", day - timedelta(ago), yuan)
            by_day.setdefault(day - timedelta(ago // every * every), []).append(order)
    return [delivered(when, orders, parts=PARTS) for when, orders in sorted(by_day.items())]


def random_buyers(
    rows: int, *, days: int = 400, seed: int = 3, rate: float = 0.02
) -> dict[int, list[tuple[int, float]]]:
    """BG/NBD customers: each buys at his own rate until he leaves for good; a third never buys."""
    rng = np.random.default_rng(seed)
    bought: dict[int, list[tuple[int, float]]] = {}
    for customer in range(rows):
        if customer % 3 == 0:
            continue
        own, leaves = rng.gamma(0.8, rate / 0.8), rng.beta(0.9, 3.0)
        typical = 30 * 5 / rng.gamma(6, 1.0)
        ago = float(rng.integers(1, days))
        mine = []
        while ago >= 1:
            mine.append((int(ago), float(round(rng.gamma(3, typical / 3), 2))))
            if rng.random() < leaves:
                break
            ago -= rng.exponential(1 / own)
        bought[customer] = mine
    return bought


def scored(snapshot: Partition, version: ModelVersion) -> Partition:
    """The day's step: earlier orders as they stand, and what came with the day itself."""
    day = snapshot.business_date
    orders = [*earlier_orders([version], day), *orders_of(day, day)]
    found = purchases_read([version], orders, snapshot, progress=lambda done, total: None)
    return score(snapshot, [version], purchases=found, progress=lambda done, total: None)
