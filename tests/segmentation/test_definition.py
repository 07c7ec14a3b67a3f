"""A matrix says the same in JSON and as values; another shape is refused, with its place."""

from copy import deepcopy
from math import inf
from typing import Any

import pytest

from common.errors import DomainError
from segmentation.definition import MatrixDefinition
from segmentation.dimensions import Thresholds

from .reference import Json, dimension, matrix

VALUE = dimension(
    "thresholds",
    [{"from": 100}, {"to": 50}, {"from": 50, "to": 100}],
    "arpu",
    city_cuts={"hangzhou": [80, 150.5]},
)
EVERY_KIND = matrix(
    VALUE,
    dimension("quantiles", [{"share": 0.1}, {"share": 0.9}], "value_index"),
    dimension(
        "categories", [{"values": ["gotone"]}, {"values": ["mzone"], "other": True}], "brand"
    ),
    dimension("boolean", [{"value": True}, {"value": False}], "is_campus"),
    dimension("rules", [{"rule": "tenure >= 12"}, {"else": True}]),
    scope="arpu > 0",
)


def changed(path: list[Any], value: Any) -> Json:
    """The matrix with another value at the path; None: with nothing there."""
    body = deepcopy(EVERY_KIND)
    at: Any = body
    for step in path[:-1]:
        at = at[step]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return body


def test_what_is_read_is_written_again() -> None:
    definition = MatrixDefinition.from_json(EVERY_KIND)
    assert definition.to_json() == EVERY_KIND
    assert MatrixDefinition.from_json(definition.to_json()) == definition


def test_what_was_left_out_stays_left_out() -> None:
    """A draft may still lack its null band; a matrix without scope is of every customer."""
    draft = dimension("boolean", [{"value": True}], "is_campus")
    del draft["null_band"]
    assert MatrixDefinition.from_json(matrix(draft)).to_json() == matrix(draft)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["scope"], "arpu > 1"),
        (["name", "zh"], "矩阵"),
        (["dimensions", 0, "bands", 0, "from"], 101),
        (["dimensions", 0, "city_cuts", "hangzhou"], [80, 151]),
        (["dimensions", 0, "null_band", "code"], "none"),
        (["dimensions", 1, "bands", 0, "share"], 0.2),
        (["dimensions", 2, "bands", 1, "other"], None),
        (["dimensions", 2, "attribute"], "handset"),
        (["dimensions", 3, "bands", 0, "value"], False),
        (["dimensions", 4, "bands", 0, "rule"], "tenure > 12"),
    ],
)
def test_definitions_that_differ_anywhere_are_not_equal(path: list[Any], value: Any) -> None:
    other = MatrixDefinition.from_json(changed(path, value))
    assert other != MatrixDefinition.from_json(EVERY_KIND)
    assert other.to_json() == changed(path, value)


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (["code"], "Retention!", ["code"]),
        (["name", "en"], "", ["name", "en"]),
        (["strategy"], None, []),
        (["dimensions"], [], ["dimensions"]),
        (["dimensions", 1, "kind"], "deciles", ["dimensions", 1, "kind"]),
        (["dimensions", 0, "bands"], [], ["dimensions", 0, "bands"]),
        (["dimensions", 0, "attribute"], None, ["dimensions", 0]),
        (["dimensions", 0, "bands", 1, "to"], "50", ["dimensions", 0, "bands", 1, "to"]),
        (["dimensions", 0, "city_cuts"], {"ningbo": ["a"]},
         ["dimensions", 0, "city_cuts", "ningbo", 0]),
        (["dimensions", 1, "bands", 0, "share"], 0, ["dimensions", 1, "bands", 0, "share"]),
        (["dimensions", 1, "bands", 0, "share"], 1.1, ["dimensions", 1, "bands", 0, "share"]),
        (["dimensions", 2, "bands", 1, "other"], False, ["dimensions", 2, "bands", 1, "other"]),
        (["dimensions", 3, "bands", 0, "value"], None, ["dimensions", 3, "bands", 0]),
        (["dimensions", 4, "attribute"], "arpu", ["dimensions", 4]),
    ],
)  # fmt: skip
def test_another_shape_is_refused_at_its_place(
    path: list[Any], value: Any, where: list[Any]
) -> None:
    with pytest.raises(DomainError) as refusal:
        MatrixDefinition.from_json(changed(path, value))
    assert refusal.value.code == "bad_matrix"
    assert refusal.value.extra["where"] == where
    assert (".".join(map(str, where)) or "/") in refusal.value.message


def test_cells_are_all_combinations_the_last_dimension_fastest() -> None:
    definition = MatrixDefinition.from_json(
        matrix(
            dimension("boolean", [{"value": True}, {"value": False}], "is_campus"),
            dimension("rules", [{"rule": "tenure >= 12"}, {"else": True}]),
        )
    )
    cells = [(c["by_is_campus"], c["by_rules"]) for c in definition.cells()]
    assert cells == [
        (first, second) for first in ("b0", "b1", "unknown") for second in ("b0", "b1")
    ]
    assert definition.size == 6
    assert MatrixDefinition.from_json(EVERY_KIND).size == 4 * 3 * 3 * 3 * 2


def test_thresholds_know_their_cuts_whatever_the_order_of_the_bands() -> None:
    (value, *_rest) = MatrixDefinition.from_json(EVERY_KIND).dimensions
    assert isinstance(value, Thresholds)
    assert value.order == (1, 2, 0)
    assert value.cuts == (50, 100)
    assert [(b.low, b.high) for b in value.bands] == [(100, inf), (-inf, 50), (50, 100)]
    assert value.city_cuts == {"hangzhou": (80, 150.5)}


def test_a_limit_is_a_double_however_it_is_written() -> None:
    long = MatrixDefinition.from_json(changed(["dimensions", 0, "bands", 1, "to"], 10**308))
    (_upper, lower, _middle) = long.dimensions[0].bands
    assert isinstance(lower.high, float)
    assert lower.high == 1e308
    with pytest.raises(DomainError, match=r"1\.8e308") as refusal:
        MatrixDefinition.from_json(changed(["dimensions", 0, "bands", 1, "to"], 10**309))
    assert refusal.value.code == "bad_matrix"
