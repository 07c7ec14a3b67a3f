"""RFM: of each customer how lately, how often, for how much he bought before the day."""

from typing import Any

import pytest
from django.utils import translation

from lake.models import Partition
from scoring.bought import earlier_orders, events_kept, purchases_read
from scoring.health import alerts_of
from scoring.models import Model
from scoring.score import score
from scoring.training import pin

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


CUTS = {"recency": [7, 30, 90, 180], "frequency": [2, 3, 5, 8], "monetary": [10, 50, 100, 500]}


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
    define(MODEL | {"cuts": CUTS})
    rows = read(scored(snapshot, published("rfm"))).to_pylist()
    for row in rows:
        mine = bought.get(int(row["customer_no"]))
        if mine and row["rfm_cell"] is not None:
            fresh = min(ago for ago, _yuan in mine)
            assert row["rfm_recency"] == 1 + sum(fresh <= cut for cut in CUTS["recency"])


def test_the_day_s_own_orders_do_not_count_yet(snapshot, bought) -> None:
    define(MODEL)
    version = published("rfm")
    before = read(scored(snapshot, version))
    ordered(bought | {0: [(0, 99.0)]})
    assert read(scored(snapshot, version)) == before


def test_the_days_of_a_model_in_use_are_watched_without_an_alert(snapshot) -> None:
    define(MODEL)
    facts = scored(snapshot, published("rfm")).facts["models"]["rfm"]
    assert alerts_of(facts, DAY) == []
    assert facts["scored"] == ROWS
    assert set(facts["features"]) == {"__last_365_0", "__purchases_180_0", "__money_180_0"}
    assert facts["score"]["psi"] < 0.01


def test_nothing_is_read_where_no_version_reads_purchases(snapshot) -> None:
    assert earlier_orders([], DAY) == []
    assert purchases_read([], [], snapshot, progress=lambda done, total: None) is None
    assert list(events_kept(DAY)) == []


def test_orders_that_are_still_to_be_read_are_kept(snapshot) -> None:
    define(MODEL)
    kept = [day for _dataset, day, _key in events_kept(DAY)]
    assert (DAY - min(kept)).days == 360


def test_a_rolled_back_version_still_finds_its_orders(snapshot) -> None:
    define(MODEL)
    published("rfm")
    define(MODEL | {"record_days": 90, "window_days": 30})
    kept = [day for _dataset, day, _key in events_kept(DAY)]
    assert (DAY - min(kept)).days == 360


def test_orders_are_kept_for_trainings_as_of_the_oldest_day_that_is_kept(
    snapshot, settings
) -> None:
    ordered({1: [(420, 5.0)], 2: [(480, 5.0)]})
    define(MODEL)
    settings.LAKE_KEEP_DAYS = 60
    kept = [day for _dataset, day, _key in events_kept(DAY)]
    assert (DAY - min(kept)).days == 420


def test_a_training_is_pinned_to_the_orders_that_it_can_read(snapshot) -> None:
    early, late = ordered({1: [(420, 5.0)]})[0], ordered({1: [(-60, 5.0)]})[0]
    define(MODEL)
    asked = pin(Model.objects.get(code="rfm"), [DAY])["orders"]
    assert {early.pk, late.pk} & {*asked} == set()
    days = Partition.objects.filter(pk__in=asked).values_list("business_date", flat=True)
    assert (DAY - min(days)).days == 360


def test_what_is_read_is_the_same_whichever_other_models_are_in_use(snapshot) -> None:
    short = MODEL | {"record_days": 90, "window_days": 60, "cuts": CUTS}
    long = {"code": "long", "kind": "rfm", "output": "long_cell", "record_days": 365}
    attribute("long_cell", "number", "score")
    define(short, long)
    own, other = published("rfm"), published("long")
    orders = earlier_orders([own, other], DAY)
    told = []
    for versions in ([own], [own, other]):
        bought = purchases_read(versions, orders, snapshot, progress=lambda done, total: None)
        made = score(snapshot, versions, purchases=bought, progress=lambda done, total: None)
        told.append(made.facts["models"]["rfm"]["features"])
    assert told[0] == told[1]


def test_who_has_not_bought_has_bought_nothing_in_training_too(snapshot) -> None:
    define(MODEL)
    version = trained("rfm")
    learnt = read(Partition.objects.get(dataset="training"))
    assert learnt.num_rows == ROWS
    assert learnt.column("__last_365_0").null_count > ROWS // 4
    assert learnt.column("__money_180_0").null_count == 0
    assert learnt.column("__purchases_180_0").null_count == 0
    assert version.metrics["known"] == ROWS - learnt.column("__last_365_0").null_count


def test_a_record_shorter_than_asked_for_is_told(catalogue) -> None:
    define(MODEL)
    ordered({c: [(40 - c % 30, 5.0 + c % 20)] * (1 + c % 3) for c in range(1, 200)})
    customers(200)
    version = trained("rfm")
    assert (version.report["history"], version.report["record_days"]) == (40, 365)
    assert "Orders are on record for 40 days." in shown(version)


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
    assert error["code"] == "nobody_bought"


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
