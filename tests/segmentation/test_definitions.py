"""Strategies and matrices as definitions: loaded once, loaded again, dumped and loaded back."""

from copy import deepcopy
from typing import Any

import jsonschema
import pytest

from accounts.models import Operation
from common.definitions import Changes
from common.errors import DomainError
from segmentation.definition import MatrixDefinition
from segmentation.definitions import DOCUMENTS, dump_matrices, dump_strategies
from segmentation.definitions import load_matrices as _load_matrices
from segmentation.definitions import load_strategies as _load_strategies
from segmentation.models import Cell, Matrix, MatrixVersion
from segmentation.services import save_draft

from .matrices import BY, boolean, make_world, matrix, named, thresholds

pytestmark = pytest.mark.django_db

STRATEGIES = [named("retention"), named("uplift")]


def load_matrices(content: list[dict[str, Any]]) -> Changes:
    return _load_matrices(deepcopy(content), BY)


def load_strategies(content: list[dict[str, Any]]) -> Changes:
    return _load_strategies(deepcopy(content), BY)


def matrices() -> list[dict[str, Any]]:
    cuts = thresholds("arpu", 50, 90) | {"city_cuts": {"ningbo": [40, 80]}}
    ranks = named(
        "rank",
        kind="quantiles",
        attribute="data_mb",
        bands=[named("top", share=0.2), named("rest", share=0.8)],
        null_band=named("unknown"),
    )
    towns = named(
        "town",
        kind="categories",
        attribute="city",
        bands=[named("capital", values=["hangzhou"]), named("elsewhere", other=True)],
        null_band=named("unknown"),
    )
    rules = named(
        "who",
        kind="rules",
        bands=[named("student", rule="is_campus"), named("other", **{"else": True})],
    )
    return [
        matrix(cuts, ranks, code="whole"),
        matrix(towns, rules, boolean("is_campus"), code="part", scope="arpu > 0"),
    ]


@pytest.fixture(autouse=True)
def _world(db: None) -> None:
    make_world()


def state() -> list[Any]:
    tables = (Matrix, MatrixVersion, Cell, Operation)
    return [list(table.objects.order_by("pk").values()) for table in tables]


# --- strategies ---


def test_strategies_load_and_load_again() -> None:
    first, second = load_strategies(STRATEGIES), load_strategies(STRATEGIES)
    assert (first.added, first.changed) == (["uplift"], ["retention"])  # it was 保有 before
    assert (second.any, second.unchanged) == (False, ["retention", "uplift"])


@pytest.mark.parametrize(
    "content",
    [
        [named("uplift"), named("retention")],
        [named("retention"), named("uplift", name={"zh": "提", "en": "Uplift"})],
        [named("retention"), named("uplift", name={"zh": "uplift中", "en": "Raise"})],
    ],
)
def test_order_and_names_of_strategies_are_changes(content: list[dict[str, Any]]) -> None:
    load_strategies(STRATEGIES)
    assert load_strategies(content).changed
    assert dump_strategies() == content


def test_strategies_dumped_load_to_nothing() -> None:
    load_strategies(STRATEGIES)
    assert dump_strategies() == STRATEGIES
    assert not load_strategies(dump_strategies()).any


# --- matrices ---


def test_matrices_are_published_in_the_files_order() -> None:
    changes = load_matrices(matrices())
    assert changes.added == ["whole", "part"]
    assert [(m.code, m.position) for m in Matrix.objects.all()] == [("whole", 0), ("part", 1)]
    assert MatrixVersion.objects.published().count() == 2
    assert Cell.objects.count() == 4 * 3 + 3 * 2 * 3


def test_loading_twice_changes_nothing() -> None:
    load_matrices(matrices())
    before = state()
    changes = load_matrices(matrices())
    assert (changes.any, changes.unchanged) == (False, ["whole", "part"])
    assert state() == before


def test_a_changed_matrix_is_its_next_version_and_the_other_stays() -> None:
    load_matrices(matrices())
    numbers = set(Cell.objects.values_list("number", flat=True))
    changed = matrices()
    changed[0]["dimensions"][0]["city_cuts"]["ningbo"] = [45, 85]
    changes = load_matrices(changed)
    assert (changes.changed, changes.unchanged) == (["whole"], ["part"])
    shown = dict(MatrixVersion.objects.published().values_list("matrix", "number"))
    assert shown == {"whole": 2, "part": 1}
    assert set(Cell.objects.values_list("number", flat=True)) == numbers
    assert dump_matrices() == changed


def test_another_order_is_a_change_and_kept() -> None:
    load_matrices(matrices())
    load_matrices(matrices()[::-1])
    assert [m["code"] for m in dump_matrices()] == ["part", "whole"]
    assert not load_matrices(matrices()[::-1]).any


def test_matrices_dumped_load_to_nothing() -> None:
    load_matrices(matrices())
    dumped = dump_matrices()
    assert dumped == matrices()
    assert not load_matrices(dumped).any


def test_what_is_dumped_has_the_documents_form() -> None:
    load_matrices(matrices())
    for document in DOCUMENTS:
        jsonschema.validate(document.dump(), document.schema)


def test_drafts_are_neither_dumped_nor_touched() -> None:
    load_matrices(matrices())
    edited = MatrixDefinition.from_json(matrix(boolean("is_campus"), code="whole"))
    version = save_draft(edited, by=BY)
    assert dump_matrices() == matrices()
    assert not load_matrices(matrices()).any
    version.refresh_from_db()
    assert version.state == "draft"


# --- errors ---


def _unknown_strategy(content: list[dict[str, Any]]) -> None:
    content[1]["strategy"] = "nowhere"


def _gap(content: list[dict[str, Any]]) -> None:
    content[0]["dimensions"][0]["bands"][2]["from"] = 95


def _no_null_band(content: list[dict[str, Any]]) -> None:
    del content[1]["dimensions"][2]["null_band"]


def _unknown_city(content: list[dict[str, Any]]) -> None:
    content[0]["dimensions"][0]["city_cuts"] = {"ningpo": [1, 2]}


def _bad_rule(content: list[dict[str, Any]]) -> None:
    content[1]["dimensions"][1]["bands"][0]["rule"] = "nothing > 1"


def _bad_scope(content: list[dict[str, Any]]) -> None:
    content[1]["scope"] = "arpu >"


def _bad_shape(content: list[dict[str, Any]]) -> None:
    content[1]["dimensions"][0]["bands"][0]["values"] = "hangzhou"


def _twice(content: list[dict[str, Any]]) -> None:
    content[1]["code"] = "whole"


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (_unknown_strategy, [1, "strategy"]),
        (_gap, [0, "dimensions", 0, "bands", 1]),
        (_no_null_band, [1, "dimensions", 2]),
        (_unknown_city, [0, "dimensions", 0, "city_cuts", "ningpo"]),
        (_bad_rule, [1, "dimensions", 1, "bands", 0, "rule"]),
        (_bad_scope, [1, "scope"]),
        (_bad_shape, [1, "dimensions", 0, "bands", 0, "values"]),
        (_twice, [1, "code"]),
    ],
)
def test_an_error_says_where_it_is_and_leaves_no_draft(spoil: Any, where: list[Any]) -> None:
    content = matrices()
    spoil(content)
    with pytest.raises(DomainError) as caught:
        load_matrices(content)
    assert caught.value.extra["where"] == where
    assert not MatrixVersion.objects.filter(state="draft").exists()


def test_a_strategy_stands_once() -> None:
    with pytest.raises(DomainError) as caught:
        load_strategies([*STRATEGIES, named("uplift")])
    assert (caught.value.code, caught.value.extra["where"]) == ("duplicate_code", [2, "code"])


def test_a_strategy_that_takes_others_has_its_matrices_published_anew() -> None:
    load_strategies(STRATEGIES)
    load_matrices([matrix(boolean("is_campus"))])
    told = [{**STRATEGIES[0], "rule": "arpu > 50"}, STRATEGIES[1]]
    assert load_strategies(told).changed == ["retention"]
    version = MatrixVersion.objects.published().get()
    assert (version.number, version.body["group"]) == (2, {"rule": "arpu > 50"})
    assert dump_strategies() == told
    assert "group" not in dump_matrices()[0]
    assert load_matrices([matrix(boolean("is_campus"))]).unchanged == ["care"]
