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
HOLD_OUT = {"key": "a-key-of-tests", "buckets": [[0, 199]]}


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


# --- what a touch point asks of it ---


def idle(day: date = DAY) -> dict[tuple[str, str], Any]:
    return {(offer.policy, offer.campaign): offer for offer in planned(day).idle}


def test_what_is_defined_and_not_offered_is_in_it_as_idle() -> None:
    assert idle() == {}
    one = idle(date(2026, 5, 31))["P2", "C2"]
    assert (one.version, one.first, one.last) == (1, "2026-06-01", "2026-08-31")
    assert one.cities == ("hangzhou",)
    body = planned(date(2026, 5, 31))
    cells = {n for index in one.cell_sets for n in body.cell_sets[index].numbers()}
    spend = ("low", "high", "unknown")
    assert cells == {cell("retention", spend=band, campus="on") for band in spend}
    assert body.campaigns["C2"]["ends_on"] == "2026-08-31"


def test_a_policy_of_no_row_is_idle_without_a_campaign() -> None:
    more = {**province.POLICIES[1], "number": "P9"}
    load("policies", [*province.POLICIES, more])
    one = idle()["P9", ""]
    assert (one.first, one.last, one.cell_sets) == (None, None, ())


def test_an_idle_offer_whose_days_never_meet_has_none() -> None:
    load("policies", edited("policies", 1, valid={"from": "2026-09-01", "to": "2026-12-31"}))
    one = idle()["P2", "C2"]
    assert (one.first, one.last) == (None, None)
    assert idle()["P2", "C1"].first == "2026-09-01"


def test_an_idle_row_that_no_longer_fits_stops_no_day() -> None:
    """Nobody is offered it; a row that is offered stops the day."""
    load("matrices", edited("matrices", 1, dimensions=[{**province.EARNING, "code": "wealth"}]))
    load("policies", edited("policies", 2, valid={"from": "2026-09-01", "to": "2026-12-31"}))
    assert idle()["P3", "C1"].cell_sets == ()


def test_offers_and_idle_offers_are_all_that_is_defined() -> None:
    wanted = {(row["policy"], row["campaign"]) for row in province.MARKETING}
    for day in (date(2025, 1, 1), DAY, date(2026, 9, 1), date(2027, 1, 1)):
        body = planned(day)
        offered, left_out = pairs(body), [(o.policy, o.campaign) for o in body.idle]
        assert {*offered, *left_out} == wanted
        assert len(offered) + len(left_out) == len(wanted)
        assert left_out == sorted(left_out)


def test_capacity_and_days_held_come_with_the_offer() -> None:
    load("policies", edited("policies", 0, capacity=10, held_days=30))
    offers = {offer.policy: offer for offer in planned().offers}
    assert (offers["P1"].capacity, offers["P1"].held_days) == (10, 30)
    assert (offers["P3"].capacity, offers["P3"].held_days) == (None, 365)


def test_control_groups_come_with_their_campaigns_and_their_key() -> None:
    assert planned().hold_out == {}
    load("hold_out", HOLD_OUT)
    load("campaigns", edited("campaigns", 0, control=[[200, 699]]))
    body = planned()
    assert body.hold_out == HOLD_OUT
    assert {code: said["control"] for code, said in body.campaigns.items()} == {
        "C1": [[200, 699]],
        "C2": [],
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda: load("hold_out", HOLD_OUT | {"buckets": [[0, 1]]}),
        lambda: load("campaigns", edited("campaigns", 0, control=[[0, 1]])),
        lambda: load("policies", edited("policies", 0, capacity=1)),
        lambda: load("policies", edited("policies", 0, held_days=1)),
    ],
    ids=["hold-out", "control", "capacity", "held days"],
)
def test_each_of_them_makes_another_plan(change: Any) -> None:
    load("hold_out", HOLD_OUT)
    load("hold_out", {"key": "a-key-of-tests", "buckets": []})
    key = compiled().key
    change()
    assert compiled().key != key


def test_there_is_no_control_group_without_a_key() -> None:
    with pytest.raises(DomainError) as refused:
        load("campaigns", edited("campaigns", 0, control=[[200, 699]]))
    assert (refused.value.code, refused.value.extra["where"]) == ("no_control_key", [0, "control"])
