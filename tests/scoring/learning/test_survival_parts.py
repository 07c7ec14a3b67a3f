"""The strongest parts are those that a sort row by row would put first."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scoring.learning.features import Feature
from scoring.learning.reasons import NONE, STRONGEST
from scoring.learning.survival_parts import Parts, banded, strongest

PART = st.sampled_from([-3.0, -1.0, -0.01, 0.0, 0.01, 0.5, 3.0]) | st.floats(-5, 5)
ROW = st.lists(st.tuples(PART, st.booleans()), min_size=5, max_size=5)


def slow(parts: np.ndarray, places: np.ndarray, least: float) -> list[int]:
    """One row's: the largest first, of equals the lesser place."""
    told = [
        (-abs(part), place)
        for part, place in zip(parts.tolist(), places.tolist(), strict=True)
        if place != NONE and abs(part) >= least
    ]
    found = [place for _, place in sorted(told)][:STRONGEST]
    return found + [NONE] * (STRONGEST - len(found))


@given(st.lists(ROW, max_size=8))
def test_strongest_is_what_a_sort_of_each_row_gives(rows: list[list[tuple[float, bool]]]) -> None:
    # Sizes that differ in the last bits only are equal here as there.
    parts = np.array([[round(part, 6) for part, _ in row] for row in rows]).reshape(-1, 5)
    silent = np.array([[not told for _, told in row] for row in rows], bool).reshape(-1, 5)
    places = np.where(silent, NONE, np.array([3, 7, 8, 20, 32_767])).astype(np.int16)
    expected = [slow(*row, 0.01) for row in zip(parts, places, strict=True)]
    found = strongest(np.asfortranarray(parts), np.asfortranarray(places), 0.01)
    assert found.dtype == np.int16
    assert found.tolist() == expected


@given(
    st.lists(st.floats(-10, 10) | st.just(np.nan)),
    st.lists(st.integers(-9, 9).map(float), unique=True).map(sorted),
)
def test_bands_are_those_of_a_binary_search(column: list[float], edges: list[float]) -> None:
    values = np.array(column)
    places = np.searchsorted(edges, values, side="right")
    expected = np.where(np.isnan(values), len(edges) + 1, places)
    assert banded(values, edges).tolist() == expected.tolist()


def test_parts_add_up_to_the_linear_model_that_they_come_from() -> None:
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.normal(5, 2, 900), rng.integers(0, 3, 900)])
    x[rng.random(x.shape) < 0.1] = np.nan
    parts = Parts((Feature("arpu"), Feature("brand", ("a", "b", "c", "d")))).fit(x)
    x[:3, 0] = [-99.0, 99.0, np.inf]  # beyond the tails
    design = parts.design(x)
    weights = np.arange(1.0, design.shape[1] + 1)
    parts.weigh(weights)
    np.testing.assert_allclose(parts.total(x), design @ weights)
    np.testing.assert_allclose(parts.parts(x).sum(axis=1), design @ weights)
