"""The order of one customer's offers: a total order, packed into one whole number per offer.

Offers are ordered by tier, then expected value (the greater first), then policy number, then
campaign code. The last two are the order in which a plan lists its offers, so an offer's index
there settles every tie, and sorting BIGINTs is all the ranking there is:

    key = (tier × 2^41 + (2^40 − worth in 1/100 fen)) × 2^14 + offer

Expected value is take-up × margin × lever, rounded to 0.0001 yuan: what differs by less is equal
and is settled by number. An offer whose take-up is unknown or no probability is left out and
counted: its key is negative, odd for unknown and even for out of range.
"""

from collections.abc import Sequence

import pyarrow as pa
from sqlglot import exp

from campaigns.planned import PlannedOffer

from . import trees
from .take_ups import TakeUps
from .tiers import Tiers
from .trees import Tree

MOST_OFFERS = 1 << 14
WORTHS = 1 << 41
MIDDLE = 1 << 40
# Parts of a yuan in which expected value is counted, and of 1 in which take-up is kept.
WORTH_PARTS = 10_000
TAKE_UP_PARTS = 1_000_000


def offer_facts(offers: Sequence[PlannedOffer], tiers: Tiers, take_ups: TakeUps) -> pa.Table:
    """One row that says of every offer what ranking asks, as arrays by offer (counted from 1)."""
    policies = {
        number: place for place, number in enumerate(dict.fromkeys(o.policy for o in offers))
    }
    facts = {
        "offer_id": ([o.id for o in offers], pa.int64()),
        "policy_of": ([policies[o.policy] for o in offers], pa.int32()),
        "value_of": ([o.worth_per_taker for o in offers], pa.float64()),
        "tier_of": ([place + 1 for place in tiers.of_offer], pa.int32()),
        "take_up_of": ([place + 1 for place in take_ups.of_offer], pa.int32()),
    }
    return pa.table({n: pa.array([values], pa.list_(t)) for n, (values, t) in facts.items()})


def key(offer: Tree) -> Tree:
    """The key of an offer (its index from 0) for the row's customer."""
    place = trees.plus(offer, trees.small(1))
    take_up = _take_up(place)
    worth = trees.times(trees.times(take_up, _fact("value_of", place)), trees.double(WORTH_PARTS))
    tier = trees.item(trees.column("tiers"), _fact("tier_of", place))
    high = trees.plus(
        trees.times(tier, trees.whole(WORTHS)),
        trees.minus(trees.whole(MIDDLE), trees.nearest(worth)),
    )
    index = exp.cast(offer, "BIGINT")
    twice = trees.times(index, trees.whole(2))
    probability = exp.Between(this=take_up, low=trees.double(0), high=trees.double(1))
    return trees.when(
        (exp.Is(this=take_up, expression=exp.null()), trees.minus(trees.whole(-1), twice)),
        (probability, trees.plus(trees.times(high, trees.whole(MOST_OFFERS)), index)),
        otherwise=trees.minus(trees.whole(-2), twice),
    )


def offer_place(key_: Tree) -> Tree:
    """The place of a key's offer in the arrays of offer facts (from 1)."""
    return exp.cast(
        trees.plus(trees.remainder(key_, trees.whole(MOST_OFFERS)), trees.whole(1)), "INT"
    )


def offer_id(key_: Tree) -> Tree:
    return _fact("offer_id", offer_place(key_))


def policy(key_: Tree) -> Tree:
    """The policy of a key as a number, -1 for a negative key."""
    negative = exp.LT(this=key_, expression=trees.whole(0))
    return trees.when(
        (negative, trees.small(-1)), otherwise=_fact("policy_of", offer_place(key_.copy()))
    )


def order(key_: Tree) -> Tree:
    """Tier and worth of a key as one number."""
    return trees.quotient(key_, trees.whole(MOST_OFFERS))


def tier(order_: Tree) -> Tree:
    return exp.cast(trees.quotient(order_, trees.whole(WORTHS)), "SMALLINT")


def worth(order_: Tree) -> Tree:
    """Yuan."""
    parts = trees.minus(trees.whole(MIDDLE), trees.remainder(order_, trees.whole(WORTHS)))
    return trees.divided(exp.cast(parts, "DOUBLE"), trees.double(WORTH_PARTS))


def take_up_parts(key_: Tree) -> Tree:
    """The take-up of a key's offer in millionths."""
    return trees.nearest(trees.times(_take_up(offer_place(key_)), trees.double(TAKE_UP_PARTS)))


def take_up(parts: Tree) -> Tree:
    return trees.divided(exp.cast(parts, "DOUBLE"), trees.double(TAKE_UP_PARTS))


def is_unknown(key_: Tree) -> Tree:
    """Of a negative key: whether the take-up is unknown, not out of range."""
    return exp.EQ(this=trees.remainder(key_, trees.whole(2)), expression=trees.whole(-1))


def _take_up(place: Tree) -> Tree:
    return trees.item(trees.column("take_up_values"), _fact("take_up_of", place))


def _fact(name: str, place: Tree) -> Tree:
    return trees.item(trees.column(name), place)
