"""What is written about policies, campaigns and the two matrices, as plain values.

Services take these and write rows from them; definitions read them from YAML and back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any, Self

from .controls import Ranges, ranges
from .models import Campaign, MarketingRow, PolicyVersion, PriorityRule

HELD_DAYS = 365
PREFERENCES = ("policies", "campaigns", "exclusivity_groups", "strategies")


@dataclass(frozen=True)
class PolicyTerms:
    """All that one version of a policy says; two versions differ when these differ.

    cost, reward, margin    yuan per taker
    take_up                 number expression, a probability 0-1
    eligibility             condition; empty: everyone
    cities                  codes; empty: all
    capacity                takers at most; None: no limit
    held_days               days for which a taker holds it
    """

    name_zh: str
    name_en: str
    cost: Decimal
    reward: Decimal
    margin: Decimal
    take_up: str
    channels: tuple[str, ...]
    valid_from: date
    valid_to: date
    eligibility: str = ""
    exclusivity_group: str = ""
    cities: tuple[str, ...] = ()
    clauses_zh: tuple[str, ...] = ()
    clauses_en: tuple[str, ...] = ()
    talking_points_zh: tuple[str, ...] = ()
    talking_points_en: tuple[str, ...] = ()
    capacity: int | None = None
    held_days: int = HELD_DAYS

    @classmethod
    def of(cls, version: PolicyVersion) -> Self:
        values = {field.name: getattr(version, field.name) for field in fields(cls)}
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})

    def values(self) -> dict[str, Any]:
        """The fields of a PolicyVersion."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self).items()}

    def plain(self) -> dict[str, Any]:
        """The same as JSON values, for the operation log."""
        return {k: _plain(v) for k, v in self.values().items()}


@dataclass(frozen=True)
class CampaignTerms:
    """What a campaign says. ``organisation`` is its code; ``lever`` multiplies expected value.

    ``audience``: the code of the only customers whom it may reach; "": all whose cells it names.
    ``control``: ranges of buckets whose customers get nothing of it (campaigns.controls).
    """

    name_zh: str
    name_en: str
    organisation: str
    starts_on: date
    ends_on: date
    lever: float = 1.0
    audience: str = ""
    control: Ranges = ()

    @classmethod
    def of(cls, campaign: Campaign) -> Self:
        return cls(
            campaign.name_zh,
            campaign.name_en,
            campaign.organisation.code,
            campaign.starts_on,
            campaign.ends_on,
            campaign.lever,
            campaign.audience_id or "",
            ranges(campaign.control),
        )

    def plain(self) -> dict[str, Any]:
        return {k: _plain(v) for k, v in vars(self).items()}


@dataclass(frozen=True)
class MarketingLine:
    """In this campaign this policy meets these cells of a matrix (see MarketingRow)."""

    campaign: str
    policy: str
    matrix: str
    cells: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @classmethod
    def make(cls, campaign: str, policy: str, matrix: str, cells: Mapping[str, list[str]]) -> Self:
        box = tuple((dimension, tuple(bands)) for dimension, bands in sorted(cells.items()))
        return cls(campaign, policy, matrix, box)

    @classmethod
    def of(cls, row: MarketingRow) -> Self:
        return cls.make(row.campaign_id, row.policy_id, row.matrix, row.cells)

    @property
    def box(self) -> dict[str, list[str]]:
        return {dimension: list(bands) for dimension, bands in self.cells}

    @property
    def meaning(self) -> object:
        """Equal for lines that say the same, in whatever order they name bands."""
        box = frozenset((dimension, frozenset(bands)) for dimension, bands in self.cells)
        return (self.campaign, self.policy, self.matrix, box)

    def plain(self) -> dict[str, Any]:
        return {**vars(self), "cells": self.box}

    def __str__(self) -> str:
        return f"{self.campaign} {self.policy} {self.matrix}"


@dataclass(frozen=True)
class PriorityLine:
    """When the condition holds, these offers come before the ones that later lines prefer."""

    name_zh: str
    name_en: str
    condition: str
    prefer: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def make(
        cls, name_zh: str, name_en: str, condition: str, prefer: Mapping[str, list[str]]
    ) -> Self:
        named = tuple((kind, tuple(prefer[kind])) for kind in PREFERENCES if prefer.get(kind))
        return cls(name_zh, name_en, condition, named)

    @classmethod
    def of(cls, rule: PriorityRule) -> Self:
        return cls.make(rule.name_zh, rule.name_en, rule.condition, rule.prefer)

    @property
    def meaning(self) -> object:
        return (self.condition, frozenset((kind, frozenset(codes)) for kind, codes in self.prefer))

    @property
    def preferred(self) -> dict[str, list[str]]:
        return {kind: list(codes) for kind, codes in self.prefer}

    def plain(self) -> dict[str, Any]:
        return {**vars(self), "prefer": self.preferred}

    def __str__(self) -> str:
        return self.name_en


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return value.isoformat() if isinstance(value, date) else value
