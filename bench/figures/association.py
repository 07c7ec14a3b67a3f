"""What goes together: the published rules of the groceries, the planted pairs of the province."""

from functools import cache

import pyarrow as pa

from bench.figures import Figure, Found
from bench.planted import planted
from bench.public_data import groceries
from sample.products import ASSOCIATIONS, PRODUCTS
from scoring.learning.association import Association, Pair, PairCounts, associate
from scoring.learning.items import flags
from scoring.learning.itemsets import Rule, from_lists, rules

SUPPORT = 0.001
TOP_LIFTS = (18.996, 16.698, 16.408)


@cache
def _rules(confidence: float) -> list[Rule]:
    return rules(from_lists(groceries()), SUPPORT, confidence)


def _count(confidence: float) -> Found:
    return Found(len(_rules(confidence)), n=len(groceries()))


def top_lifts_off() -> Found:
    """The greatest distance of the three highest lifts from those published."""
    lifts = [rule.lift for rule in _rules(0.5)[:3]]
    off = max(abs(a - b) for a, b in zip(lifts, TOP_LIFTS, strict=True))
    return Found(round(off, 3), n=len(groceries()))


@cache
def province() -> Association:
    """All pairs of services on the training day, by brand too."""
    table = planted()
    frame = table.table(table.training_day)[[*PRODUCTS, "brand"]]
    brands = sorted(frame["brand"].unique())
    counts = PairCounts(flags("service", PRODUCTS), "brand", brands)
    for batch in pa.Table.from_pandas(frame, preserve_index=False).to_batches():
        counts.add(batch)
    return associate(counts, sides=[("service", "service")])


def planted_pairs() -> list[tuple[Pair, float]]:
    """The planted pairs with their planted lifts."""
    pairs = {frozenset((pair.first, pair.then)): pair for pair in province().pairs}
    return [(pairs[frozenset((a.first, a.then))], a.lift) for a in ASSOCIATIONS]


def planted_found() -> Found:
    found = [pair for pair, _ in planted_pairs() if pair.found == "together"]
    return Found(len(found), n=province().rows)


def planted_lift_off() -> Found:
    """The greatest relative error of a planted lift."""
    errors = [abs((pair.lift or 0) / lift - 1) for pair, lift in planted_pairs()]
    return Found(100 * max(errors), n=province().rows)


FIGURES = (
    Figure(
        "association.groceries.rules.50.least",
        "rules at support .001 and confidence .5: 5,668, no fewer",
        lambda: _count(0.5),
        bar=5668,
    ),
    Figure(
        "association.groceries.rules.50.most",
        "and no more",
        lambda: _count(0.5),
        bar=5668,
        at_least=False,
    ),
    Figure(
        "association.groceries.rules.80",
        "rules at confidence .8: 410",
        lambda: _count(0.8),
        bar=410,
    ),
    Figure(
        "association.groceries.lifts",
        "three highest lifts: 18.996, 16.698, 16.408; off by",
        top_lifts_off,
        bar=0.0005,
        at_least=False,
    ),
    Figure(
        "association.planted.found",
        "of 7 planted pairs among all pairs of services found",
        planted_found,
        bar=len(ASSOCIATIONS),
    ),
    Figure(
        "association.planted.lift",
        "greatest error of a planted lift",
        planted_lift_off,
        bar=10,
        at_least=False,
        unit=" %",
    ),
)
