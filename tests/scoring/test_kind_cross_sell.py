"""The next best product is what earns most by the scores of the models that stand before."""

from typing import Any

import numpy as np
import pytest

from common.errors import DomainError
from lake.models import Partition
from scoring.score import score

from .conftest import MODELS, make_snapshot, published, train, trained
from .kind_models import attribute, define, read, refused

pytestmark = pytest.mark.django_db
ROWS = 3000
# Who is of a third brand is outside its population.
LEAVING = next(model for model in MODELS if model["code"] == "leaving")
PRODUCTS: list[dict[str, Any]] = [
    {"code": "ringback", "holds": "has_ringback", "propensity": "leaving", "margin": 100},
    {"code": "songs", "holds": "has_songs", "margin": 30, "base_rate": 0.1},
]
MODEL: dict[str, Any] = {
    "code": "next_product",
    "kind": "cross_sell",
    "output": "next_product",
    "value": "next_value",
    "products": PRODUCTS,
}


@pytest.fixture(autouse=True)
def _catalogue(catalogue: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    attribute("has_ringback", "boolean")
    attribute("has_songs", "boolean")
    attribute("next_product", "category", "score", ("ringback", "songs"))
    attribute("next_value", "number", "score")


@pytest.fixture
def snapshot(db: None) -> Partition:
    rng = np.random.default_rng(8)
    return make_snapshot(
        rows=ROWS, has_ringback=rng.random(ROWS) < 0.3, has_songs=rng.random(ROWS) < 0.2
    )


def scored(snapshot: Partition, *codes: str) -> list[dict[str, Any]]:
    versions = [published(code) for code in codes]
    scores = read(score(snapshot, versions, progress=lambda done, total: None))
    customers = read(snapshot).to_pylist()
    return [c | s for c, s in zip(customers, scores.to_pylist(), strict=True)]


def test_each_is_offered_what_he_lacks_and_is_expected_to_earn_most(snapshot) -> None:
    define(LEAVING, MODEL)
    rows = scored(snapshot, "leaving", "next_product")
    for row in rows:
        worth = {}
        if not row["has_ringback"] and row["leaving"] is not None:
            worth["ringback"] = 100 * row["leaving"]
        if row["next_product"] == "ringback":
            assert row["next_value"] == pytest.approx(worth["ringback"])
        if row["has_songs"]:
            assert row["next_product"] == ("ringback" if worth else None)
    offered = {row["next_product"] for row in rows}
    assert offered == {"ringback", "songs", None}
    assert all(
        row["next_product"] is None for row in rows if row["has_ringback"] & row["has_songs"]
    )


def test_without_its_model_a_product_waits_or_starts_cold(snapshot) -> None:
    define(LEAVING, MODEL)
    rows = scored(snapshot, "next_product")
    assert {row["next_product"] for row in rows} == {"songs", None}
    values = [row["next_value"] for row in rows if row["next_product"] == "songs"]
    assert values == pytest.approx([3.0] * len(values), rel=0.3)


def test_the_report_counts_the_offers_of_the_propensities_in_use(snapshot) -> None:
    define(LEAVING, MODEL)
    published("leaving")
    version = trained("next_product")
    ringback, songs = version.report["products"]
    assert ringback["customers"] + songs["customers"] == version.metrics["offered"]
    assert ringback["cold"] == 0
    assert songs["cold"] == songs["customers"] > 0
    assert ringback["customers"] > 0
    assert version.definition["scores"] == ["leaving"]
    assert version.definition["reads"] == ["has_ringback", "has_songs"]


def test_a_day_alerts_nobody_of_what_others_watch(snapshot) -> None:
    define(LEAVING, MODEL)
    version = published("next_product")
    told = score(snapshot, [version], progress=lambda done, total: None).facts["models"]
    assert told["next_product"]["score"]["grade"] == "stable"
    assert told["next_product"]["features"]["has_songs"]["grade"] == "stable"


def test_a_score_that_comes_later_is_no_propensity_yet(snapshot) -> None:
    define(MODEL, LEAVING)
    with pytest.raises(DomainError) as refusal:
        train("next_product")
    assert refusal.value.code == "no_propensity_before"
    assert refusal.value.extra["where"] == ["products", 0, "propensity"]


def product(place: int, **change: Any) -> dict[str, Any]:
    return {"products": [p | change if i == place else p for i, p in enumerate(PRODUCTS)]}


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        (product(1, code="ringback"), "repeated_code", ["products", 1, "code"]),
        (product(0, holds="arpu"), "wrong_type", ["products", 0, "holds"]),
        (product(0, propensity="value_tier"), "wrong_type", ["products", 0, "propensity"]),
        (product(0, propensity=None), "chance_missing", ["products", 0]),
        (product(1, code="games"), "unknown_grade", ["output"]),
        ({"reasons": "value_why"}, "no_reasons", ["reasons"]),
    ],
)
def test_a_fault_names_its_place(change: dict[str, Any], code: str, where: list[Any]) -> None:
    assert refused(MODEL | change) == (code, [0, *where])
