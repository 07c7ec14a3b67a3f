"""A plan as values: what one day's matching needs, and what its answers are explained from.

``Planned`` reads and writes the JSON of ``Plan.body``. It names everything by value, so a decision
can be replayed and explained when the rows it was compiled from have changed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Self

from rules import Attribute, Catalogue

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class PlannedMatrix:
    """version: the MatrixVersion's id; number: its number, as people know it."""

    code: str
    version: int
    number: int


@dataclass(frozen=True)
class CellSet:
    """The cells of a matrix that a row of the marketing matrix selects.

    cells: their numbers as ranges (first, last), both included, ascending.
    """

    matrix: str
    bands: dict[str, list[str]]
    cells: Ranges

    def holds(self, number: int) -> bool:
        return any(first <= number <= last for first, last in self.cells)

    def numbers(self) -> Iterator[int]:
        for first, last in self.cells:
            yield from range(first, last + 1)


@dataclass(frozen=True)
class PlannedOffer:
    """A policy version within a campaign, on the day.

    id          of the Offer
    strategies  of the matrices through which the campaign offers the policy
    margin      yuan per taker; × lever × take-up = expected value
    cities      where both the campaign and the policy hold; empty: all
    cell_sets   indexes into Planned.cell_sets; a customer in any of them meets the offer
    capacity    takers of the policy at most; None: no limit
    held_days   days for which a taker holds the policy
    """

    id: int
    campaign: str
    policy: str
    version: int
    strategies: tuple[str, ...]
    lever: float
    margin: float
    take_up: str
    eligibility: str
    exclusivity_group: str
    cities: tuple[str, ...]
    cell_sets: tuple[int, ...]
    capacity: int | None = None
    held_days: int = 0

    @property
    def worth_per_taker(self) -> float:
        """Yuan."""
        return self.margin * self.lever


@dataclass(frozen=True)
class IdleOffer:
    """What the marketing matrix says and the day leaves out: named to those who ask why.

    campaign            empty: no row of the marketing matrix offers the policy
    first, last         days (ISO) on which the policy is valid and the campaign runs; null where
                        the two have no day in common
    """

    policy: str
    version: int
    campaign: str = ""
    first: str | None = None
    last: str | None = None
    cities: tuple[str, ...] = ()
    cell_sets: tuple[int, ...] = ()


@dataclass(frozen=True)
class PlannedPriority:
    position: int
    name_zh: str
    name_en: str
    condition: str
    prefer: dict[str, list[str]]

    def prefers(self, offer: PlannedOffer) -> bool:
        named = self.prefer
        return (
            offer.policy in named.get("policies", ())
            or offer.campaign in named.get("campaigns", ())
            or offer.exclusivity_group in named.get("exclusivity_groups", ())
            or not set(offer.strategies).isdisjoint(named.get("strategies", ()))
        )


@dataclass(frozen=True)
class PlannedAttribute:
    """An attribute that a rule of the plan or a touch point reads.

    category, front_desk    where touch points show it; the city has no category: it has its place
    source                  "customers", "scores" or "members": which partition holds it
    reads                   of a mark or audience: the attributes that decide it
    """

    code: str
    type: str
    name_zh: str
    name_en: str
    source: str
    values: tuple[tuple[str, str, str], ...] = ()
    unit_zh: str = ""
    unit_en: str = ""
    category: str = ""
    front_desk: bool = False
    reads: tuple[str, ...] = ()

    @property
    def for_rules(self) -> Attribute:
        return Attribute(
            code=self.code,
            type=self.type,
            name_zh=self.name_zh,
            name_en=self.name_en,
            values=self.values,
            unit_zh=self.unit_zh,
            unit_en=self.unit_en,
        )


@dataclass(frozen=True)
class Planned:
    """profile: codes of the attributes that an answer carries, in the catalogue's order.

    campaigns: code → "zh" and "en", its names, "starts_on", "ends_on", and "control", its buckets.
    hold_out: {"key", "buckets"} of the province; empty: no control groups are drawn.
    """

    matrices: tuple[PlannedMatrix, ...]
    cell_sets: tuple[CellSet, ...]
    offers: tuple[PlannedOffer, ...]
    priority: tuple[PlannedPriority, ...]
    profile: tuple[str, ...]
    attributes: tuple[PlannedAttribute, ...]
    campaigns: dict[str, dict[str, Any]]
    idle: tuple[IdleOffer, ...] = ()
    hold_out: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            matrices=tuple(PlannedMatrix(**m) for m in body["matrices"]),
            cell_sets=tuple(
                CellSet(**{**s, "cells": _pairs(s["cells"])}) for s in body["cell_sets"]
            ),
            offers=tuple(PlannedOffer(**_tuples(o)) for o in body["offers"]),
            priority=tuple(PlannedPriority(**p) for p in body["priority"]),
            profile=tuple(body["profile"]),
            attributes=tuple(
                PlannedAttribute(**{**_tuples(a), "values": tuple(map(tuple, a["values"]))})
                for a in body["attributes"]
            ),
            campaigns=body["campaigns"],
            idle=tuple(IdleOffer(**_tuples(o)) for o in body.get("idle", ())),
            hold_out=body.get("hold_out", {}),
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The attributes as they were called and coded when the plan was compiled."""
        return Catalogue(a.for_rules for a in self.attributes)

    @cached_property
    def by_code(self) -> dict[str, PlannedAttribute]:
        return {a.code: a for a in self.attributes}

    @cached_property
    def by_id(self) -> dict[int, PlannedOffer]:
        return {offer.id: offer for offer in self.offers}


def _pairs(ranges: list[list[int]]) -> Ranges:
    return tuple((first, last) for first, last in ranges)


def _tuples(item: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in item.items()}
