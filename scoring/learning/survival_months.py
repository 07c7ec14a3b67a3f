"""Customers' months at risk, those alike counted together; and whether as many left as expected."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .estimates import Estimate, share

Numbers = NDArray[np.float64]
Places = NDArray[np.intp]


class Clock:
    """Whole months in bands, each from one edge to before the next; the unknown are the last.

    Months are floored, and negative ones are month 0. Band 0 ends before ``edges[0]``.
    """

    def __init__(self, edges: tuple[int, ...]) -> None:
        self.edges = edges
        self.most = edges[-1]

    @property
    def bands(self) -> int:
        return len(self.edges) + 2

    def month(self, column: Numbers) -> Places:
        """Return the whole month, at most the last edge; one more than it for the unknown."""
        months = np.clip(np.nan_to_num(column, nan=self.most + 1.0), 0, self.most + 1.0)
        months = np.where(np.isnan(column), months, np.minimum(months, self.most))
        return np.asarray(months, dtype=np.intp)

    def by_month(self) -> Places:
        """Return the band of each month that ``month`` gives."""
        known = np.searchsorted(self.edges, np.arange(self.most + 1), side="right")
        return np.append(known, self.bands - 1)

    def limits(self) -> list[tuple[float, float]]:
        """Return the known bands, from ≤ month < to."""
        return list(zip((0.0, *self.edges), (*self.edges, np.inf), strict=True))


@dataclass(frozen=True)
class Months:
    """Months at risk of one customer with both clocks in one band, and who left in the last.

    row       place in x;  tenure, contract: the clocks' bands
    months    at risk, at least 1;  left: 1 or 0
    """

    row: Places
    tenure: Places
    contract: Places
    months: Numbers
    left: Numbers


def of_snapshot(
    tenure: Numbers, contract: Numbers, y: NDArray[np.bool_], clocks: tuple[Clock, Clock]
) -> Months:
    """Return one month per customer: the one after the snapshot."""
    bands = [c.by_month()[c.month(v)] for c, v in zip(clocks, (tenure, contract), strict=True)]
    return Months(np.arange(len(y)), bands[0], bands[1], np.ones(len(y)), y.astype(np.float64))


def of_spells(
    entry: Numbers,
    durations: Numbers,
    events: NDArray[np.bool_],
    contract: Numbers,
    clocks: tuple[Clock, Clock],
) -> Months:
    """Return the months from ``entry`` to ``durations``, as far as there are any.

    ``contract``: months left at ``entry``, counted down and staying at 0; NaN: unknown throughout.
    """
    check_spells(entry, durations, events)
    pieces = []
    for tenure, (start, end) in enumerate(clocks[0].limits()):
        opens, closes = np.maximum(entry, start), np.minimum(durations, end)
        for band, (begins, ends) in enumerate(_countdown(entry, contract, clocks[1])):
            since, until = np.maximum(opens, begins), np.minimum(closes, ends)
            row = np.flatnonzero(until > since)  # NaN is not
            left = events[row] & (until[row] == durations[row])
            alike = np.full((2, len(row)), [[tenure], [band]])
            pieces.append(np.stack([row, *alike, (until - since)[row], left]))
    row, *bands, months, left = np.concatenate(pieces, axis=1)
    order = np.argsort(row, kind="stable")
    whole = [np.asarray(v[order], dtype=np.intp) for v in (row, *bands)]
    return Months(whole[0], whole[1], whole[2], months[order], left[order])


def _countdown(entry: Numbers, contract: Numbers, clock: Clock) -> list[tuple[Numbers, Numbers]]:
    """Return per band, the unknown last, the months in which each contract is in it: [from, to).

    With c months left at entry, ``low`` ≤ c - (month - entry) < ``high`` from month
    entry + c - high + 1 to entry + c - low; the contract that is over stays in the first band.
    """
    spans = []
    for low, high in clock.limits():
        ends = entry + contract - low + 1 if low else np.where(np.isnan(contract), np.nan, np.inf)
        spans.append((entry + np.floor(contract) - high + 1, np.floor(ends)))
    never = np.where(np.isnan(contract), -np.inf, np.nan)
    return [*spans, (never, -never)]


def check_spells(entry: Numbers, durations: Numbers, events: NDArray[np.bool_]) -> None:
    """Refuse months that can't be: not whole, negative, ending before they begin."""
    for name, months in (("entry", entry), ("durations", durations)):
        if not (np.isfinite(months) & (months == np.rint(months)) & (months >= 0)).all():
            raise ValueError(f"{name} must be whole months, 0 or more, all known")
    if (durations < entry).any():
        raise ValueError(f"{int((durations < entry).sum())} durations end before their entry")
    unseen = int((events & (durations == entry)).sum())
    if unseen:
        raise ValueError(
            f"{unseen} customers left in no month that was watched: who leaves in his first month "
            "has a duration of 1"
        )


@dataclass(frozen=True)
class Check:
    """Expected against observed leavers of one tenure band: from ≤ months here < to (None: open).

    share       of those who left, of so many customer-months at risk
    expected    the share that the model expects; None of no months
    holds       it lies in the interval of the observed one
    """

    start: int
    to: int | None
    leavers: int
    expected_leavers: float
    share: Estimate
    expected: float | None
    holds: bool | None


def checks(months: Months, hazard: Numbers, clock: Clock) -> list[Check]:
    """Return one check per tenure band of known tenure; ``hazard``: of each of the ``months``."""
    n = np.bincount(months.tenure, months.months, clock.bands)
    expected = np.bincount(months.tenure, months.months * hazard, clock.bands)
    observed = np.bincount(months.tenure, months.left, clock.bands)
    return [
        _check(start, end, int(n[band]), float(expected[band]), int(observed[band]))
        for band, (start, end) in enumerate(clock.limits())
    ]


def _check(start: float, end: float, n: int, expected: float, observed: int) -> Check:
    to = None if np.isinf(end) else int(end)
    found = share(observed, n)
    if found.low is None or found.high is None:
        return Check(int(start), to, observed, expected, found, None, None)
    mean = expected / n
    return Check(int(start), to, observed, expected, found, mean, found.low <= mean <= found.high)
