"""Which offers a customer may have.

A gate is what must be true of a customer before an offer is his: all of its conditions. Each
distinct gate is one place of an array of booleans. A cell's list holds, for each offer that it
meets, one whole number, offer × gates + gate, so that filtering a list needs nothing but the array.
"""

from collections.abc import Sequence

from sqlglot import exp

from campaigns.planned import PlannedOffer

from . import trees
from .conditions import ALWAYS, Conditions
from .trees import Tree


class Gates:
    """The distinct gates of a plan's offers; ``of_offer[i]`` is the gate of offer i."""

    def __init__(self, offers: Sequence[PlannedOffer], conditions: Conditions) -> None:
        needed = [conditions.of(o.eligibility) | conditions.of_cities(o.cities) for o in offers]
        # The gate without conditions is always there, so that there is one even without offers.
        self._gates = list(dict.fromkeys([ALWAYS, *needed]))
        self.of_offer = [self._gates.index(gate) for gate in needed]

    def __len__(self) -> int:
        return len(self._gates)

    def column(self) -> Tree:
        """An array by gate: whether it is open to the customer."""
        return trees.array(map(_all, self._gates), "BOOLEAN")

    def entry(self, offer: int) -> int:
        """What a cell's list holds for an offer."""
        return offer * len(self) + self.of_offer[offer]

    def is_open(self, entry: Tree) -> Tree:
        """Whether the gate of a list's entry is open to the row's customer."""
        gate = trees.remainder(entry, trees.small(len(self)))
        return trees.item(trees.column("gates"), trees.plus(gate, trees.small(1)))

    def offer_of(self, entry: Tree) -> Tree:
        """The index of an entry's offer."""
        return exp.cast(trees.quotient(entry, trees.small(len(self))), "INT")


def _all(gate: frozenset[str]) -> Tree:
    return exp.and_(*map(trees.column, sorted(gate))) if gate else exp.true()
