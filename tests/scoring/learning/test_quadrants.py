"""Four quadrants whose borders are what a contact costs and what the outcome is worth."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.learning.quadrants import QUADRANTS, Cuts, groups, observed, quadrants
from scoring.learning.refusal import NotEstimable

CUTS = Cuts(value=100, cost=2, sure=0.3)


def slow(uplift: float, baseline: float, cuts: Cuts) -> str:
    if uplift > cuts.cost / cuts.value:
        return "persuadable"
    if uplift < -cuts.cost / cuts.value:
        return "do_not_disturb"
    return "sure_thing" if baseline >= cuts.sure else "lost_cause"


@given(
    st.lists(
        st.tuples(st.sampled_from([-1, -0.02, -0.01, 0, 0.02, 0.03, 1]), st.floats(0, 1)),
        min_size=1,
    ),
    st.floats(0, 5),
)
def test_each_customer_is_where_the_cuts_say(
    customers: list[tuple[float, float]], cost: float
) -> None:
    uplift, baseline = np.array(customers, float).T
    cuts = Cuts(value=100, cost=cost, sure=0.3)
    found = [QUADRANTS[q] for q in quadrants(uplift, baseline, cuts)]
    assert found == [slow(u, b, cuts) for u, b in customers]
    assert sum(g.customers for g in groups(uplift, baseline, cuts)) == len(customers)


def test_a_contact_that_just_pays_for_itself_is_not_made() -> None:
    assert QUADRANTS[quadrants(np.array([0.02]), np.array([0.1]), CUTS)[0]] == "lost_cause"


def test_a_dearer_contact_is_made_to_fewer() -> None:
    uplift = np.linspace(-0.1, 0.1, 101)
    counts = [
        groups(uplift, np.zeros(101), Cuts(100, cost, 0.3))[0].customers for cost in (0, 1, 5, 20)
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 0


def test_groups_tell_their_size_and_what_contacting_them_would_earn() -> None:
    found = groups(np.array([0.05, 0.03, 0.0, -0.2]), np.array([0.1, 0.1, 0.5, 0.5]), CUTS)
    by = {g.quadrant: g for g in found}
    assert [g.quadrant for g in found] == list(QUADRANTS)
    assert (by["persuadable"].customers, by["persuadable"].share) == (2, 0.5)
    assert by["persuadable"].uplift == pytest.approx(0.04)
    assert by["persuadable"].net == pytest.approx(0.08 * 100 - 2 * 2)
    assert by["do_not_disturb"].net == pytest.approx(-22)
    assert by["lost_cause"].uplift is None
    json.dumps([asdict(g) for g in found], allow_nan=False)


def trial(effect: tuple[float, ...], n: int = 40_000) -> tuple[np.ndarray, ...]:
    """Predicted uplifts .1, 0, -.1 in thirds; ``effect``: what is true of them."""
    rng = np.random.default_rng(4)
    third = rng.integers(3, size=n)
    treated = rng.random(n) < 0.3
    y = rng.random(n) < 0.2 + np.array(effect)[third] * treated
    return np.array([0.1, 0.0, -0.1])[third], np.full(n, 0.2), y, treated


def test_a_trial_confirms_quadrants_that_are_true() -> None:
    found = observed(*trial((0.1, 0.0, -0.1)), CUTS)
    assert [o.holds for o in found] == [True, None, True, True]
    first = found[0].compared.uplift
    assert first is not None
    assert first.low <= 0.1 <= first.high
    assert sum(o.compared.treated.n + o.compared.control.n for o in found) == 40_000


def test_a_trial_refutes_quadrants_that_are_not() -> None:
    assert [o.holds for o in observed(*trial((-0.1, 0.1, 0.1)), CUTS)] == [
        False, None, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "cost", "sure"), [(0, 1, 0.5), (-1, 1, 0.5), (1, -1, 0.5), (1, 1, 1.5)]
)
def test_cuts_that_mean_nothing_are_refused(value: float, cost: float, sure: float) -> None:
    with pytest.raises(ValueError, match="must"):
        Cuts(value, cost, sure)


def test_nobody_is_no_groups() -> None:
    with pytest.raises(NotEstimable, match="no_rows"):
        groups(np.empty(0), np.empty(0), CUTS)
