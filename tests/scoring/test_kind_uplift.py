"""Uplift is learnt from a trial by lot, and measured on those of it that took no part."""

from typing import Any

import numpy as np
import pytest

from jobs.models import Run, State
from lake.models import Partition
from scoring.applied import applied
from scoring.learning.features import matrix
from scoring.learning.quadrants import QUADRANTS
from scoring.score import score

from .conftest import DAY, make_snapshot, published, train, trained
from .kind_models import attribute, define, read, refused, shown, trials
from .test_training import orders

pytestmark = pytest.mark.django_db
ROWS = 4000
MODEL: dict[str, Any] = {
    "code": "response",
    "kind": "uplift",
    "output": "response",
    "quadrant": "response_quadrant",
    "reasons": "response_why",
    "trial": {"code": "T1", "ordered": ["P1"], "within_days": 1},
    "value": 40,
    "cost": 2,
    "features": ["arpu", "tenure", "brand"],
}


@pytest.fixture(autouse=True)
def _catalogue(catalogue: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    attribute("response", "number", "score")
    attribute("response_quadrant", "category", "score", QUADRANTS)
    attribute("response_why", "text", "score")


@pytest.fixture
def snapshot(db: None) -> Partition:
    return make_snapshot(rows=ROWS)


def held_trial(snapshot: Partition, *, lot: bool = True, share: float = 0.5) -> None:
    """Contact moves those with a tenure under 30; without a lot the long-standing are contacted."""
    rng = np.random.default_rng(3)
    customers = read(snapshot)
    tenure = customers.column("tenure").to_numpy()
    treated = rng.random(ROWS) < share if lot else tenure > 45
    chance = 0.15 + 0.35 * (treated & (tenure < 30)) - 0.1 * (treated & (tenure > 70))
    ordered = rng.random(ROWS) < chance
    numbers = np.array(customers.column("customer_no").to_pylist())
    trials(DAY, numbers.tolist(), np.where(treated, "treated", "control").tolist())
    orders(DAY, numbers[ordered].tolist())


def failure(run: Run) -> dict[str, Any]:
    assert run.state == State.FAILED
    return run.steps.get(state=State.FAILED).error


def test_those_whom_a_contact_moves_are_ranked_first(snapshot) -> None:
    held_trial(snapshot)
    define(MODEL)
    version = trained("response")
    metrics, report = version.metrics, version.report
    assert metrics["qini_low"] > 0
    assert metrics["beats_random"] < 0.01
    assert metrics["rows"] == report["data"]["held_out"] == report["quality"]["rows"]
    assert report["drivers"][0]["attribute"] == "tenure"
    assert report["drivers"][0]["low"] < 0 < report["drivers"][0]["high"]
    first, last = report["quality"]["tenths"][0], report["quality"]["tenths"][-1]
    assert first["compared"]["uplift"]["low"] > last["compared"]["uplift"]["high"]


def test_the_report_tells_of_the_lot_and_of_what_the_quadrants_did(snapshot) -> None:
    held_trial(snapshot)
    define(MODEL)
    report = trained("response").report
    lot = report["randomisation"]
    assert lot["randomised"]
    assert lot["p"] > 0.01
    assert [q["quadrant"] for q in report["quadrants"]] == list(QUADRANTS)
    assert sum(q["customers"] for q in report["quadrants"]) == report["quality"]["rows"]
    persuadable = report["quadrants"][0]
    assert persuadable["holds"]
    assert persuadable["compared"]["uplift"]["low"] > report["cuts"]["cost"] / 40
    assert report["learner"]["chosen"] in report["learner"]["losses"]


def test_the_day_gives_everybody_uplift_quadrant_and_reasons(snapshot) -> None:
    held_trial(snapshot)
    define(MODEL)
    version = published("response")
    scores = read(score(snapshot, [version], progress=lambda done, total: None))
    fitted = applied(version).fitted
    x = matrix(read(snapshot), fitted.features)
    assert np.allclose(scores.column("response").to_numpy(), fitted.predict(x))
    uplift = scores.column("response").to_numpy()
    quadrant = np.array(scores.column("response_quadrant").to_pylist())
    assert ((uplift > 2 / 40) == (quadrant == "persuadable")).all()
    assert ((uplift < -2 / 40) == (quadrant == "do_not_disturb")).all()
    sure = fitted.baseline(x) >= fitted.average_baseline_
    between = np.abs(uplift) <= 2 / 40
    assert ((quadrant == "sure_thing") == (between & sure)).all()
    told = [text for text in scores.column("response_why").to_pylist() if text]
    assert any("+tenure <" in text for text in told)


def test_without_anybody_left_alone_nothing_is_learnt(snapshot) -> None:
    held_trial(snapshot, share=1.0)
    define(MODEL)
    assert failure(train("response"))["code"] == "no_control"


def test_who_was_chosen_otherwise_than_by_lot_is_no_control(snapshot) -> None:
    held_trial(snapshot, lot=False)
    define(MODEL)
    error = failure(train("response"))
    assert error["code"] == "not_randomised"
    assert "AUC" in error["message"]


def test_another_trial_s_customers_take_no_part(snapshot) -> None:
    held_trial(snapshot)
    define(MODEL | {"trial": MODEL["trial"] | {"code": "T2"}})
    error = failure(train("response"))
    assert error["code"] == "nobody_in_trial"
    assert "T2" in error["message"]


def test_the_population_takes_part_and_is_scored(snapshot) -> None:
    held_trial(snapshot)
    define(MODEL | {"population": "tenure < 60"})
    version = published("response")
    young = np.count_nonzero(read(snapshot).column("tenure").to_numpy() < 60)
    assert version.report["data"]["rows"] == young
    scores = read(score(snapshot, [version], progress=lambda done, total: None))
    assert scores.num_rows - scores.column("response").null_count == young


def test_the_page_tells_the_interval_the_quadrants_and_the_lot(snapshot) -> None:
    held_trial(snapshot)
    define(MODEL)
    version = trained("response")
    page = shown(version)
    assert "<polyline" in page
    low, high = version.metrics["qini_low"], version.metrics["qini_high"]
    assert f"{low:.3f} … {high:.3f}" in page
    assert page.count("Persuadable") == 1
    assert f"{version.report['randomisation']['rows']:,}" in page


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"cost": 40}, "cost_above_value", ["cost"]),
        ({"quadrant": "response"}, "wrong_type", ["quadrant"]),
        ({"quadrant": "value_tier"}, "unknown_grade", ["quadrant"]),
        ({"features": ["left_within_30d"]}, "wrong_origin", ["features", 0]),
    ],
)
def test_a_fault_names_its_place(change: dict[str, Any], code: str, where: list[Any]) -> None:
    assert refused(MODEL | change) == (code, [0, *where])


def test_a_day_is_watched_by_its_uplift(snapshot) -> None:
    held_trial(snapshot)
    define(MODEL)
    version = published("response")
    told = score(snapshot, [version], progress=lambda done, total: None).facts["models"]
    assert told["response"]["scored"] == ROWS
    assert told["response"]["score"]["grade"] == "stable"
