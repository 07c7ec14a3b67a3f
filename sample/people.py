"""Who the customers are: what stays with a person while months go by."""

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .draws import (
    chance,
    normal_table,
    normals,
    pick,
    pick_by,
    raw,
    shares_table,
    skewed_table,
)
from .groups import PLAN_LEVELS, share_within_brands
from .places import BRANDS, CITIES, CITY_SHARES, GOTONE, MZONE, PLANS
from .products import hold

# One array per attribute, equally long. Missing: NaN in floats, -1 in whole numbers and codes.
Columns = dict[str, NDArray]

EPOCH = date(1970, 1, 1)
MISSING = -1
# Stated shares of what the source systems don't know.
NULL_SHARES = {"gender": 0.02, "age": 0.03, "handset": 0.06, "preferred_channel": 0.08}

# Share of customers who joined in the last 30 days.
NEW_SHARE = 0.03

GENDERS = ("male", "female")
PAYMENTS = ("prepaid", "postpaid", "auto_debit")
HANDSET_BRANDS = ("huawei", "honor", "xiaomi", "oppo", "vivo", "apple", "samsung", "other")
NETWORKS = ("gen2", "gen3", "gen4", "gen5")
CHANNELS = ("hall", "app", "wap", "sms", "hotline", "agent")

_CITY = shares_table(CITY_SHARES)
_BRAND = np.stack([shares_table(city.brands) for city in CITIES])
_GROUP = np.stack([shares_table(shares) for shares in share_within_brands()])
_GENDER = shares_table([0.52, 0.48])
_AGE = np.stack(
    [normal_table(43, 9, 22, 85), normal_table(23, 4.5, 14, 45), normal_table(46, 15, 14, 95)]
)
_PAYMENT = np.stack(
    [shares_table(s) for s in ([0.20, 0.35, 0.45], [0.62, 0.13, 0.25], [0.85, 0.06, 0.09])]
)
_HANDSET_BRAND = np.stack(  # by wealth, from poor to rich
    [
        shares_table([0.13, 0.17, 0.24, 0.15, 0.16, 0.04, 0.02, 0.09]),
        shares_table([0.22, 0.16, 0.17, 0.13, 0.13, 0.14, 0.02, 0.03]),
        shares_table([0.31, 0.08, 0.08, 0.06, 0.06, 0.37, 0.03, 0.01]),
    ]
)
_NETWORK = np.stack(
    [
        shares_table([0.10, 0.04, 0.52, 0.34]),
        shares_table([0.03, 0.02, 0.35, 0.60]),
        shares_table([0.01, 0.01, 0.15, 0.83]),
    ]
)
_CHANNEL = np.stack(  # below 30, below 50, older, age unknown
    [
        shares_table([0.07, 0.62, 0.14, 0.06, 0.04, 0.07]),
        shares_table([0.19, 0.40, 0.09, 0.11, 0.10, 0.11]),
        shares_table([0.42, 0.11, 0.02, 0.09, 0.18, 0.18]),
        shares_table([0.25, 0.35, 0.08, 0.09, 0.11, 0.12]),
    ]
)
_HANDSET_MONTHS = skewed_table(16, 0.75, 0, 120)
# Years on the network: median and spread of the logarithm of days, by brand.
_LOG_DAYS = np.log(np.array([2_300.0, 700.0, 1_300.0], dtype=np.float32))
_GROUP_CUSTOMER = np.array([0.32, 0.03, 0.05], dtype=np.float32)
_PLAN_BASE = np.array([6.6, 4.3, 2.3], dtype=np.float32)


def draw_people(rng: Generator, n: int, day: date, recruited_within: int = 0) -> Columns:
    """Draw ``n`` customers as of ``day``; with ``recruited_within`` all joined in so many days."""
    city = pick(rng, _CITY, n)
    brand = pick_by(rng, _BRAND, city)
    group = pick_by(rng, _GROUP, brand)
    wealth = normals(rng, n)
    age = pick_by(rng, _AGE, brand)
    days = _days_on_network(rng, brand, age, recruited_within)
    person: Columns = {
        "city": city,
        "brand": brand,
        "group": group,
        "gender": _forget(rng, pick(rng, _GENDER, n), "gender"),
        "is_campus": (brand == MZONE) & (age >= 18) & (age <= 24) & chance(rng, 0.6, n),
        "is_group_customer": chance(rng, _GROUP_CUSTOMER[brand], n),
        "joined_on": (day - EPOCH).days - days,
        "plan": _plan(rng, brand, group, wealth),
        "payment": pick_by(rng, _PAYMENT, brand),
        "contract_ends": (day - EPOCH).days + _contract_days(rng, brand, days),
        "age": _forget(rng, age, "age"),
    }
    person["preferred_channel"] = _forget(
        rng, pick_by(rng, _CHANNEL, _age_band(person["age"])), "preferred_channel"
    )
    return person | _handset(rng, wealth) | hold(rng, group)


def select(columns: Columns, rows: NDArray) -> Columns:
    """Return the rows that a mask or an index names."""
    return {name: values[rows] for name, values in columns.items()}


def stack(parts: Sequence[Columns]) -> Columns:
    """Put blocks of customers one below the other."""
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def months_between(joined_on: NDArray[np.int32], day: date) -> NDArray[np.int16]:
    """Return the calendar months since joining: tenure as operators bill it."""
    months = joined_on.astype("datetime64[D]").astype("datetime64[M]").astype(np.int32)
    return ((day.year - 1970) * 12 + day.month - 1 - months).astype(np.int16)


def _forget(rng: Generator, values: NDArray, what: str) -> NDArray:
    values = values.copy()
    values[chance(rng, NULL_SHARES[what], len(values))] = MISSING
    return values


def _days_on_network(
    rng: Generator, brand: NDArray, age: NDArray, recruited_within: int
) -> NDArray[np.int32]:
    n = len(brand)
    if recruited_within:
        return raw(rng, n).astype(np.int32) % recruited_within
    days = np.exp(_LOG_DAYS[brand] + np.float32(0.85) * normals(rng, n))
    days = np.minimum(days, np.minimum(365.0 * (age - 13), 9_000)).astype(np.int32)
    return np.where(chance(rng, NEW_SHARE, n), raw(rng, n) % 30, days)


def _contract_days(rng: Generator, brand: NDArray, days: NDArray) -> NDArray[np.int32]:
    """Days until the contract ends; 0: bound by none. Every third customer has one."""
    n = len(brand)
    bound = chance(rng, np.where(brand == GOTONE, 0.48, 0.28), n) & (days > 30)
    return np.where(bound, 1 + raw(rng, n).astype(np.int32) % 720, 0)


def _plan(rng: Generator, brand: NDArray, group: NDArray, wealth: NDArray) -> NDArray[np.int8]:
    place = _PLAN_BASE[brand] + PLAN_LEVELS[group] + 0.9 * wealth + 0.5 * normals(rng, len(brand))
    return np.clip(np.rint(place), 0, len(PLANS) - 1).astype(np.int8)


def _handset(rng: Generator, wealth: NDArray) -> Columns:
    n = len(wealth)
    tier = (wealth > -0.7).astype(np.int8) + (wealth > 0.9)
    hundreds = np.rint(np.exp(2.9 + 0.55 * wealth + 0.35 * normals(rng, n)))
    phone: Columns = {
        "handset_brand": pick_by(rng, _HANDSET_BRAND, tier),
        "handset_network": pick_by(rng, _NETWORK, tier),
        "handset_price": np.clip(100 * hundreds - 1, 199, 15_999).astype(np.int32),
        "handset_age_months": pick(rng, _HANDSET_MONTHS, n),
    }
    unknown = chance(rng, NULL_SHARES["handset"], n)
    for values in phone.values():
        values[unknown] = MISSING
    return phone


def _age_band(age: NDArray) -> NDArray[np.int8]:
    band = (age >= 30).astype(np.int8) + (age >= 50)
    band[age == MISSING] = 3
    return band


assert BRANDS == ("gotone", "mzone", "easyown"), "the tables above are in this order"
