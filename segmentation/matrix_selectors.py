"""Reads of matrices for their pages: what is in force, its cells and their customers, its drafts.

Customers are those of the published day's cells; a city's reader counts his own city's only.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.db.models import Count, Q

from accounts.models import Operation, User
from lake.models import Partition

from .count import COUNTS_FILE
from .definition import Bands, MatrixDefinition
from .matrix_words import MatrixWords
from .models import Cell, Matrix, MatrixVersion
from .published import PublishedDay, latest_day, published_days
from .services import target_of

PAST_DAYS = 14
LOOK_BACK = timedelta(days=60)
MOST_RELATIVES = 200


def city_of(reader: User) -> str | None:
    """The one city whose customers the reader counts; None: those of the province."""
    return None if reader.cities is None else next(iter(reader.cities), "")


# --- customers of a published day ---


@dataclass(frozen=True)
class DayCounts:
    """Customers by cell of a matrix on a published day; ``version``: the one that was assigned."""

    date: date
    version: int
    customers: Mapping[int, int]

    @property
    def total(self) -> int:
        return sum(self.customers.values())

    @property
    def in_use(self) -> int:
        return len(self.customers)

    def of(self, cell: Cell) -> int | None:
        """The cell's customers; None if the cell did not exist on the day."""
        gone = cell.retired_in_version is not None and cell.retired_in_version <= self.version
        if cell.since_version > self.version or gone:
            return None
        return self.customers.get(cell.number, 0)


def counts_on(day: PublishedDay | None, matrix: str, city: str | None) -> DayCounts | None:
    """Return the customers by cell; None where the day did not assign the matrix or is gone."""
    if day is None or day.cells is None:
        return None
    version = assigned_version(day.cells, matrix)
    file = day.cells.path / COUNTS_FILE
    if version is None or not file.exists():
        return None
    wanted = pc.field("matrix") == matrix
    if city is not None:
        wanted &= pc.field("city") == city
    table = pq.read_table(file, columns=["cell", "customers"], filters=wanted)
    summed = table.group_by("cell").aggregate([("customers", "sum")])
    numbers, customers = summed["cell"].to_pylist(), summed["customers_sum"].to_pylist()
    found = {n: c for n, c in zip(numbers, customers, strict=True) if n and c}
    return DayCounts(day.date, version, found)


def assigned_version(cells: Partition, matrix: str) -> int | None:
    """The version of the matrix that the day's cells are of; None: they are not of it."""
    proofs = cells.facts.get("matrices", [])
    return next((proof["version"] for proof in proofs if proof["matrix"] == matrix), None)


@dataclass(frozen=True)
class Now:
    """The published day's counts of a matrix, and those of the published day before it."""

    today: DayCounts | None
    before: DayCounts | None

    @classmethod
    def of(cls, matrix: str, city: str | None) -> "Now":
        newest = latest_day()
        if newest is None:
            return cls(None, None)
        earlier = published_days(newest.date - LOOK_BACK, newest.date - timedelta(days=1))
        before = counts_on(earlier[-1], matrix, city) if earlier else None
        return cls(counts_on(newest, matrix, city), before)

    def customers(self, cell: Cell) -> int | None:
        return self.today.of(cell) if self.today else None

    def change(self, cell: Cell) -> int | None:
        """Against the day before; None where one of the days did not have the cell."""
        now, then = self.customers(cell), self.before.of(cell) if self.before else None
        return None if now is None or then is None else now - then


# --- all matrices ---


@dataclass(frozen=True)
class MatrixLine:
    """A matrix in the list; counts are None before its first published day."""

    matrix: Matrix
    version: MatrixVersion | None
    cells: int
    counts: DayCounts | None
    drafts: Sequence[MatrixVersion]


def overview(reader: User) -> list[MatrixLine]:
    newest, city = latest_day(), city_of(reader)
    living = Count("cells", filter=Q(cells__retired_in_version=None))
    matrices = Matrix.objects.select_related("strategy").annotate(living=living)
    published = {v.matrix_id: v for v in _light().published()}
    return [
        MatrixLine(
            matrix=matrix,
            version=published.get(matrix.pk),
            cells=matrix.living,
            counts=counts_on(newest, matrix.pk, city),
            drafts=list(_light().open().filter(matrix=matrix)),
        )
        for matrix in matrices
    ]


def _light() -> Any:
    """Versions without what is long and hardly ever shown."""
    return MatrixVersion.objects.defer("past", "body")


def versions_of(matrix: Matrix) -> list[MatrixVersion]:
    """Every version, the newest first."""
    return list(_light().filter(matrix=matrix))


# --- one cell ---


@dataclass(frozen=True)
class Relative:
    """An ancestor or descendant: ``depth`` edits away; in the words of its own time."""

    cell: Cell
    words: str
    depth: int


@dataclass(frozen=True)
class PastDay:
    """Customers on a day; ``ancestors``: counted in the cells that this one came from."""

    date: date
    customers: int | None
    ancestors: bool


class Family:
    """The cells of a matrix and which came from which."""

    def __init__(self, matrix: Matrix) -> None:
        self.matrix = matrix
        self.parents: dict[int, list[int]] = dict(
            Cell.objects.filter(matrix=matrix).values_list("number", "parents")
        )

    @cached_property
    def children(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for number, parents in sorted(self.parents.items()):
            for parent in parents:
                found.setdefault(parent, []).append(number)
        return found

    def ancestors(self, cell: Cell) -> list[Relative]:
        return self._told(_reached(cell.number, self.parents))

    def descendants(self, cell: Cell) -> list[Relative]:
        return self._told(_reached(cell.number, self.children))

    def _told(self, reached: Mapping[int, int]) -> list[Relative]:
        cells = Cell.objects.in_bulk(list(reached)[:MOST_RELATIVES])
        words = {n: words_of(self.matrix, n) for n in {c.since_version for c in cells.values()}}
        return [
            Relative(
                cells[number], words[cells[number].since_version].names(cells[number].bands), n
            )
            for number, n in reached.items()
            if number in cells
        ]


def _reached(start: int, edges: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """Every cell that can be reached, with the fewest edits that it takes, nearest first."""
    found: dict[int, int] = {}
    waiting, depth = list(edges.get(start, ())), 1
    while waiting:
        fresh = [number for number in dict.fromkeys(waiting) if number not in found]
        found |= dict.fromkeys(fresh, depth)
        waiting, depth = [n for number in fresh for n in edges.get(number, ())], depth + 1
    return found


def words_of(matrix: Matrix, version: int) -> MatrixWords:
    """The words of a version of the matrix."""
    body = MatrixVersion.objects.get(matrix=matrix, number=version).body
    return MatrixWords.of(MatrixDefinition.from_json(body))


def past_of(cell: Cell, ancestors: Sequence[Relative], city: str | None) -> list[PastDay]:
    """Customers of the cell over the last published days, the newest first.

    Before the cell was there, its past is its ancestors': how many they had together.
    """
    newest = latest_day()
    if newest is None:
        return []
    days = published_days(newest.date - LOOK_BACK, newest.date)[-PAST_DAYS:]
    found = []
    for day in reversed(days):
        counts = counts_on(day, cell.matrix_id, city)
        if counts is None:
            continue
        own = counts.of(cell)
        theirs = [n for r in ancestors if (n := counts.of(r.cell)) is not None]
        if own is not None:
            found.append(PastDay(day.date, own, ancestors=False))
        elif cell.since_version > counts.version and theirs:
            found.append(PastDay(day.date, sum(theirs), ancestors=True))
    return found


# --- drafts ---


def draft_history(version: MatrixVersion) -> list[Operation]:
    """Who did what to the draft, the newest first."""
    kind, matrix, label = target_of(version)
    found = Operation.objects.filter(target_type=kind, target_id=matrix, target_label=label)
    # A number that was given up with a discarded draft may be another draft's before.
    return list(found.filter(at__gte=version.created_at))


def edits_since(version: MatrixVersion, revision: int) -> list[Operation]:
    """What others did to the draft since the revision that somebody saw, the newest first."""
    edits = [o for o in draft_history(version) if o.action in ("edit_draft", "undo_edit")]
    return edits[: max(version.revision - revision, 0)]


# --- flows of cells, summed ---


def greatest(
    flows: Mapping[tuple[Any, Any], int], most: int
) -> tuple[list[tuple[Any, Any, int]], int]:
    """The greatest flows, and how many customers go by all others."""
    ordered = sorted(flows.items(), key=lambda item: (-item[1], str(item[0])))
    shown = [(before, after, customers) for (before, after), customers in ordered[:most]]
    return shown, sum(customers for _pair, customers in ordered[most:])


def totals(flows: Mapping[tuple[Any, Any], int], side: int) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for pair, customers in flows.items():
        found[pair[side]] += customers
    return found


def bands_of(version: MatrixVersion) -> dict[int, Bands]:
    """The bands of the version's cells by number, ascending."""
    cells = Cell.objects.of_version(version).order_by("number")
    return dict(cells.values_list("number", "bands"))
