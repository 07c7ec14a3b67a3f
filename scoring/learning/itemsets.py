"""Frequent itemsets and the rules between them, of any length (Eclat: Zaki 2000), on packed sets.

A set of items is found depth first from one item fewer by cutting the bits of the customers who
have it with those of each later item: one vectorised step per set that can grow.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from common.rates import wilson

from .association import lifts
from .bitsets import Words, packed, size_of
from .items import Item
from .refusal import NotEstimable

MOST_ITEMSETS = 1_000_000

Itemset = tuple[int, ...]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Baskets:
    """Who has which item: ``bits`` items × words as scoring.learning.bitsets packs them."""

    items: tuple[str, ...]
    rows: int
    bits: Words


def from_lists(baskets: Sequence[Sequence[str]]) -> Baskets:
    """Pack lists of what each customer has; an item named twice counts once."""
    items = tuple(sorted({item for basket in baskets for item in basket}))
    place = {item: position for position, item in enumerate(items)}
    held = np.zeros((len(items), len(baskets)), dtype=bool)
    for row, basket in enumerate(baskets):
        held[[place[item] for item in basket], row] = True
    return Baskets(items, len(baskets), packed([pa.array(line) for line in held], len(baskets)))


def from_batches(batches: Iterable[pa.RecordBatch], items: Sequence[Item]) -> Baskets:
    """Pack batches with a column per attribute; an item of which nothing is known is not had.

    Each batch begins a new word: the bits between stand for nobody.
    """
    rows, pieces = 0, []
    for batch in batches:
        rows += batch.num_rows
        pieces.append(packed([item.held(batch) for item in items], batch.num_rows))
    bits = np.hstack(pieces) if pieces else np.zeros((len(items), 0), dtype=np.uint64)
    return Baskets(tuple(item.code for item in items), rows, np.ascontiguousarray(bits))


@dataclass(frozen=True)
class Rule:
    """Who has all of ``antecedent``, has ``consequent`` with probability ``confidence``.

    Of ``n`` customers antecedent_n have the one, consequent_n the other and both_n both; support =
    both_n / n. low and high are 95 % intervals, as of pairs (scoring.learning.association).
    """

    antecedent: tuple[str, ...]
    consequent: str
    n: int
    antecedent_n: int
    consequent_n: int
    both_n: int
    support: float
    confidence: float
    confidence_low: float
    confidence_high: float
    lift: float
    lift_low: float | None
    lift_high: float | None


def frequent_itemsets(
    baskets: Baskets,
    support: float,
    longest: int | None = None,
    most: int = MOST_ITEMSETS,
    progress: Progress | None = None,
) -> dict[Itemset, int]:
    """Return how many have each set that at least ``support`` of all have.

    A set is the positions of its items, ascending. Refused when more than ``most`` sets are
    frequent: a support too low makes more of them than memory holds.
    """
    if not 0 < support <= 1:
        raise ValueError(f"support must be above 0 and at most 1, got {support}")
    if not baskets.rows:
        raise NotEstimable("no_rows")
    # 0.07 of 100 means 7, though 0.07 * 100 comes out as 7.000000000000001.
    least = max(1, ceil(support * baskets.rows - 1e-9))
    sizes = size_of(baskets.bits)
    items = np.flatnonzero(sizes >= least)
    found: dict[Itemset, int] = {}
    search = _Search(found, least, longest or len(items), most)
    search.grow((), items, baskets.bits[items], sizes[items], progress)
    return found


@dataclass
class _Search:
    found: dict[Itemset, int]
    least: int
    longest: int
    most: int

    def grow(
        self,
        stem: Itemset,
        items: NDArray[np.intp],
        bits: Words,
        sizes: NDArray[np.int64],
        progress: Progress | None = None,
    ) -> None:
        """``bits``: who has the stem and the item, for each of ``items`` that may follow it."""
        for place, item in enumerate(items.tolist()):
            itemset = (*stem, item)
            self.found[itemset] = int(sizes[place])
            if len(self.found) > self.most:
                raise NotEstimable("too_many_itemsets", most=self.most)
            if len(itemset) < self.longest:
                longer = bits[place] & bits[place + 1 :]
                counts = size_of(longer)
                kept = np.flatnonzero(counts >= self.least)
                self.grow(itemset, items[place + 1 :][kept], longer[kept], counts[kept])
            if progress:
                progress(place + 1, len(items))


def rules(
    baskets: Baskets,
    support: float,
    confidence: float,
    longest: int | None = None,
    most: int = MOST_ITEMSETS,
    progress: Progress | None = None,
) -> list[Rule]:
    """Return the rules with one consequent, the highest lift first; ties by items' order.

    The antecedent has at least one item; ``longest`` bounds antecedent and consequent together.
    """
    found = frequent_itemsets(baskets, support, longest, most, progress)
    parts = [
        (itemset[:place] + itemset[place + 1 :], itemset[place], both)
        for itemset, both in found.items()
        if len(itemset) > 1
        for place in range(len(itemset))
    ]
    # Both sides of confidence = both / having are whole, so that no rounding decides.
    kept = [part for part in parts if part[2] >= confidence * found[part[0]] - 1e-9]
    if not kept:
        return []
    listed = _measured(baskets, kept, found)
    return sorted(listed, key=lambda rule: (-rule.lift, rule.antecedent, rule.consequent))


def _measured(
    baskets: Baskets, kept: list[tuple[Itemset, int, int]], found: dict[Itemset, int]
) -> list[Rule]:
    having = np.array([found[antecedent] for antecedent, _, _ in kept])
    then = np.array([found[(consequent,)] for _, consequent, _ in kept])
    both = np.array([count for _, _, count in kept])
    n = np.full(len(kept), baskets.rows)
    low, high = wilson(both, having)
    lift = lifts(n[None], having[None], then[None], both[None])
    names = baskets.items
    return [
        Rule(
            tuple(names[item] for item in antecedent),
            names[consequent],
            baskets.rows,
            int(having[i]),
            int(then[i]),
            count,
            count / baskets.rows,
            count / int(having[i]),
            float(low[i]),
            float(high[i]),
            count * baskets.rows / (int(having[i]) * int(then[i])),
            None if np.isnan(lift.low[i]) else float(lift.low[i]),
            None if np.isnan(lift.high[i]) else float(lift.high[i]),
        )
        for i, (antecedent, consequent, count) in enumerate(kept)
    ]
