"""Recency, frequency and money scored 1 to 5: fifths with ties together, or fixed cuts."""

import numpy as np
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st

from scoring.learning.features import Feature
from scoring.learning.ledger import ledger
from scoring.learning.refusal import NotEstimable
from scoring.learning.rfm import Rfm, purchased

from .test_ledger import ZERO, frame

FEATURES = (Feature("recency"), Feature("frequency"), Feature("monetary"))
TRUSTED = [f"scoring.learning.{t}" for t in ("rfm.Rfm", "features.Feature", "reasons.Reason")]

ROWS = st.lists(
    st.tuples(st.integers(1, 9), st.integers(0, 5), st.integers(-3, 6)), min_size=2, max_size=40
).filter(lambda rows: all(len(set(column)) > 1 for column in zip(*rows, strict=True)))


def test_recency_counts_to_the_day_and_the_window_is_half_open() -> None:
    rows = [("a", 0, 5.0), ("a", 10, 7.0), ("a", 12, -2.0), ("b", 2, 4.0)]
    rows += [("c", 13, 1.0), ("d", 3, -1.0)]
    got = purchased(ledger(frame(rows)), ZERO + 13, window=10)
    assert got.customers.tolist() == [0, 1]
    assert got.recency.tolist() == [3, 11]
    assert got.frequency.tolist() == [1, 0]  # day 3 is within, day 2 is not
    assert got.monetary.tolist() == [5, 0]  # the return is taken off
    assert got.never_bought == 2


@given(rows=ROWS)
def test_a_score_has_so_many_fifths_strictly_below_it(rows: list[tuple[int, int, int]]) -> None:
    x = np.array(rows, float)
    scores = Rfm(FEATURES).fit(x).scores(x)
    for place, sign in enumerate((-1, 1, 1)):
        better = sign * x[:, place]
        for i, value in enumerate(better):
            below = sum(other < value for other in better)
            assert scores[i, place] == 1 + 5 * below // len(x)


@given(rows=ROWS)
def test_the_reason_names_a_range_that_holds_the_value(rows: list[tuple[int, int, int]]) -> None:
    x = np.array(rows, float)
    model = Rfm(FEATURES).fit(x)
    scores, found = model.scores(x), model.reasons(x)
    for row, mine, told in zip(x, scores, found, strict=True):
        assert (told >= 0).sum() == (mine != 3).sum()
        away = []
        for reason in (model.reasons_[i] for i in told if i >= 0):
            place = [f.attribute for f in FEATURES].index(reason.attribute)
            assert reason.low <= row[place] < reason.high
            assert reason.raises == (mine[place] > 3)
            away.append(abs(mine[place] - 3))
        assert away == sorted(away, reverse=True)


def test_the_best_is_555_and_who_never_bought_has_no_cell() -> None:
    x = np.array([[days, 11 - days, 100.0 - days] for days in range(1, 11)])
    model = Rfm(FEATURES).fit(x)
    assert model.predict(x)[[0, -1]].tolist() == [555, 111]
    assert np.isnan(model.predict(np.array([[np.nan, 0, 0]]))).all()
    assert model.reasons(np.array([[np.nan, np.nan, np.nan]])).tolist() == [[-1, -1, -1]]


def test_fixed_cuts_hold_for_everybody() -> None:
    cuts = ([30, 60, 90, 180], [2, 3, 5, 10], [100, 200, 500, 1000])
    model = Rfm(FEATURES, cuts=cuts).fit(np.empty((0, 3)))
    x = np.array([[30, 10, 1000], [31, 9, 999], [180, 2, 100], [181, 1, 99.0]])
    assert model.predict(x).tolist() == [555, 444, 222, 111]


@pytest.mark.parametrize(
    ("x", "code"),
    [
        (np.empty((0, 3)), "no_rows"),
        (np.full((9, 3), np.nan), "no_rows"),
        (np.array([[1, 1, 5], [2, 1, 6.0]]), "too_few_distinct"),
    ],
)
def test_what_cannot_be_scored_is_refused(x: np.ndarray, code: str) -> None:
    with pytest.raises(NotEstimable) as refusal:
        Rfm(FEATURES).fit(x)
    assert refusal.value.code == code


def test_cuts_that_do_not_ascend_are_refused() -> None:
    with pytest.raises(ValueError, match="ascending"):
        Rfm(FEATURES, cuts=[[30, 60, 90, 180], [2, 2, 5, 10], [1, 2, 3, 4]]).fit(np.empty((0, 3)))


def test_it_survives_being_written() -> None:
    x = np.array([[days, 11 - days, 100.0 - days] for days in range(1, 11)])
    model = Rfm(FEATURES).fit(x)
    again = skops.io.loads(skops.io.dumps(model), trusted=TRUSTED)
    assert again.predict(x).tolist() == model.predict(x).tolist()
    assert again.reasons_ == model.reasons_
