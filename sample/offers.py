"""Policies as the sample's customers meet them: who may order, who does, and whom a contact moves.

``eligible`` repeats in NumPy what definitions/sample_province/policies.yaml says as a rule; a test
holds the two together. The response is planted: P(order) = 1 / (1 + exp(-Σ weight · feature)), with
the weights ``base`` for people left alone and ``base`` + ``effect`` for people contacted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from .people import Columns
from .places import GOTONE, PLANS

Mask = NDArray[np.bool_]

FEATURES: dict[str, Callable[[Columns], NDArray]] = {
    "one": lambda c: np.ones(len(c["city"])),
    "youth": lambda c: np.where(c["age"] < 0, 0.0, np.clip((35.0 - c["age"]) / 12, -2, 2)),
    "data": lambda c: (np.log1p(c["data_mb"]) - 7) / 2,
    "growth": lambda c: np.nan_to_num(c["data_change"]) / 40,
    "voice": lambda c: (np.log1p(c["voice_minutes"]) - 5) / 1.3,
    "mms": lambda c: np.log1p(c["mms_count"]) - 0.8,
    "amusement": lambda c: (np.log1p(c["entertainment_visits"]) - 1.5) / 1.1,
    "falling": lambda c: -np.nan_to_num(c["arpu_change"]) / 16,
    "loyalty": lambda c: np.clip((c["tenure_months"] - 48) / 40, -1.2, 2),
    "spend": lambda c: (np.log(np.maximum(np.nan_to_num(c["arpu"]), 5)) - 4.4) / 0.6,
}
Weights = Mapping[str, float]
_IS_4G = np.array([plan.code.startswith("4G-") for plan in PLANS])


@dataclass(frozen=True)
class Offer:
    """A policy in one campaign. ``amount`` is what an order costs, in yuan.

    ``ceiling``: the dearest handset, in yuan, that may be handed over. ``cities``: where the policy
    may be sold, empty for everywhere. ``effect``: what a pilot's contact adds to the response.
    """

    policy: str
    campaign: str
    eligible: Callable[[Columns], Mask]
    amount: float
    base: Weights
    effect: Weights = field(default_factory=dict)
    ceiling: int | None = None
    cities: tuple[str, ...] = ()


def _anyone(c: Columns) -> Mask:
    return np.ones(len(c["city"]), dtype=bool)


PILOTS = (
    Offer("P0003", "C003", lambda c: ~c["has_ringback"] & (c["arpu"] >= 15), 5.0,
          base={"one": -3.2, "youth": 0.4},
          effect={"one": 0.5, "youth": 0.9, "amusement": 0.6}),
    Offer("P0006", "C003", lambda c: ~c["has_mms_magazine"] & (c["mms_count"] >= 1), 8.0,
          base={"one": -3.4, "mms": 0.4},
          effect={"one": 0.2, "mms": 0.9, "youth": -0.5}),
    Offer("P0016", "C001",
          lambda c: (c["contract_months_left"] <= 2) & (c["tenure_months"] >= 12), 0.0,
          base={"one": -2.6, "loyalty": 0.3},
          effect={"one": 0.1, "falling": 1.0, "loyalty": -0.5}),
    Offer("P0018", "C003", lambda c: ~c["has_data_pack"] & (c["data_mb"] >= 1_000), 20.0,
          base={"one": -3.0, "data": 0.6},
          effect={"one": 0.3, "data": 0.8, "growth": 0.7}),
)  # fmt: skip

BUNDLES = (
    Offer("P0012", "C002", lambda c: (c["handset_age_months"] >= 18) & (c["plan_fee"] >= 38), 0.0,
          base={"one": -2.6, "spend": 0.3}, ceiling=2_000),
    Offer("P0013", "C002", lambda c: (c["handset_age_months"] >= 18) & (c["plan_fee"] >= 88), 0.0,
          base={"one": -2.4, "spend": 0.4}, ceiling=4_000),
    Offer("P0014", "C002",
          lambda c: (c["brand"] == GOTONE) & (c["handset_age_months"] >= 12)
          & (c["plan_fee"] >= 169), 0.0,
          base={"one": -2.2, "spend": 0.5}, ceiling=8_000),
)  # fmt: skip

SERVICES = (
    Offer("P0001", "C002", lambda c: (c["handset_network"] == 3) & _IS_4G[c["plan"]], 0.0,
          base={"one": -2.6, "data": 0.6}),
    Offer("P0005", "C003",
          lambda c: ~c["has_mobile_paper"]
          & ((c["news_visits"] >= 5) | (c["business_visits"] >= 5)), 3.0,
          base={"one": -2.2, "youth": -0.5}),
    Offer("P0007", "C003",
          lambda c: ~c["has_mailbox"] & ((c["business_visits"] >= 3) | c["is_group_customer"]),
          5.0, base={"one": -2.3, "spend": 0.3}),
    Offer("P0008", "C003", lambda c: ~c["has_games"] & (c["games_visits"] >= 4), 10.0,
          base={"one": -3.2, "youth": 0.7}),
    Offer("P0009", "C001", lambda c: ~c["has_family_plan"] & (c["age"] >= 28) & (c["age"] <= 60),
          20.0, base={"one": -2.5, "spend": 0.3}),
    Offer("P0010", "C005", lambda c: c["has_family_plan"] & ~c["has_broadband"], 60.0,
          base={"one": -2.4, "spend": 0.4}, cities=("hangzhou",)),
    Offer("P0019", "C003", lambda c: ~c["has_video_pack"] & (c["entertainment_visits"] >= 6), 15.0,
          base={"one": -2.2, "youth": 0.5, "data": 0.3}),
    Offer("P0020", "C004", lambda c: c["is_campus"] & (c["plan_fee"] < 99), 59.0,
          base={"one": -1.9, "data": 0.4}),
    Offer("P0021", "C004", lambda c: ~c["has_roaming_pack"] & (c["roaming_minutes"] >= 30), 12.0,
          base={"one": -1.8, "voice": 0.4}),
    Offer("P0022", "C004", lambda c: c["long_distance_minutes"] >= 60, 15.0,
          base={"one": -2.2, "voice": 0.5}),
    Offer("P0027", "C006", lambda c: c["data_mb"] >= 500, 18.0,
          base={"one": -2.0, "data": 0.4}, cities=("zhoushan",)),
)  # fmt: skip

# Over since the end of February: whoever orders it now breaks its validity.
ENDED = Offer("P0026", "C003", _anyone, 9.0, base={"one": -2.0})

OFFERS = (*PILOTS, *BUNDLES, *SERVICES, ENDED)


def weigh(weights: Weights, customers: Columns) -> NDArray[np.float64]:
    return sum(
        (weight * FEATURES[name](customers) for name, weight in weights.items()),
        start=np.zeros(len(customers["city"])),
    )


def response(offer: Offer, customers: Columns) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return P(order) of each customer if left alone, and if contacted; their difference is uplift.

    An offer without ``effect`` is known only from contacts: both are the same.
    """
    base = weigh(offer.base, customers)
    return expit(base), expit(base + weigh(offer.effect, customers))
