"""Proved: everybody is in one band of each dimension. Refused: with a value that is not."""

from itertools import pairwise
from math import inf, nan, nextafter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import DomainError
from segmentation.definition import MatrixDefinition
from segmentation.proof import prove

from .reference import BRANDS, CATALOGUE, CITIES, Json, dimension, homes, matrix

generated = settings(max_examples=200, deadline=None)

LIMITS = st.sampled_from([-1e308, -1, 0, 0.1, 5, 5e-324, 1e308])
# Faults of the bands or of cuts themselves; two 'other' bands; rules without a last 'else'.
WITHOUT_EXAMPLE = {"empty_band", "cuts_count", "cuts_order", "bands_overlap", "bands_gap"}
UNKNOWN: list[Any] = [None, nan, inf, -inf]


def proof_of(*dimensions: Json, **more: Any) -> dict[str, Any]:
    return prove(MatrixDefinition.from_json(matrix(*dimensions, **more)), CATALOGUE, CITIES)


def fault_of(*dimensions: Json, **more: Any) -> DomainError | None:
    try:
        proof_of(*dimensions, **more)
    except DomainError as refusal:
        return refusal
    return None


def refusal_of(*dimensions: Json, **more: Any) -> DomainError:
    refusal = fault_of(*dimensions, **more)
    assert refusal is not None
    return refusal


# --- the law, on generated dimensions ---


@st.composite
def number_bands(draw: st.DrawFn) -> Json:
    """Bands of all sorts, often cut at the same limits so that some are a partition."""
    if draw(st.booleans()):
        edges = [None, *sorted(draw(st.sets(LIMITS, max_size=4))), None]
        pairs = draw(st.permutations(list(pairwise(edges))))
        pairs = pairs[draw(st.integers(0, 1)) :] or pairs
    else:
        side = st.none() | LIMITS
        pairs = draw(st.lists(st.tuples(side, side), min_size=1, max_size=4))
    limits = [{"from": low, "to": high} for low, high in pairs]
    bands = [{side: it for side, it in band.items() if it is not None} for band in limits]
    city_cuts = draw(st.dictionaries(st.sampled_from(CITIES), st.lists(LIMITS, max_size=3)))
    return dimension("thresholds", bands, "arpu", city_cuts=city_cuts)


@st.composite
def value_bands(draw: st.DrawFn) -> Json:
    values = st.lists(st.sampled_from(BRANDS), min_size=1, max_size=2, unique=True)
    bands = st.fixed_dictionaries({}, optional={"values": values, "other": st.just(True)})
    said = draw(st.lists(bands, min_size=1, max_size=3))
    ended = any("other" in band for band in said)
    return dimension("categories", said, draw(st.sampled_from(["brand", "handset"][: 1 + ended])))


@st.composite
def truth_bands(draw: st.DrawFn) -> Json:
    values = draw(st.lists(st.booleans(), min_size=1, max_size=3))
    return dimension("boolean", [{"value": value} for value in values], "is_campus")


@st.composite
def rule_bands(draw: st.DrawFn) -> Json:
    texts = st.sampled_from(["arpu > 5", "is_campus", "not is_campus", "brand = 'gotone'"])
    band = st.fixed_dictionaries({"rule": texts}) | st.just({"else": True})
    bands = draw(st.lists(band, min_size=1, max_size=3))
    return dimension("rules", [*bands, {"else": True}] if draw(st.booleans()) else bands)


@st.composite
def dimensions(draw: st.DrawFn) -> Json:
    body = draw(number_bands() | value_bands() | truth_bands() | rule_bands())
    if draw(st.integers(0, 9)) == 0:
        body.pop("null_band", None)
    return body


def limits_of(body: Json) -> list[float]:
    """Every limit and cut of the dimension, and the doubles on either side."""
    edges = [band[side] for band in body["bands"] for side in ("from", "to") if side in band]
    edges += [cut for cuts in body.get("city_cuts", {}).values() for cut in cuts]
    return [near for e in edges for near in (nextafter(e, -inf), float(e), nextafter(e, inf))]


def customers(body: Json) -> st.SearchStrategy[Json]:
    """Everybody whom a snapshot can hold; a category unknown to the catalogue where told apart."""
    other = any(band.get("other") for band in body["bands"])
    brands = [*BRANDS, "", "new"] if other else BRANDS
    return st.fixed_dictionaries(
        {
            "arpu": st.sampled_from([*UNKNOWN, *limits_of(body)]) | st.floats(),
            "brand": st.sampled_from([None, *brands]),
            "handset": st.none() | st.sampled_from(BRANDS) | st.text(max_size=3),
            "is_campus": st.sampled_from([None, True, False]),
            "city": st.sampled_from(CITIES),
        }
    )


@generated
@given(st.data(), dimensions())
def test_proved_means_exactly_one_and_refused_means_shown(data: st.DataObject, body: Json) -> None:
    if refusal := fault_of(body):
        if example := refusal.extra.get("example"):
            assert len(homes(body, example)) != 1
        else:
            assert refusal.code in WITHOUT_EXAMPLE
        return
    for row in data.draw(st.lists(customers(body), min_size=1, max_size=10)):
        assert len(homes(body, row)) == 1, row


def test_a_proof_says_what_was_proved() -> None:
    campus = dimension("boolean", [{"value": True}, {"value": False}], "is_campus")
    value = dimension("thresholds", [{"to": 5}, {"from": 5}], "arpu")
    assert proof_of(campus, value, scope="tenure >= 12") == {
        "cells": 9,
        "bands": {"by_is_campus": 3, "by_arpu": 3},
        "partition": True,
    }


# --- every way to fail ---


def categories(*bands: Json, attribute: str = "brand", **more: Any) -> Json:
    return dimension("categories", bands, attribute, **more)


def thresholds(*bands: Json, attribute: str = "arpu", **more: Any) -> Json:
    return dimension("thresholds", bands, attribute, **more)


def quantiles(*shares: float) -> Json:
    return dimension("quantiles", [{"share": share} for share in shares], "value_index")


def halves(**city_cuts: list[float]) -> Json:
    return thresholds({"to": 5}, {"from": 5}, city_cuts=city_cuts)


def test_the_published_lines_of_movement_overlap_at_37() -> None:
    moving = thresholds({"to": 42}, {"from": 32}, attribute="movement_index")
    refusal = refusal_of(moving)
    assert refusal.code == "bands_overlap"
    assert refusal.extra["example"] == {"movement_index": 37}
    assert homes(moving, {"movement_index": 37}) == ["b0", "b1"]
    assert "37" in refusal.message


@pytest.mark.parametrize(
    ("body", "code", "where", "example"),
    [
        (thresholds({"to": 5}, {"from": 7}), "bands_gap", ["bands", 0], 5),
        (thresholds({"from": 7}, {"to": 5}), "bands_gap", ["bands", 1], 5),
        (thresholds({"from": 0}), "bands_gap", ["bands"], -1),
        (thresholds({"to": 100}), "bands_gap", ["bands"], 100),
        (thresholds({"from": 2, "to": 9}, {"to": 5}, {"from": 9}),
         "bands_overlap", ["bands", 1], 3.5),
        (thresholds({"to": 5}, {"from": 5, "to": 5}, {"from": 5}),
         "empty_band", ["bands", 1], None),
        (categories({"values": ["gotone"]}, {"values": ["mzone", "gotone"]}, {"other": True}),
         "bands_overlap", ["bands", 1, "values"], "gotone"),
        (categories({"values": ["gotone"]}, {"values": ["easyown"]}),
         "bands_gap", ["bands"], "mzone"),
        (categories({"other": True}, {"other": True}), "bands_overlap", ["bands"], None),
        (categories({"other": True}, {}), "empty_band", ["bands", 1], None),
        (categories({"values": ["goton"]}, {"other": True}),
         "unknown_category", ["bands", 0, "values"], None),
        (quantiles(0.1, 0.2, 0.6), "shares_sum", ["bands"], None),
        (quantiles(0.1, 0.2, 0.6, 0.2), "shares_sum", ["bands"], None),
        (quantiles(0.5, 0.5 + 1e-15), "shares_sum", ["bands"], None),
        (dimension("boolean", [{"value": True}], "is_campus"), "bands_gap", ["bands"], False),
        (dimension("boolean", [{"value": v} for v in (True, False, True)], "is_campus"),
         "bands_overlap", ["bands"], True),
        (halves(hangzhou=[3], ningbo=[1, 2]), "cuts_count", ["city_cuts", "ningbo"], None),
        (halves(ningbo=[]), "cuts_count", ["city_cuts", "ningbo"], None),
        (halves(ningbo=[nan]), "cuts_order", ["city_cuts", "ningbo"], None),
        (halves(ningbo=[inf]), "cuts_order", ["city_cuts", "ningbo"], None),
        (thresholds({"to": 1}, {"from": 1, "to": 2}, {"from": 2}, city_cuts={"ningbo": [5, 4]}),
         "cuts_order", ["city_cuts", "ningbo"], None),
        (thresholds({"to": 1}, {"from": 1, "to": 2}, {"from": 2}, city_cuts={"ningbo": [5, 5]}),
         "cuts_order", ["city_cuts", "ningbo"], None),
        (halves(nowhere=[3]), "unknown_city", ["city_cuts", "nowhere"], None),
        (thresholds({}, attribute="arpo"), "unknown_attribute", ["attribute"], None),
        (thresholds({}, attribute="brand"), "wrong_type", ["attribute"], None),
        (dimension("quantiles", [{"share": 1}], "is_campus"), "wrong_type", ["attribute"], None),
        (dimension("boolean", [{"value": True}, {"value": False}], "arpu"),
         "wrong_type", ["attribute"], None),
        (categories({"other": True}, attribute="arpu"), "wrong_type", ["attribute"], None),
        (dimension("rules", [{"rule": "arpu > 5"}]), "bands_gap", ["bands", 0], None),
        (dimension("rules", [{"rule": "arpu > 5", "else": True}]),
         "empty_band", ["bands", 0], None),
        (dimension("rules", [{}, {"else": True}]), "empty_band", ["bands", 0], None),
        (dimension("rules", [{"else": True}, {"rule": "arpu > 5"}]),
         "empty_band", ["bands", 0], None),
        (dimension("rules", [{"rule": "arpu > 5"}, {"rule": "arpo > 5"}, {"else": True}]),
         "unknown_attribute", ["bands", 1, "rule"], None),
        (dimension("rules", [{"rule": "arpu + 5"}, {"else": True}]),
         "not_a_condition", ["bands", 0, "rule"], None),
    ],
)  # fmt: skip
def test_what_is_no_partition_is_refused_at_its_place(
    body: Json, code: str, where: list[Any], example: Any
) -> None:
    """It stands second, behind a sound dimension, so that the path must count."""
    sound = dimension("boolean", [{"value": True}, {"value": False}], "is_campus", code="sound")
    refusal = refusal_of(sound, body)
    assert (refusal.code, refusal.extra["where"]) == (code, ["dimensions", 1, *where])
    if example is None:
        assert "example" not in refusal.extra
    else:
        assert refusal.extra["example"] == {body["attribute"]: example}
        assert len(homes(body, refusal.extra["example"])) != 1


def test_a_slip_is_answered_with_the_nearest_name() -> None:
    assert "Did you mean arpu?" in refusal_of(thresholds({}, attribute="arpo")).message
    assert "Did you mean ningbo?" in refusal_of(halves(ninbo=[3])).message
    slip = refusal_of(categories({"values": ["goton"]}, {"other": True}))
    assert "Did you mean gotone?" in slip.message


def test_a_matrix_without_a_place_for_the_unknown_is_refused() -> None:
    body = halves()
    del body["null_band"]
    refusal = refusal_of(body)
    assert (refusal.code, refusal.extra["where"]) == ("no_null_band", ["dimensions", 0])
    assert homes(body, refusal.extra["example"]) == []


def test_a_text_has_values_that_no_list_ends() -> None:
    """Naming every brand is enough of a category, and never of a free text."""
    named = [{"values": [brand]} for brand in BRANDS]
    assert proof_of(categories(*named))["partition"]
    assert refusal_of(categories(*named, attribute="handset")).code == "bands_gap"
    assert proof_of(categories(*named, {"other": True}, attribute="handset"))["partition"]


def test_a_text_that_no_band_names_is_shown() -> None:
    body = categories({"values": ["Nokia"]}, attribute="handset")
    assert homes(body, refusal_of(body).extra["example"]) == []


def test_a_value_listed_twice_in_one_band_is_not_called_an_overlap() -> None:
    refusal = fault_of(categories({"values": ["gotone", "gotone"]}, {"other": True}))
    assert refusal is None or refusal.code != "bands_overlap"


def test_shares_are_the_decimals_that_they_are_written_as() -> None:
    """As doubles, ten tenths added up are less than 1."""
    assert 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 < 1
    assert proof_of(quantiles(*[0.1] * 10))["partition"]


def test_codes_are_given_once() -> None:
    twice = refusal_of(halves(), halves())
    assert (twice.code, twice.extra["where"]) == ("duplicate_code", ["dimensions"])
    bands = refusal_of(thresholds({"to": 5, "code": "low"}, {"from": 5, "code": "low"}))
    assert (bands.code, bands.extra["where"]) == ("duplicate_code", ["dimensions", 0, "bands"])
    like_null = refusal_of(thresholds({"to": 5, "code": "unknown"}, {"from": 5}))
    assert like_null.code == "duplicate_code"


def test_a_scope_that_does_not_compile_is_refused() -> None:
    refusal = refusal_of(halves(), scope="arpo > 5")
    assert (refusal.code, refusal.extra["where"]) == ("unknown_attribute", ["scope"])


def hundred_bands(code: str) -> Json:
    """With the null band."""
    edges = [None, *range(98), None]
    limits = [{"from": low, "to": high} for low, high in pairwise(edges)]
    bands = [{side: it for side, it in band.items() if it is not None} for band in limits]
    return thresholds(*bands, code=code)


def test_a_million_cells_are_refused_with_the_way_out() -> None:
    refusal = refusal_of(*(hundred_bands(code) for code in ("a", "b", "c")))
    assert (refusal.code, refusal.extra["where"]) == ("too_many_cells", ["dimensions"])
    assert (refusal.extra["cells"], refusal.extra["limit"]) == (1_000_000, 100_000)
    assert "100 × 100 × 100" in refusal.message
    assert "second matrix" in refusal.message


def test_ten_thousand_cells_as_published_are_allowed() -> None:
    assert proof_of(hundred_bands("a"), hundred_bands("b"))["cells"] == 10_000
