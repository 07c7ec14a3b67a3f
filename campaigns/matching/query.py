"""The whole matching query, layer by layer; each layer is a SELECT over the one before.

    joined      a customer's attributes, scores and cells side by side, and what each cell meets
    marked      which conditions hold, what each take-up is, the profile
    gated       which gates are open, which tier each question gives
    candidates  offers of the customer's cells whose gate is open
    keyed       a sorting key per candidate, sorted
    told apart  offers whose take-up is no probability set aside
    ranked      a policy reached through several campaigns kept once, at its best
    answers     the keys taken apart again, and the row's hash

No layer groups or explodes: every row is one customer from beginning to end, so what is held in
memory does not depend on how many offers they have.
"""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
from django.utils.translation import gettext as _
from sqlglot import exp

from campaigns.planned import Planned, PlannedAttribute, PlannedMatrix
from common.errors import DomainError
from rules import Params

from . import ranking, trees
from .cells import cell_offers
from .conditions import Conditions
from .gates import Gates
from .profile import profile
from .take_ups import TakeUps
from .tiers import Tiers
from .trees import Tree, column, named

# Registered with the engine: the parts of partitions, and two small tables made from the plan.
CUSTOMERS, SCORES, MEMBERS, CELLS = "customers", "scores", "members", "cells"
CELL_OFFERS, OFFER_FACTS = "cell_offers", "offer_facts"
CUSTOMER_NO, CITY = "customer_no", "city"
# What ranking passes on from layer to layer beside the keys.
CARRIED = (CUSTOMER_NO, CITY, "profile", "cells", "take_up_values")
CARRIED += ("offer_id", "policy_of", "take_up_of")


class Matching:
    """The query of one plan and day, with its values and the small tables that it joins."""

    def __init__(
        self, planned: Planned, business_date: date, columns: Mapping[str, Collection[str]]
    ) -> None:
        """``columns``: what the partitions of attributes hold.

        An attribute of the profile that neither holds is unknown; DomainError
        ``attribute_missing`` if a rule of the plan reads it.
        """
        self._planned = planned
        self._params = Params(business_date)
        self._conditions = Conditions(planned.catalogue)
        self._gates = Gates(planned.offers, self._conditions)
        self._tiers = Tiers(planned, self._conditions)
        self._take_ups = TakeUps(planned)
        self._read = self._attributes_to_read(columns)
        self.tree = self._answers()
        self.values: dict[str, Any] = self._params.values

    @property
    def tables(self) -> dict[str, pa.Table]:
        return {
            CELL_OFFERS: cell_offers(self._planned, self._gates),
            OFFER_FACTS: ranking.offer_facts(self._planned.offers, self._tiers, self._take_ups),
        }

    def _attributes_to_read(self, columns: Mapping[str, Collection[str]]) -> list[PlannedAttribute]:
        there = [a for a in self._planned.attributes if a.code in columns.get(a.source, ())]
        needed = self._conditions.attributes | self._take_ups.attributes
        if missing := sorted(needed - {a.code for a in there}):
            raise DomainError(
                "attribute_missing",
                _(
                    "The plan's rules read %(codes)s, which the snapshot and the scores of the "
                    "day do not hold. Map it from a source or publish the model that computes it."
                )
                % {"codes": ", ".join(missing)},
                status=409,
                attributes=missing,
            )
        shown = {*self._planned.profile, *needed} - {CITY}
        return [a for a in there if a.code in shown]

    @property
    def _met(self) -> list[str]:
        """By matrix the offers of the customer's cell; no attribute has a space in its name."""
        return [f"met in {matrix.code}" for matrix in self._planned.matrices]

    def _joined(self) -> exp.Select:
        own = [named(column(name, CUSTOMERS), name) for name in (CUSTOMER_NO, CITY)]
        attributes = [named(column(a.code, a.source), a.code) for a in self._read]
        cells = [named(_cell(matrix), f"cell {matrix.code}") for matrix in self._planned.matrices]
        met = [named(column("offers", name), name) for name in self._met]
        tree = exp.select(*own, *attributes, *cells, *met, copy=False).from_(CUSTOMERS)
        tree = trees.joined(tree, CELLS, _same(CELLS))
        for source in (SCORES, MEMBERS):
            if any(a.source == source for a in self._read):
                tree = trees.joined(tree, source, _same(source))
        for matrix, name in zip(self._planned.matrices, self._met, strict=True):
            on = exp.EQ(this=column("cell", name), expression=_cell(matrix))
            tree = trees.joined(tree, CELL_OFFERS, on, name)
        return tree

    def _marked(self) -> exp.Select:
        shown = [a for a in self._read if a.code in self._planned.profile]
        cells = [column(f"cell {matrix.code}") for matrix in self._planned.matrices]
        return trees.layer(
            self._joined(),
            "joined",
            *_same_columns(CUSTOMER_NO, CITY, *self._met),
            named(trees.array(cells, "BIGINT"), "cells"),
            named(profile(shown, self._params, "joined"), "profile"),
            *self._conditions.columns(self._params, "joined"),
            named(self._take_ups.column(self._params, "joined"), "take_up_values"),
        )

    def _gated(self) -> exp.Select:
        return trees.layer(
            self._marked(),
            "marked",
            *_same_columns(CUSTOMER_NO, CITY, "profile", "cells", "take_up_values", *self._met),
            named(self._gates.column(), "gates"),
            named(self._tiers.column(), "tiers"),
        )

    def _candidates(self) -> exp.Select:
        nothing = trees.array([], "INT")
        entries = trees.chain(
            *(
                trees.coalesce(trees.keep(column(met), "entry", self._gates.is_open), nothing)
                for met in self._met
            )
        )
        return trees.layer(
            self._gated(),
            "gated",
            *_same_columns(CUSTOMER_NO, CITY, "profile", "cells", "take_up_values", "tiers"),
            named(trees.each(entries, "entry", self._gates.offer_of), "candidates"),
        )

    def _keyed(self) -> exp.Select:
        keys = trees.sort(trees.each(column("candidates"), "offer", ranking.key))
        tree = trees.layer(
            self._candidates(),
            "candidates",
            *_same_columns(*CARRIED),
            named(keys, "keys"),
        )
        return trees.joined(tree, OFFER_FACTS, None)

    def _told_apart(self) -> exp.Select:
        """The policy of each key, and the negative keys for themselves: they stand first."""
        keys, none = column("keys"), trees.array([], "BIGINT")
        below = trees.keep(keys, "k", lambda k: exp.LT(this=k, expression=trees.whole(0)))
        return trees.layer(
            self._keyed(),
            "keyed",
            *_same_columns(*CARRIED, "keys"),
            named(trees.each(keys, "k", ranking.policy), "policies"),
            named(
                trees.when((_is_empty(keys), none), (_is_clean(keys), none), otherwise=below),
                "left_out",
            ),
        )

    def _ranked(self) -> exp.Select:
        """Of the keys of one policy, and of one offer met in two matrices, the first is kept."""
        keys = column("keys")
        places = trees.keep(trees.up_to(trees.size(keys)), "i", _is_best)
        best = trees.each(places, "i", lambda i: trees.item(keys, i))
        return trees.layer(
            self._told_apart(),
            "told apart",
            *_same_columns(*CARRIED),
            named(trees.distinct(column("left_out")), "left_out"),
            named(trees.when((_is_empty(keys), keys), otherwise=best), "keys"),
        )

    def _unpacked(self) -> exp.Select:
        keys = column("keys")
        return trees.layer(
            self._ranked(),
            "ranked",
            *_same_columns(CUSTOMER_NO, CITY, "profile", "cells", "left_out"),
            named(trees.each(keys, "k", ranking.offer_id), "offers"),
            named(trees.each(keys, "k", ranking.order), "orders"),
            named(trees.each(keys, "k", ranking.take_up_parts), "take_up_parts"),
        )

    def _answers(self) -> exp.Select:
        orders, parts, left_out = map(column, ("orders", "take_up_parts", "left_out"))
        unknown = trees.size(trees.keep(left_out, "k", ranking.is_unknown))
        return trees.layer(
            self._unpacked(),
            "unpacked",
            *_same_columns(CUSTOMER_NO, CITY, "profile", "cells", "offers"),
            named(trees.each(orders, "x", ranking.tier), "tiers"),
            named(trees.each(parts, "x", ranking.take_up), "take_ups"),
            named(trees.each(orders, "x", ranking.worth), "worths"),
            named(unknown, "take_up_null"),
            named(trees.minus(trees.size(left_out), unknown.copy()), "take_up_out_of_range"),
            named(_row_hash(), "row_hash"),
        ).order_by(column(CUSTOMER_NO), copy=False)


def _cell(matrix: PlannedMatrix) -> exp.Column:
    return column("cell_" + matrix.code.replace("-", "_"), CELLS)


def _same_columns(*names: str) -> list[exp.Column]:
    return [column(name) for name in names]


def _same(table: str) -> Tree:
    return exp.EQ(this=column(CUSTOMER_NO, table), expression=column(CUSTOMER_NO, CUSTOMERS))


def _is_empty(keys: Tree) -> Tree:
    return exp.EQ(this=trees.size(keys), expression=trees.small(0))


def _is_clean(keys: Tree) -> Tree:
    """Whether no key is negative, of sorted keys that are not empty."""
    return exp.GTE(this=trees.item(keys, trees.small(1)), expression=trees.whole(0))


def _is_best(place: Tree) -> Tree:
    """Whether the key at a place is an offer's, and no key before it has the same policy."""
    policies = column("policies")
    policy = trees.item(policies, place)
    first = exp.EQ(this=exp.cast(trees.position(policies, policy), "INT"), expression=place.copy())
    return exp.and_(exp.GTE(this=policy.copy(), expression=trees.small(0)), first)


def _row_hash() -> Tree:
    """16 hex digits of the MD5 of all that a reader is shown."""
    cells = trees.each(
        column("cells"), "x", lambda x: trees.coalesce(trees.text(x), exp.Literal.string("-"))
    )
    lists = [
        trees.glued(trees.each(column(name), "x", trees.text), ",")
        for name in ("offers", "orders", "take_up_parts")
    ]
    own = map(column, (CUSTOMER_NO, CITY, "profile"))
    row = trees.together("|", *own, trees.glued(cells, ","), *lists)
    return exp.func("substring", exp.func("md5", row), trees.small(1), trees.small(16))
