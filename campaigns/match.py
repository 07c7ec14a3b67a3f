"""The step ``match``: every customer's cells meet the marketing matrix (docs/match.md)."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from django.utils.translation import gettext as _
from sqlglot import exp

from common.errors import DomainError
from common.keys import key_of
from lake import partitions
from lake.engine import DuckDB
from lake.models import Partition

from .matching import trees
from .matching.query import CELLS, CUSTOMERS, MEMBERS, SCORES, Matching
from .models import Plan
from .planned import Planned

Progress = Callable[[int, int], None]
ANSWERS = "answers"
# Raise it when equal inputs give another result.
VERSION = 1


def match(
    snapshot: Partition,
    scores: Partition | None,
    cells: Partition,
    plan: Plan,
    *,
    members: Partition | None = None,
    business_date: date,
    progress: Progress,
) -> Partition:
    """Return the partition ``answers``: each customer's fitting offers in the order of priority.

    ``members``: who has which marks and is in which audiences, where the plan asks.

    One row per customer of the snapshot, offers or none. Facts: customers, with_offers, offers,
    by_policy {number: customers}, and the offers left out because their take-up was unknown
    (take_up_null) or no probability (take_up_out_of_range).
    """
    inputs = [_identity(p) for p in (snapshot, scores, cells, members)]
    key = key_of("match", VERSION, plan.key, business_date.isoformat(), inputs)
    if known := partitions.find(ANSWERS, business_date, key):
        return known
    planned = Planned.from_json(plan.body)
    sources = {CUSTOMERS: snapshot, SCORES: scores, MEMBERS: members}
    matching = Matching(planned, business_date, _columns(sources))
    with (
        partitions.writing(ANSWERS, business_date, key, parts=snapshot.parts) as draft,
        DuckDB() as engine,
    ):
        for name, table in matching.tables.items():
            engine.register(name, table)
        tally = Tally()
        for part in range(snapshot.parts):
            for name, partition in {**sources, CELLS: cells}.items():
                if partition is not None:
                    engine.register(name, partition.file(part))
            engine.write(matching.tree, draft.file(part), matching.values)
            tally.add(engine, draft.file(part))
            progress(part + 1, snapshot.parts)
        tally.check(snapshot.rows)
        draft.facts.update(tally.facts(planned))
    assert draft.partition is not None
    return draft.partition


def _identity(partition: Partition | None) -> list[str] | None:
    if partition is None:
        return None
    return [partition.business_date.isoformat(), partition.key]


def _columns(sources: Mapping[str, Partition | None]) -> dict[str, list[str]]:
    return {
        name: pq.read_schema(partition.file(0)).names if partition is not None else []
        for name, partition in sources.items()
    }


class Tally:
    """The facts of the answers, added up part by part from what was written."""

    def __init__(self) -> None:
        self._sums: Counter[str] = Counter()
        self._by_offer: Counter[int] = Counter()

    def add(self, engine: DuckDB, file: Path) -> None:
        engine.register(ANSWERS, file)
        [row] = engine.rows(_sums())
        self._sums.update(dict(zip(SUMS, map(int, row), strict=True)))
        self._by_offer.update(dict(engine.rows(_by_offer())))

    def check(self, customers: int) -> None:
        """Every customer of the snapshot has one row: joins neither lost nor doubled any."""
        if self._sums["customers"] != customers:
            raise DomainError(
                "match_lost_customers",
                _(
                    "Matching must give one row for each of %(expected)d customers and gave "
                    "%(found)d; nothing was written."
                )
                % {"expected": customers, "found": self._sums["customers"]},
                status=500,
            )

    def facts(self, planned: Planned) -> dict[str, Any]:
        by_policy: Counter[str] = Counter()
        for offer, customers in self._by_offer.items():
            by_policy[planned.by_id[offer].policy] += customers
        return {
            **{name: self._sums[name] for name in SUMS},
            "by_policy": dict(sorted(by_policy.items())),
        }


SUMS = ("customers", "with_offers", "offers", "take_up_null", "take_up_out_of_range")


def _sums() -> exp.Select:
    size = trees.size(trees.column("offers"))
    some = trees.when(
        (exp.GT(this=size, expression=trees.small(0)), trees.whole(1)), otherwise=trees.whole(0)
    )
    left_out = (trees.column("take_up_null"), trees.column("take_up_out_of_range"))
    summed = (some, size.copy(), *left_out)
    zero = exp.Literal.number(0)
    sums = [trees.coalesce(exp.Sum(this=tree), zero.copy()) for tree in summed]
    return exp.select(exp.Count(this=exp.Star()), *sums).from_(ANSWERS)


def _by_offer() -> exp.Select:
    """Customers per offer; as each has a policy once, they add up to customers per policy."""
    offer = trees.column("offer")
    exploded = exp.select(trees.named(exp.Explode(this=trees.column("offers")), "offer"))
    count = exp.Count(this=exp.Star())
    return trees.layer(exploded.from_(ANSWERS), "exploded", offer, count).group_by(offer)
