"""Which tier the priority matrix gives an offer: the first rule that holds and names it."""

from collections.abc import Sequence

from sqlglot import exp

from campaigns.planned import Planned

from . import trees
from .conditions import Conditions
from .trees import Tree

# The tier of an offer that no rule names, last of all; constant, so that adding a rule changes no
# other offer's tier.
NO_TIER = 255


class Tiers:
    """The distinct tier questions of a plan; ``of_offer[i]`` is the one of offer i."""

    def __init__(self, planned: Planned, conditions: Conditions) -> None:
        self._rules = {p.position: conditions.of(p.condition) for p in planned.priority}
        asked = [
            tuple(p.position for p in planned.priority if p.prefers(offer))
            for offer in planned.offers
        ]
        self._questions = list(dict.fromkeys(asked))
        self.of_offer = [self._questions.index(question) for question in asked]

    def column(self) -> Tree:
        """An array with the customer's answer to each question: the first rule that holds."""
        return trees.array(map(self._answer, self._questions), "BIGINT")

    def _answer(self, positions: Sequence[int]) -> Tree:
        cases = [
            (exp.and_(*map(trees.column, sorted(self._rules[position]))), trees.whole(position))
            for position in positions
        ]
        last = trees.whole(NO_TIER)
        return trees.when(*cases, otherwise=last) if cases else last
