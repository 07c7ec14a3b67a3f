"""All that answers of one plan are decided and put into words with, held in memory.

A plan never changes, nor do the policy versions and matrices that it names, so a process keeps
them by the plan's key: a new publication is answered from new ones, whole, and nothing restarts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache
from threading import Lock
from typing import Any

from django.db.models import Q

from campaigns.matching.query import MEMBERS
from campaigns.models import Plan, PolicyVersion
from campaigns.planned import IdleOffer, Planned, PlannedAttribute, PlannedOffer, PlannedPriority
from customers.catalogue import CITY, rule_catalogue
from customers.models import Type
from rules import Catalogue, Rule, compile_condition
from segmentation.definition import MatrixDefinition
from segmentation.dimensions import AttributeDimension, Dimension
from segmentation.models import Cell, MatrixVersion

from .current import Current

KEPT_PLANS = 4
# Held for as long as it takes to look a key up.
_looking = Lock()


@dataclass(frozen=True)
class Words:
    """matrices    the definitions by code
    bands       cell number → dimension code → band code, or codes
    rules       by text
    tiers       the priority rules by tier
    read_by     matrix and dimension → the attributes that decide the band
    decided_by  mark or audience → the attributes that decide it
    general     offers that are everybody's, best first
    attributes  all that a score's reasons may name: the catalogue as it was when the plan was read
    phrases     what was put together for one kind of reader: it goes with the plan
    """

    planned: Planned
    policies: dict[tuple[str, int], PolicyVersion]
    matrices: dict[str, MatrixDefinition]
    bands: dict[int, dict[str, Any]]
    rules: dict[str, Rule]
    tiers: dict[int, PlannedPriority]
    read_by: dict[tuple[str, str], frozenset[str]]
    decided_by: dict[str, tuple[str, ...]]
    general: tuple[PlannedOffer, ...]
    attributes: Catalogue = field(default_factory=lambda: Catalogue(()))
    phrases: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def front_desk(self) -> list[PlannedAttribute]:
        """The attributes that touch points show, in the catalogue's order."""
        return [a for a in self.planned.attributes if a.front_desk]

    @cached_property
    def first_days(self) -> dict[int, date]:
        """From when on each offer holds. Plans of before say nothing of their campaigns' start."""
        starts = {
            code: date.fromisoformat(c["starts_on"])
            for code, c in self.planned.campaigns.items()
            if "starts_on" in c
        }
        found = {}
        for offer in self.planned.offers:
            first = self.policy(offer).valid_from
            found[offer.id] = max(first, starts.get(offer.campaign, first))
        return found

    @cached_property
    def last_days(self) -> dict[int, date]:
        """Until when each offer holds: with its policy and its campaign."""
        ends = {
            code: date.fromisoformat(c["ends_on"]) for code, c in self.planned.campaigns.items()
        }
        return {o.id: min(self.policy(o).valid_to, ends[o.campaign]) for o in self.planned.offers}

    @cached_property
    def general_ids(self) -> frozenset[int]:
        return frozenset(offer.id for offer in self.general)

    def candidates(self, now: Current, *, personalised: bool) -> Iterable[PlannedOffer]:
        """The published offers, or what everybody in the city gets; each policy once, best first"""
        if personalised:
            return map(self.planned.by_id.__getitem__, now.offers)
        best: dict[str, PlannedOffer] = {}
        for offer in self.general:
            if now.city in (offer.cities or (now.city,)):
                best.setdefault(offer.policy, offer)
        return best.values()

    def policy(self, offer: PlannedOffer | IdleOffer) -> PolicyVersion:
        return self.policies[offer.policy, offer.version]

    def sold_out(self, taken: Mapping[str, int]) -> frozenset[str]:
        """Of ``taken``, orders by policy, the policies whose capacity is used up."""
        if not taken:
            return frozenset()
        full = (o for o in self.planned.offers if o.capacity is not None)
        return frozenset(o.policy for o in full if taken.get(o.policy, 0) >= o.capacity)

    def row(self, codes: Iterable[str], now: Current) -> dict[str, Any]:
        """The customer's values as rules read them."""
        return {code: self._value(code, now) for code in codes}

    def _value(self, code: str, now: Current) -> Any:
        """JSON has no dates."""
        if code == CITY:
            return now.city
        value = now.profile.get(code)
        if value is not None and self.planned.by_code[code].type == Type.DATE:
            return date.fromisoformat(value)
        return value


def words_of(plan: str) -> Words:
    """Return the words of the plan with this key.

    The first to ask for a new plan reads it (0.3 s for 200 policies and 24,000 cells); whoever asks
    for it meanwhile waits for him and reads nothing. Nobody waits for another plan.
    """
    with _looking:
        held = _held(plan)
    return held.words()


class _Held:
    """One plan's place in memory."""

    def __init__(self, plan: str) -> None:
        self._plan, self._reading = plan, Lock()
        self._words: Words | None = None

    def words(self) -> Words:
        if self._words is None:
            with self._reading:
                if self._words is None:
                    self._words = _read(self._plan)
        return self._words


_held = lru_cache(maxsize=KEPT_PLANS)(_Held)


def _read(plan: str) -> Words:
    planned = Planned.from_json(Plan.objects.get(pk=plan).body)
    wanted = {(o.policy, o.version) for o in (*planned.offers, *planned.idle)}
    versions = PolicyVersion.objects.filter(policy__in={policy for policy, _number in wanted})
    bodies = MatrixVersion.objects.in_bulk([m.version for m in planned.matrices])
    matrices = {
        m.code: MatrixDefinition.from_json(bodies[m.version].body) for m in planned.matrices
    }
    conditions = {o.eligibility for o in planned.offers} | {p.condition for p in planned.priority}
    return Words(
        planned=planned,
        policies={
            (v.policy_id, v.number): v for v in versions if (v.policy_id, v.number) in wanted
        },
        matrices=matrices,
        bands=_bands(planned),
        rules={text: compile_condition(text, planned.catalogue) for text in conditions if text},
        tiers={p.position: p for p in planned.priority},
        read_by={
            (code, dimension.code): _attributes_of(dimension, planned.catalogue)
            for code, matrix in matrices.items()
            for dimension in matrix.dimensions
        },
        decided_by={a.code: a.reads for a in planned.attributes if a.source == MEMBERS},
        general=_general(planned, matrices),
        attributes=rule_catalogue(),
    )


def _general(
    planned: Planned, matrices: Mapping[str, MatrixDefinition]
) -> tuple[PlannedOffer, ...]:
    """By worth per taker, as nobody's take-up is asked.

    An offer is everybody's without eligibility and to all cells of a matrix that leaves nobody out.
    """
    whole = {
        index
        for index, cells in enumerate(planned.cell_sets)
        if not cells.bands and not matrices[cells.matrix].bounds
    }
    offers = [o for o in planned.offers if not o.eligibility and not whole.isdisjoint(o.cell_sets)]
    return tuple(sorted(offers, key=lambda o: (-o.worth_per_taker, o.policy, o.campaign)))


def _bands(planned: Planned) -> dict[int, dict[str, Any]]:
    """Of the cells that the plan's versions of its matrices have."""
    of_versions = Q()
    for matrix in planned.matrices:
        alive = Q(retired_in_version=None) | Q(retired_in_version__gt=matrix.number)
        of_versions |= alive & Q(matrix=matrix.code, since_version__lte=matrix.number)
    if not planned.matrices:
        return {}
    return dict(Cell.objects.filter(of_versions).order_by().values_list("number", "bands"))


def _attributes_of(dimension: Dimension, catalogue: Catalogue) -> frozenset[str]:
    """The attributes that decide a customer's band."""
    if isinstance(dimension, AttributeDimension):
        return frozenset({dimension.attribute})
    texts = (band.rule for band in dimension.bands if band.rule)
    return frozenset(
        code for text in texts for code in compile_condition(text, catalogue).attributes
    )
