"""Matching the slow, obvious way: one customer at a time, straight from the plan's words.

Shares with the product only the rule language's evaluator; no bits, no keys, no lists by cell.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from campaigns.planned import Planned, PlannedOffer
from rules import compile_condition, compile_number

NOBODY_PREFERS = 255
Customer = Mapping[str, Any]


@dataclass(frozen=True)
class Expected:
    offers: list[int]
    tiers: list[int]
    take_ups: list[float]
    worths: list[float]
    take_up_null: int
    take_up_out_of_range: int


def answer(planned: Planned, customer: Customer, today: date) -> Expected:
    """``customer``: attributes by code, "city", and "cells" in the order of the plan's matrices."""
    fitting = [o for o in planned.offers if _fits(planned, o, customer, today)]
    estimates = {o.id: _take_up(planned, o, customer, today) for o in fitting}
    unknown = [o for o in fitting if estimates[o.id] is None]
    estimated = [o for o in fitting if estimates[o.id] is not None]
    possible = [o for o in estimated if 0 <= estimates[o.id] <= 1]
    ranked = sorted(
        (
            _tier(planned, offer, customer, today),
            -_worth(offer, estimates[offer.id]),
            offer.policy,
            offer.campaign,
            offer.id,
        )
        for offer in possible
    )
    best: dict[str, tuple[Any, ...]] = {}
    for place in ranked:
        best.setdefault(place[2], place)
    kept = list(best.values())
    return Expected(
        offers=[place[4] for place in kept],
        tiers=[place[0] for place in kept],
        take_ups=[_rounded(estimates[place[4]], 1_000_000) for place in kept],
        worths=[-place[1] for place in kept],
        take_up_null=len(unknown),
        take_up_out_of_range=len(estimated) - len(possible),
    )


def profile(planned: Planned, customer: Customer) -> dict[str, Any]:
    """The profile as JSON reads it: what is unknown is not there, numbers have six decimals.

    So is a number that no attribute reaches: 10^16, or 10^12 with more than two decimals.
    """
    found = {}
    for code in planned.profile:
        value = customer.get(code)
        if value is None or (isinstance(value, float) and not _can_be_shown(value)):
            continue
        if isinstance(value, float):
            value = _rounded(value, 1_000_000)
        elif isinstance(value, date):
            value = value.isoformat()
        found[code] = value
    return json.loads(json.dumps(found))


def _can_be_shown(value: float) -> bool:
    return abs(value) < 1e12 or (abs(value) < 1e16 and round(value, 2) == value)


def _fits(planned: Planned, offer: PlannedOffer, customer: Customer, today: date) -> bool:
    sets = [planned.cell_sets[index] for index in offer.cell_sets]
    codes = [matrix.code for matrix in planned.matrices]
    met = any(customer["cells"][codes.index(s.matrix)] in set(s.numbers()) for s in sets)
    if not met or (offer.cities and customer["city"] not in offer.cities):
        return False
    return not offer.eligibility or _holds(planned, offer.eligibility, customer, today)


def _holds(planned: Planned, condition: str, customer: Customer, today: date) -> bool:
    rule = compile_condition(condition, planned.catalogue)
    return rule.evaluate(customer, today) is True


def _take_up(
    planned: Planned, offer: PlannedOffer, customer: Customer, today: date
) -> float | None:
    return compile_number(offer.take_up, planned.catalogue).evaluate(customer, today)


def _tier(planned: Planned, offer: PlannedOffer, customer: Customer, today: date) -> int:
    for rule in planned.priority:
        if rule.prefers(offer) and _holds(planned, rule.condition, customer, today):
            return rule.position
    return NOBODY_PREFERS


def _worth(offer: PlannedOffer, take_up: float) -> float:
    return _rounded(take_up * (offer.margin * offer.lever), 10_000)


def _rounded(value: float, parts: int) -> float:
    return math.floor(value * parts + 0.5) / parts
