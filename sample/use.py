"""What customers do in a month: what they use, read, ask for and pay."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .churn import rounded, two_bills
from .draws import normals, pick, pick_by, poisson_table
from .groups import BEHAVIOURS, CHANGE_SPREAD, CHANGES, LOG_CENTRES, LOG_SPREADS
from .people import Columns
from .places import PLANS
from .products import PRODUCTS

FEES = np.array([plan.fee for plan in PLANS], dtype=np.float32)
MINUTE_FEE, ROAMING_FEE, TONE_FEE = 0.03, 0.08, 2.0
MOST_YUAN = 20_000

_APP_LOGINS = np.stack([poisson_table(m) for m in (2.0, 9.0)])
_HALL_VISITS = poisson_table(0.5)
_HOTLINE_CALLS = poisson_table(0.8)
# Mean of log(1 + visits) at average data use, and what age does to it.
_CONTENT = {
    "business_visits": (0.6, 0.25),
    "life_visits": (1.2, 0.10),
    "entertainment_visits": (1.4, -0.45),
    "games_visits": (0.7, -0.70),
    "news_visits": (1.3, 0.35),
}
_INDUSTRY = {
    "dining_contacts": poisson_table(1.8),
    "leisure_contacts": poisson_table(1.1),
    "finance_contacts": poisson_table(1.4),
    "government_contacts": poisson_table(0.5),
    "property_contacts": poisson_table(0.3),
}


def draw_use(rng: Generator, people: Columns, signs: Columns) -> Columns:
    """Draw a month of use for customers whose signs of leaving are drawn already."""
    n = len(people["city"])
    behaviour = _behaviour(rng, people)
    tenure = signs["tenure_months"]
    changes = {
        "voice_change": two_bills(tenure, np.clip(18 * normals(rng, n), -100, 500)),
        "sms_change": two_bills(tenure, np.clip(22 * normals(rng, n), -100, 500)),
        "data_change": two_bills(
            tenure,
            np.clip(CHANGES[people["group"]] + CHANGE_SPREAD * normals(rng, n), -100, 500),
        ),
    }
    money = _money(rng, people, signs, behaviour)
    return behaviour | changes | money | _contacts(rng, people) | _content(rng, people, behaviour)


def _behaviour(rng: Generator, people: Columns) -> Columns:
    """The six behaviours that groups are planted in, and what goes with them."""
    group = people["group"]
    n = len(group)
    amounts = {}
    for place, name in enumerate(BEHAVIOURS):
        logs = LOG_CENTRES[place].take(group) + LOG_SPREADS[place].take(group) * normals(rng, n)
        amounts[name] = np.maximum(np.rint(np.expm1(logs)), 0).astype(np.int32)
    away = np.clip(0.12 + 0.08 * normals(rng, n), 0, 1)
    return {
        "voice_minutes": amounts["voice"],
        "long_distance_minutes": np.rint(amounts["voice"] * away).astype(np.int32),
        "roaming_minutes": amounts["roaming"],
        "sms_count": amounts["sms"],
        "mms_count": amounts["mms"],
        "data_mb": amounts["data"],
        "tone_changes": np.where(people["has_ringback"], amounts["tones"], 0),
    }


def _money(rng: Generator, people: Columns, signs: Columns, behaviour: Columns) -> Columns:
    """Bills and balances. Who has not had a bill yet has no ARPU; the average needs one too."""
    n = len(people["city"])
    fee = FEES[people["plan"]]
    usual = fee * np.exp(0.10 + 0.22 * normals(rng, n))
    usual += MINUTE_FEE * behaviour["voice_minutes"] + ROAMING_FEE * behaviour["roaming_minutes"]
    usual += TONE_FEE * behaviour["tone_changes"] + 5.0 * _held(people)
    change = np.nan_to_num(signs["arpu_change"]) / 100
    arpu = np.minimum(usual * (1 + change), MOST_YUAN)
    average = np.minimum(usual * (1 + change / 3), MOST_YUAN)
    balance = np.clip(usual * np.exp(-0.2 + 0.8 * normals(rng, n)) - 20, -500, 9_999)
    no_bill = signs["tenure_months"] < 1
    arpu[no_bill] = np.nan
    average[no_bill] = np.nan
    return {
        "plan_fee": fee.astype(np.float64),
        "arpu": rounded(arpu, 1),
        "arpu_3m": rounded(average, 1),
        "balance": rounded(balance, 1),
        "star_level": _stars(signs["tenure_months"], fee),
        "points": np.rint(usual * np.minimum(signs["tenure_months"], 24)).astype(np.int32),
    }


def _held(people: Columns) -> NDArray[np.int16]:
    return sum(people[product].astype(np.int16) for product in PRODUCTS)


def _stars(tenure: NDArray, fee: NDArray) -> NDArray[np.int16]:
    """Five stars at most: one for every 50 yuan of the plan, one for every 40 months."""
    return np.clip(fee // 50 + tenure // 40, 0, 5).astype(np.int16)


def _contacts(rng: Generator, people: Columns) -> Columns:
    n = len(people["city"])
    young = ((people["age"] < 40) & (people["age"] >= 0)).astype(np.int8)
    channels = {
        "app_logins_30d": pick_by(rng, _APP_LOGINS, young),
        "hall_visits_90d": pick(rng, _HALL_VISITS, n),
        "hotline_calls_90d": pick(rng, _HOTLINE_CALLS, n),
    }
    return channels | {name: pick(rng, table, n) for name, table in _INDUSTRY.items()}


def _content(rng: Generator, people: Columns, behaviour: Columns) -> Columns:
    """Visits to mobile content: more with data use, by age to the young's or the old's taste."""
    n = len(people["city"])
    data = 0.35 * (np.log1p(behaviour["data_mb"].astype(np.float32)) - 6.5)
    years = np.where(people["age"] < 0, 35, people["age"])
    older = np.clip((years - np.float32(35)) / 12, -2, 2)
    visits = {}
    for name, (mean, taste) in _CONTENT.items():
        logs = mean + data + taste * older + np.float32(0.6) * normals(rng, n)
        visits[name] = np.clip(np.rint(np.expm1(logs)), 0, 9_999).astype(np.int32)
    return visits
