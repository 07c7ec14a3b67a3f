"""The value index is the weighted mean of normalised indicators that are known."""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.learning.value_index import Indicator, ValueIndex

THREE = (
    Indicator("arpu", 5, 0, 200),
    Indicator("tenure", 3, 0, 120),
    Indicator("complaints", 2, 10, 0),
)
ROWS = st.lists(
    st.tuples(*[st.floats(-50, 300) | st.just(nan) for _ in THREE]), min_size=1, max_size=20
)


def reference(row: tuple[float, ...]) -> float:
    points = weight = 0.0
    for indicator, value in zip(THREE, row, strict=True):
        if isnan(value):
            continue
        unit = (value - indicator.low) / (indicator.high - indicator.low)
        points += indicator.weight * min(1.0, max(0.0, unit))
        weight += indicator.weight
    return 100 * points / weight if weight >= 5 else nan


@given(ROWS)
def test_agrees_with_the_row_by_row_reference(rows: list[tuple[float, ...]]) -> None:
    got = ValueIndex(THREE).fit().predict(np.array(rows))
    np.testing.assert_allclose(got, [reference(row) for row in rows], rtol=1e-12, atol=1e-12)


def test_less_is_better_where_from_exceeds_to() -> None:
    index = ValueIndex((Indicator("complaints", 1, 10, 0),)).fit()
    assert index.predict(np.array([[0.0], [10.0], [99.0]])).tolist() == [100, 0, 0]


def test_only_the_ratio_of_weights_counts() -> None:
    tenfold = tuple(Indicator(i.attribute, 10 * i.weight, i.low, i.high) for i in THREE)
    x = np.array([[120.0, 30.0, 2.0]])
    np.testing.assert_allclose(
        ValueIndex(tenfold).fit().predict(x), ValueIndex(THREE).fit().predict(x)
    )


def test_unknown_when_under_half_of_the_weight_is_known() -> None:
    got = ValueIndex(THREE).fit().predict(np.array([[nan, 60.0, nan], [100.0, nan, nan]]))
    assert isnan(got[0])
    assert got[1] == 50


@pytest.mark.parametrize(("weight", "low", "high"), [(0, 0, 1), (-1, 0, 1), (1, 5, 5)])
def test_an_impossible_indicator_is_refused(weight: float, low: float, high: float) -> None:
    with pytest.raises(ValueError, match="arpu"):
        Indicator("arpu", weight, low, high)
