"""RFM: of each customer how lately, how often, for how much he bought before the day."""

from typing import Any

import pytest
from django.utils import translation

from lake.models import Partition
from scoring.bought import earlier_orders, orders_kept, purchases_read
from scoring.health import alerts_of

from .buyers import customers, ordered, random_buyers, scored
from .conftest import DAY, published, train, trained
from .kind_models import attribute, define, read, refused, shown

pytestmark = pytest.mark.django_db
ROWS = 900
MODEL: dict[str, Any] = {
    "code": "rfm",
    "kind": "rfm",
    "output": "rfm_cell",
    "recency": "rfm_recency",
    "monetary": "rfm_money",
    "window_days": 180,
    "record_days": 365,
}


@pytest.fixture(autouse=True)
def _catalogue(catalogue: None) -> None:
    for code in ("rfm_cell", "rfm_recency", "rfm_money"):
        attribute(code, "number", "score")
    attribute("rfm_why", "text", "score")


@pytest.fixture(scope="module")
def bought() -> dict[int, list[tuple[int, float]]]:
    return random_buyers(ROWS)


@pytest.fixture
def snapshot(db: None, bought: dict[int, list[tuple[int, float]]]) -> Partition:
    ordered(bought)
    return customers(ROWS)


def test_who_bought_latest_and_for_most_has_the_best_scores(snapshot, bought) -> None:
    define(MODEL)
    rows = read(scored(snapshot, published("rfm"))).to_pylist()
    assert [row["customer_no"] for row in rows] == read(snapshot).column("customer_no").to_pylist()
    last = {
        f"{c:07d}": min(ago for ago, _yuan in mine)
        for c, mine in bought.items()
        if min(ago for ago, _yuan in mine) <= 365
    }
    told = {row["customer_no"]: row for row in rows if row["rfm_cell"] is not None}
    assert set(told) == set(last)
    for number, row in told.items():
        assert row["rfm_cell"] // 100 == row["rfm_recency"]
        assert row["rfm_cell"] % 10 == row["rfm_money"]
        for other, ago in last.items():
            if ago < last[number]:
                assert told[other]["rfm_recency"] >= row["rfm_recency"]
    assert {row["rfm_recency"] for row in told.values()} == {1, 2, 3, 4, 5}


def test_who_never_bought_has_no_cell(snapshot) -> None:
    define(MODEL)
    rows = read(scored(snapshot, published("rfm"))).to_pylist()
    for row in rows:
        if int(row["customer_no"]) % 3 == 0:
            assert [row["rfm_cell"], row["rfm_recency"], row["rfm_money"]] == [None] * 3


def test_fixed_cuts_are_kept(snapshot, bought) -> None:
    cuts = {"recency": [7, 30, 90, 180], "frequency": [2, 3, 5, 8], "monetary": [10, 50, 100, 500]}
    define(MODEL | {"cuts": cuts})
    rows = read(scored(snapshot, published("rfm"))).to_pylist()
    for row in rows:
        mine = bought.get(int(row["customer_no"]))
        if mine and row["rfm_cell"] is not None:
            fresh = min(ago for ago, _yuan in mine)
            assert row["rfm_recency"] == 1 + sum(fresh <= cut for cut in cuts["recency"])


def test_the_day_s_own_orders_do_not_count_yet(snapshot, bought) -> None:
    define(MODEL)
    version = published("rfm")
    before = read(scored(snapshot, version))
    ordered(bought | {0: [(0, 99.0)]})
    assert read(scored(snapshot, version)) == before


def test_the_days_of_a_model_in_use_are_watched_without_an_alert(snapshot) -> None:
    define(MODEL)
    facts = scored(snapshot, published("rfm")).facts["models"]["rfm"]
    assert alerts_of(facts) == []
    assert facts["scored"] == ROWS
    assert set(facts["features"]) == {"__last_365_0", "__purchases_180_0", "__money_180_0"}
    assert facts["score"]["psi"] < 0.01


def test_nothing_is_read_where_no_version_reads_purchases(snapshot) -> None:
    assert earlier_orders([], DAY) == []
    assert purchases_read([], [], snapshot, progress=lambda done, total: None) is None
    assert list(orders_kept(DAY)) == []


def test_orders_that_are_still_to_be_read_are_kept(snapshot) -> None:
    define(MODEL)
    kept = [day for _dataset, day, _key in orders_kept(DAY)]
    assert (DAY - min(kept)).days == 360


def test_the_report_tells_every_score_and_cell(snapshot) -> None:
    define(MODEL)
    version = trained("rfm")
    report, metrics = version.report, version.metrics
    assert metrics["rows"] == ROWS
    assert metrics["bought_low"] < metrics["bought"] < metrics["bought_high"] < 0.7
    for measure in report["measures"]:
        assert sum(one["customers"] for one in measure["scores"]) == metrics["known"]
    assert sum(cell["customers"] for cell in report["cells"]) == metrics["known"]
    assert sum(cell["of_all"] for cell in report["cells"]) == pytest.approx(1)


def test_the_page_is_told_in_both_languages(snapshot) -> None:
    define(MODEL)
    version = trained("rfm")
    page = shown(version)
    assert "Recency" in page
    assert "180 days" in page
    assert f"{version.report['cells'][0]['customers']}" in page
    with translation.override("zh-hans"):
        assert "<svg" in shown(version)


def test_a_province_where_nobody_buys_is_refused_in_words(catalogue) -> None:
    define(MODEL)
    customers(50)
    run = train("rfm")
    [error] = [step.error for step in run.steps.all() if step.error]
    assert error["code"] == "no_rows"


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"reasons": "rfm_why"}, "no_reasons", ["reasons"]),
        ({"record_days": 90}, "record_shorter_than_window", ["record_days"]),
        ({"monetary": "rfm_why"}, "wrong_type", ["monetary"]),
        ({"output": "arpu"}, "wrong_origin", ["output"]),
        (
            {
                "cuts": {
                    "recency": [7, 30, 30, 180],
                    "frequency": [2, 3, 5, 8],
                    "monetary": [1, 2, 3, 4],
                }
            },
            "cuts_not_ascending",
            ["cuts", "recency"],
        ),
    ],
)
def test_a_fault_names_its_place(change: dict[str, Any], code: str, where: list[Any]) -> None:
    assert refused(MODEL | change) == (code, [0, *where])
