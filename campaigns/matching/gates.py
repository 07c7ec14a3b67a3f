"""Which offers a customer may have, as bits.

A gate is what must be true of a customer before an offer is his: all of its conditions. Each
distinct gate is one bit of a few BIGINT columns. A cell's list holds, for each offer that it meets,
one whole number, offer × gates + gate, so that filtering a list needs nothing but the bits.
"""

from collections.abc import Sequence

from sqlglot import exp

from campaigns.planned import PlannedOffer

from . import trees
from .conditions import ALWAYS, Conditions
from .trees import BITS, Tree


class Gates:
    """The distinct gates of a plan's offers; ``of_offer[i]`` is the gate of offer i."""

    def __init__(self, offers: Sequence[PlannedOffer], conditions: Conditions) -> None:
        needed = [conditions.of(o.eligibility) | conditions.of_cities(o.cities) for o in offers]
        # The gate without conditions is always there, so that there is one even without offers.
        self._gates = list(dict.fromkeys([ALWAYS, *needed]))
        self.of_offer = [self._gates.index(gate) for gate in needed]

    def __len__(self) -> int:
        return len(self._gates)

    @property
    def words(self) -> list[str]:
        return [f"open {index}" for index in range(trees.words_for(len(self)))]

    def columns(self) -> list[Tree]:
        """Each word: the sum of the bits of the gates that are open to the customer."""
        return [
            trees.named(self._word(self._gates[first : first + BITS]), name)
            for name, first in zip(self.words, range(0, len(self), BITS), strict=True)
        ]

    def _word(self, gates: Sequence[frozenset[str]]) -> Tree:
        total = trees.whole(0)
        for bit, gate in enumerate(gates):
            open_ = exp.and_(*map(trees.column, sorted(gate))) if gate else exp.true()
            total = trees.plus(
                total, trees.when((open_, trees.whole(1 << bit)), otherwise=trees.whole(0))
            )
        return total

    def is_open(self, entry: Tree) -> Tree:
        """Whether the gate of a cell's list entry is open to the row's customer."""
        gate = trees.remainder(entry, trees.small(len(self)))
        *cases, (_any, last) = [
            (exp.LT(this=gate, expression=trees.small((index + 1) * BITS)), trees.column(name))
            for index, name in enumerate(self.words)
        ]
        word = trees.when(*cases, otherwise=last) if cases else last
        return trees.bit(word, exp.cast(trees.remainder(gate, trees.small(BITS)), "INT"))

    def offer_of(self, entry: Tree) -> Tree:
        """The index of an entry's offer."""
        return exp.cast(trees.quotient(entry, trees.small(len(self))), "INT")
