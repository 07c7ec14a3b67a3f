"""The next best product is what earns most by the scores of the models that stand before."""

from typing import Any

import numpy as np
import pytest

from common.errors import DomainError
from customers.models import Attribute
from lake.models import Partition
from scoring.models import Model
from scoring.score import score
from scoring.selectors import current_versions

from .conftest import MODELS, make_snapshot, published, train, trained
from .kind_models import attribute, define, read, refused, shown

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


ASSOCIATION: dict[str, Any] = {
    "code": "together",
    "kind": "association",
    "sides": {"service": ["has_ringback", "has_songs", "has_games"]},
}
COLD: dict[str, Any] = MODEL | {
    "association": "together",
    "products": [
        {"code": "ringback", "holds": "has_ringback", "margin": 100, "base_rate": 0.01},
        {"code": "songs", "holds": "has_songs", "margin": 30, "base_rate": 0.1},
        {"code": "games", "holds": "has_games", "margin": 1, "base_rate": 0.01},
    ],
}


@pytest.fixture
def together(db: None) -> Partition:
    """Songs go with ring-back; games stand alone."""
    attribute("has_games", "boolean")
    values = [{"code": c, "zh": c, "en": c} for c in ("ringback", "songs", "games")]
    Attribute.objects.filter(pk="next_product").update(values=values)
    rng = np.random.default_rng(3)
    ringback = rng.random(ROWS) < 0.4
    return make_snapshot(
        rows=ROWS,
        has_ringback=ringback,
        has_songs=rng.random(ROWS) < np.where(ringback, 0.5, 0.05),
        has_games=rng.random(ROWS) < 0.3,
    )


def test_the_published_association_says_the_lifts_of_the_cold_start(together) -> None:
    define(ASSOCIATION, COLD)
    association = published("together")
    [pair] = [p for p in association.report["pairs"] if p["found"]]
    rows = scored(together, "next_product")
    for row in rows:
        worth = 30 * 0.1 * (pair["lift"] if row["has_ringback"] else 1)
        if row["next_product"] == "songs":
            assert row["next_value"] == pytest.approx(worth)
    offered = {row["next_product"] for row in rows if not row["has_songs"]}
    assert offered == {"songs"}
    [version] = Model.objects.get(pk="next_product").versions.all()
    told = version.report["association"]
    assert (told["model"], told["version"]) == ("together", 1)
    lifts = {(one["held"], one["offered"]): one["lift"] for one in told["lifts"]}
    assert lifts == pytest.approx(
        {("ringback", "songs"): pair["lift"], ("songs", "ringback"): pair["lift"]}
    )


def test_the_page_tells_offers_with_intervals_and_where_the_lifts_come_from(together) -> None:
    define(ASSOCIATION, COLD)
    published("together")
    version = trained("next_product")
    page = " ".join(shown(version).split())
    songs = next(p for p in version.report["products"] if p["code"] == "songs")
    assert songs["cold"] == songs["customers"]
    assert songs["value"]["low"] < songs["mean"] < songs["value"]["high"]
    assert f"{songs['value']['low']:.3f} … {songs['value']['high']:.3f}" in page
    assert f"{songs['customers']:,}" in page
    assert "From version 1 of" in page
    assert songs["because"] == [["ringback", songs["because"][0][1]]]
    assert sum(p["customers"] for p in version.report["products"]) == version.metrics["offered"]


def test_the_counts_of_a_sample_are_told_to_be_of_a_sample(snapshot, settings) -> None:
    settings.TRAINING_ROWS = ROWS // 2
    define(LEAVING, MODEL)
    published("leaving")
    assert "A sample: 1,500 of the 3,000 customers" in shown(trained("next_product"))


def test_an_association_that_is_not_in_use_is_refused(together) -> None:
    define(ASSOCIATION, COLD)
    trained("together")
    with pytest.raises(DomainError) as refusal:
        train("next_product")
    assert refusal.value.code == "no_association"
    assert refusal.value.extra["where"] == ["association"]


def test_the_report_offers_by_a_propensity_to_its_population_alone(snapshot) -> None:
    define(LEAVING, MODEL)
    published("leaving")
    version = trained("next_product")
    scores = read(score(snapshot, [*current_versions(), version], progress=lambda done, total: 0))
    offered = scores.column("next_product").to_pylist()
    told = {p["code"]: p["customers"] for p in version.report["products"]}
    assert told == {code: offered.count(code) for code in told}


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
