"""What a customer is worth from now on: how long he stays times what he leaves, discounted."""

from typing import Any

import numpy as np
import pytest

from lake.models import Partition
from scoring.applied import applied
from scoring.learning.features import matrix
from scoring.score import score

from .conftest import make_snapshot, published, train, trained
from .kind_models import attribute, define, read, refused, shown

pytestmark = pytest.mark.django_db
ROWS = 4000
MODEL: dict[str, Any] = {
    "code": "worth",
    "kind": "lifetime_value",
    "output": "worth",
    "reasons": "worth_why",
    "label": "left_within_30d",
    "money": "arpu",
    "tenure": "tenure",
    "contract": "months_left",
    "share": 0.4,
    "horizon": 24,
    "discount": 0.01,
    "features": ["brand", "complaints"],
}


@pytest.fixture(autouse=True)
def _catalogue(catalogue: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    attribute("complaints", "integer")
    attribute("months_left", "integer")
    attribute("worth", "number", "score")
    attribute("worth_why", "text", "score")


@pytest.fixture
def snapshot(db: None) -> Partition:
    """Those who complain leave, those bound by a contract stay."""
    rng = np.random.default_rng(6)
    complaints, months_left = rng.poisson(0.5, ROWS), rng.integers(0, 25, ROWS)
    odds = -2.0 + 0.8 * complaints - 1.5 * (months_left > 3)
    return make_snapshot(
        rows=ROWS,
        complaints=complaints,
        months_left=months_left,
        left_within_30d=rng.random(ROWS) < 1 / (1 + np.exp(-odds)),
    )


def test_as_many_are_expected_to_leave_as_do(snapshot) -> None:
    define(MODEL)
    version = trained("worth")
    bands = [b for b in version.report["calibration"] if b["share"]["n"]]
    assert sum(b["share"]["n"] for b in bands) == version.metrics["rows"]
    assert sum(bool(b["holds"]) for b in bands) >= len(bands) - 1
    assert version.metrics["auc_low"] > 0.6
    assert version.report["drivers"][0]["attribute"] in ("complaints", "months_left")


def test_the_tenths_are_worth_less_and_less_and_all_together_everything(snapshot) -> None:
    define(MODEL)
    version = trained("worth")
    tenths = version.report["tenths"]
    values = [t["value"] for t in tenths]
    assert values == sorted(values, reverse=True)
    assert sum(t["share"] for t in tenths) == pytest.approx(1)
    assert sum(t["customers"] for t in tenths) == version.metrics["rows"]
    mean = sum(t["value"] * t["customers"] for t in tenths) / version.metrics["rows"]
    assert version.metrics["mean_yuan"] == pytest.approx(mean)


def test_everybody_with_a_score_gets_its_grade(snapshot) -> None:
    attribute("grade", "category", "score", ("low", "high"))
    bands = [{"code": "low", "to": 500}, {"code": "high", "from": 500}]
    define(MODEL | {"grades": {"output": "grade", "bands": bands}})
    scores = read(score(snapshot, [published("worth")], progress=lambda done, total: None))
    found, grades = (scores.column(name).to_pylist() for name in ("worth", "grade"))
    assert grades == [v if v is None else ("high" if v >= 500 else "low") for v in found]
    assert {*grades} >= {"low", "high"}


def test_the_day_gives_everybody_yuan_and_reasons(snapshot) -> None:
    define(MODEL)
    version = published("worth")
    day = score(snapshot, [version], progress=lambda done, total: None)
    scores, fitted = read(day), applied(version).fitted
    x = matrix(read(snapshot), fitted.features)
    value = scores.column("worth").to_numpy()
    assert np.allclose(value, fitted.margin(x) * fitted.months(x))
    assert value.max() <= 24 * fitted.margin(x).max()
    assert fitted.share == 0.4
    assert any("arpu" in text for text in scores.column("worth_why").to_pylist() if text)
    assert day.facts["models"]["worth"]["score"]["grade"] == "stable"


def test_what_it_reads_beside_the_features_is_read_once(snapshot) -> None:
    define(MODEL | {"features": ["arpu", "brand", "tenure"]})
    assert trained("worth").definition["reads"] == ["arpu", "brand", "tenure", "months_left"]


def test_too_few_leavers_are_refused() -> None:
    left = np.zeros(ROWS, dtype=bool)
    left[:20] = True
    other = {"complaints": np.arange(ROWS) % 3, "months_left": np.arange(ROWS) % 25}
    make_snapshot(rows=ROWS, left_within_30d=left, **other)
    define(MODEL)
    run = train("worth")
    assert run.steps.get(state="failed").error["code"] == "too_few_outcomes"


def test_the_page_tells_the_tenths_and_the_bands_with_intervals(snapshot) -> None:
    define(MODEL)
    version = trained("worth")
    page = shown(version)
    left = version.report["tenths"][0]["left"]
    assert f"{left['low']:.1%} … {left['high']:.1%}" in page
    assert "<rect" in page
    assert "Over 24 months" in page


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"tenure": "arpu"}, "attribute_twice", []),
        ({"money": "brand"}, "wrong_type", ["money"]),
        ({"contract": "months"}, "unknown_attribute", ["contract"]),
        ({"label": "arpu"}, "wrong_origin", ["label"]),
        ({"output": "worth_why"}, "wrong_type", ["output"]),
    ],
)
def test_a_fault_names_its_place(change: dict[str, Any], code: str, where: list[Any]) -> None:
    assert refused(MODEL | change) == (code, [0, *where])
