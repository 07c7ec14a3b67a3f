"""The figures of a flows page, from one day's counts by pair of cells.

A pair is new (no cell before), departed (no cell after), stayed, renamed (the cell was split or
merged around the customers: they have not moved), or moved.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .descent import Descent
from .movement import Pair

NEW, DEPARTED, STAYED, RENAMED, MOVED = "new", "departed", "stayed", "renamed", "moved"
GRID_CELLS = 12
HEATS = 3
# Cell numbers begin at 1; 0 stands for no cell.
NO_CELL = 0


@dataclass(frozen=True)
class Totals:
    """``before`` = stayed + renamed + moved + departed; ``after``: with new for departed."""

    stayed: int
    renamed: int
    moved: int
    departed: int
    new: int

    @property
    def before(self) -> int:
        return self.stayed + self.renamed + self.moved + self.departed

    @property
    def after(self) -> int:
        return self.stayed + self.renamed + self.moved + self.new

    @property
    def share(self) -> float | None:
        """Of those who are in the matrix on both days, who moved; None where there are none."""
        both = self.stayed + self.renamed + self.moved
        return self.moved / both if both else None


@dataclass(frozen=True)
class Entry:
    """A field of the grid; ``heat`` 0 … HEATS by how many of the customers moved."""

    customers: int
    heat: int
    stays: bool


@dataclass(frozen=True)
class Line:
    """A row of the grid. ``cell`` None: all other cells, or the new customers (``new``)."""

    cell: int | None
    new: bool
    entries: list[Entry]
    departed: int | None
    total: int


@dataclass(frozen=True)
class Grid:
    """From × to. ``cells``: those with a row and a column; ``others``: how many have none.

    ``lines`` end with all others (if there are any) and the new; ``totals`` are the columns'.
    """

    cells: list[int]
    others: int
    lines: list[Line]
    totals: list[int]
    departed: int
    total: int


class DayFlows:
    """One day's counts of one matrix: columns from_cell, to_cell (0: none), customers, kind."""

    def __init__(self, counts: pa.Table, descent: Descent) -> None:
        self.before, self.after = (
            counts[name].fill_null(NO_CELL).to_numpy() for name in ("from_cell", "to_cell")
        )
        self.customers: np.ndarray = counts["customers"].to_numpy()
        self.kinds = self._kinds(descent)

    def __len__(self) -> int:
        return len(self.customers)

    def _kinds(self, descent: Descent) -> np.ndarray:
        kinds = np.full(len(self.customers), MOVED, dtype=object)
        gone = {cell for parents in descent.parents.values() for cell in parents}
        for place in np.nonzero(np.isin(self.before, list(gone)))[0]:
            if descent.came_from(int(self.after[place]), int(self.before[place])):
                kinds[place] = RENAMED
        kinds[self.before == self.after] = STAYED
        kinds[self.before == NO_CELL] = NEW
        kinds[self.after == NO_CELL] = DEPARTED
        return kinds

    def totals(self) -> Totals:
        def of(kind: str) -> int:
            return int(self.customers[self.kinds == kind].sum())

        return Totals(of(STAYED), of(RENAMED), of(MOVED), of(DEPARTED), of(NEW))

    def greatest(self, number: int) -> list[tuple[Pair, int]]:
        """The greatest moves; equal ones in the order of their cells."""
        (moves,) = np.nonzero(self.kinds == MOVED)
        order = np.lexsort((self.after[moves], self.before[moves], -self.customers[moves]))
        return [
            ((int(self.before[m]), int(self.after[m])), int(self.customers[m]))
            for m in moves[order[:number]]
        ]

    def by_dimension(self, changed: Callable[[Pair], Sequence[str]]) -> list[tuple[str, int]]:
        """Moves by the first dimension that changed ("": by none), the greatest first."""
        counts: Counter[str] = Counter()
        (moves,) = np.nonzero(self.kinds == MOVED)
        for move in moves:
            dimensions = changed((int(self.before[move]), int(self.after[move])))
            counts[dimensions[0] if dimensions else ""] += int(self.customers[move])
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    def outflows(self) -> pd.DataFrame:
        """Rows (cell, size, stayed) of every cell that held anybody, as segmentation.expected."""
        had = self.before != NO_CELL
        stays = np.isin(self.kinds[had], (STAYED, RENAMED))
        cells, at = np.unique(self.before[had], return_inverse=True)
        customers = self.customers[had]
        return pd.DataFrame(
            {
                "cell": cells,
                "size": _summed(at, customers, len(cells)),
                "stayed": _summed(at, customers * stays, len(cells)),
            }
        )

    # --- the grid ---

    def grid(self, most: int = GRID_CELLS) -> Grid:
        """The cells with the most moves in and out, then by size; all others together."""
        cells = self._busiest(most)
        named = np.union1d(self.before, self.after)
        others = len(named[named != NO_CELL]) - len(cells)
        counts = self._table(cells, self.customers)
        moved = self._table(cells, self.customers * (self.kinds == MOVED))
        rows = [*range(len(cells)), *([len(cells)] if others else [])]
        new = len(cells) + 1
        lines = [self._line(cells, row, rows, counts, moved) for row in [*rows, new]]
        return Grid(
            cells=cells,
            others=others,
            lines=lines,
            totals=[int(counts[:, column].sum()) for column in rows],
            departed=int(counts[:, new].sum()),
            total=int(counts.sum()),
        )

    def _line(
        self, cells: list[int], row: int, columns: list[int], counts: Any, moved: Any
    ) -> Line:
        new = row == len(cells) + 1
        greatest = int(moved.max(initial=0))
        entries = [
            Entry(
                customers=int(counts[row, column]),
                heat=_heat(int(moved[row, column]), greatest),
                stays=row == column,
            )
            for column in columns
        ]
        return Line(
            cell=cells[row] if row < len(cells) else None,
            new=new,
            entries=entries,
            departed=None if new else int(counts[row, -1]),
            total=int(counts[row].sum()),
        )

    def _busiest(self, most: int) -> list[int]:
        ends = np.concatenate([self.before, self.after])
        cells, at = np.unique(ends, return_inverse=True)
        customers = np.tile(self.customers, 2)
        moves = _summed(at, customers * np.tile(self.kinds == MOVED, 2), len(cells))
        sizes = _summed(at, customers, len(cells))
        order = np.lexsort((cells, -sizes, -moves))
        chosen = [int(cells[place]) for place in order if cells[place] != NO_CELL]
        return sorted(chosen[:most])

    def _table(self, cells: list[int], customers: np.ndarray) -> np.ndarray:
        """Counts by row and column: the cells, all others, and last the new or departed."""
        others, nobody = len(cells), len(cells) + 1
        places = {cell: place for place, cell in enumerate(cells)} | {NO_CELL: nobody}
        before, after = (
            np.array([places.get(cell, others) for cell in ends.tolist()], np.int64)
            for ends in (self.before, self.after)
        )
        table = np.zeros((nobody + 1, nobody + 1), np.int64)
        np.add.at(table, (before, after), customers)
        return table


def _heat(customers: int, greatest: int) -> int:
    """By orders of magnitude: a tenth of the greatest is still warm."""
    if not customers:
        return 0
    return int(np.ceil(HEATS * np.log1p(customers) / np.log1p(greatest)))


def _summed(at: np.ndarray, customers: np.ndarray, length: int) -> np.ndarray:
    return np.bincount(at, customers, minlength=length).astype(np.int64)
