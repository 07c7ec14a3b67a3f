"""What a touch point is told: values only, written as JSON as they stand."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from customers.models import Category


# Not frozen, as an answer has forty of them: that would take each three times as long to make.
@dataclass(slots=True)
class Fact:
    """One attribute as it is shown: ``value`` for a machine, ``shown`` for a person."""

    code: str
    name: str
    category: str
    value: Any
    shown: str


@dataclass(frozen=True, slots=True)
class BandInWords:
    dimension: str
    band: str


@dataclass(frozen=True, slots=True)
class CellInWords:
    matrix: str
    name: str
    version: int
    number: int
    bands: list[BandInWords]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an offer stands where it stands: "cell", "eligibility", "priority" or "general"."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """tier: position of the priority rule that named the offer; 255: none did. yuan."""

    tier: int
    take_up: float
    margin: float
    lever: float
    worth: float
    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """One offer.

    take_up     probability; null for an offer that is everybody's
    worth       expected value in yuan; null likewise
    ranking     how the rank came about; null unless asked for
    """

    rank: int
    policy: str
    version: int
    name: str
    campaign: str
    campaign_name: str
    clauses: list[str]
    talking_points: list[str]
    channels: list[str]
    take_up: float | None
    worth: float | None
    valid_until: date
    reasons: list[Reason]
    ranking: Ranking | None


@dataclass(frozen=True, slots=True)
class Considered:
    """One policy within one campaign.

    campaign    empty: no campaign offers it
    rank        where it stands in the answer; null: it is not in it
    gate        the first gate that is shut; null: all are open
    passed      the gates before, in the order in which they are asked
    """

    policy: str
    version: int
    name: str
    campaign: str
    rank: int | None
    gate: str | None
    passed: list[str]
    text: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """personalised: False where the customer opted out; considered: null unless asked for."""

    decision: UUID
    at: datetime
    expires_at: datetime
    customer_no: str
    city: str
    channel: str
    personalised: bool
    profile: list[Fact]
    cells: list[CellInWords]
    items: list[Item]
    considered: list[Considered] | None
    business_date: date
    published_at: datetime
    publication: int
    versions: dict[str, Any]


def by_category(facts: list[Fact]) -> list[tuple[str, list[Fact]]]:
    """Facts grouped by category, in the order of the seven."""
    groups = [(c.label, [f for f in facts if f.category == c.value]) for c in Category]
    return [(str(label), group) for label, group in groups if group]
