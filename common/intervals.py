"""Half-open intervals [from, to) that must cut the number line into pieces: no gap, no overlap."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite, isinf, nextafter

from django.utils.translation import gettext as _

from .errors import DomainError


@dataclass(frozen=True)
class Interval:
    """``low`` ≤ value < ``high``; minus and plus infinity where a side is open."""

    code: str
    low: float = -inf
    high: float = inf


def check_partition(name: str, intervals: Sequence[Interval]) -> list[Interval]:
    """Return the intervals in ascending order, or refuse them with a value that proves the fault.

    S1 quotes "moving" from 32 and "not moving" to 42: with both, 37 would be in two bands.
    """
    if not intervals:
        raise DomainError(
            "no_bands",
            _("%(name)s must have at least one band, got none.") % {"name": name},
        )
    ordered = sorted(intervals, key=lambda i: (i.low, i.high))
    for interval in ordered:
        if not interval.low < interval.high:
            raise _fault(
                "empty_band",
                _(
                    "%(name)s: band '%(band)s' holds no value: 'from' %(low)s must be less than "
                    "'to' %(high)s."
                ),
                name=name, band=interval.code, low=interval.low, high=interval.high,
            )  # fmt: skip
    _check_edge(name, "below", ordered[0].low == -inf, _inside(-inf, ordered[0].low))
    for left, right in pairwise(ordered):
        _check_joint(name, left, right)
    _check_edge(name, "above", ordered[-1].high == inf, ordered[-1].high)
    return ordered


def _check_joint(name: str, left: Interval, right: Interval) -> None:
    if right.low < left.high:
        value = _inside(right.low, min(left.high, right.high))
        raise _fault(
            "bands_overlap",
            _(
                "%(name)s: bands must not overlap, but a customer with %(value)s is in both "
                "'%(left)s' and '%(right)s'. Let one end where the other begins."
            ),
            name=name, value=value, left=left.code, right=right.code,
        )  # fmt: skip
    if left.high < right.low:
        raise _fault(
            "bands_gap",
            _(
                "%(name)s: bands must leave no gap, but a customer with %(value)s is in none: "
                "'%(left)s' ends before '%(right)s' begins."
            ),
            name=name, value=left.high, left=left.code, right=right.code,
        )  # fmt: skip


def _inside(low: float, high: float) -> float:
    """Return a finite value of [low, high), the middle where there is one."""
    if isinf(low):
        return min(0.0, high - 1, nextafter(high, -inf))
    middle = low / 2 + high / 2
    return middle if low <= middle < high and isfinite(middle) else low


def _check_edge(name: str, side: str, is_open: bool, value: float) -> None:
    if not is_open:
        raise _fault(
            "bands_gap",
            _(
                "%(name)s: bands must leave no gap, but a customer with %(value)s is in none: "
                "leave out the outer limit of the outermost band."
            ),
            name=name, value=value, side=side,
        )  # fmt: skip


def _fault(code: str, text: str, **values: object) -> DomainError:
    return DomainError(code, text % values, **values)
