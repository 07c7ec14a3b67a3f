"""Policies, campaigns and the two matrices as code.

A policy or campaign that a file leaves out stays: decisions name it. The marketing matrix and the
priority matrix are each replaced whole.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction

from common.definitions import Changes, Document, refuse_twice
from common.errors import at

from . import schemas, services
from .checks import Known
from .controls import ranges
from .models import Campaign, HoldOut, MarketingRow, Policy, PolicyVersion, PriorityRule
from .services import Replacement
from .terms import HELD_DAYS, CampaignTerms, MarketingLine, PolicyTerms, PriorityLine

Items = Sequence[Mapping[str, Any]]


@transaction.atomic
def load_policies(content: Items, by: str) -> Changes:
    refuse_twice([item["number"] for item in content], "number")
    known, changes = Known(), Changes()
    policies = Policy.objects.in_bulk()
    for index, item in enumerate(content):
        number = item["number"]
        with at(index):
            terms = _policy_terms(item)
            if number not in policies:
                services.create_policy(number=number, terms=terms, by=by, known=known)
                changes.added.append(number)
                continue
            before = policies[number].versions.first()
            after = services.edit_policy(policies[number], terms=terms, by=by, known=known)
            (changes.unchanged if after == before else changes.changed).append(number)
    return changes


def dump_policies() -> list[dict[str, Any]]:
    return [_policy_item(version) for version in PolicyVersion.objects.newest()]


@transaction.atomic
def load_campaigns(content: Items, by: str) -> Changes:
    refuse_twice([item["code"] for item in content], "code")
    known, changes = Known(), Changes()
    campaigns = Campaign.objects.select_related("organisation").in_bulk()
    for index, item in enumerate(content):
        code = item["code"]
        with at(index):
            terms = _campaign_terms(item)
            if code not in campaigns:
                services.create_campaign(code=code, terms=terms, by=by, known=known)
                changes.added.append(code)
                continue
            before = CampaignTerms.of(campaigns[code])
            services.edit_campaign(campaigns[code], terms=terms, by=by, known=known)
            (changes.unchanged if terms == before else changes.changed).append(code)
    return changes


def dump_campaigns() -> list[dict[str, Any]]:
    return [
        {
            "code": c.code,
            "name": {"zh": c.name_zh, "en": c.name_en},
            "organisation": c.organisation.code,
            "starts_on": c.starts_on.isoformat(),
            "ends_on": c.ends_on.isoformat(),
            "lever": c.lever,
            **({"audience": c.audience_id} if c.audience_id else {}),
            **({"control": c.control} if c.control else {}),
        }
        for c in Campaign.objects.select_related("organisation")
    ]


def load_marketing(content: Items, by: str) -> Changes:
    lines = [
        MarketingLine.make(i["campaign"], i["policy"], i["matrix"], i.get("cells", {}))
        for i in content
    ]
    return _changes(services.replace_marketing(lines, by=by))


def dump_marketing() -> list[dict[str, Any]]:
    return [MarketingLine.of(row).plain() for row in MarketingRow.objects.all()]


def load_priority(content: Items, by: str) -> Changes:
    lines = [
        PriorityLine.make(i["name"]["zh"], i["name"]["en"], i["condition"], i["prefer"])
        for i in content
    ]
    return _changes(services.replace_priority(lines, by=by))


def dump_priority() -> list[dict[str, Any]]:
    return [
        {
            "name": {"zh": rule.name_zh, "en": rule.name_en},
            "condition": rule.condition,
            "prefer": rule.prefer,
        }
        for rule in PriorityRule.objects.all()
    ]


def _policy_terms(item: Mapping[str, Any]) -> PolicyTerms:
    clauses, points = item.get("clauses", {}), item.get("talking_points", {})
    return PolicyTerms(
        name_zh=item["name"]["zh"],
        name_en=item["name"]["en"],
        cost=_amount(item["cost"]),
        reward=_amount(item["reward"]),
        margin=_amount(item["margin"]),
        take_up=str(item["take_up"]),
        channels=tuple(item["channels"]),
        valid_from=date.fromisoformat(item["valid"]["from"]),
        valid_to=date.fromisoformat(item["valid"]["to"]),
        eligibility=item.get("eligibility", ""),
        exclusivity_group=item.get("exclusivity_group", ""),
        cities=tuple(item.get("cities", ())),
        clauses_zh=tuple(clauses.get("zh", ())),
        clauses_en=tuple(clauses.get("en", ())),
        talking_points_zh=tuple(points.get("zh", ())),
        talking_points_en=tuple(points.get("en", ())),
        capacity=item.get("capacity"),
        held_days=item.get("held_days", HELD_DAYS),
    )


def _amount(value: float) -> Decimal:
    """As it was written: 0.1 is 0.10 yuan, not the double next to it."""
    return Decimal(str(value))


def _policy_item(version: PolicyVersion) -> dict[str, Any]:
    """The item that ``_policy_terms`` reads as this version; what is empty is left out."""
    item = {
        "number": version.policy_id,
        "name": {"zh": version.name_zh, "en": version.name_en},
        "clauses": _both(version.clauses_zh, version.clauses_en),
        "cost": float(version.cost),
        "reward": float(version.reward),
        "margin": float(version.margin),
        "take_up": version.take_up,
        "eligibility": version.eligibility,
        "exclusivity_group": version.exclusivity_group,
        "channels": version.channels,
        "cities": version.cities,
        "talking_points": _both(version.talking_points_zh, version.talking_points_en),
        "capacity": version.capacity,
        "held_days": None if version.held_days == HELD_DAYS else version.held_days,
        "valid": {"from": version.valid_from.isoformat(), "to": version.valid_to.isoformat()},
    }
    return {k: v for k, v in item.items() if v not in ("", [], {}, None)}


def _both(zh: list[str], en: list[str]) -> dict[str, list[str]]:
    return {language: texts for language, texts in (("zh", zh), ("en", en)) if texts}


def _campaign_terms(item: Mapping[str, Any]) -> CampaignTerms:
    return CampaignTerms(
        name_zh=item["name"]["zh"],
        name_en=item["name"]["en"],
        organisation=item["organisation"],
        starts_on=date.fromisoformat(item["starts_on"]),
        ends_on=date.fromisoformat(item["ends_on"]),
        lever=float(item.get("lever", 1.0)),
        audience=item.get("audience", ""),
        control=ranges(item.get("control", ())),
    )


def load_hold_out(content: Mapping[str, Any], by: str) -> Changes:
    held = HoldOut.objects.first()
    services.set_hold_out(key=content["key"], buckets=ranges(content["buckets"]), by=by)
    if held is None:
        return Changes(added=["hold_out"])
    same = (held.key, held.buckets) == (content["key"], content["buckets"])
    return Changes(unchanged=["hold_out"]) if same else Changes(changed=["hold_out"])


def dump_hold_out() -> dict[str, Any]:
    held = HoldOut.objects.first()
    return {"key": held.key, "buckets": held.buckets} if held else {}


def _changes(replacement: Replacement[Any]) -> Changes:
    fresh = {*replacement.added, *replacement.moved}
    return Changes(
        added=[str(line) for line in replacement.added],
        changed=[str(line) for line in replacement.moved],
        unchanged=[str(line) for line in replacement.after if line not in fresh],
        removed=[str(line) for line in replacement.removed],
    )


DOCUMENTS = (
    Document("policies", schemas.POLICIES, load_policies, dump_policies),
    Document("hold_out", schemas.HOLD_OUT, load_hold_out, dump_hold_out),
    Document("campaigns", schemas.CAMPAIGNS, load_campaigns, dump_campaigns),
    Document("marketing", schemas.MARKETING, load_marketing, dump_marketing),
    Document("priority", schemas.PRIORITY, load_priority, dump_priority),
)
