"""The life of buying: groups by the age of purchases, and what becomes of each group."""

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from django.utils import translation

from lake.models import Partition
from scoring.health import alerts_of
from scoring.learning.ledger import days_since_1970, ledger
from scoring.learning.life_cycle import life_cycle

from .buyers import customers, ordered, random_buyers, scored
from .conftest import DAY, published, train, trained
from .kind_models import attribute, define, read, refused, shown

pytestmark = pytest.mark.django_db
ROWS = 900
GROUPS = ("new", "active_returning", "pre_churn", "lost")
INDICATORS = ("conversion", "repeat_rate", "orders", "weekly_return", "won_back")
MODEL: dict[str, Any] = {
    "code": "life",
    "kind": "life_cycle",
    "output": "life_stage",
    "window_days": 20,
}


@pytest.fixture(autouse=True)
def _catalogue(catalogue: None) -> None:
    attribute("life_stage", "category", "score", values=GROUPS)
    attribute("life_why", "text", "score")
    attribute("half_stage", "category", "score", values=GROUPS[:2])


@pytest.fixture(scope="module")
def bought() -> dict[int, list[tuple[int, float]]]:
    return random_buyers(ROWS, rate=0.05)


@pytest.fixture
def snapshot(db: None, bought: dict[int, list[tuple[int, float]]]) -> Partition:
    ordered(bought)
    return customers(ROWS)


def test_groups_and_indicators_are_those_of_a_reading_of_the_orders(snapshot, bought) -> None:
    """The engine's columns tell what scoring.learning tells from the orders themselves."""
    define(MODEL)
    report = trained("life").report
    rows = [
        (f"{customer:07d}", DAY - timedelta(ago), yuan)
        for customer, purchases in bought.items()
        for ago, yuan in purchases
        if ago <= 365
    ]
    book = ledger(pd.DataFrame(rows, columns=["customer", "day", "amount"]))
    expected = life_cycle(book, days_since_1970(DAY), window=20)
    assert {one["group"]: one["customers"] for one in report["groups"]} == expected.customers
    for name in INDICATORS:
        told, slow = report["indicators"][name], getattr(expected, name)
        assert told["n"] == slow.n > 30, name
        for end in ("value", "low", "high"):
            assert told[end] == pytest.approx(getattr(slow, end)), name


def test_every_buyer_is_in_the_group_of_his_purchases(snapshot, bought) -> None:
    define(MODEL)
    rows = read(scored(snapshot, published("life"))).to_pylist()
    assert {row["life_stage"] for row in rows} == {*GROUPS, None}
    for row in rows:
        ages = [ago for ago, _yuan in bought.get(int(row["customer_no"]), []) if ago <= 365]
        if not ages:
            expected = None
        elif max(ages) <= 20:
            expected = "new"
        elif min(ages) <= 20:
            expected = "active_returning"
        else:
            expected = "pre_churn" if min(ages) <= 40 else "lost"
        assert row["life_stage"] == expected, ages


def test_the_days_of_a_model_in_use_are_watched_without_an_alert(snapshot) -> None:
    define(MODEL)
    facts = scored(snapshot, published("life")).facts["models"]["life"]
    assert alerts_of(facts, DAY) == []
    assert facts["score"]["psi"] < 0.01


def test_a_record_too_short_says_which_indicators_it_cannot_tell(catalogue) -> None:
    ordered({n: [(25, 5.0), (1, 5.0)] if n % 2 else [(45, 5.0)] for n in range(60)})
    customers(60)
    define(MODEL)
    report = trained("life").report
    assert report["history"] == 45
    told = report["indicators"]
    assert told["repeat_rate"]["n"] == 30
    assert told["repeat_rate"]["value"] == 0
    assert told["conversion"]["not_estimable"] == "record_too_short"
    assert told["weekly_return"]["not_estimable"] == "record_too_short"
    assert "conversion" not in trained("life").metrics


def test_the_page_tells_what_a_better_return_would_bring(snapshot) -> None:
    define(MODEL | {"weekly_return_target": 0.9})
    version = trained("life")
    target, page = version.report["target"], shown(version)
    assert target["a_quarter"] == pytest.approx(13 * target["a_week"])
    assert f"{target['a_week']:.0f} more customers" in page
    assert "active_returning" in page
    assert "Win-back rate" in page
    with translation.override("zh-hans"):
        assert "<svg" in shown(version)


def test_the_counts_of_a_sample_are_told_to_be_of_a_sample(snapshot, settings) -> None:
    settings.TRAINING_ROWS = ROWS // 2
    define(MODEL)
    version = trained("life")
    read = version.report["data"]["read"]
    assert 0 < read < ROWS
    assert f"A sample: {read} of the {ROWS} customers" in shown(version)


def test_an_aim_that_is_reached_is_said_to_be_reached(snapshot) -> None:
    define(MODEL | {"weekly_return_target": 0.001})
    page = shown(trained("life"))
    assert "at the aim of 0.1% already" in page
    assert "more customers would come back" not in page


def test_where_nobody_buys_there_is_no_life_cycle(catalogue) -> None:
    define(MODEL)
    customers(50)
    [error] = [step.error for step in train("life").steps.all() if step.error]
    assert error["code"] == "nobody_bought"


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"reasons": "life_why"}, "no_reasons", ["reasons"]),
        ({"window_days": 183}, "record_shorter_than_window", []),
        ({"record_days": 40}, "record_shorter_than_window", ["record_days"]),
        ({"output": "half_stage"}, "unknown_grade", ["output"]),
    ],
)
def test_a_fault_names_its_place(change: dict[str, Any], code: str, where: list[Any]) -> None:
    assert refused(MODEL | change) == (code, [0, *where])
