"""What customers without a contract are worth, by BG/NBD and Gamma-Gamma of their orders."""

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.utils import translation

from lake.models import Partition
from scoring.health import alerts_of
from scoring.learning.ledger import days_since_1970, ledger
from scoring.learning.lifetime_value import purchase_matrix
from scoring.registry import load

from .buyers import customers, ordered, random_buyers, scored
from .conftest import DAY, published, train, trained
from .kind_models import attribute, define, read, refused, shown

pytestmark = pytest.mark.django_db
ROWS = 2400
MODEL: dict[str, Any] = {
    "code": "purchase_value",
    "kind": "purchase_value",
    "output": "purchase_yuan",
    "share": 0.3,
    "horizon": 12,
    "record_days": 365,
    "check_days": 90,
}


@pytest.fixture(autouse=True)
def _catalogue(catalogue: None) -> None:
    attribute("purchase_yuan", "number", "score")
    attribute("purchase_why", "text", "score")


@pytest.fixture(scope="module")
def bought() -> dict[int, list[tuple[int, float]]]:
    return random_buyers(ROWS, days=364)


@pytest.fixture
def snapshot(db: None, bought: dict[int, list[tuple[int, float]]]) -> Partition:
    ordered(bought)
    return customers(ROWS)


def test_values_are_those_of_the_method_on_the_orders_themselves(snapshot, bought) -> None:
    define(MODEL)
    version = published("purchase_value")
    made = read(scored(snapshot, version)).to_pydict()
    rows = [
        (f"{customer:07d}", DAY - timedelta(ago), yuan)
        for customer, purchases in bought.items()
        for ago, yuan in purchases
    ]
    book = ledger(pd.DataFrame(rows, columns=["customer", "day", "amount"]))
    who, x = purchase_matrix(book, days_since_1970(DAY))
    expected = load(version.file, version.signature).predict(x)
    told = dict(zip(made["customer_no"], made["purchase_yuan"], strict=True))
    numbers = book.customers.take(who).to_pylist()
    assert [told[n] for n in numbers] == pytest.approx(expected.tolist())
    assert sum(value is not None for value in told.values()) == len(numbers)


def test_everybody_with_a_value_gets_its_grade(snapshot) -> None:
    attribute("grade", "category", "score", ("low", "high"))
    bands = [{"code": "low", "to": 20}, {"code": "high", "from": 20}]
    define(MODEL | {"grades": {"output": "grade", "bands": bands}})
    made = read(scored(snapshot, published("purchase_value")))
    found, grades = (made.column(name).to_pylist() for name in ("purchase_yuan", "grade"))
    assert grades == [v if v is None else ("high" if v >= 20 else "low") for v in found]
    assert {*grades} == {None, "low", "high"}


def test_as_many_buy_as_the_days_before_foretold(snapshot) -> None:
    define(MODEL)
    check = trained("purchase_value").report["check"]
    assert check["foretold"] == pytest.approx(check["came"], rel=0.15)
    assert sum(group["came"]["n"] for group in check["groups"]) > 800
    held = [g["came"]["low"] <= g["foretold"] <= g["came"]["high"] for g in check["groups"]]
    assert np.mean(held) >= 0.5


def test_the_best_tenth_is_worth_most(snapshot) -> None:
    define(MODEL)
    version = trained("purchase_value")
    tenths = version.report["tenths"]
    assert [t["value"] for t in tenths] == sorted((t["value"] for t in tenths), reverse=True)
    assert sum(t["customers"] for t in tenths) == version.metrics["known"]
    assert sum(t["share"] for t in tenths) == pytest.approx(1)


def test_its_days_are_watched_without_an_alert(snapshot) -> None:
    define(MODEL)
    facts = scored(snapshot, published("purchase_value")).facts["models"]["purchase_value"]
    assert alerts_of(facts, DAY) == []
    assert facts["score"]["psi"] < 0.01


def test_the_page_tells_what_was_foretold_and_what_came(snapshot) -> None:
    define(MODEL)
    version = trained("purchase_value")
    page = shown(version)
    assert "Foretold" in page
    assert f"{version.report['check']['came']:,.0f}" in page
    assert "12 months" in page
    with translation.override("zh-hans"):
        assert "<svg" in shown(version)


def test_without_repeats_nothing_can_be_foretold(catalogue) -> None:
    define(MODEL)
    ordered({n: [(n % 300 + 1, 10.0)] for n in range(60)})
    customers(60)
    [error] = [step.error for step in train("purchase_value").steps.all() if step.error]
    assert error["code"] == "no_repeat_purchases"


def test_where_nobody_buys_there_is_no_value(catalogue) -> None:
    define(MODEL)
    customers(60)
    [error] = [step.error for step in train("purchase_value").steps.all() if step.error]
    assert error["code"] == "nobody_bought"


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"reasons": "purchase_why"}, "no_reasons", ["reasons"]),
        ({"check_days": 183}, "record_shorter_than_window", ["record_days"]),
        ({"output": "purchase_why"}, "wrong_type", ["output"]),
    ],
)
def test_a_fault_names_its_place(change: dict[str, Any], code: str, where: list[Any]) -> None:
    assert refused(MODEL | change) == (code, [0, *where])
