"""Where customers stand in their life of buying, and the indicators of each group (S5).

With a window of W days and as of a day D that doesn't count any more, a customer who has bought
before D is in exactly one group, by the age of his first and last purchase (D - day, at least 1):

    new                 first ≤ W
    active_returning    last ≤ W < first
    pre_churn           W < last ≤ 2W
    lost                2W < last

With W = 45: pre-churn is who bought 46 to 90 days ago and not within the last 45. Who has not
bought before D (only returns, or only later) is in none, and is counted.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from common.rates import Z

from .estimates import Estimate, share, unknown
from .ledger import NEVER, Ledger

WINDOW = 45
WEEK = 7
WEEKS_OF_QUARTER = 13

GROUPS = ("new", "active_returning", "pre_churn", "lost")
NEW, ACTIVE_RETURNING, PRE_CHURN, LOST = range(len(GROUPS))
NO_GROUP = -1


@dataclass(frozen=True)
class LifeCycle:
    """The groups and indicators before the day ``as_of`` (days since 1970).

    history         days of the record before it
    customers       by group, in the order of GROUPS
    no_group        customers of the ledger who had not bought yet
    conversion      new customers with 2 purchases or more within W days of the first (the first
                    day counts) ÷ all new customers; of those whose first purchase lies in
                    [D - 2W, D - W): their W days are over
    not_yet         who is new still, first seen in [D - W, D), and so left out of the conversion
    repeat_rate     active returning customers with 2 purchases or more in [D - W, D) ÷ all of them
    orders          purchases in [D - W, D) per active returning customer
    weekly_return   who was in pre-churn a week before D and bought in [D - 7, D) ÷ all who were
    won_back        who was lost W days before D and bought in [D - W, D) ÷ all who were
    """

    as_of: int
    window: int
    history: int
    customers: dict[str, int]
    no_group: int
    conversion: Estimate
    not_yet: int
    repeat_rate: Estimate
    orders: Estimate
    weekly_return: Estimate
    won_back: Estimate


def groups(ledger: Ledger, as_of: int, *, window: int = WINDOW) -> NDArray[np.int8]:
    """Return each customer's position in GROUPS before the day ``as_of``, or NO_GROUP."""
    if window < 1:
        raise ValueError(f"a window must be at least 1 day, got {window}")
    bought = ledger.last_purchase(as_of)
    last = as_of - bought.astype(np.int64)
    first = as_of - ledger.first_purchase().astype(np.int64)
    out = np.full(len(last), LOST, np.int8)
    out[last <= 2 * window] = PRE_CHURN
    out[last <= window] = ACTIVE_RETURNING
    out[first <= window] = NEW
    out[bought == NEVER] = NO_GROUP
    return out


def life_cycle(
    ledger: Ledger, as_of: int, *, window: int = WINDOW, record_from: int | None = None
) -> LifeCycle:
    """Return groups and indicators before the day ``as_of``.

    ``record_from``: since when all purchases are on record; None: since the ledger's first day.
    Not estimable, with its code: an indicator of nobody (``no_rows``), and one whose customers a
    record of that length can't tell from others (``record_too_short``). It takes 3W days for the
    conversion (who is new shows by a window without a purchase before), 2W for the active
    returning, 2W + 7 for the weekly return, 4W for the won back. Some dozen passes over the rows;
    memory as the ledger states.
    """
    group = groups(ledger, as_of, window=window)
    start = ledger.start if record_from is None else record_from
    history = 0 if start is None else as_of - start
    active = group == ACTIVE_RETURNING
    often = ledger.purchases(as_of - window, as_of)[active]
    early = groups(ledger, as_of - WEEK, window=window) == PRE_CHURN
    gone = groups(ledger, as_of - window, window=window) == LOST
    second, fresh = _second_purchases(ledger, as_of, window)
    since = ledger.last_purchase(as_of)
    return LifeCycle(
        as_of=as_of,
        window=window,
        history=history,
        customers={name: int((group == i).sum()) for i, name in enumerate(GROUPS)},
        no_group=int((group == NO_GROUP).sum()),
        conversion=_share(second[fresh], history, 3 * window),
        not_yet=int((group == NEW).sum()),
        repeat_rate=_share(often >= 2, history, 2 * window),
        orders=_mean(often, history, 2 * window),
        weekly_return=_share(since[early] >= as_of - WEEK, history, WEEK + 2 * window),
        won_back=_share(since[gone] >= as_of - window, history, 4 * window),
    )


def more_returning(base: float, before: float, after: float) -> tuple[float, float]:
    """Return how many more customers come back in a week, and in a quarter of 13 weeks.

    ``base``: customers in pre-churn a week; ``before`` and ``after``: weekly return rates, 0-1.
    """
    a_week = base * (after - before)
    return a_week, a_week * WEEKS_OF_QUARTER


def _second_purchases(
    ledger: Ledger, as_of: int, window: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return who bought again within the window of the first purchase; whose window just ended."""
    first = ledger.first_purchase().astype(np.int64)
    second = ledger.second_purchase()
    fresh = (first >= as_of - 2 * window) & (first < as_of - window)
    return (second != NEVER) & (second < first + window), fresh


def _share(did: NDArray[np.bool_], history: int, least: int) -> Estimate:
    n = len(did)
    return unknown("record_too_short", n) if history < least else share(int(did.sum()), n)


def _mean(counts: NDArray[np.int64], history: int, least: int) -> Estimate:
    """Return the mean count with the interval of the normal limit; of one customer, without one."""
    n = len(counts)
    if history < least or not n:
        return unknown("record_too_short" if history < least else "no_rows", n)
    mean = float(counts.mean())
    if n == 1:
        return Estimate(mean, None, None, n)
    half = Z * float(counts.std(ddof=1)) / sqrt(n)
    return Estimate(mean, mean - half, mean + half, n)
