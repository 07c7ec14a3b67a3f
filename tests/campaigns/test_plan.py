"""Compiling the plan of a day: what runs, what holds, which cells, under a key of its content."""

from datetime import date
from typing import Any

import pytest

from campaigns.models import Campaign, Offer, Plan
from campaigns.plan import compile_plan
from campaigns.planned import Planned
from common.errors import DomainError
from segmentation.models import Cell

from . import province
from .province import DAY, cell, edited, load

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _province() -> None:
    province.define()


def compiled(day: date = DAY) -> Plan:
    return compile_plan(day, province.versions())


def planned(day: date = DAY) -> Planned:
    return Planned.from_json(compiled(day).body)


def pairs(plan: Planned) -> list[tuple[str, str]]:
    return [(offer.policy, offer.campaign) for offer in plan.offers]


def test_offers_stand_in_the_order_that_breaks_ties() -> None:
    expected = [("P1", "C1"), ("P2", "C1"), ("P2", "C2"), ("P3", "C1"), ("P4", "C1")]
    assert pairs(planned()) == expected


def test_only_campaigns_that_run_and_policies_that_hold_are_in_it() -> None:
    assert ("P2", "C2") not in pairs(planned(date(2026, 5, 31)))
    assert ("P2", "C2") in pairs(planned(date(2026, 6, 1)))
    assert ("P2", "C2") in pairs(planned(date(2026, 8, 31)))
    assert ("P2", "C2") not in pairs(planned(date(2026, 9, 1)))
    load("policies", edited("policies", 0, valid={"from": "2026-07-02", "to": "2026-12-31"}))
    assert ("P1", "C1") not in pairs(planned())
    assert not planned(date(2027, 1, 1)).offers


def test_the_newest_version_speaks_for_a_policy_even_when_it_ends_it() -> None:
    load("policies", edited("policies", 0, valid={"from": "2026-01-01", "to": "2026-06-30"}))
    assert ("P1", "C1") not in pairs(planned())


def test_the_key_depends_on_content_and_not_on_the_day() -> None:
    key = compiled().key
    assert compiled(date(2026, 7, 2)).key == key
    assert compiled(date(2026, 5, 31)).key != key
    load("policies", edited("policies", 0, margin=41))
    assert compiled().key != key


def test_an_offer_keeps_its_id_and_a_new_version_is_a_new_offer() -> None:
    before = {(o.policy, o.campaign): o.id for o in planned().offers}
    assert {(o.policy, o.campaign): o.id for o in planned().offers} == before
    load("policies", edited("policies", 0, margin=41))
    after = {(o.policy, o.campaign): o.id for o in planned().offers}
    assert [pair for pair in after if after[pair] != before[pair]] == [("P1", "C1")]
    assert Offer.objects.count() == 6


def test_boxes_become_the_cells_of_the_matrix() -> None:
    plan = planned()
    offers = {(o.policy, o.campaign): o for o in plan.offers}

    def cells(policy: str, campaign: str = "C1") -> set[int]:
        sets = [plan.cell_sets[i] for i in offers[policy, campaign].cell_sets]
        return {number for s in sets for number in s.numbers()}

    campus = ("on", "off", "unknown")
    assert cells("P1") == {cell("retention", spend="high", campus=band) for band in campus}
    spend = ("low", "high", "unknown")
    assert cells("P2", "C2") == {cell("retention", spend=band, campus="on") for band in spend}
    assert cells("P2") == set(
        Cell.objects.filter(matrix="retention").values_list("number", flat=True)
    )
    assert cells("P3") == {cell("uplift", earning="poor")}


def test_a_city_s_campaign_reaches_that_city_and_a_policy_s_cities_narrow_it() -> None:
    load("policies", edited("policies", 1, cities=["hangzhou", "ningbo"]))
    cities = {(o.policy, o.campaign): o.cities for o in planned().offers}
    assert cities == {
        ("P1", "C1"): (),
        ("P2", "C1"): ("hangzhou", "ningbo"),
        ("P2", "C2"): ("hangzhou",),
        ("P3", "C1"): (),
        ("P4", "C1"): ("ningbo",),
    }
    load("policies", edited("policies", 1, cities=["ningbo"]))
    assert ("P2", "C2") not in pairs(planned())


def test_retired_cells_are_left_out_and_new_ones_taken_in() -> None:
    gone = cell("uplift", earning="poor")
    bands = [
        {"code": "modest", "name": province.name("modest"), "to": 3000},
        *province.EARNING["bands"][1:],
    ]
    load("marketing", edited("marketing", 3, cells={"earning": ["rich", "unknown"]}))
    load("matrices", edited("matrices", 1, dimensions=[{**province.EARNING, "bands": bands}]))
    load("marketing", edited("marketing", 3, cells={}))
    numbers = {n for s in planned().cell_sets if s.matrix == "uplift" for n in s.numbers()}
    assert gone not in numbers
    assert cell("uplift", earning="modest") in numbers


@pytest.mark.parametrize(
    "dimensions",
    [
        [{**province.EARNING, "code": "wealth"}],
        [
            {
                **province.EARNING,
                "bands": [{**b, "code": b["code"] + "er"} for b in province.EARNING["bands"]],
            }
        ],
    ],
    ids=["dimension", "band"],
)
def test_a_row_that_no_longer_fits_its_matrix_stops_the_day(dimensions: list[Any]) -> None:
    """Ignored, it would reach everybody: the audience must never grow by accident."""
    load("matrices", edited("matrices", 1, dimensions=dimensions))
    with pytest.raises(DomainError) as refusal:
        compiled()
    assert (refusal.value.code, refusal.value.status) == ("stale_marketing_row", 409)
    assert refusal.value.extra["row"] == 4


def test_the_profile_holds_front_desk_attributes_and_what_rules_and_matrices_read() -> None:
    plan = planned()
    assert plan.profile == (
        "arpu",
        "is_campus",
        "joined_on",
        "brand",
        "income",
        "movement_index",
    )
    assert {a.code for a in plan.attributes} == {*plan.profile, "data_mb", "city"}
    assert plan.by_code["movement_index"].source == "scores"


def test_a_plan_survives_json() -> None:
    plan = compiled()
    assert Planned.from_json(Plan.objects.get(pk=plan.key).body) == Planned.from_json(plan.body)


def test_strategies_are_those_of_all_matrices_a_campaign_uses_for_the_policy() -> None:
    extra = {"campaign": "C1", "policy": "P1", "matrix": "uplift", "cells": {}}
    load("marketing", [*province.MARKETING, extra])
    strategies = {(o.policy, o.campaign): o.strategies for o in planned().offers}
    assert strategies["P1", "C1"] == ("retention", "uplift")
    assert strategies["P2", "C1"] == ("retention",)


def test_a_campaign_that_ended_keeps_its_offers_for_old_answers() -> None:
    compiled()
    Campaign.objects.filter(pk="C2").update(ends_on=date(2026, 6, 30))
    assert ("P2", "C2") not in pairs(planned())
    assert Offer.objects.filter(campaign="C2").exists()
