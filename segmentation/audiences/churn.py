"""How large every set is, and who came and left since the day before: one join of the two days.

Most customers are in the same sets as yesterday. The join keeps those who are not, and only they
are counted set by set; that sizes, comers and leavers then fit yesterday's sizes is checked.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import sqlglot
from django.utils.translation import gettext as _
from sqlglot import exp

from common.errors import DomainError
from lake.engine import DuckDB
from lake.models import Partition

from ..bands import column
from ..reading import CITY, CUSTOMER
from ..side_by_side import side_by_side

MEMBERS, TODAY, YESTERDAY = "members", "today", "yesterday"
Row = Sequence[Any]


@dataclass
class Sizes:
    """Customers by city, of all and of every set (a column of ``members``)."""

    columns: Sequence[str]
    customers: int = 0
    by_city: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, rows: Iterable[Row]) -> None:
        """Rows of ``size_query``."""
        for city, customers, *found in rows:
            self.customers += customers
            self.by_city[city].update(dict(zip(self.columns, found, strict=True)))

    def of(self, name: str) -> int:
        return sum(counts[name] for counts in self.by_city.values())


def size_query(columns: Sequence[str]) -> exp.Select:
    """Rows (city, customers, and per set its customers) of the table MEMBERS."""
    city = column(CITY, MEMBERS)
    counts = [exp.CountIf(this=column(name, MEMBERS)) for name in columns]
    tree = sqlglot.select(city, exp.Count(this=exp.Star()), *counts)
    return tree.from_(MEMBERS).group_by(city.copy())


@dataclass
class Moves:
    """One set's comers and leavers. By city: who moved left the set there and came to it here."""

    came: int = 0
    left: int = 0
    came_to: Counter[str] = field(default_factory=Counter)
    left_from: Counter[str] = field(default_factory=Counter)

    def add(self, city: str, before: str, here: int, was: int, both: int) -> None:
        self.came += here - both
        self.left += was - both
        stayed = both if city == before else 0
        self.came_to[city] += here - stayed
        self.left_from[before] += was - stayed


def member_facts(
    sizes: Sizes, today: Sequence[Path], yesterday: Partition | None
) -> dict[str, Any]:
    """Return ``customers`` and ``sets``: by column customers, came, left, and these by_city.

    came and left are None of a set that the day before did not have. Raises DomainError
    ``members_do_not_reconcile`` where today's size less comers plus leavers isn't yesterday's.
    """
    moves = count_moves(today, yesterday, sizes.columns) if yesterday else {}
    if yesterday is not None:
        _reconcile(sizes, moves, yesterday)
    return {
        "customers": sizes.customers,
        "sets": {name: _facts(name, sizes, moves.get(name)) for name in sizes.columns},
    }


def _facts(name: str, sizes: Sizes, moves: Moves | None) -> dict[str, Any]:
    here = {city: counts[name] for city, counts in sizes.by_city.items() if counts[name]}
    cities = sorted({*here, *(+moves.left_from if moves else ())})
    by_city = {
        city: {
            "customers": here.get(city, 0),
            "came": moves.came_to[city] if moves else None,
            "left": moves.left_from[city] if moves else None,
        }
        for city in cities
    }
    return {
        "customers": sizes.of(name),
        "came": moves.came if moves else None,
        "left": moves.left if moves else None,
        "by_city": by_city,
    }


def count_moves(
    today: Sequence[Path], yesterday: Partition, columns: Sequence[str]
) -> dict[str, Moves]:
    """By set that both days have.

    Part is joined with part, or all at once on the day that their number changed.
    """
    known = set(pq.read_schema(yesterday.file(0)).names)
    compared = [name for name in columns if name in known]
    moves = {name: Moves() for name in compared}
    tree = moves_query(compared)

    def rows_of(engine: DuckDB, pair: tuple[list[Path], list[Path]]) -> list[Row]:
        for day, files in zip((TODAY, YESTERDAY), pair, strict=True):
            engine.register(day, files)
        return engine.rows(tree)

    pairs = list(_pairs(today, yesterday)) if compared else []
    for rows in side_by_side(rows_of, pairs):
        for city, was_city, *found in rows:
            for place, name in enumerate(compared):
                # Of those who were not there at all the engine counts null, not 0.
                counts = (n or 0 for n in found[3 * place : 3 * place + 3])
                moves[name].add(city or "", was_city or "", *counts)
    return moves


def _pairs(today: Sequence[Path], yesterday: Partition) -> Iterator[tuple[list[Path], list[Path]]]:
    if yesterday.parts != len(today):
        yield list(today), yesterday.files
    else:
        yield from (([t], [y]) for t, y in zip(today, yesterday.files, strict=True))


def moves_query(columns: Sequence[str]) -> exp.Select:
    """Rows (city today, city yesterday, and per set: here, was here, both) of who changed anything.

    Anything: one of the sets, the city, or whether he is a customer at all.
    """
    pairs = [(column(name, TODAY), column(name, YESTERDAY)) for name in (CITY, *columns)]
    (city, was_city), *sets = pairs
    counts = [
        exp.alias_(exp.CountIf(this=condition), f"n{place}")
        for place, condition in enumerate(
            condition for here, was in sets for condition in (here, was, exp.and_(here, was))
        )
    ]
    # A day on which he was no customer has no city, and null is other than any.
    other = [exp.NullSafeNEQ(this=city, expression=was_city)]
    other += [exp.NEQ(this=here, expression=was) for here, was in sets]
    return (
        sqlglot.select(exp.alias_(city, "city"), exp.alias_(was_city, "was_city"), *counts)
        .from_(TODAY)
        .join(
            YESTERDAY,
            on=column(CUSTOMER, TODAY).eq(column(CUSTOMER, YESTERDAY)),
            join_type="full",
        )
        .where(exp.or_(*other))
        .group_by(city.copy(), was_city.copy())
    )


def _reconcile(sizes: Sizes, moves: dict[str, Moves], yesterday: Partition) -> None:
    for name, moved in moves.items():
        told = yesterday.facts["sets"][name]["customers"]
        found = sizes.of(name) - moved.came + moved.left
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
