"""Who bought when for how much: the cleaned rows that RFM, life-cycle and purchase models read.

A window of days is half-open: ``start`` counts, ``end`` doesn't. ``as_of`` is the first day that
does not count any more, so a day's figures that include that day are asked for as of the next.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

NEVER = np.iinfo(np.int32).min
_EPOCH = date(1970, 1, 1)

Days = NDArray[np.int32]


@dataclass(frozen=True)
class Ledger:
    """Rows in the order of customer, then day; equal days in the order they came.

    customers   distinct customer numbers as text, ascending
    of          rows: position in ``customers``, int32
    day         rows: days since 1970, int32
    amount      rows: yuan; 0 or more is a purchase (a gift counts), less than 0 a return
    left_out    rows that were not taken: no_customer, no_day, no_amount (the first that applies)

    A return lowers the money of the window in which it comes back; it is never a purchase, and
    takes none away. Memory: 16 bytes a row, 4 bytes a customer for each figure that is asked for.
    """

    customers: pa.Array
    of: NDArray[np.int32]
    day: Days
    amount: NDArray[np.float64]
    left_out: dict[str, int]

    @property
    def start(self) -> int | None:
        """The first day of the record, None of an empty one."""
        return int(self.day.min()) if len(self.day) else None

    def first_purchase(self) -> Days:
        """Return each customer's first day of buying, NEVER where there is none."""
        bought = self.amount >= 0
        return self._one_each(self.of[bought][::-1], self.day[bought][::-1])

    def second_purchase(self) -> Days:
        """Return each customer's day of buying for the second time, NEVER where there is none."""
        bought = self.amount >= 0
        of, day = self.of[bought], self.day[bought]
        second = np.zeros(len(of), bool)
        second[1:] = of[1:] == of[:-1]
        second[2:] &= of[2:] != of[:-2]
        return self._one_each(of[second], day[second])

    def last_purchase(self, before: int) -> Days:
        """Return each customer's last day of buying before that day, NEVER where there is none."""
        bought = (self.amount >= 0) & (self.day < before)
        return self._one_each(self.of[bought], self.day[bought])

    def purchases(self, start: int, end: int) -> NDArray[np.int64]:
        """Return how often each customer bought within [start, end)."""
        counted = (self.amount >= 0) & self.within(start, end)
        return np.bincount(self.of[counted], minlength=len(self.customers))

    def money(self, start: int, end: int) -> NDArray[np.float64]:
        """Return each customer's yuan within [start, end), returns taken off: may be negative."""
        counted = self.within(start, end)
        yuan = np.bincount(self.of[counted], self.amount[counted], len(self.customers))
        return yuan.astype(np.float64)  # whole numbers of no rows

    def within(self, start: int, end: int) -> NDArray[np.bool_]:
        return (self.day >= start) & (self.day < end)

    def _one_each(self, of: NDArray[np.int32], day: Days) -> Days:
        out = np.full(len(self.customers), NEVER, np.int32)
        out[of] = day  # of several rows the last one stands, and rows are in order of days
        return out


def days_since_1970(day: date) -> int:
    return (day - _EPOCH).days


def ledger(
    rows: pa.Table | pd.DataFrame,
    *,
    customer: str = "customer",
    day: str = "day",
    amount: str = "amount",
    order: str | None = None,
) -> Ledger:
    """Return the cleaned rows of a table: one row is one purchase, unless ``order`` names orders.

    With ``order``, rows of one customer with one order number are one purchase on the earliest of
    their days, for the sum of their amounts (an invoice's lines). Rows without a customer (null or
    empty), a day or a finite amount are left out and counted.
    """
    names = [customer, day, amount] + ([order] if order else [])
    if isinstance(rows, pd.DataFrame):
        rows = pa.Table.from_pandas(rows[names], preserve_index=False)
    rows = rows.select(names).combine_chunks()
    number = pc.cast(rows[customer], pa.string())
    missing = {
        "no_customer": pc.equal(pc.fill_null(number, ""), ""),
        "no_day": pc.is_null(rows[day]),
        "no_amount": pc.invert(pc.fill_null(pc.is_finite(rows[amount]), False)),
    }
    kept, left_out = np.ones(rows.num_rows, bool), {}
    for reason, column in missing.items():
        absent = column.to_numpy(zero_copy_only=False) if len(column) else kept
        left_out[reason] = int((kept & absent).sum())
        kept = kept & ~absent
    rows, number = rows.filter(pa.array(kept)), number.filter(pa.array(kept))
    customers, of = _positions(number)
    days = rows[day].cast(pa.date32()).cast(pa.int32()).to_numpy()
    amounts = rows[amount].cast(pa.float64()).to_numpy()
    if order:
        of, days, amounts = _orders(of, rows[order], days, amounts)
    place = _in_order(of, days)
    return Ledger(customers, of[place], days[place], amounts[place], left_out)


def _positions(number: pa.ChunkedArray) -> tuple[pa.Array, NDArray[np.int32]]:
    """Return the distinct numbers in order, and each row's position among them."""
    coded = number.dictionary_encode().unify_dictionaries().combine_chunks()
    if isinstance(coded, pa.ChunkedArray):  # of no rows at all
        return pa.array([], pa.string()), np.zeros(0, np.int32)
    ascending = pc.sort_indices(coded.dictionary).to_numpy()
    rank = np.empty(len(ascending), np.int32)
    rank[ascending] = np.arange(len(ascending), dtype=np.int32)
    return coded.dictionary.take(pa.array(ascending)), rank[coded.indices.to_numpy()]


def _orders(
    of: NDArray[np.int32], order: pa.ChunkedArray, days: Days, amounts: NDArray[np.float64]
) -> tuple[NDArray[np.int32], Days, NDArray[np.float64]]:
    frame = pd.DataFrame({"of": of, "order": order.to_pandas(), "day": days, "amount": amounts})
    whole = frame.groupby(["of", "order"], sort=False, dropna=False).agg(
        day=("day", "min"), amount=("amount", "sum")
    )
    return (
        whole.index.get_level_values("of").to_numpy(np.int32),
        whole["day"].to_numpy(np.int32),
        whole["amount"].to_numpy(np.float64),
    )


def _in_order(of: NDArray[np.int32], days: Days) -> NDArray[np.int64]:
    """Return the places that put rows in order of customer, then day: one sort of whole numbers."""
    if not len(days):
        return np.zeros(0, np.int64)
    since = days.astype(np.int64) - int(days.min())
    return np.argsort(of * (int(since.max()) + 1) + since, kind="stable")
