"""Policies, campaigns and the two matrices as definitions: loaded, checked, versioned, dumped."""

from typing import Any

import jsonschema
import pytest

from accounts.models import Operation
from campaigns.models import Campaign, MarketingRow, PolicyVersion, PriorityRule
from common.errors import DomainError

from . import province
from .province import DOCUMENTS, edited, load, name

pytestmark = pytest.mark.django_db
OURS = ("policies", "campaigns", "marketing", "priority")


@pytest.fixture(autouse=True)
def _province() -> None:
    province.define()


@pytest.mark.parametrize("document", OURS)
def test_content_meets_its_schema(document: str) -> None:
    jsonschema.validate(province.CONTENT[document], DOCUMENTS[document].schema)


@pytest.mark.parametrize("document", OURS)
def test_loading_again_changes_and_logs_nothing(document: str) -> None:
    before = Operation.objects.count()
    assert not load(document).any
    assert Operation.objects.count() == before


@pytest.mark.parametrize("document", OURS)
def test_what_is_dumped_loads_to_the_same(document: str) -> None:
    dumped = DOCUMENTS[document].dump()
    jsonschema.validate(dumped, DOCUMENTS[document].schema)
    assert not load(document, dumped).any
    assert DOCUMENTS[document].dump() == dumped


def test_a_changed_policy_is_a_new_version_and_the_old_one_stays() -> None:
    changes = load("policies", edited("policies", 0, margin=41.5))
    assert changes.changed == ["P1"]
    assert changes.unchanged == ["P2", "P3", "P4"]
    margins = PolicyVersion.objects.filter(policy="P1").order_by("number")
    assert [float(version.margin) for version in margins] == [40, 41.5]


def test_going_back_to_old_terms_is_a_version_too() -> None:
    load("policies", edited("policies", 0, margin=41.5))
    load("policies")
    assert [v.number for v in PolicyVersion.objects.filter(policy="P1")] == [3, 2, 1]


def test_a_policy_or_campaign_that_is_left_out_stays() -> None:
    load("policies", [])
    load("campaigns", [])
    assert PolicyVersion.objects.count() == 4
    assert Campaign.objects.count() == 2


def test_the_matrices_are_replaced_whole() -> None:
    changes = load("marketing", province.MARKETING[1:])
    assert changes.removed == ["C1 P1 retention"]
    assert MarketingRow.objects.count() == 4
    changes = load("priority", [province.PRIORITY[1]])
    assert changes.removed == ["movers first"]
    assert [rule.position for rule in PriorityRule.objects.all()] == [1]


def test_a_new_order_of_priority_is_a_change() -> None:
    changes = load("priority", province.PRIORITY[::-1])
    assert changes.changed == ["uplift next", "movers first"]
    assert [rule.name_en for rule in PriorityRule.objects.all()] == ["uplift next", "movers first"]


@pytest.mark.parametrize(
    ("document", "changes", "code", "where"),
    [
        ("policies", {"eligibility": "arpoo > 1"}, "bad_rule", [0, "eligibility"]),
        ("policies", {"eligibility": "arpu + 1"}, "bad_rule", [0, "eligibility"]),
        ("policies", {"eligibility": "left"}, "bad_rule", [0, "eligibility"]),
        ("policies", {"take_up": "is_campus"}, "bad_rule", [0, "take_up"]),
        ("policies", {"take_up": 1.5}, "take_up_out_of_range", [0, "take_up"]),
        ("policies", {"take_up": "1 / 0"}, "take_up_out_of_range", [0, "take_up"]),
        ("policies", {"cities": ["ningbo", "ningpo"]}, "unknown_city", [0, "cities", 1]),
        ("policies", {"cities": ["zhejiang"]}, "unknown_city", [0, "cities", 0]),
        ("policies", {"cost": 1.005}, "bad_amount", [0, "cost"]),
        ("policies", {"margin": 1e7}, "bad_amount", [0, "margin"]),
        (
            "policies",
            {"valid": {"from": "2026-02-01", "to": "2026-01-31"}},
            "dates_reversed",
            [0, "valid", "to"],
        ),
        ("campaigns", {"organisation": "hangzhu"}, "unknown_organisation", [0, "organisation"]),
        ("campaigns", {"ends_on": "2025-01-01"}, "dates_reversed", [0, "ends_on"]),
        ("campaigns", {"lever": 101}, "bad_lever", [0, "lever"]),
        ("marketing", {"campaign": "C9"}, "unknown_campaign", [0, "campaign"]),
        ("marketing", {"policy": "P9"}, "unknown_policy", [0, "policy"]),
        ("marketing", {"matrix": "retain"}, "unknown_matrix", [0, "matrix"]),
        (
            "marketing",
            {"cells": {"spent": ["high"]}},
            "unknown_dimension",
            [0, "cells", "spent"],
        ),
        (
            "marketing",
            {"cells": {"spend": ["low", "hihg"]}},
            "unknown_band",
            [0, "cells", "spend", 1],
        ),
        ("marketing", {"campaign": "C2", "policy": "P4"}, "reaches_nobody", [0, "policy"]),
        ("marketing", {"policy": "P2", "cells": {}}, "repeated_row", [1]),
        ("priority", {"condition": "arpu >"}, "bad_rule", [0, "condition"]),
        (
            "priority",
            {"prefer": {"policies": ["P1", "P9"]}},
            "unknown_policy",
            [0, "prefer", "policies", 1],
        ),
        (
            "priority",
            {"prefer": {"exclusivity_groups": ["gifts"]}},
            "unknown_exclusivity_group",
            [0, "prefer", "exclusivity_groups", 0],
        ),
        (
            "priority",
            {"prefer": {"strategies": ["upsell"]}},
            "unknown_strategy",
            [0, "prefer", "strategies", 0],
        ),
    ],
)
def test_what_a_schema_cannot_refuse_is_refused_with_its_place(
    document: str, changes: dict[str, Any], code: str, where: list[Any]
) -> None:
    dumped = DOCUMENTS[document].dump()
    with pytest.raises(DomainError) as refusal:
        load(document, edited(document, 0, **changes))
    assert (refusal.value.code, refusal.value.extra["where"]) == (code, where)
    assert DOCUMENTS[document].dump() == dumped


@pytest.mark.parametrize(
    ("document", "changes"),
    [
        ("policies", {"number": "p1"}),
        ("policies", {"channels": []}),
        ("policies", {"channels": ["pigeon"]}),
        ("policies", {"cost": -1}),
        ("policies", {"valid": None}),
        ("policies", {"colour": "red"}),
        ("campaigns", {"lever": 0}),
        ("campaigns", {"starts_on": None}),
        ("marketing", {"cells": {"spend": []}}),
        ("priority", {"prefer": {}}),
        ("priority", {"prefer": {"cities": ["hangzhou"]}}),
    ],
)
def test_the_schema_refuses_what_is_malformed(document: str, changes: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(edited(document, 0, **changes), DOCUMENTS[document].schema)


def test_a_nearest_name_is_offered() -> None:
    with pytest.raises(DomainError) as refusal:
        load("marketing", edited("marketing", 0, cells={"spend": ["hihg"]}))
    assert refusal.value.extra["nearest"] == ["high"]


def test_a_number_twice_in_one_file_is_refused() -> None:
    with pytest.raises(DomainError) as refusal:
        load("policies", [*province.POLICIES, province.POLICIES[0]])
    assert refusal.value.extra["where"] == [4, "number"]


def test_more_priority_rules_than_tiers_are_refused() -> None:
    rules = [
        {"name": name(str(n)), "condition": f"arpu > {n}", "prefer": {"policies": ["P1"]}}
        for n in range(255)
    ]
    with pytest.raises(DomainError, match="too_many_priority_rules"):
        load("priority", rules)
    assert load("priority", rules[:254]).any
