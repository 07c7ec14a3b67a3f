"""How likely each offer is taken: each distinct expression of a plan is computed once."""

from campaigns.planned import Planned
from rules import Params, Rule, canonical, compile_number

from . import trees
from .trees import Tree


class TakeUps:
    """The distinct take-up expressions of a plan; ``of_offer[i]`` is the one of offer i."""

    def __init__(self, planned: Planned) -> None:
        rules = [compile_number(offer.take_up, planned.catalogue) for offer in planned.offers]
        names = [canonical(rule) for rule in rules]
        self._rules: dict[str, Rule] = dict(zip(names, rules, strict=True))
        places = {name: place for place, name in enumerate(self._rules)}
        self.of_offer = [places[name] for name in names]

    @property
    def attributes(self) -> set[str]:
        return {code for rule in self._rules.values() for code in rule.attributes}

    def column(self, params: Params, table: str) -> Tree:
        """An array with the customer's value of each expression, null where unknown.

        All are computed of every customer: in vectors that is cheaper than asking whose cells
        need which (measured: docs/match.md).
        """
        return trees.array((rule.sql(params, table) for rule in self._rules.values()), "DOUBLE")
