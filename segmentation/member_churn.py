"""How large every set is, and who came and left since the day before: one join of the two days."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import sqlglot
from django.utils.translation import gettext as _
from sqlglot import exp

from common.errors import DomainError
from lake.engine import DuckDB
from lake.models import Partition

from .bands import column
from .parts import CITY, CUSTOMER

TODAY, YESTERDAY = "today", "yesterday"


class Churn:
    """Customers of one set: here today, yesterday, or both; in the province and by city.

    Of a city: who moved to another city left the set there and came to it here.
    """

    def __init__(self) -> None:
        self.today: Counter[str] = Counter()
        self.yesterday: Counter[str] = Counter()
        self.both: Counter[str] = Counter()
        self.stayed = 0

    def add(self, city: str | None, before: str | None, here: int, was: int, both: int) -> None:
        self.today[city or ""] += here
        self.yesterday[before or ""] += was
        self.stayed += both
        if city == before:
            self.both[city or ""] += both

    def facts(self, *, compared: bool) -> dict[str, Any]:
        """customers, came, left, by_city; came and left are None where there is no day before."""
        cities = sorted(city for city in {*self.today, *self.yesterday} if city)
        by_city = {
            city: _line(self.today[city], self.yesterday[city], self.both[city], compared)
            for city in cities
            if self.today[city] or self.yesterday[city]
        }
        totals = self.today.total(), self.yesterday.total(), self.stayed
        return _line(*totals, compared) | {"by_city": by_city}


def _line(today: int, yesterday: int, both: int, compared: bool) -> dict[str, int | None]:
    return {
        "customers": today,
        "came": today - both if compared else None,
        "left": yesterday - both if compared else None,
    }


def count_members(
    today: Sequence[Path], yesterday: Partition | None, columns: Sequence[str]
) -> dict[str, Any]:
    """Return ``customers`` (rows of today) and ``sets``: by column what ``Churn.facts`` says.

    Part with part, or all at once on the day their number changed. Raises DomainError
    ``members_do_not_reconcile`` when yesterday's sizes are not found again in the join.
    """
    known = set(pq.read_schema(yesterday.file(0)).names) if yesterday else set()
    compared = [name for name in columns if name in known]
    counts = {name: Churn() for name in columns}
    customers = 0
    with DuckDB() as engine:
        for files, before in _pairs(today, yesterday):
            engine.register(TODAY, files)
            if before:
                engine.register(YESTERDAY, before)
            tree = churn_query(columns, compared, join=bool(before))
            for city, was_city, rows, *found in engine.rows(tree):
                customers += rows
                for place, name in enumerate(columns):
                    counts[name].add(city, was_city, *found[3 * place : 3 * place + 3])
    if yesterday is not None:
        _reconcile(counts, yesterday, compared)
    return {
        "customers": customers,
        "sets": {name: counts[name].facts(compared=name in compared) for name in columns},
    }


def _pairs(
    today: Sequence[Path], yesterday: Partition | None
) -> list[tuple[list[Path], list[Path]]]:
    if yesterday is None:
        return [([file], []) for file in today]
    if yesterday.parts != len(today):
        return [(list(today), yesterday.files)]
    return [([t], [y]) for t, y in zip(today, yesterday.files, strict=True)]


def churn_query(columns: Sequence[str], compared: Sequence[str], *, join: bool) -> exp.Select:
    """Rows (city today, city yesterday, customers of today, and per set: here, was here, both)."""
    cities = [column(CITY, TODAY), column(CITY, YESTERDAY) if join else exp.null()]
    counted: list[exp.Expression] = [exp.Count(this=column(CUSTOMER, TODAY))]
    for name in columns:
        here, was = column(name, TODAY), column(name, YESTERDAY)
        counted.append(_count(here))
        if name in compared:
            counted += [_count(was), _count(exp.and_(here, was))]
        else:
            counted += [exp.Literal.number(0), exp.Literal.number(0)]
    aliased = [exp.alias_(tree, f"n{place}") for place, tree in enumerate([*cities, *counted])]
    tree = sqlglot.select(*aliased).from_(TODAY)
    if not join:
        return tree.group_by(cities[0].copy())
    same = column(CUSTOMER, TODAY).eq(column(CUSTOMER, YESTERDAY))
    tree = tree.join(YESTERDAY, on=same, join_type="full")
    return tree.group_by(*(city.copy() for city in cities))


def _count(condition: exp.Expression) -> exp.Expression:
    """How many rows it is true of; null, of who was not there, is not true."""
    return exp.CountIf(this=condition.copy())


def _reconcile(counts: dict[str, Churn], yesterday: Partition, compared: Sequence[str]) -> None:
    """The sizes of the day before are found again: no customer was joined twice or lost."""
    for name in compared:
        told = yesterday.facts["sets"][name]["customers"]
        found = counts[name].yesterday.total()
        if told != found:
            raise DomainError(
                "members_do_not_reconcile",
                _(
                    "'%(name)s' had %(told)d customers on %(day)s, but the comparison speaks of "
                    "%(found)d. Nothing was published."
                )
                % {"name": name, "told": told, "day": yesterday.business_date, "found": found},
                status=409,
            )
