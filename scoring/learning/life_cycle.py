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

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .estimates import Estimate, mean, share, unknown
from .features import Feature
from .ledger import NEVER, Ledger
from .refusal import NotEstimable

WINDOW = 45
WEEK = 7
WEEKS_OF_QUARTER = 13

GROUPS = ("new", "active_returning", "pre_churn", "lost")
NEW, ACTIVE_RETURNING, PRE_CHURN, LOST = range(len(GROUPS))
NO_GROUP = -1

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ages:
    """One row per customer: how long before D his purchases were, in days; NaN: there is none.

    first, second, last  purchases of the record, two of one day being two
    last_week_ago        the last one that was known 7 days before D, its age still counted to D
    last_window_ago      the same, W days before D
    purchases            how many within [D - W, D); 0 or NaN: none
    """

    first: Floats
    second: Floats
    last: Floats
    last_week_ago: Floats
    last_window_ago: Floats
    purchases: Floats


@dataclass(frozen=True)
class LifeCycle:
    """The groups and indicators as of a day.

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


class LifeCycleStages:
    """The group of each customer, from two numbers.

    Parameters
    ----------
    features : age of the first purchase and of the last, in days.
    window : W, at least 1.

    ``fit`` counts ``customers_``, by group in the order of GROUPS.
    """

    def __init__(self, features: tuple[Feature, ...], *, window: int = WINDOW) -> None:
        self.features = features
        self.window = window

    def fit(
        self, x: Floats, y: object = None, progress: Callable[[int, int], None] | None = None
    ) -> Self:
        """Count; ``y`` is not read. Raises NotEstimable where nobody has bought (``no_rows``)."""
        place = stages(x[:, 0], x[:, 1], self.window)
        if not (place != NO_GROUP).any():
            raise NotEstimable("no_rows")
        self.customers_ = np.bincount(place[place != NO_GROUP], minlength=len(GROUPS))
        if progress:
            progress(1, 1)
        return self

    def predict(self, x: Floats) -> Floats:
        """Return the position in GROUPS of each row; NaN of who has not bought."""
        place = stages(x[:, 0], x[:, 1], self.window)
        return np.asarray(np.where(place == NO_GROUP, np.nan, place))


def stages(first: Floats, last: Floats, window: int) -> NDArray[np.int8]:
    """Return each customer's position in GROUPS from the ages of his purchases, or NO_GROUP."""
    if window < 1:
        raise ValueError(f"a window must be at least 1 day, got {window}")
    out = np.full(len(last), LOST, np.int8)
    out[last <= 2 * window] = PRE_CHURN
    out[last <= window] = ACTIVE_RETURNING
    out[first <= window] = NEW
    out[np.isnan(last)] = NO_GROUP
    return out


def indicators(ages: Ages, *, window: int = WINDOW, history: int) -> LifeCycle:
    """Return groups and indicators of customers with these ages.

    ``history``: for how many days all purchases are on record. Not estimable, with its code: an
    indicator of nobody (``no_rows``), and one whose customers a record of that length can't tell
    from others (``record_too_short``). It takes 3W days for the conversion (who is new shows by a
    window without a purchase before), 2W for the active returning, 2W + 7 for the weekly return,
    4W for the won back.
    """
    group = stages(ages.first, ages.last, window)
    often = np.nan_to_num(ages.purchases[group == ACTIVE_RETURNING])
    early = stages(ages.first - WEEK, ages.last_week_ago - WEEK, window) == PRE_CHURN
    gone = stages(ages.first - window, ages.last_window_ago - window, window) == LOST
    fresh = (ages.first > window) & (ages.first <= 2 * window)
    again = ages.first[fresh] - ages.second[fresh] < window
    return LifeCycle(
        window=window,
        history=history,
        customers={name: int((group == i).sum()) for i, name in enumerate(GROUPS)},
        no_group=int((group == NO_GROUP).sum()),
        conversion=_share(again, history, 3 * window),
        not_yet=int((group == NEW).sum()),
        repeat_rate=_share(often >= 2, history, 2 * window),
        orders=_mean(often, history, 2 * window),
        weekly_return=_share(ages.last[early] <= WEEK, history, WEEK + 2 * window),
        won_back=_share(ages.last[gone] <= window, history, 4 * window),
    )


def life_cycle(
    ledger: Ledger, as_of: int, *, window: int = WINDOW, record_from: int | None = None
) -> LifeCycle:
    """Return groups and indicators before the day ``as_of``.

    ``record_from``: since when all purchases are on record; None: since the ledger's first day.
    Some dozen passes over the rows; memory as the ledger states.
    """
    start = ledger.start if record_from is None else record_from
    history = 0 if start is None else as_of - start
    return indicators(ages_of(ledger, as_of, window), window=window, history=history)


def ages_of(ledger: Ledger, as_of: int, window: int) -> Ages:
    """Return what the ledger knows before the day ``as_of``."""

    def age(day: NDArray[np.int32]) -> Floats:
        known = (day != NEVER) & (day < as_of)
        return np.asarray(np.where(known, as_of - day.astype(np.float64), np.nan))

    return Ages(
        first=age(ledger.first_purchase()),
        second=age(ledger.second_purchase()),
        last=age(ledger.last_purchase(as_of)),
        last_week_ago=age(ledger.last_purchase(as_of - WEEK)),
        last_window_ago=age(ledger.last_purchase(as_of - window)),
        purchases=ledger.purchases(as_of - window, as_of).astype(np.float64),
    )


def groups(ledger: Ledger, as_of: int, *, window: int = WINDOW) -> NDArray[np.int8]:
    """Return each customer's position in GROUPS before the day ``as_of``, or NO_GROUP."""
    ages = ages_of(ledger, as_of, window)
    return stages(ages.first, ages.last, window)


def more_returning(base: float, before: float, after: float) -> tuple[float, float]:
    """Return how many more customers come back in a week, and in a quarter of 13 weeks.

    ``base``: customers in pre-churn a week; ``before`` and ``after``: weekly return rates, 0-1.
    """
    a_week = base * (after - before)
    return a_week, a_week * WEEKS_OF_QUARTER


def _share(did: NDArray[np.bool_], history: int, least: int) -> Estimate:
    n = len(did)
    return unknown("record_too_short", n) if history < least else share(int(did.sum()), n)


def _mean(counts: Floats, history: int, least: int) -> Estimate:
    return unknown("record_too_short", len(counts)) if history < least else mean(counts)
