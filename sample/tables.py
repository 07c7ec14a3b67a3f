"""The files as the source systems would hand them over: their column names, their codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .churn import DRIVERS, contributions, leaving_probability, rounded
from .events import BREACHES, CHANNELS, OUTCOMES, REASONS, may_order
from .groups import GROUPS
from .numbers import customer_numbers
from .offers import OFFERS, PILOTS, response
from .people import MISSING, Columns
from .places import CITIES, PLANS
from .products import PRODUCTS

LABEL = "left_within_30d"
ARMS = ("C", "T")


@dataclass(frozen=True)
class Field:
    """A column of the customer file: its raw name, the attribute in it, its codes by place."""

    raw: str
    attribute: str
    type: pa.DataType
    codes: tuple[str, ...] = ()


def _codes(raw: str, attribute: str, codes: Sequence[str]) -> Field:
    return Field(raw, attribute, pa.dictionary(pa.int8(), pa.string()), tuple(codes))


_SMALL, _WHOLE, _AMOUNT, _FLAG, _DAY = pa.int16(), pa.int32(), pa.float64(), pa.bool_(), pa.date32()
CITY = _codes("CITY_ID", "city", [city.raw for city in CITIES])
FIELDS = (
    _codes("SEX", "gender", ["M", "F"]),
    Field("AGE", "age", _SMALL),
    _codes("BRAND_ID", "brand", ["GT", "MZ", "EO"]),
    Field("OPEN_DATE", "joined_on", _DAY),
    Field("ONLINE_MONTHS", "tenure_months", _SMALL),
    _codes("PLAN_ID", "plan_code", [plan.code for plan in PLANS]),
    Field("PLAN_FEE", "plan_fee", _AMOUNT),
    Field("ARPU", "arpu", _AMOUNT),
    Field("ARPU_AVG3", "arpu_3m", _AMOUNT),
    Field("BALANCE", "balance", _AMOUNT),
    Field("STAR_LEVEL", "star_level", _SMALL),
    Field("POINTS", "points", _WHOLE),
    Field("IS_CAMPUS", "is_campus", _FLAG),
    Field("IS_GROUP", "is_group_customer", _FLAG),
    _codes("PAY_TYPE", "payment", ["PRE", "POST", "AUTO"]),
    Field("CONTRACT_LEFT", "contract_months_left", _SMALL),
    _codes("HS_BRAND", "handset_brand",
           ["HUAWEI", "HONOR", "XIAOMI", "OPPO", "VIVO", "APPLE", "SAMSUNG", "OTHER"]),
    _codes("HS_NET", "handset_network", ["2G", "3G", "4G", "5G"]),
    Field("HS_PRICE", "handset_price", _WHOLE),
    Field("HS_MONTHS", "handset_age_months", _SMALL),
    Field("VOICE_MIN", "voice_minutes", _WHOLE),
    Field("TOLL_MIN", "long_distance_minutes", _WHOLE),
    Field("ROAM_MIN", "roaming_minutes", _WHOLE),
    Field("SMS_CNT", "sms_count", _WHOLE),
    Field("MMS_CNT", "mms_count", _WHOLE),
    Field("GPRS_MB", "data_mb", _WHOLE),
    Field("DROP_RATE", "call_drop_rate", _AMOUNT),
    _codes("PREF_CHNL", "preferred_channel", ["YYT", "APP", "WAP", "SMS", "10086", "AGENT"]),
    Field("APP_LOGIN_30", "app_logins_30d", _SMALL),
    Field("HALL_90", "hall_visits_90d", _SMALL),
    Field("HOTLINE_90", "hotline_calls_90d", _SMALL),
    Field("COMPLAIN_90", "complaints_90d", _SMALL),
    *(Field(product.upper(), product, _FLAG) for product in sorted(PRODUCTS)),
    Field("TONE_CHG", "tone_changes", _WHOLE),
    Field("PV_BUSINESS", "business_visits", _WHOLE),
    Field("PV_LIFE", "life_visits", _WHOLE),
    Field("PV_AMUSE", "entertainment_visits", _WHOLE),
    Field("PV_GAME", "games_visits", _WHOLE),
    Field("PV_NEWS", "news_visits", _WHOLE),
    Field("IND_DINING", "dining_contacts", _SMALL),
    Field("IND_LEISURE", "leisure_contacts", _SMALL),
    Field("IND_FINANCE", "finance_contacts", _SMALL),
    Field("IND_GOV", "government_contacts", _SMALL),
    Field("IND_HOUSE", "property_contacts", _SMALL),
    Field("RIVAL_CALLS", "competitor_calls", _SMALL),
    Field("ARPU_CHG", "arpu_change", _AMOUNT),
    Field("VOICE_CHG", "voice_change", _AMOUNT),
    Field("SMS_CHG", "sms_change", _AMOUNT),
    Field("GPRS_CHG", "data_change", _AMOUNT),
    Field("SILENT_DAYS", "silent_days", _SMALL),
    Field("LEFT_30D", LABEL, _FLAG),
)  # fmt: skip
_HANDSET = ("handset_brand", "handset_network", "handset_price", "handset_age_months")
_UNKNOWN_AT_TIMES = frozenset(["gender", "age", "preferred_channel", *_HANDSET])
# What the generator calls otherwise than the catalogue.
_HELD_AS = {"plan_code": "plan"}

_NUMBER = pa.field("USER_NO", pa.string())
CUSTOMERS = pa.schema([_NUMBER, *(pa.field(f.raw, f.type) for f in (CITY, *FIELDS))])
ORDERS = pa.schema(
    {
        "ORDER_NO": pa.string(),
        "USER_NO": pa.string(),
        "ORDER_DATE": pa.date32(),
        "POLICY_NO": pa.string(),
        "CAMPAIGN_NO": pa.string(),
        "CHANNEL": pa.string(),
        "DEVICE_PRICE": pa.float64(),
        "AMOUNT": pa.float64(),
    }
)
CONTACTS = pa.schema(
    {
        "CONTACT_NO": pa.string(),
        "USER_NO": pa.string(),
        "CONTACT_DATE": pa.date32(),
        "CHANNEL": pa.string(),
        "CAMPAIGN_NO": pa.string(),
        "POLICY_NO": pa.string(),
        "OUTCOME": pa.string(),
        "REASON": pa.string(),
    }
)
PEOPLE_TRUTH = pa.schema(
    {
        "customer_no": pa.string(),
        "group": pa.string(),
        "leaving": pa.float64(),
        "driver": pa.string(),
    }
    | {
        f"{what}_{offer.policy.lower()}": pa.float64()
        for offer in PILOTS
        for what in ("alone", "contacted")
    }
)
CHURN_TRUTH = pa.schema(
    {
        "customer_no": pa.string(),
        "group": pa.string(),
        "leaving": pa.float64(),
        "driver": pa.string(),
        "left": pa.bool_(),
    }
)
TRIALS = pa.schema(
    {
        "TRIAL_NO": pa.string(),
        "USER_NO": pa.string(),
        "ASSIGN_DATE": pa.date32(),
        "POLICY_NO": pa.string(),
        "ARM": pa.string(),
    }
)
PILOT_TRUTH = pa.schema(
    {
        "customer_no": pa.string(),
        "policy": pa.string(),
        "contacted": pa.bool_(),
        "ordered": pa.bool_(),
        "alone_p": pa.float64(),
        "contacted_p": pa.float64(),
    }
)
BREACH_TRUTH = pa.schema(
    {
        "order_no": pa.string(),
        "customer_no": pa.string(),
        "policy": pa.string(),
        "reason": pa.string(),
    }
)


def customers_table(columns: Columns) -> pa.Table:
    """Return a block of the customer file; without a label in ``columns`` the label is null."""
    arrays = [numbers_of(columns)]
    for field in (CITY, *FIELDS):
        name = _HELD_AS.get(field.attribute, field.attribute)
        if name not in columns:
            arrays.append(pa.nulls(len(arrays[0]), field.type))
            continue
        arrays.append(_array(field, columns[name]))
    return pa.Table.from_arrays(arrays, schema=CUSTOMERS)


def orders_table(orders: Columns, block: int, day: date) -> pa.Table:
    """Return a block's orders; their numbers name the day, the block and the place in it."""
    policies, campaigns = _policies(orders["offer"]), _campaigns(orders["offer"])
    amounts = np.array([offer.amount for offer in OFFERS])[orders["offer"]]
    price = orders["device_price"]
    arrays = [
        order_numbers("O", len(price), block, day),
        numbers_of(orders),
        _same_day(day, len(price)),
        policies,
        pc.if_else(pa.array(orders["campaigned"]), campaigns, None),
        _words(CHANNELS, orders["channel"]),
        pa.array(price, from_pandas=True),
        pa.array(np.where(np.isnan(price), amounts, price)),
    ]
    return pa.Table.from_arrays(arrays, schema=ORDERS)


def purchases_table(past: Columns, block: int, day: date) -> pa.Table:
    """Return a block's orders of the past (purchases.py), which the file of ``day`` brings."""
    n = len(past["offer"])
    arrays = [
        order_numbers("P", n, block, day),
        numbers_of(past),
        pa.array(past["ordered_on"].astype("datetime64[D]")),
        _policies(past["offer"]),
        pa.nulls(n, pa.string()),
        _words(CHANNELS, past["channel"]),
        pa.nulls(n, pa.float64()),
        pa.array(past["amount"]),
    ]
    return pa.Table.from_arrays(arrays, schema=ORDERS)


def contacts_table(contacts: Columns, block: int, day: date) -> pa.Table:
    n = len(contacts["offer"])
    arrays = [
        order_numbers("C", n, block, day),
        numbers_of(contacts),
        _same_day(day, n),
        _words(CHANNELS, contacts["channel"]),
        _campaigns(contacts["offer"]),
        _policies(contacts["offer"]),
        _words(OUTCOMES, contacts["outcome"]),
        _words(REASONS, contacts["reason"]),
    ]
    return pa.Table.from_arrays(arrays, schema=CONTACTS)


def churn_table(columns: Columns) -> pa.Table:
    """Return who was to leave after the training day, how surely, why most of all, and who did.

    The groups have their planted shares here; on the first day the silent ones have thinned out.
    """
    arrays = [numbers_of(columns), _groups(columns), *_leaving(columns), pa.array(columns[LABEL])]
    return pa.Table.from_arrays(arrays, schema=CHURN_TRUTH)


def people_table(columns: Columns) -> pa.Table:
    """Return each customer's group, risk of leaving, and P(order) per pilot; null: not eligible."""
    arrays = [numbers_of(columns), _groups(columns), *_leaving(columns)]
    for offer in PILOTS:
        unfit = ~may_order(offer, columns)
        for chances in response(offer, columns):
            arrays.append(pa.array(rounded(chances, 4), mask=unfit))
    return pa.Table.from_arrays(arrays, schema=PEOPLE_TRUTH)


def pilots_table(pilots: Columns) -> pa.Table:
    arrays = [
        numbers_of(pilots),
        _policies(pilots["offer"]),
        pa.array(pilots["contacted"]),
        pa.array(pilots["ordered"]),
        pa.array(pilots["alone"]),
        pa.array(pilots["if_contacted"]),
    ]
    return pa.Table.from_arrays(arrays, schema=PILOT_TRUTH)


def trials_table(pilots: Columns, block: int, day: date) -> pa.Table:
    """Return who took part in a pilot and on which side the lot put him; empty but on day 0."""
    n = len(pilots["offer"])
    arrays = [
        order_numbers("T", n, block, day),
        numbers_of(pilots),
        _same_day(day, n),
        _policies(pilots["offer"]),
        _words(ARMS, pilots["contacted"].astype(np.int8)),
    ]
    return pa.Table.from_arrays(arrays, schema=TRIALS)


def breaches_table(orders: Columns, block: int, day: date) -> pa.Table:
    broken = pa.array(orders["breach"] != MISSING)
    arrays = [
        order_numbers("O", len(orders["offer"]), block, day),
        numbers_of(orders),
        _policies(orders["offer"]),
        _words(BREACHES, orders["breach"]),
    ]
    return pa.Table.from_arrays(arrays, schema=BREACH_TRUTH).filter(broken)


def numbers_of(columns: Columns) -> pa.Array:
    return pc.cast(pa.array(customer_numbers(columns["slot"])), pa.string())


def order_numbers(letter: str, n: int, block: int, day: date) -> pa.Array:
    """Return n numbers such as O20260701-00012-000345: day, block, place."""
    places = pc.utf8_lpad(pc.cast(pa.array(np.arange(n)), pa.string()), 6, "0")
    return pc.binary_join_element_wise(f"{letter}{day:%Y%m%d}-{block:05d}", places, "-")


def _array(field: Field, values: NDArray) -> pa.Array:
    unknown = values == MISSING if field.attribute in _UNKNOWN_AT_TIMES else None
    if field.codes:
        places = pa.array(values, mask=unknown)
        return pa.DictionaryArray.from_arrays(places, pa.array(field.codes))
    if field.type == _AMOUNT:
        return pa.array(values, from_pandas=True)
    if field.type == _DAY:
        return pa.array(values.astype("datetime64[D]"))
    return pa.array(values, type=field.type, mask=unknown)


def _groups(columns: Columns) -> pa.Array:
    return _words([group.code for group in GROUPS], columns["group"])


def _leaving(columns: Columns) -> list[pa.Array]:
    """The probability of leaving, and the driver that adds most to it."""
    strongest = contributions(columns).argmax(axis=0)
    drivers = _words(list(DRIVERS), strongest)
    return [pa.array(rounded(leaving_probability(columns), 4)), drivers]


def _words(words: Sequence[str], places: NDArray) -> pa.Array:
    """Spell out places in a list; MISSING becomes null."""
    return pa.array(words).take(pa.array(places, mask=places == MISSING))


def _policies(places: NDArray) -> pa.Array:
    return _words([offer.policy for offer in OFFERS], places)


def _campaigns(places: NDArray) -> pa.Array:
    return _words([offer.campaign for offer in OFFERS], places)


def _same_day(day: date, n: int) -> pa.Array:
    return pa.repeat(pa.scalar(day, pa.date32()), n)
