"""Cannibalisation: what telling a customer of a cheaper plan is expected to change."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.learning.cannibalisation import (
    Assumptions,
    Plan,
    effect_of_telling,
    expected_months,
)

CHEAP = Plan(fee=39, minutes=100, megabytes=2000, per_minute=0.15, per_megabyte=0.03)
NAN = float("nan")
share = st.floats(0, 1)


def told_slowly(plan: Plan, c: dict[str, float], assumed: Assumptions) -> tuple[float, bool]:
    """One customer, month by month."""
    after = plan.fee
    after += max(c["minutes"] - plan.minutes, 0) * plan.per_minute
    after += max(c["megabytes"] - plan.megabytes, 0) * plan.per_megabyte
    saves = c["bill"] - after
    switches = c["switching"]
    if np.isnan(switches):
        switches = assumed.take_up if saves > 0 else 0.0
    stays = stays_after = 1.0
    change = 0.0
    for _ in range(assumed.horizon_months):
        stays *= 1 - c["leaving"]
        stays_after *= 1 - c["leaving"] * (1 - assumed.less_leaving)
        change += stays_after * (c["margin"] - saves) - stays * c["margin"]
    amount = switches * change
    return amount, amount < -assumed.tolerance


customer = st.fixed_dictionaries(
    {
        "bill": st.floats(0, 400),
        "margin": st.floats(-50, 300),
        "minutes": st.floats(0, 2000),
        "megabytes": st.floats(0, 50_000),
        "leaving": share,
        "switching": st.one_of(st.just(NAN), share),
    }
)
assumptions = st.builds(
    Assumptions,
    horizon_months=st.integers(1, 36),
    take_up=share,
    less_leaving=share,
    tolerance=st.floats(0, 20),
)


@settings(deadline=None)
@given(st.lists(customer, min_size=1, max_size=10), assumptions)
def test_amounts_are_those_of_a_loop_over_months(
    customers: list[dict[str, float]], assumed: Assumptions
) -> None:
    columns = {name: np.array([c[name] for c in customers]) for name in customers[0]}
    found = effect_of_telling(CHEAP, **columns, assumptions=assumed)
    for row, one in enumerate(customers):
        amount, mark = told_slowly(CHEAP, one, assumed)
        assert found.amount[row] == pytest.approx(amount, abs=1e-6)
        assert found.mark[row] == mark or abs(amount + assumed.tolerance) < 1e-6


def told(**changes: float) -> tuple[float, bool]:
    usual = {"bill": 128.0, "margin": 90.0, "minutes": 80.0, "megabytes": 500.0, "leaving": 0.02}
    columns = {name: np.array([value]) for name, value in (usual | changes).items()}
    found = effect_of_telling(CHEAP, **columns)
    return float(found.amount[0]), bool(found.mark[0])


def test_a_loyal_customer_who_would_pay_much_less_must_not_be_told() -> None:
    amount, mark = told()
    assert amount < -200
    assert mark


def test_one_who_is_leaving_anyway_may_be_told() -> None:
    amount, mark = told(leaving=0.5, bill=50.0)
    assert amount > 0
    assert not mark


def test_one_who_would_pay_more_is_assumed_to_stay() -> None:
    assert told(bill=30.0) == (0.0, False)


def test_nothing_is_forbidden_of_whom_nothing_is_known() -> None:
    arrays = {name: np.array([50.0]) for name in ("bill", "margin", "minutes")}
    found = effect_of_telling(CHEAP, **arrays, megabytes=np.array([NAN]), leaving=np.array([0.1]))
    assert np.isnan([found.amount[0], found.switches[0], found.saves[0]]).all()
    assert not found.mark[0]


def test_a_loss_within_the_tolerance_is_put_up_with() -> None:
    columns = {"bill": 40.0, "margin": 20.0, "minutes": 0.0, "megabytes": 0.0, "leaving": 0.0}
    arrays = {name: np.array([value]) for name, value in columns.items()}
    loss = 0.3 * 12
    for tolerance, mark in ((loss - 0.01, True), (loss + 0.01, False)):
        assumed = Assumptions(tolerance=tolerance)
        assert effect_of_telling(CHEAP, **arrays, assumptions=assumed).mark[0] == mark


def test_expected_months_at_the_ends() -> None:
    leaving = np.array([0.0, 1e-12, 1.0, NAN])
    np.testing.assert_allclose(expected_months(leaving, 12), [12, 12, 0, NAN], rtol=1e-9)
    with pytest.raises(ValueError, match="0 to 1"):
        expected_months(np.array([-0.1]), 12)


@pytest.mark.parametrize("wrong", [{"take_up": 1.1}, {"horizon_months": 0}, {"tolerance": -1.0}])
def test_assumptions_that_mean_nothing_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="must be"):
        Assumptions(**wrong)


def test_a_plan_of_negative_fee_is_refused() -> None:
    with pytest.raises(ValueError, match="fee"):
        Plan(fee=-1)
