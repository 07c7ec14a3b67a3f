"""Who would lose us money if told of a cheaper plan is marked, by the plan and what is assumed."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import translation

from common.errors import DomainError
from jobs.work import work_through
from lake.models import Partition
from scoring.health import alerts_of
from scoring.models import Model, ModelVersion, VersionState
from scoring.score import score
from scoring.services import withdraw
from scoring.training import start_training, steps_of_training

from .conftest import DAY, MODELS, make_snapshot, published, train, trained
from .kind_models import attribute, define, read, refused, shown

pytestmark = pytest.mark.django_db
ROWS = 3000
MODEL: dict[str, Any] = {
    "code": "cheap_card",
    "kind": "cannibalisation",
    "output": "cheap_card_yuan",
    "mark": "cheap_card_untold",
    "plan": {"fee": 39, "minutes": 100, "per_minute": 0.2},
    "bill": "arpu",
    "minutes": "calls",
    "megabytes": "traffic",
    "margin_share": 0.4,
    "leaving": 0.02,
    "assumptions": {"horizon_months": 12, "take_up": 0.3, "less_leaving": 0.3},
}


@pytest.fixture(autouse=True)
def _catalogue(catalogue: None) -> None:
    attribute("calls", "integer")
    attribute("traffic", "number")
    attribute("cheap_card_yuan", "number", "score")
    attribute("cheap_card_untold", "boolean", "score")
    attribute("cheap_card_why", "text", "score")


@pytest.fixture
def snapshot(db: None) -> Partition:
    rng = np.random.default_rng(7)
    return make_snapshot(rows=ROWS, calls=rng.poisson(120, ROWS), traffic=rng.gamma(2, 900, ROWS))


def by_hand(bill: float, minutes: int, leaving: float) -> float:
    """Month by month: what he is expected to bring more if he is told."""
    saves = bill - 39 - 0.2 * max(0, minutes - 100)
    stays = told = change = 0.0
    stays, told = 1.0, 1.0
    for _month in range(12):
        stays, told = stays * (1 - leaving), told * (1 - 0.7 * leaving)
        change += told * (0.4 * bill - saves) - stays * 0.4 * bill
    return (0.3 if saves > 0 else 0.0) * change


def test_who_would_cost_us_money_is_marked(snapshot) -> None:
    define(MODEL)
    rows = read(score(snapshot, [published("cheap_card")], progress=lambda *_: None)).to_pylist()
    marks = set()
    for row, customer in zip(rows, read(snapshot).to_pylist(), strict=True):
        yuan, mark = row["cheap_card_yuan"], row["cheap_card_untold"]
        if customer["arpu"] is None:
            assert (yuan, mark) == (None, None)
            continue
        assert yuan == pytest.approx(by_hand(customer["arpu"], customer["calls"], 0.02))
        assert mark == (yuan < 0)
        marks.add(mark)
    assert marks == {True, False}


def test_the_score_of_a_model_before_it_is_the_chance_of_leaving(snapshot) -> None:
    define(MODELS[1], MODEL | {"leaving": "movement_index"})
    movement = published("movement_index")
    version = published("cheap_card")
    made = read(score(snapshot, [movement, version], progress=lambda *_: None)).to_pylist()
    for row, customer in zip(made, read(snapshot).to_pylist(), strict=True):
        if customer["arpu"] is not None:
            leaving = row["movement_index"] / 100
            yuan = by_hand(customer["arpu"], customer["calls"], leaving)
            assert row["cheap_card_yuan"] == pytest.approx(yuan)
    stake = -sum(r["cheap_card_yuan"] for r in made if r["cheap_card_untold"])
    assert version.metrics["at_stake"] == pytest.approx(stake)


def test_who_is_outside_the_population_of_the_model_before_it_has_no_chance_of_leaving(
    snapshot,
) -> None:
    mine = {"population": "brand = 'gotone'", "features": ["arpu", "tenure"]}
    define(MODELS[1] | mine, MODEL | {"leaving": "movement_index"})
    movement = published("movement_index")
    version = published("cheap_card")
    made = read(score(snapshot, [movement, version], progress=lambda *_: None)).to_pylist()
    known = [row for row in made if row["cheap_card_yuan"] is not None]
    assert 0 < len(known) < ROWS / 2
    assert version.metrics["known"] == len(known)
    stake = -sum(row["cheap_card_yuan"] for row in known if row["cheap_card_untold"])
    assert version.metrics["at_stake"] == pytest.approx(stake)


def test_of_several_days_the_newest_is_told_so_nobody_counts_twice(snapshot) -> None:
    before = DAY - timedelta(days=30)
    make_snapshot(rows=50, key="old", day=before, calls=np.zeros(50, int), traffic=np.zeros(50))
    define(MODEL)
    run, _new = start_training(
        Model.objects.get(code="cheap_card"), days=[before, DAY], by="analyst"
    )
    work_through(run, steps_of_training())
    assert ModelVersion.objects.get(run=run.pk).metrics["rows"] == ROWS


def test_without_the_score_before_it_nothing_is_said(snapshot) -> None:
    define(MODELS[1], MODEL | {"leaving": "movement_index"})
    published("movement_index")
    made = read(score(snapshot, [published("cheap_card")], progress=lambda *_: None))
    assert made.column("cheap_card_untold").null_count == ROWS


def test_the_score_it_can_not_do_without_is_not_withdrawn_before_it(snapshot) -> None:
    define(MODELS[1], MODEL | {"leaving": "movement_index"})
    movement, version = published("movement_index"), published("cheap_card")
    with pytest.raises(DomainError) as refusal:
        withdraw(movement, note="", by="wang")
    assert (refusal.value.code, refusal.value.status) == ("still_read", 409)
    assert str(version) in refusal.value.message
    withdraw(version, note="", by="wang")
    assert withdraw(movement, note="", by="wang").state == VersionState.REPLACED


def test_its_days_are_watched_without_an_alert(snapshot) -> None:
    define(MODEL)
    facts = score(snapshot, [published("cheap_card")], progress=lambda *_: None).facts
    assert alerts_of(facts["models"]["cheap_card"], DAY) == []


def test_the_report_tells_the_sides_and_what_other_assumptions_would_change(snapshot) -> None:
    define(MODEL)
    version = trained("cheap_card")
    report, metrics = version.report, version.metrics
    untold, told, no_gain = report["sides"]
    assert sum(side["customers"] for side in report["sides"]) == metrics["known"]
    assert untold["total"] == pytest.approx(-metrics["at_stake"])
    assert untold["total"] < 0
    assert told["amount"] >= 0
    assert (no_gain["switches"], no_gain["amount"]) == (0, 0)
    assert metrics["marked_low"] < metrics["marked"] < metrics["marked_high"]
    same = next(one for one in report["sensitivity"] if one["less_leaving"] == 0.3)
    assert same["at_stake"] == pytest.approx(metrics["at_stake"])
    shares = [one["marked"]["value"] for one in report["sensitivity"]]
    assert shares == sorted(shares, reverse=True)


def test_the_page_states_what_is_assumed(snapshot) -> None:
    define(MODEL)
    page = shown(trained("cheap_card"))
    assert "Must not be told" in page
    assert "chance of 30.0%" in page
    assert "Arithmetic on what is assumed" in page
    with translation.override("zh-hans"):
        assert "<svg" in shown(trained("cheap_card"))


def test_the_sums_of_a_sample_are_told_to_be_of_a_sample(snapshot, settings) -> None:
    settings.TRAINING_ROWS = ROWS // 2
    define(MODEL)
    assert "A sample: 1,500 of the 3,000 customers" in shown(trained("cheap_card"))


def test_where_no_bill_is_known_there_is_nothing_to_tell(catalogue) -> None:
    define(MODEL)
    none = np.full(50, np.nan)
    make_snapshot(rows=50, arpu=none, calls=np.zeros(50, int), traffic=none)
    [error] = [step.error for step in train("cheap_card").steps.all() if step.error]
    assert error["code"] == "no_rows"


@pytest.mark.parametrize("before", [[], [MODELS[1] | {"opposite": True}]])
def test_a_probability_must_come_from_a_model_in_use(snapshot, before) -> None:
    define(*before, MODEL | {"leaving": "movement_index"})
    for one in before:
        published(one["code"])
    with pytest.raises(DomainError) as refusal:
        train("cheap_card")
    assert (refusal.value.code, refusal.value.extra["where"]) == (
        "no_probability_before",
        ["leaving"],
    )


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"reasons": "cheap_card_why"}, "no_reasons", ["reasons"]),
        ({"bill": "brand"}, "wrong_type", ["bill"]),
        ({"bill": "nothing"}, "unknown_attribute", ["bill"]),
        ({"leaving": "left_within_30d"}, "wrong_type", ["leaving"]),
        ({"mark": "cheap_card_yuan"}, "wrong_type", ["mark"]),
    ],
)
def test_a_fault_names_its_place(change: dict[str, Any], code: str, where: list[Any]) -> None:
    assert refused(MODEL | change) == (code, [0, *where])
