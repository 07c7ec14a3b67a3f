"""A customer's path through the cells of a matrix: where he was from when to when, and why he left.

One part file is read per day, and of it the rows of one customer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.models import Partition
from lake.parts import part_of

from ..definition import MatrixDefinition
from ..dimensions import Name
from ..keys import cell_column
from ..models import MatrixVersion
from ..reading import CITY, CUSTOMER
from .descent import Descent
from .movement import Cells


class Change(StrEnum):
    """How a stay began."""

    FIRST = "first"  # nothing is known of before
    ARRIVED = "arrived"  # he was no customer before
    ENTERED = "entered"  # he was outside the matrix's scope
    MOVED = "moved"
    RENAMED = "renamed"  # the cell was split or merged around him
    LEFT = "left"  # he left the matrix's scope
    DEPARTED = "departed"  # he is no customer any more


@dataclass(frozen=True)
class Stay:
    """Published days in a row on which the customer was in one cell.

    ``cell``, ``words``: None outside the scope of the matrix and after he departed.
    ``dimensions``: those that moved him here, by code and name.
    """

    cell: int | None
    first: date
    last: date
    change: Change
    words: Name | None = None
    dimensions: tuple[tuple[str, Name], ...] = ()


@dataclass(frozen=True)
class _Seen:
    """A day's look at him; ``here`` false: he has no row."""

    day: date
    here: bool
    cell: int | None


def path(
    customer_no: str,
    matrix: str,
    days: Sequence[Partition],
    *,
    sees: Callable[[str], bool] = lambda city: True,
) -> list[Stay]:
    """Return his stays in ``matrix``, oldest first; [] for who was never a customer on the days.

    ``days``: partitions ``cells`` of published days, in any order. Days on which the matrix was
    not assigned, or he was in a city that the reader may not see, tell nothing and are left out.
    """
    return paths(customer_no, [matrix], days, sees=sees)[matrix]


def paths(
    customer_no: str,
    matrices: Sequence[str],
    days: Sequence[Partition],
    *,
    sees: Callable[[str], bool] = lambda city: True,
) -> dict[str, list[Stay]]:
    """Return his path in each of the matrices, reading each day once. See ``path``."""
    looks: dict[str, list[_Seen]] = {matrix: [] for matrix in matrices}
    ordered = sorted(days, key=lambda day: day.business_date)
    for day in ordered:
        assigned = [matrix for matrix in matrices if _version(day, matrix)]
        for matrix, look in _look(customer_no, assigned, day, sees).items():
            looks[matrix].append(look)
    return {
        matrix: _Words(matrix, ordered).stays(seen) if any(s.here for s in seen) else []
        for matrix, seen in looks.items()
    }


def _look(
    customer_no: str, matrices: Sequence[str], day: Partition, sees: Callable[[str], bool]
) -> dict[str, _Seen]:
    """The day's look at him in each matrix; {} where the reader may not look."""
    columns = {matrix: cell_column(matrix) for matrix in matrices}
    rows = pq.read_table(
        day.file(part_of(customer_no, day.parts)),
        columns=[CITY, *columns.values()],
        filters=pc.field(CUSTOMER) == customer_no,
        use_threads=False,
    ).to_pylist()
    if not rows:
        return {matrix: _Seen(day.business_date, False, None) for matrix in columns}
    if not sees(rows[0][CITY]):
        return {}
    return {m: _Seen(day.business_date, True, rows[0][name]) for m, name in columns.items()}


def _version(day: Partition, matrix: str) -> int | None:
    found = (proof["version"] for proof in day.facts["matrices"] if proof["matrix"] == matrix)
    return next(found, None)


class _Words:
    """Cells and dimensions in the words of the newest day that has them."""

    def __init__(self, matrix: str, days: Sequence[Partition]) -> None:
        self.matrix = matrix
        known = (_version(day, matrix) for day in reversed(days))
        numbers = list(dict.fromkeys(number for number in known if number))
        bodies = dict(
            MatrixVersion.objects.filter(matrix=matrix, number__in=numbers).values_list(
                "number", "body"
            )
        )
        definitions = [MatrixDefinition.from_json(bodies[n]) for n in numbers]
        self.cells = Cells({matrix: definitions})
        self.descent = Descent.of(matrix)

    def stays(self, seen: Sequence[_Seen]) -> list[Stay]:
        stays: list[Stay] = []
        before: _Seen | None = None
        for look in seen:
            if stays and before and (before.here, before.cell) == (look.here, look.cell):
                stays[-1] = replace(stays[-1], last=look.day)
            elif stays or look.here:
                stays.append(self._stay(look, before))
            before = look
        return stays

    def _stay(self, look: _Seen, before: _Seen | None) -> Stay:
        change = self._change(look, before)
        dimensions: tuple[tuple[str, Name], ...] = ()
        if change is Change.MOVED and before is not None:
            moved = self.cells.changed(self.matrix, (before.cell, look.cell))
            dimensions = tuple((code, self.cells.dimension(self.matrix, code)) for code in moved)
        words = None if look.cell is None else self.cells.words(self.matrix, look.cell)
        return Stay(look.cell, look.day, look.day, change, words, dimensions)

    def _change(self, look: _Seen, before: _Seen | None) -> Change:
        if before is None:
            return Change.FIRST
        if not look.here:
            return Change.DEPARTED
        if not before.here:
            return Change.ARRIVED
        if look.cell is None:
            return Change.LEFT
        if before.cell is None:
            return Change.ENTERED
        renamed = self.descent.came_from(look.cell, before.cell)
        return Change.RENAMED if renamed else Change.MOVED
