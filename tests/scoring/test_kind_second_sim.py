"""Who behaves as if he had another number too: an index, a mark, and the signs that tell it."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lake.models import Partition
from scoring.conditions import parts_of
from scoring.score import score

from .conftest import make_snapshot, published, trained
from .kind_models import attribute, define, read, refused, shown

pytestmark = pytest.mark.django_db
ROWS = 3000
SUSPECTS = 150
MODEL: dict[str, Any] = {
    "code": "second_sim",
    "kind": "second_sim",
    "output": "second_sim_index",
    "mark": "second_sim_suspect",
    "reasons": "second_sim_why",
    "brand": "brand",
    "age": "tenure",
    "threshold": 40,
    "signals": [
        {"weight": 3, "parts": [{"attribute": "calls"}]},
        {"weight": 1, "parts": [{"attribute": "arpu", "side": "low"}]},
    ],
}


@pytest.fixture(autouse=True)
def _catalogue(catalogue: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    attribute("calls", "integer")
    attribute("second_sim_index", "number", "score")
    attribute("second_sim_suspect", "boolean", "score")
    attribute("second_sim_why", "text", "score")


@pytest.fixture
def snapshot(db: None) -> Partition:
    """The first 150 call the others' hotlines; of the last 100 it is unknown."""
    rng = np.random.default_rng(7)
    calls = rng.poisson(0.3, ROWS)
    calls[:SUSPECTS] += 5
    unknown = np.arange(ROWS) >= ROWS - 100
    return make_snapshot(rows=ROWS, calls=pa.array(calls, mask=unknown))


def test_who_calls_the_others_is_marked_and_told_why(snapshot) -> None:
    define(MODEL)
    version = published("second_sim")
    scores = read(score(snapshot, [version], progress=lambda done, total: None))
    index = scores.column("second_sim_index").to_numpy()
    marked = scores.column("second_sim_suspect").to_pylist()
    assert all(marked[:SUSPECTS])
    assert np.nanmin(index) >= 0
    assert np.nanmax(index) <= 100
    assert marked == [None if np.isnan(i) else bool(i >= 40) for i in index]
    for text in scores.column("second_sim_why").to_pylist()[:SUSPECTS]:
        assert parts_of(text)[0][1].startswith("calls >= ")


def test_everybody_with_a_score_gets_its_grade(snapshot) -> None:
    attribute("grade", "category", "score", ("low", "high"))
    bands = [{"code": "low", "to": 40}, {"code": "high", "from": 40}]
    define(MODEL | {"grades": {"output": "grade", "bands": bands}})
    scores = read(score(snapshot, [published("second_sim")], progress=lambda done, total: None))
    found, grades = (scores.column(name).to_pylist() for name in ("second_sim_index", "grade"))
    assert grades == [v if v is None else ("high" if v >= 40 else "low") for v in found]
    assert {*grades} >= {"low", "high"}


def test_of_whom_too_little_is_known_nothing_is_said(snapshot) -> None:
    define(MODEL)
    scores = read(score(snapshot, [published("second_sim")], progress=lambda done, total: None))
    unknown = scores.slice(ROWS - 100)
    assert unknown.column("second_sim_suspect").null_count == 100
    assert unknown.column("second_sim_index").null_count == 100


def test_the_report_says_how_many_are_marked_and_by_which_sign(snapshot) -> None:
    define(MODEL)
    version = trained("second_sim")
    report, metrics = version.report, version.metrics
    assert metrics["known"] == ROWS - 100 == sum(report["histogram"])
    assert metrics["marked_low"] < metrics["marked"] < metrics["marked_high"]
    assert metrics["marked"] == pytest.approx(SUSPECTS / (ROWS - 100), abs=0.02)
    calls, arpu = report["signals"]
    assert (calls["attributes"], calls["weight"], arpu["high"]) == (["calls"], 0.75, [False])
    assert calls["told_of_marked"]["value"] == 1
    assert calls["told"]["value"] < 0.5


def test_without_signs_of_its_own_the_usual_ones_must_be_there(snapshot) -> None:
    usual = {name: value for name, value in MODEL.items() if name != "signals"}
    assert refused(usual) == ("unknown_attribute", [0])


def test_the_page_tells_the_signs_and_the_share_of_suspects(snapshot) -> None:
    define(MODEL)
    version = trained("second_sim")
    page, metrics = shown(version), version.metrics
    assert "Calls unusually high" in page
    assert "Arpu unusually low" in page
    assert f"{metrics['marked_low']:.1%} … {metrics['marked_high']:.1%}" in page


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"brand": "arpu"}, "wrong_type", ["brand"]),
        ({"age": "brand"}, "wrong_type", ["age"]),
        ({"mark": "second_sim_index"}, "wrong_type", ["mark"]),
        (
            {"signals": [{"weight": 1, "parts": [{"attribute": "arpu"}, {"attribute": "brand"}]}]},
            "wrong_type",
            ["signals", 0, "parts", 1, "attribute"],
        ),
    ],
)
def test_a_fault_names_its_place(change: dict[str, Any], code: str, where: list[Any]) -> None:
    assert refused(MODEL | change) == (code, [0, *where])
