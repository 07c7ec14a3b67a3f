"""A customer's answer put into words for a touch point.

One statement brings what is published of him (``current``); all else is in memory (``words``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from campaigns.matching.query import MEMBERS
from campaigns.planned import CellSet, PlannedOffer
from common.naming import in_chinese
from common.permissions import Permission
from customers.models import Category

from .current import Current, current
from .words import (
    Reader,
    Words,
    bands_in_words,
    language,
    rule_in_words,
    shown,
    tier_in_words,
    words_of,
)

MOST_ITEMS = 50


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
class Reason:
    """Why an offer stands where it stands. kind: "cell", "eligibility" or "priority"."""

    kind: str
    text: str


@dataclass(frozen=True)
class Item:
    """One fitting policy. ``take_up``: probability; ``worth``: expected value in yuan."""

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
    reasons: list[Reason]


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


def recommend(
    customer_no: str, *, user: User, channel: str | None = None, limit: int = MOST_ITEMS
) -> Recommendation:
    """Return what fits the customer now, best first; raises what ``current`` raises.

    ``channel``: only policies that it carries. Ranks count what is returned.
    """
    now = current(customer_no, user)
    words = words_of(now.plan)
    decided_by = {a.code: a.reads for a in words.planned.attributes if a.source == MEMBERS}
    reader = Reader(now.visible, user.can(Permission.VIEW_SENSITIVE), decided_by)
    places = [
        place
        for place, offer in enumerate(now.offers)
        if channel is None or channel in words.policy(words.planned.by_id[offer]).channels
    ]
    return Recommendation(
        customer_no=reader.number(customer_no),
        city=now.city,
        profile=_profile(now, words, reader),
        cells=_cells(now, words, reader),
        items=[_item(now, words, reader, p, r) for r, p in enumerate(places[:limit], 1)],
        business_date=now.business_date,
        published_at=now.published_at,
        publication=now.publication,
        versions=now.versions,
    )


def _profile(now: Current, words: Words, reader: Reader) -> list[Fact]:
    facts = []
    for attribute in words.planned.attributes:
        if not attribute.front_desk or attribute.code not in now.visible:
            continue
        value = reader.text(now.profile.get(attribute.code))
        name = attribute.name_zh if in_chinese() else attribute.name_en
        facts.append(Fact(attribute.code, name, attribute.category, value, shown(attribute, value)))
    return facts


def _cells(now: Current, words: Words, reader: Reader) -> list[CellInWords]:
    """The customer's cells; a matrix whose scope leaves him out has none."""
    return [
        CellInWords(
            matrix=matrix.code,
            name=words.matrices[matrix.code].name.in_language(language()),
            version=matrix.number,
            number=number,
            bands=[
                BandInWords(*named)
                for named in bands_in_words(words, matrix.code, number, now, reader).values()
            ],
        )
        for matrix, number in zip(words.planned.matrices, now.cells, strict=True)
        if number is not None
    ]


def _item(now: Current, words: Words, reader: Reader, place: int, rank: int) -> Item:
    offer = words.planned.by_id[now.offers[place]]
    policy = words.policy(offer)
    campaign = words.planned.campaigns[offer.campaign]
    return Item(
        rank=rank,
        policy=offer.policy,
        version=offer.version,
        name=policy.name,
        campaign=offer.campaign,
        campaign_name=campaign["zh" if in_chinese() else "en"],
        clauses=policy.clauses,
        talking_points=policy.talking_points,
        channels=policy.channels,
        take_up=now.take_ups[place],
        worth=now.worths[place],
        valid_until=min(policy.valid_to, date.fromisoformat(campaign["ends_on"])),
        reasons=list(_reasons(now, words, reader, offer, now.tiers[place])),
    )


def _reasons(
    now: Current, words: Words, reader: Reader, offer: PlannedOffer, tier: int
) -> Iterator[Reason]:
    """The cells that met the policy, the rule with his values, and what ranked it."""
    for text in dict.fromkeys(_met(now, words, reader, offer)):
        yield Reason("cell", text)
    if offer.eligibility:
        text = rule_in_words(words, offer.eligibility, now, reader)
        yield Reason("eligibility", text)
    yield Reason("priority", tier_in_words(words, tier, now, reader))


def _met(now: Current, words: Words, reader: Reader, offer: PlannedOffer) -> Iterator[str]:
    """Of each row that led to the offer, the bands that it asks for."""
    places = {m.code: cell for m, cell in zip(words.planned.matrices, now.cells, strict=True)}
    for index in offer.cell_sets:
        cells = words.planned.cell_sets[index]
        number = places[cells.matrix]
        if number is not None and _holds(cells, number):
            yield _asked(now, words, reader, cells, number)


def _holds(cells: CellSet, number: int) -> bool:
    return any(first <= number <= last for first, last in cells.cells)


def _asked(now: Current, words: Words, reader: Reader, cells: CellSet, number: int) -> str:
    matrix = words.matrices[cells.matrix].name.in_language(language())
    named = bands_in_words(words, cells.matrix, number, now, reader)
    bands = [f"{named[code][0]}: {named[code][1]}" for code in named if code in cells.bands]
    if not bands:
        return _("Offered to every cell of %(matrix)s") % {"matrix": matrix}
    return f"{matrix}: " + "; ".join(bands)


def by_category(facts: list[Fact]) -> list[tuple[str, list[Fact]]]:
    """Facts grouped by category, in the order of the seven."""
    groups = [(c.label, [f for f in facts if f.category == c.value]) for c in Category]
    return [(str(label), group) for label, group in groups if group]
