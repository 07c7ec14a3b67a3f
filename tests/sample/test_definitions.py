"""The sample's definitions fit each other, the rule language, and the files that are generated."""

import re
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from rules import Params, compile_condition, compile_number
from sample.offers import OFFERS
from scoring.kinds import KINDS
from scoring.learning.association import SIDES
from tests.sample.catalogue import catalogue
from tests.sample.landing import FIRST, Landing, document, source

ATTRIBUTES = {a["code"]: a for a in document("attributes")}
POLICIES = {p["number"]: p for p in document("policies")}
CAMPAIGNS = {c["code"]: c for c in document("campaigns")}
MATRICES = {m["code"]: m for m in document("matrices")}
MARKETING = document("marketing")
ARROW_TYPES = {
    "integer": pa.types.is_integer,
    "number": pa.types.is_floating,
    "boolean": pa.types.is_boolean,
    "category": pa.types.is_string,
    "text": pa.types.is_string,
    "date": pa.types.is_date,
}


def bands(dimension: dict[str, Any]) -> list[str]:
    null = [dimension["null_band"]["code"]] if "null_band" in dimension else []
    return [band["code"] for band in dimension["bands"]] + null


# --- rules ----------------------------------------------------------------------------------------


def conditions() -> list[str]:
    texts = [p["eligibility"] for p in POLICIES.values() if "eligibility" in p]
    texts += [rule["condition"] for rule in document("priority")]
    texts += [m["scope"] for m in MATRICES.values() if "scope" in m]
    for matrix in MATRICES.values():
        for dimension in matrix["dimensions"]:
            texts += [band["rule"] for band in dimension["bands"] if "rule" in band]
    return texts


@pytest.mark.parametrize("text", conditions())
def test_conditions_compile_and_read_in_both_languages(text: str) -> None:
    rule = compile_condition(text, catalogue())
    assert re.search("[\u4e00-\u9fff]", rule.explain("zh-hans"))
    assert not re.search("[\u4e00-\u9fff]", rule.explain("en"))


@pytest.mark.parametrize("number", POLICIES)
def test_take_up_is_a_probability_for_every_customer(landing: Landing, number: str) -> None:
    rule = compile_number(str(POLICIES[number]["take_up"]), catalogue())
    customers = landing.table(FIRST, "customers").slice(0, 20_000)
    for score in ("value_index", "movement_index"):
        customers = customers.append_column(score, pa.array(np.linspace(0, 100, len(customers))))
    params = Params()
    text = rule.sql(params).sql("duckdb")
    with duckdb.connect() as engine:
        engine.register("customers", customers)
        low, high, unknown = engine.execute(
            f"SELECT min(p), max(p), count(*) - count(p) FROM (SELECT {text} AS p FROM customers)",
            params.values,
        ).fetchone()
    assert low >= 0
    assert high <= 1
    if "handset_age_months" not in rule.attributes:  # its eligibility rule asks for it
        assert unknown == 0


# --- documents among themselves -------------------------------------------------------------------


def test_marketing_names_policies_campaigns_and_bands_that_exist() -> None:
    assert len(MARKETING) >= 50
    for row in MARKETING:
        assert row["policy"] in POLICIES, row
        assert row["campaign"] in CAMPAIGNS, row
        dimensions = {d["code"]: d for d in MATRICES[row["matrix"]]["dimensions"]}
        for code, chosen in row["cells"].items():
            assert set(chosen) <= set(bands(dimensions[code])), row


def test_every_policy_is_marketed_and_every_campaign_runs_something() -> None:
    assert {row["policy"] for row in MARKETING} == set(POLICIES)
    assert {row["campaign"] for row in MARKETING} == set(CAMPAIGNS)


def test_priority_prefers_what_exists() -> None:
    known = {
        "policies": set(POLICIES),
        "campaigns": set(CAMPAIGNS),
        "exclusivity_groups": {p.get("exclusivity_group") for p in POLICIES.values()},
        "strategies": {s["code"] for s in document("strategies")},
    }
    for rule in document("priority"):
        for kind, chosen in rule["prefer"].items():
            assert set(chosen) <= known[kind], rule


def test_matrices_rest_on_known_attributes_and_cities() -> None:
    cities = {city["code"] for city in document("organisation")["children"]}
    for matrix in MATRICES.values():
        for dimension in matrix["dimensions"]:
            if dimension["kind"] != "rules":
                assert dimension["attribute"] in ATTRIBUTES
                assert "null_band" in dimension
            cuts = dimension.get("city_cuts", {})
            assert set(cuts) <= cities
            assert all(len(c) == len(dimension["bands"]) - 1 for c in cuts.values())
            assert all(c == sorted(c) for c in cuts.values())


def test_matrices_have_hundreds_of_cells() -> None:
    for matrix in MATRICES.values():
        assert np.prod([len(bands(d)) for d in matrix["dimensions"]]) >= 300


def test_city_campaigns_sell_what_their_city_may_sell() -> None:
    for row in MARKETING:
        owner, cities = (
            CAMPAIGNS[row["campaign"]]["organisation"],
            POLICIES[row["policy"]].get("cities"),
        )
        assert owner == "zhejiang" or not cities or owner in cities, row


def test_texts_stand_in_both_languages() -> None:
    for policy in POLICIES.values():
        for texts in (policy["clauses"], policy["talking_points"]):
            assert len(texts["zh"]) == len(texts["en"]) > 0
            assert all(re.search("[\u4e00-\u9fff]", text) for text in texts["zh"])
            assert not any(re.search("[\u4e00-\u9fff]", text) for text in texts["en"])


# --- definitions and files ------------------------------------------------------------------------


def test_every_column_of_the_customer_file_is_mapped_and_nothing_else(landing: Landing) -> None:
    mapping = source("customers")
    columns = [c if isinstance(c, str) else c["column"] for c in mapping["columns"].values()]
    named = [mapping["key"], mapping["city"]["column"], *columns]
    assert sorted(named) == sorted(landing.raw(FIRST, "customers").column_names)
    wanted = {code for code, a in ATTRIBUTES.items() if a.get("origin") != "score"}
    assert set(mapping["columns"]) == wanted


@pytest.mark.parametrize("table", ["orders", "contacts"])
def test_every_column_of_the_other_files_is_mapped(landing: Landing, table: str) -> None:
    mapping = source(table)
    named = [mapping["key"], *mapping["columns"].values()]
    assert sorted(named) == sorted(landing.raw(FIRST, table).column_names)


@pytest.mark.parametrize("day", ["2026-06-01", "2026-07-01", "2026-07-03"])
def test_generated_values_fit_the_catalogue(landing: Landing, day: str) -> None:
    table = landing.table(day, "customers")
    for code in source("customers")["columns"]:
        attribute, column = ATTRIBUTES[code], table[code]
        assert ARROW_TYPES[attribute["type"]](column.type), code
        if attribute["type"] in ("integer", "number"):
            low, high = attribute["range"]
            assert pc.min(column).as_py() >= low, code
            assert pc.max(column).as_py() <= high, code
        if attribute["type"] == "category":
            known = {v["code"] for v in attribute["values"]}
            assert set(pc.unique(column).to_pylist()) - {None} == known, code


def test_all_seven_categories_are_there() -> None:
    assert {a["category"] for a in ATTRIBUTES.values()} == {
        "basic", "bearer", "channel", "service", "content", "industry", "relative",
    }  # fmt: skip


def test_generated_offers_are_those_of_the_definitions() -> None:
    marketed = {(row["policy"], row["campaign"]) for row in MARKETING}
    for offer in OFFERS:
        assert (offer.policy, offer.campaign) in marketed
        assert list(offer.cities) == POLICIES[offer.policy].get("cities", [])[: len(offer.cities)]
        if offer.ceiling:
            assert f"{offer.ceiling:,} yuan" in POLICIES[offer.policy]["clauses"]["en"][0]


def test_raw_codes_are_those_that_the_files_hold(landing: Landing) -> None:
    """A value map with a word that never comes is a typing error."""
    raw = landing.raw(FIRST, "customers")
    mapping = source("customers")
    for column in [*mapping["columns"].values(), mapping["city"]]:
        if isinstance(column, dict):
            held = set(pc.unique(raw[column["column"]].cast(pa.string())).to_pylist()) - {None}
            assert held == set(column["values"]), column["column"]


# --- models ---------------------------------------------------------------------------------------

MODELS = document("models")
# Of these no condition on one attribute is a reason: they follow from orders, or from other scores.
REASONLESS = {
    *("association", "cannibalisation", "channel_profitability", "cross_sell"),
    *("life_cycle", "purchase_value", "rfm"),
}


def test_the_sample_has_a_model_of_every_kind() -> None:
    assert {model["kind"] for model in MODELS} == set(KINDS)


def test_every_model_that_can_say_why_does() -> None:
    silent = {model["kind"] for model in MODELS if "reasons" not in model}
    assert silent == REASONLESS


def test_whom_a_model_marks_is_a_mark_that_audiences_can_choose_or_leave_out() -> None:
    marked = {model["mark"] for model in MODELS if "mark" in model}
    rules = [
        mark["customers"]["rule"]
        for matrix in document("auxiliary")
        for mark in matrix["marks"]
        if "rule" in mark["customers"]
    ]
    assert marked
    assert marked <= set(rules)


def test_the_association_looks_at_all_four_pairs_of_sides() -> None:
    [model] = [m for m in MODELS if m["kind"] == "association"]
    assert {side for pair in SIDES for side in pair} == set(model["sides"])
