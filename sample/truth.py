"""The planted truth as one JSON document: what was put in, for others to find again."""

import json
from typing import Any

from .churn import DRIVERS, INTERCEPT, LEAVING_A_DAY
from .days import CHANGING_A_DAY, JOINING_A_DAY, Province
from .events import BREACHES, PILOT_SHARE
from .groups import BEHAVIOURS, GROUPS
from .offers import OFFERS, PILOTS
from .people import NEW_SHARE, NULL_SHARES
from .places import BRAND_SHARES, BRANDS, CITIES, CITY_SHARES
from .products import ASSOCIATIONS, share_of
from .purchases import BUYING, PACKS, REPEATS, SPEND


def as_json(province: Province) -> str:
    return json.dumps(_truth(province), ensure_ascii=False, indent=1) + "\n"


def _truth(province: Province) -> dict[str, Any]:
    return {
        "customers": province.customers,
        "seed": province.seed,
        "first_day": province.first_day.isoformat(),
        "training_day": province.training_day.isoformat(),
        "shares": {
            "cities": {c.code: round(s, 4) for c, s in zip(CITIES, CITY_SHARES, strict=True)},
            "brands": {b: round(s, 4) for b, s in zip(BRANDS, BRAND_SHARES, strict=True)},
            "unknown": NULL_SHARES,
            "joined_within_30_days": NEW_SHARE,
            "changing_a_day": CHANGING_A_DAY,
            "joining_a_day": JOINING_A_DAY,
            "leaving_a_day": LEAVING_A_DAY,
        },
        "churn": {"intercept": INTERCEPT, "log_odds_per_unit": DRIVERS},
        "associations": [
            {
                "first": a.first,
                "then": a.then,
                "lift": a.lift,
                "share_first": round(share_of(a.first), 4),
                "share_then": a.share,
            }
            for a in ASSOCIATIONS
        ],
        "groups": [
            {"brand": g.brand, "code": g.code, "zh": g.zh, "en": g.en, "share": g.share}
            for g in GROUPS
        ],
        "group_behaviours": [*BEHAVIOURS, "data_change"],
        "pilots": {"share": PILOT_SHARE, "policies": [offer.policy for offer in PILOTS]},
        "responses": {
            offer.policy: {"base": dict(offer.base), "contact_adds": dict(offer.effect)}
            for offer in OFFERS
        },
        "purchases": {
            "buying": BUYING,
            "repeats_per_week": REPEATS,
            "spend": SPEND,
            "policies": [offer.policy for offer in PACKS],
        },
        "breaches": list(BREACHES),
    }
