"""Products held, and the associations planted among them.

LIFT(A → B) = P(B | A) / P(B) (S2). ``A`` depends on the behaviour group; ``B`` depends on ``A``
alone, with P(B | A) = lift · P(B) and P(B | not A) such that P(B) comes out as stated.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .draws import chance
from .groups import GROUP_SHARES, GROUPS


@dataclass(frozen=True)
class Association:
    """Who holds ``first`` holds ``then`` ``lift`` times as often as people in general do."""

    first: str
    then: str
    share: float
    lift: float

    @property
    def among_holders(self) -> float:
        return self.lift * self.share

    @property
    def among_others(self) -> float:
        held = share_of(self.first)
        return (self.share - held * self.among_holders) / (1.0 - held)


# Brand: GoTone, M-Zone, Easyown. Groups that differ from their brand come after.
BY_BRAND: dict[str, tuple[float, float, float]] = {
    "has_ringback": (0.30, 0.50, 0.20),
    "has_mobile_paper": (0.24, 0.10, 0.06),
    "has_wap_portal": (0.10, 0.15, 0.04),
    "has_news_weather": (0.12, 0.05, 0.05),
    "has_picture_ringtone": (0.01, 0.07, 0.02),
    "has_family_plan": (0.42, 0.12, 0.22),
    "has_data_pack": (0.20, 0.30, 0.09),
    "has_roaming_pack": (0.06, 0.02, 0.03),
    "has_cloud_drive": (0.15, 0.18, 0.03),
}
BY_GROUP: dict[str, dict[str, float]] = {
    "has_ringback": {"m4": 1.0, "e5": 0.05},
    "has_mobile_paper": {"g1": 0.40, "g9": 0.05},
    "has_wap_portal": {"g1": 0.30, "m1": 0.30, "g9": 0.01, "e1": 0.01},
    "has_data_pack": {"g1": 0.45, "m1": 0.45, "g9": 0.02, "e1": 0.01, "e5": 0.01},
    "has_roaming_pack": {"g2": 0.20, "g3": 0.20, "g8": 0.25, "m6": 0.22, "m7": 0.12, "e3": 0.15},
}
SONGS_AMONG_RINGBACK = 0.25

ASSOCIATIONS = (
    Association("has_wap_portal", "has_mms_magazine", 0.050, 5.67),
    Association("has_ringback_songs", "has_music_channel", 0.120, 2.84),
    Association("has_news_weather", "has_mailbox", 0.060, 5.83),
    Association("has_picture_ringtone", "has_games", 0.022, 15.26),
    Association("has_family_plan", "has_broadband", 0.220, 2.60),
    Association("has_data_pack", "has_video_pack", 0.150, 2.50),
    Association("has_roaming_pack", "has_call_assistant", 0.200, 2.20),
)
PRODUCTS = (
    *BY_BRAND,
    "has_ringback_songs",
    *(association.then for association in ASSOCIATIONS),
)


def _by_group(product: str) -> NDArray[np.float32]:
    usual = dict(zip(("gotone", "mzone", "easyown"), BY_BRAND[product], strict=True))
    special = BY_GROUP.get(product, {})
    return np.array([special.get(g.code, usual[g.brand]) for g in GROUPS], dtype=np.float32)


HOLDING = {product: _by_group(product) for product in BY_BRAND}


def share_of(product: str) -> float:
    """Return the planted share of customers that hold a product."""
    if product == "has_ringback_songs":
        return share_of("has_ringback") * SONGS_AMONG_RINGBACK
    for association in ASSOCIATIONS:
        if association.then == product:
            return association.share
    return float(GROUP_SHARES @ HOLDING[product])


def hold(rng: Generator, group: NDArray[np.int8]) -> dict[str, NDArray[np.bool_]]:
    """Draw what the members of each group hold: one boolean column per product."""
    n = len(group)
    held = {product: chance(rng, share[group], n) for product, share in HOLDING.items()}
    held["has_ringback_songs"] = held["has_ringback"] & chance(rng, SONGS_AMONG_RINGBACK, n)
    for a in ASSOCIATIONS:
        likely = np.where(held[a.first], a.among_holders, a.among_others)
        held[a.then] = chance(rng, likely, n)
    return held
