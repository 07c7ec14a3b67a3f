"""A customer's answer put into words for a touch point: one statement, the rest is in memory.

The pointer, the answer and what the caller may see come in one statement, so they are of one
publication. Plans and policy versions never change, so a process keeps them by the plan's key.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import User
from common.errors import DomainError
from common.naming import in_chinese
from common.permissions import Permission
from customers.models import Category
from customers.selectors import attributes_for, mask_number
from rules import Rule, compile_condition
from segmentation.definition import MatrixDefinition
from segmentation.models import MatrixVersion
from segmentation.movement import Cells

from .matching.tiers import NO_TIER
from .models import Campaign, Channel, Plan, PolicyVersion
from .planned import Planned, PlannedAttribute, PlannedOffer

MOST_ITEMS = 50
KEPT_PLANS = 4


@dataclass(frozen=True)
class Fact:
    """One attribute as it is shown: ``value`` for a machine, ``shown`` for a person."""

    code: str
    name: str
    category: str
    value: Any
    shown: str


@dataclass(frozen=True)
class BandInWords:
    dimension: str
    band: str


@dataclass(frozen=True)
class CellInWords:
    matrix: str
    name: str
    version: int
    number: int
    bands: list[BandInWords]


@dataclass(frozen=True)
class Item:
    """One fitting policy. ``take_up``: probability; ``worth``: yuan; ``reasons``: why it fits."""

    rank: int
    policy: str
    version: int
    name: str
    campaign: str
    campaign_name: str
    clauses: list[str]
    talking_points: list[str]
    channels: list[str]
    take_up: float
    worth: float
    valid_until: date
    reasons: list[str]


@dataclass(frozen=True)
class Recommendation:
    customer_no: str
    city: str
    profile: list[Fact]
    cells: list[CellInWords]
    items: list[Item]
    business_date: date
    published_at: datetime
    publication: int
    versions: dict[str, Any]


@dataclass(frozen=True)
class Current:
    """What the one statement brings: the publication, and the customer's newest row up to it."""

    publication: int
    business_date: date
    published_at: datetime
    plan: str
    versions: dict[str, Any]
    city: str
    profile: dict[str, Any]
    cells: list[int | None]
    offers: list[int]
    tiers: list[int]
    take_ups: list[float]
    worths: list[float]
    visible: frozenset[str]


@dataclass(frozen=True)
class Words:
    """A plan with everything that puts its answers into words."""

    planned: Planned
    policies: dict[tuple[str, int], PolicyVersion]
    campaigns: dict[str, Campaign]
    cells: Cells
    rules: dict[str, Rule]


def recommend(
    customer_no: str, *, user: User, channel: str | None = None, limit: int = MOST_ITEMS
) -> Recommendation:
    """Return what fits the customer now, best first.

    ``channel``: only policies that it carries. Raises DomainError ``nothing_published`` (503), and
    ``unknown_customer`` (404) alike for a customer who doesn't exist, has left, or belongs to a
    city outside the caller's: which of them is nobody's business.
    """
    current = _current(customer_no, user)
    words = words_of(current.plan)
    items = [
        _item(current, words, place)
        for place in range(len(current.offers))
        if channel is None or channel in _policy(current, words, place).channels
    ]
    return Recommendation(
        customer_no=_shown_number(customer_no, user),
        city=current.city,
        profile=_profile(current, words),
        cells=_cells(current, words),
        items=[_ranked(item, rank) for rank, item in enumerate(items[:limit], 1)],
        business_date=current.business_date,
        published_at=current.published_at,
        publication=current.publication,
        versions=current.versions,
    )


# --- the one statement ---

_CURRENT = """
    SELECT p.id, p.business_date, p.published_at, p.plan_id, p.versions,
           a.city, a.profile, a.cells, a.offers, a.tiers, a.take_ups, a.worths, a.departed,
           (SELECT coalesce(array_agg(seen.code), '{{}}') FROM ({visible}) AS seen) AS visible
    FROM campaigns_currentpublication AS c
    JOIN campaigns_publication AS p ON p.id = c.publication_id
    LEFT JOIN LATERAL (
        SELECT * FROM campaigns_answer AS row
        WHERE row.customer_no = %s AND row.publication_id <= p.id
        ORDER BY row.publication_id DESC
        LIMIT 1
    ) AS a ON true
"""


def _current(customer_no: str, user: User) -> Current:
    visible, values = attributes_for(user).order_by().values("code").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_CURRENT.format(visible=visible), [*values, customer_no])
        names = [column.name for column in cursor.description]
        found = cursor.fetchone()
    if found is None:
        raise DomainError(
            "nothing_published",
            _("No day has been published yet: the answers come with the first daily run."),
            status=503,
        )
    row = dict(zip(names, found, strict=True))
    if row["city"] is None or row["departed"] or not user.sees_city(row["city"]):
        raise DomainError(
            "unknown_customer",
            _("There is no customer with this number here. Check the number."),
            status=404,
        )
    return _read(row)


def _read(row: Mapping[str, Any]) -> Current:
    same = (
        "business_date", "published_at", "city", "cells", "offers", "tiers", "take_ups", "worths",
    )  # fmt: skip
    return Current(
        publication=row["id"],
        plan=row["plan_id"],
        versions=_json(row["versions"]),
        profile=_json(row["profile"]),
        visible=frozenset(row["visible"]),
        **{name: row[name] for name in same},
    )


def _json(value: Any) -> Any:
    """Django keeps psycopg from decoding jsonb, so that its own field may."""
    return json.loads(value) if isinstance(value, str) else value


# --- what a process keeps ---


@lru_cache(maxsize=KEPT_PLANS)
def words_of(plan: str) -> Words:
    """Return the plan's words; a plan never changes, so neither do they."""
    planned = Planned.from_json(Plan.objects.get(pk=plan).body)
    wanted = {(o.policy, o.version) for o in planned.offers}
    versions = PolicyVersion.objects.filter(policy__in={policy for policy, _number in wanted})
    bodies = MatrixVersion.objects.in_bulk([m.version for m in planned.matrices])
    definitions = {
        m.code: [MatrixDefinition.from_json(bodies[m.version].body)] for m in planned.matrices
    }
    conditions = {o.eligibility for o in planned.offers} | {p.condition for p in planned.priority}
    return Words(
        planned=planned,
        policies={
            (v.policy_id, v.number): v for v in versions if (v.policy_id, v.number) in wanted
        },
        campaigns=Campaign.objects.in_bulk({o.campaign for o in planned.offers}),
        cells=Cells(definitions),
        rules={text: compile_condition(text, planned.catalogue) for text in conditions if text},
    )


# --- into words ---


def _language() -> str:
    return "zh-hans" if in_chinese() else "en"


def _shown_number(customer_no: str, user: User) -> str:
    return customer_no if user.can(Permission.VIEW_SENSITIVE) else mask_number(customer_no)


def _profile(current: Current, words: Words) -> list[Fact]:
    return [
        _fact(attribute, current.profile.get(attribute.code))
        for attribute in words.planned.attributes
        if attribute.front_desk and attribute.code in current.visible
    ]


def _fact(attribute: PlannedAttribute, value: Any) -> Fact:
    chinese = in_chinese()
    return Fact(
        code=attribute.code,
        name=attribute.name_zh if chinese else attribute.name_en,
        category=attribute.category,
        value=value,
        shown=_shown(attribute, value, chinese),
    )


def _shown(attribute: PlannedAttribute, value: Any, chinese: bool) -> str:
    if value is None:
        return _("unknown")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if attribute.type == "category":
        labels = {code: zh if chinese else en for code, zh, en in attribute.values}
        return labels.get(value, value)
    if attribute.type in ("integer", "number"):
        unit = attribute.unit_zh if chinese else attribute.unit_en
        number = f"{value:,.2f}".rstrip("0").rstrip(".")
        return f"{number} {unit}".strip()
    return str(value)


def _cells(current: Current, words: Words) -> list[CellInWords]:
    """The customer's cells; a matrix whose scope leaves him out has none."""
    language = _language()
    return [
        CellInWords(
            matrix=matrix.code,
            name=words.cells.definitions[matrix.code][0].name.in_language(language),
            version=matrix.number,
            number=number,
            bands=[
                BandInWords(dimension.in_language(language), band.in_language(language))
                for dimension, band in words.cells.described(matrix.code, number)
            ],
        )
        for matrix, number in zip(words.planned.matrices, current.cells, strict=True)
        if number is not None
    ]


def _offer(current: Current, words: Words, place: int) -> PlannedOffer:
    return words.planned.by_id[current.offers[place]]


def _policy(current: Current, words: Words, place: int) -> PolicyVersion:
    offer = _offer(current, words, place)
    return words.policies[offer.policy, offer.version]


def _item(current: Current, words: Words, place: int) -> Item:
    offer, policy = _offer(current, words, place), _policy(current, words, place)
    campaign = words.campaigns[offer.campaign]
    return Item(
        rank=0,
        policy=offer.policy,
        version=offer.version,
        name=policy.name,
        campaign=offer.campaign,
        campaign_name=campaign.name,
        clauses=policy.clauses,
        talking_points=policy.talking_points,
        channels=[str(Channel(code).label) for code in policy.channels],
        take_up=current.take_ups[place],
        worth=current.worths[place],
        valid_until=min(policy.valid_to, campaign.ends_on),
        reasons=_reasons(current, words, offer, current.tiers[place]),
    )


def _ranked(item: Item, rank: int) -> Item:
    return replace(item, rank=rank)


def _reasons(current: Current, words: Words, offer: PlannedOffer, tier: int) -> list[str]:
    """The cell that met the policy, the rule with his values, and what ranked it."""
    reasons = [*_met(current, words, offer)]
    if offer.eligibility:
        reasons.append(_explained(words, offer.eligibility, current))
    if tier != NO_TIER:
        priority = next(p for p in words.planned.priority if p.position == tier)
        name = priority.name_zh if in_chinese() else priority.name_en
        reasons.append(_("Ranked by the priority “%(name)s”") % {"name": name})
    return reasons


def _met(current: Current, words: Words, offer: PlannedOffer) -> list[str]:
    """Of each matrix through which the offer came, the bands that the marketing matrix asks for."""
    places = {m.code: cell for m, cell in zip(words.planned.matrices, current.cells, strict=True)}
    met = []
    for index in offer.cell_sets:
        cells = words.planned.cell_sets[index]
        number = places.get(cells.matrix)
        if number is None or not any(low <= number <= high for low, high in cells.cells):
            continue
        met.append(_in_words(words, cells.matrix, number, cells.bands))
    return list(dict.fromkeys(filter(None, met)))


def _in_words(words: Words, matrix: str, number: int, asked: Mapping[str, list[str]]) -> str:
    language = _language()
    definition = words.cells.definitions[matrix][0]
    named = dict(zip(words.cells.bands[number], words.cells.described(matrix, number), strict=True))
    bands = [
        f"{dimension.in_language(language)}: {band.in_language(language)}"
        for code, (dimension, band) in named.items()
        if code in asked
    ]
    if not bands:
        return _("Offered to every cell of %(matrix)s") % {
            "matrix": definition.name.in_language(language)
        }
    return "; ".join(bands)


def _explained(words: Words, text: str, current: Current) -> str:
    """The rule with this customer's values; those that the caller may not see stay general."""
    rule = words.rules[text]
    if not set(rule.attributes) <= current.visible | {"city"}:
        return rule.explain(_language())
    row = {code: current.profile.get(code) for code in rule.attributes} | {"city": current.city}
    typed = {code: _typed(words.planned.by_code.get(code), value) for code, value in row.items()}
    return rule.explain_with({c: typed[c] for c in rule.attributes}, _language())


def _typed(attribute: PlannedAttribute | None, value: Any) -> Any:
    if attribute is not None and attribute.type == "date" and value is not None:
        return date.fromisoformat(value)
    return value


def by_category(facts: list[Fact]) -> list[tuple[str, list[Fact]]]:
    """Facts grouped by category, in the order of the seven."""
    groups = [(c.label, [f for f in facts if f.category == c.value]) for c in Category]
    return [(str(label), group) for label, group in groups if group]
