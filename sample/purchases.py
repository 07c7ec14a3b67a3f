"""What customers bought in the year before the training day, and from it to the first day.

Whether and when somebody buys is drawn as BG/NBD has it (Fader, Hardie & Lee 2005): while alive he
buys at random at his own rate, and after each purchase but the first he leaves for good with his
own probability. His yuan are drawn as Gamma-Gamma has it (Fader & Hardie 2013). Nothing else of
the customer decides on either; which policy an order names depends on what he may order.
"""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .churn import DAYS_WATCHED
from .days import BLOCK, Province
from .draws import Stage, chance, pick, shares_table, stream
from .events import CHANNELS, may_order
from .numbers import BASE
from .offers import OFFERS
from .people import EPOCH, Columns, select

YEAR = 365
WEEK = 7.0
# Share of the seats with a first purchase, on a day drawn over the year and the month after it. One
# before the customer joined has not been.
BUYING = 0.78
# Purchases a week: Gamma(r, alpha). P(leaving for good after a repeat): Beta(a, b).
REPEATS = {"r": 0.8, "alpha": 6.0, "a": 0.9, "b": 2.7}
# A purchase is Gamma(p, nu) yuan, nu is Gamma(q, gamma) over the customers: 40 yuan on average.
SPEND = {"p": 4.0, "q": 4.0, "gamma": 30.0}

# Packs of a month, which may be ordered again and again.
PACKS = tuple(o for o in OFFERS if o.policy in ("P0018", "P0019", "P0021", "P0022"))
_PLACES = np.array([OFFERS.index(offer) for offer in PACKS], dtype=np.int8)
_SMS, _APP = CHANNELS.index("sms"), CHANNELS.index("app")
# Channels that all of these packs are sold on.
_SOLD_ON = np.array([_SMS, _APP], dtype=np.int8)
_CHANNEL = shares_table([0.35, 0.65])


def delivered_purchases(province: Province, block: int, number: int, customers: Columns) -> Columns:
    """Return the past purchases that a day's file of a block brings.

    slot, offer and channel (places in their lists), ordered_on (days since 1970), amount (yuan).

    ``number`` is draw_events'; ``customers``: the block on that day. The training day brings the
    year before it, the first day what was bought since. Orders of the training day itself are those
    of events alone, and no later day brings any of the past. Who may order none of the packs bought
    nothing: every order is admitted by its policy, as of the day that brings it.
    """
    drawn = draw_purchases(stream(province.seed, Stage.PURCHASES, block, 0), province.size(block))
    drawn = select(drawn, drawn["ago"] > 0 if number < 0 else drawn["ago"] < 0)
    row = _rows(customers, block, drawn["seat"])
    drawn, row = select(drawn, row >= 0), row[row >= 0]
    today = (province.training_day - EPOCH).days
    fits = np.stack([may_order(offer, customers) for offer in PACKS])
    buys = fits.any(axis=0)[row] & (customers["joined_on"][row] <= today - drawn["first"])
    drawn, row = select(drawn, buys), row[buys]
    rng = stream(province.seed, Stage.PURCHASES, block, 1, number + 1)
    return {
        "slot": customers["slot"][row],
        "offer": _PLACES[_one_of(rng, fits[:, row])],
        "channel": _SOLD_ON[pick(rng, _CHANNEL, len(row))],
        "ordered_on": today - drawn["ago"],
        "amount": drawn["yuan"],
    }


def draw_purchases(rng: Generator, n: int) -> Columns:
    """Draw the purchases of n seats: seat, first, ago, yuan; a customer's lie on different days.

    ``ago``: days before the training day, from YEAR to 1 - DAYS_WATCHED, the eve of the first day;
    ``first``: the same of the customer's first purchase.
    """
    seats = np.flatnonzero(chance(rng, BUYING, n))
    first = rng.integers(1 - DAYS_WATCHED, YEAR + 1, len(seats)).astype(np.float64)
    daily = rng.gamma(REPEATS["r"], 1 / REPEATS["alpha"] / WEEK, len(seats))
    leaves = rng.beta(REPEATS["a"], REPEATS["b"], len(seats))
    typical = SPEND["gamma"] / rng.standard_gamma(SPEND["q"], len(seats))
    who, ago = np.arange(len(seats)), first
    buyers, days = [who], [ago]
    while len(who):
        # Rounded to days, not cut: as many gaps grow as shrink, and rates stay what they are.
        gap = np.maximum(np.rint(rng.standard_exponential(len(who)) / daily[who]), 1)
        again = ago - gap > -DAYS_WATCHED
        who, ago = who[again], (ago - gap)[again]
        buyers.append(who)
        days.append(ago)
        stays = rng.random(len(who)) >= leaves[who]
        who, ago = who[stays], ago[stays]
    buyer = np.concatenate(buyers)
    yuan = rng.standard_gamma(SPEND["p"], len(buyer)) * typical[buyer]
    return {
        "seat": seats[buyer],
        "first": first[buyer].astype(np.int32),
        "ago": np.concatenate(days).astype(np.int32),
        "yuan": np.maximum(np.rint(yuan * 100), 1) / 100,
    }


def _rows(customers: Columns, block: int, seats: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the row of whoever has each seat of the block since the training day; -1: he left."""
    seat = customers["slot"] - (BASE + block * BLOCK)
    of_training_day = np.flatnonzero(seat < BLOCK)
    row = np.full(BLOCK, -1)
    row[seat[of_training_day]] = of_training_day
    return row[seats]


def _one_of(rng: Generator, fits: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Choose one of the packs that fit, for each column; each has one at least."""
    upto = fits.cumsum(axis=0)
    wanted = (rng.random(fits.shape[1]) * upto[-1]).astype(np.int64) + 1
    return np.asarray((upto < wanted).sum(axis=0))
