import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.stats import skew

from scoring.learning.features import Feature
from scoring.learning.preparation import Dropped, Preparation
from scoring.learning.refusal import NotEstimable

NUMBER = (Feature("n"),)
CATEGORY = (Feature("c", ("a", "b", "never")),)


def column(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)[:, None]


def amounts(rng: np.random.Generator, rows: int = 4000) -> NDArray[np.float64]:
    return column(np.exp(5 + rng.normal(size=rows)))


def test_a_skewed_amount_becomes_its_logarithm() -> None:
    x = amounts(np.random.default_rng(0))
    prepared = Preparation(NUMBER).fit(x)
    assert prepared.unit_[0] == pytest.approx(np.quantile(x, 0.05), rel=1e-3)
    assert skew(np.clip(x, *np.quantile(x, [0.005, 0.995])))[0] > 2
    assert abs(skew(prepared.transform(x))[0]) < 0.5


@pytest.mark.parametrize("shape", ["normal", "left"])
def test_a_column_stays_as_it_is_where_a_logarithm_does_not_help(shape: str) -> None:
    rng = np.random.default_rng(0)
    x = column(rng.normal(50, 5, 4000)) if shape == "normal" else 1000 - amounts(rng).clip(0, 990)
    assert Preparation(NUMBER).fit(x).unit_[0] == 0


def test_a_signed_skewed_column_keeps_its_signs() -> None:
    rng = np.random.default_rng(0)
    x = column(np.exp(rng.normal(size=4000) * 1.5) - 0.5)
    prepared = Preparation(NUMBER).fit(x)
    assert prepared.unit_[0] > 0
    order = np.argsort(x[:, 0])
    assert (np.diff(prepared.transform(x)[order, 0]) >= 0).all()


def test_the_unit_of_measurement_does_not_matter() -> None:
    x = amounts(np.random.default_rng(0))
    minutes, seconds = (Preparation(NUMBER).fit(v).transform(v) for v in (x, 60 * x))
    np.testing.assert_allclose(minutes, seconds, atol=1e-9)


def test_extremes_count_as_the_quantiles() -> None:
    x = column(np.arange(1001.0))
    prepared = Preparation(NUMBER).fit(x)
    z = prepared.transform(column([-1e12, 5, 995, 1e12, -np.inf, np.inf]))[:, 0]
    np.testing.assert_array_equal(z, z[[1, 1, 2, 2, 1, 2]][[0, 1, 2, 3, 0, 2]])


@pytest.mark.parametrize("share", [0.01, 0.05, 0.13])
def test_a_column_of_mostly_zeros_does_not_outweigh_the_others(share: float) -> None:
    rng = np.random.default_rng(0)
    x = column(np.where(rng.random(20_000) < share, rng.integers(50, 60, 20_000), 0))
    z = Preparation(NUMBER).fit(x).transform(x)
    assert np.ptp(z) <= 5 + 1e-9
    assert np.ptp(z) > 2


def test_a_column_of_nearly_only_zeros_is_dropped() -> None:
    x = np.column_stack([np.arange(4000.0), np.arange(4000) < 8, np.full(4000, np.nan)])
    prepared = Preparation((Feature("n"), Feature("rare"), Feature("empty"))).fit(x)
    assert prepared.dropped_ == [Dropped("rare", "constant"), Dropped("empty", "all_null")]
    assert prepared.transform(x).shape == (4000, 1)


def test_an_unknown_number_counts_as_the_median() -> None:
    x = column([1.0, 2.0, 3.0, 4.0, 90.0] * 20)
    prepared = Preparation(NUMBER).fit(x)
    z = prepared.transform(column([np.nan, 3.0]))
    assert z[0] == pytest.approx(z[1])
    assert np.isnan(prepared.scaled(column([np.nan]))).all()


def test_a_category_weighs_as_much_as_a_number() -> None:
    rng = np.random.default_rng(0)
    x = column((rng.random(4000) < 0.3).astype(float))
    prepared = Preparation(CATEGORY).fit(x)
    assert prepared.code_.tolist() == [0, 1]
    assert prepared.transform(x).var(axis=0).sum() == pytest.approx(1)


@pytest.mark.parametrize("value", [np.nan, 2.0, 3.0], ids=["unknown", "never trained", "unseen"])
def test_a_code_that_is_not_known_counts_as_the_mixture(value: float) -> None:
    prepared = Preparation(CATEGORY).fit(column([0.0, 1.0, 1.0, np.nan, 3.0]))
    np.testing.assert_array_equal(prepared.transform(column([value])), [[0, 0]])


@pytest.mark.parametrize(
    ("x", "code"),
    [
        (np.empty((0, 1)), "no_rows"),
        (np.ones((50, 1)), "no_usable_features"),
        (np.full((50, 1), np.nan), "no_usable_features"),
        (np.full((50, 1), 0.1 + 0.2), "no_usable_features"),
    ],
)
def test_nothing_to_tell_is_refused(x: NDArray[np.float64], code: str) -> None:
    with pytest.raises(NotEstimable) as refusal:
        Preparation(NUMBER).fit(x)
    assert refusal.value.code == code


def slow(x: NDArray[np.float64], by: Preparation) -> NDArray[np.float64]:
    """A number at a time, as the docstring says."""
    out = []
    for v in x[:, 0].tolist():
        if np.isnan(v):
            out.append(by.fill_[0])
            continue
        v = min(max(v, by.low_[0]), by.high_[0])
        if by.unit_[0]:
            v = np.sign(v) * np.log(1 + abs(v) / by.unit_[0])
        out.append((v - by.centre_[0]) / by.scale_[0])
    return np.array(out)


VALUES = st.one_of(st.just(np.nan), st.just(0.0), st.floats(-1e6, 1e6, width=32))


@given(arrays(np.float64, st.integers(5, 60), elements=VALUES))
@settings(max_examples=60, deadline=None)
def test_every_column_agrees_with_a_slow_reference(values: NDArray[np.float64]) -> None:
    x = column(values)
    try:
        prepared = Preparation(NUMBER).fit(x)
    except NotEstimable:
        ends = np.nanquantile(values, [0.005, 0.995]) if not np.isnan(values).all() else [0, 0]
        assert ends[0] == pytest.approx(ends[1], rel=1e-11)
        return
    z = prepared.transform(x)[:, 0]
    np.testing.assert_allclose(z, slow(x, prepared), rtol=1e-9, atol=1e-9)
    assert np.ptp(z) <= 5 + 1e-6
    back = [prepared.original(0, v) for v in z[~np.isnan(values)]]
    expected = np.clip(values[~np.isnan(values)], prepared.low_[0], prepared.high_[0])
    np.testing.assert_allclose(back, expected, rtol=1e-6, atol=1e-6 * np.ptp(expected))
