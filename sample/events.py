"""What happened on a day: pilots, contacts, orders, and the orders that break their policy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .days import Province
from .draws import LEVELS, Stage, chance, pick, raw, shares_table, stream
from .offers import BUNDLES, ENDED, OFFERS, PILOTS, SERVICES, Offer, response
from .people import MISSING, Columns, select, stack
from .places import CITIES

PILOT_SHARE = 0.12  # of all customers, per pilot; half of them are contacted
CONTACTED_A_DAY = 0.02
WALKING_IN_A_DAY = 0.02
BUNDLE_SHARE = 0.5  # of the orders that walk in

CHANNELS = ("front_desk", "outbound_call", "sms", "app", "web")
OUTCOMES = ("shown", "accepted", "declined", "ordered", "complained")
SHOWN, _, DECLINED, ORDERED, COMPLAINED = range(5)
REASONS = ("price", "no_need", "has_it_elsewhere", "not_now")
BREACHES = ("dearer_handset", "not_eligible", "outside_validity", "wrong_city", "repeated")
DEARER_HANDSET, NOT_ELIGIBLE, OUTSIDE_VALIDITY, WRONG_CITY, REPEATED = range(5)
# Shares: of bundle orders, of customers, of customers, of customers, of a day's orders.
BREACH_SHARES = (0.06, 0.0004, 0.0002, 0.0004, 0.01)

DEVICE_PRICES = np.array(
    [599, 799, 999, 1_299, 1_699, 1_999, 2_299, 2_799, 3_299, 3_999, 4_599, 5_499, 6_499, 7_999,
     8_999, 10_999]
)  # fmt: skip
_CHANNEL = shares_table([0.30, 0.25, 0.25, 0.15, 0.05])
_REFUSAL = shares_table([0.60, 0.02, 0.375, 0.0, 0.005])
_REASON = shares_table([0.35, 0.35, 0.10, 0.20])
_FRONT_DESK, _SMS = 0, 2


@dataclass(frozen=True)
class Events:
    """A block's day. Offers, channels, outcomes, reasons and breaches are places in their lists.

    ``pilots``: slot, offer, contacted, ordered, alone and if_contacted (both P(order)); day 0 only.
    """

    orders: Columns
    contacts: Columns
    pilots: Columns


def draw_events(province: Province, block: int, number: int, customers: Columns) -> Events:
    """Draw what the customers of a block did on the day ``number`` (-1: the training day)."""
    place = (block, number + 1)
    pilots = _no_pilots()
    if number == 0:
        pilots = _pilots(stream(province.seed, Stage.PILOTS, *place), customers)
    rng = stream(province.seed, Stage.CONTACTS, *place)
    contacts = stack([_pilot_contacts(rng, pilots), _everyday_contacts(rng, customers)])
    rng = stream(province.seed, Stage.ORDERS, *place)
    honest = _once(stack([_pilot_orders(pilots), _ordered(contacts), _walk_ins(rng, customers)]))
    breaking = _breaking(stream(province.seed, Stage.BREACHES, *place), customers, honest)
    _hand_over_devices(rng, honest)
    return Events(stack([honest, *breaking]), contacts, pilots)


def may_order(offer: Offer, customers: Columns) -> NDArray[np.bool_]:
    """Whether the offer's rule and cities admit each customer."""
    allowed = offer.eligible(customers)
    return allowed & _in_cities(offer, customers) if offer.cities else allowed


def _in_cities(offer: Offer, customers: Columns) -> NDArray[np.bool_]:
    codes = [place for place, city in enumerate(CITIES) if city.code in offer.cities]
    return np.isin(customers["city"], codes)


# --- pilots: a random half of the eligible is contacted, the other half is left alone -------------


def _pilots(rng: Generator, customers: Columns) -> Columns:
    """Each customer is in one pilot at most."""
    lot = raw(rng, len(customers["city"])) / np.float32(LEVELS)
    contacted = chance(rng, 0.5, len(lot))
    waves = []
    for place, offer in enumerate(PILOTS):
        drawn = np.flatnonzero((lot >= place * PILOT_SHARE) & (lot < (place + 1) * PILOT_SHARE))
        wave = select(customers, drawn)
        rows = np.flatnonzero(may_order(offer, wave))
        wave = select(wave, rows)
        alone, if_contacted = response(offer, wave)
        treated = contacted[drawn[rows]]
        likely = np.where(treated, if_contacted, alone)
        waves.append(
            {
                "slot": wave["slot"],
                "offer": np.full(len(rows), place, dtype=np.int8),
                "contacted": treated,
                "ordered": rng.random(len(rows)) < likely,
                "alone": alone,
                "if_contacted": if_contacted,
            }
        )
    return stack(waves)


def _no_pilots() -> Columns:
    return {
        "slot": np.empty(0, np.int64),
        "offer": np.empty(0, np.int8),
        "contacted": np.empty(0, bool),
        "ordered": np.empty(0, bool),
        "alone": np.empty(0),
        "if_contacted": np.empty(0),
    }


def _pilot_contacts(rng: Generator, pilots: Columns) -> Columns:
    treated = select(pilots, pilots["contacted"])
    return _contacts(rng, treated["slot"], treated["offer"], treated["ordered"], _SMS)


def _pilot_orders(pilots: Columns) -> Columns:
    """Those who order unasked; the orders of those contacted follow from the contacts."""
    alone = select(pilots, pilots["ordered"] & ~pilots["contacted"])
    return _orders(alone["slot"], alone["offer"], _SMS, campaigned=False)


# --- contacts -------------------------------------------------------------------------------------


def _everyday_contacts(rng: Generator, customers: Columns) -> Columns:
    group = select(customers, chance(rng, CONTACTED_A_DAY, len(customers["city"])))
    chosen = (*BUNDLES, *SERVICES)
    lot = rng.integers(0, len(chosen), len(group["city"]))
    waves = []
    for place, offer in enumerate(chosen):
        wave = select(group, lot == place)
        wave = select(wave, may_order(offer, wave))
        orders = rng.random(len(wave["city"])) < response(offer, wave)[1]
        channel = pick(rng, _CHANNEL, len(orders))
        waves.append(_contacts(rng, wave["slot"], _place(offer, len(orders)), orders, channel))
    return stack(waves)


def _contacts(
    rng: Generator,
    slot: NDArray,
    offer: NDArray[np.int8],
    ordered: NDArray[np.bool_],
    channel: NDArray | int,
) -> Columns:
    n = len(slot)
    outcome = np.where(ordered, np.int8(ORDERED), pick(rng, _REFUSAL, n))
    reason = pick(rng, _REASON, n)
    return {
        "slot": slot,
        "offer": offer,
        "channel": np.broadcast_to(np.int8(channel), n),
        "outcome": outcome,
        "reason": np.where(outcome == DECLINED, reason, np.int8(MISSING)),
    }


# --- orders ---------------------------------------------------------------------------------------


def _ordered(contacts: Columns) -> Columns:
    taken = select(contacts, contacts["outcome"] == ORDERED)
    return _orders(taken["slot"], taken["offer"], taken["channel"], campaigned=True)


def _walk_ins(rng: Generator, customers: Columns) -> Columns:
    """Orders at the counter: half of those who ask want a handset, and who may order does."""
    people = select(customers, chance(rng, WALKING_IN_A_DAY, len(customers["city"])))
    n = len(people["city"])
    bundle = chance(rng, BUNDLE_SHARE, n)
    lot = np.where(
        bundle, rng.integers(0, len(BUNDLES), n), len(BUNDLES) + rng.integers(0, len(SERVICES), n)
    )
    waves = []
    for place, offer in enumerate((*BUNDLES, *SERVICES)):
        wave = select(people, lot == place)
        slot = wave["slot"][may_order(offer, wave)]
        waves.append(_orders(slot, _place(offer, len(slot)), _FRONT_DESK, campaigned=False))
    return stack(waves)


def _orders(
    slot: NDArray, offer: NDArray[np.int8], channel: NDArray | int, *, campaigned: bool
) -> Columns:
    n = len(slot)
    return {
        "slot": slot,
        "offer": offer,
        "channel": np.broadcast_to(np.int8(channel), n),
        "campaigned": np.full(n, campaigned),
        "device_price": np.full(n, np.nan),
        "breach": np.full(n, MISSING, dtype=np.int8),
    }


def _once(orders: Columns) -> Columns:
    """Keep the first order of each customer and policy: a second one would break the policy."""
    pairs = orders["slot"] * len(OFFERS) + orders["offer"]
    return select(orders, np.sort(np.unique(pairs, return_index=True)[1]))


def _place(offer: Offer, n: int) -> NDArray[np.int8]:
    return np.full(n, OFFERS.index(offer), dtype=np.int8)


def _hand_over_devices(rng: Generator, orders: Columns) -> None:
    """Give every bundle a handset within its ceiling, but 6 in 100 a dearer one (提档)."""
    for offer in BUNDLES:
        rows = np.flatnonzero(orders["offer"] == OFFERS.index(offer))
        dearer = chance(rng, BREACH_SHARES[DEARER_HANDSET], len(rows))
        within = DEVICE_PRICES[offer.ceiling >= DEVICE_PRICES]
        beyond = DEVICE_PRICES[offer.ceiling < DEVICE_PRICES]
        orders["device_price"][rows] = np.where(
            dearer,
            beyond[rng.integers(0, len(beyond), len(rows))],
            within[rng.integers(0, len(within), len(rows))],
        )
        orders["breach"][rows[dearer]] = DEARER_HANDSET


# --- orders that break their policy ---------------------------------------------------------------


def _breaking(rng: Generator, customers: Columns, honest: Columns) -> Sequence[Columns]:
    return (
        *_not_eligible(rng, customers),
        _after_the_end(rng, customers),
        *_elsewhere(rng, customers),
        _repeated(rng, honest),
    )


def _not_eligible(rng: Generator, customers: Columns) -> Sequence[Columns]:
    """Orders of services by customers whom the rule does not admit."""
    people = select(customers, chance(rng, BREACH_SHARES[NOT_ELIGIBLE], len(customers["city"])))
    chosen = [offer for offer in SERVICES if not offer.cities]
    lot = rng.integers(0, len(chosen), len(people["city"]))
    waves = []
    for place, offer in enumerate(chosen):
        wave = select(people, lot == place)
        slot = wave["slot"][~offer.eligible(wave)]
        waves.append(_broken(slot, offer, NOT_ELIGIBLE))
    return waves


def _after_the_end(rng: Generator, customers: Columns) -> Columns:
    late = chance(rng, BREACH_SHARES[OUTSIDE_VALIDITY], len(customers["city"]))
    return _broken(customers["slot"][late], ENDED, OUTSIDE_VALIDITY)


def _elsewhere(rng: Generator, customers: Columns) -> Sequence[Columns]:
    """Orders of a city's own offers from customers who would fit, in another city."""
    people = select(customers, chance(rng, BREACH_SHARES[WRONG_CITY], len(customers["city"])))
    chosen = [offer for offer in SERVICES if offer.cities]
    lot = rng.integers(0, len(chosen), len(people["city"]))
    waves = []
    for place, offer in enumerate(chosen):
        wave = select(people, lot == place)
        slot = wave["slot"][offer.eligible(wave) & ~_in_cities(offer, wave)]
        waves.append(_broken(slot, offer, WRONG_CITY))
    return waves


def _repeated(rng: Generator, honest: Columns) -> Columns:
    """A second order of the same service by the same customer on the same day."""
    again = chance(rng, BREACH_SHARES[REPEATED], len(honest["slot"]))
    again &= ~np.isin(honest["offer"], [OFFERS.index(offer) for offer in BUNDLES])
    twice = select(honest, again)
    twice["breach"] = np.full(len(twice["slot"]), REPEATED, dtype=np.int8)
    return twice


def _broken(slot: NDArray, offer: Offer, breach: int) -> Columns:
    orders = _orders(slot, _place(offer, len(slot)), _FRONT_DESK, campaigned=False)
    orders["breach"][:] = breach
    return orders
