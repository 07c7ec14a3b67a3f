"""Intervals are a partition of the number line, or refused with a value that shows why not."""

from math import inf, isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import DomainError
from common.intervals import Interval, check_partition

EDGES = st.floats(-100, 100) | st.sampled_from([-inf, inf])
INTERVALS = st.lists(
    st.builds(lambda a, b: (min(a, b), max(a, b)), EDGES, EDGES), min_size=1, max_size=5
)


def homes(intervals: list[Interval], value: float) -> list[str]:
    return [i.code for i in intervals if i.low <= value < i.high]


def fault_of(intervals: list[Interval]) -> DomainError | None:
    try:
        check_partition("spend", intervals)
    except DomainError as refusal:
        return refusal
    return None


@given(INTERVALS, st.lists(st.floats(-150, 150), max_size=30))
def test_accepted_means_exactly_one_and_refused_means_shown(
    edges: list[tuple[float, float]], values: list[float]
) -> None:
    intervals = [Interval(f"b{n}", low, high) for n, (low, high) in enumerate(edges)]
    if refused := fault_of(intervals):
        value = refused.extra.get("value")
        if value is None:
            assert any(not i.low < i.high for i in intervals)
        else:
            assert isfinite(value)
            assert len(homes(intervals, value)) != 1
        return
    edges_hit = [e for i in intervals for e in (i.low, i.high) if isfinite(e)]
    assert all(len(homes(intervals, v)) == 1 for v in [*values, *edges_hit])


def test_cuts_in_any_order_are_returned_ascending() -> None:
    bands = [Interval("high", 100), Interval("low", high=50), Interval("middle", 50, 100)]
    assert [b.code for b in check_partition("spend", bands)] == ["low", "middle", "high"]


@pytest.mark.parametrize(
    ("bands", "code"),
    [
        ([], "no_bands"),
        ([Interval("a", high=5), Interval("b", 7)], "bands_gap"),
        ([Interval("a", high=5), Interval("b", 5, 9)], "bands_gap"),
        ([Interval("a", 0)], "bands_gap"),
        ([Interval("a", high=42), Interval("b", 32)], "bands_overlap"),
        ([Interval("a", high=5), Interval("b", 5, 5), Interval("c", 5)], "empty_band"),
    ],
)
def test_each_fault_has_its_code(bands: list[Interval], code: str) -> None:
    with pytest.raises(DomainError) as refusal:
        check_partition("spend", bands)
    assert refusal.value.code == code
