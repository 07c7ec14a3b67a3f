"""One part of the assignment: read, keyed by the engine, numbered, counted, written.

The engine turns values into keys; a key is a place in an array, so the numbers are looked up there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlglot import exp

from lake.engine import ROW_GROUP, DuckDB

from .bands import SOURCE
from .count import PartCount
from .cuts import CityCuts
from .keys import ROW, Grid, asked_column, key_column
from .reading import CITY, CUSTOMER, as_compared, beside, read

CUSTOMERS, SCORES = "customers", "scores"


@dataclass(frozen=True)
class Inputs:
    """A snapshot and its scores as files, part by part; days are counted to ``business_date``."""

    business_date: date
    customers: Sequence[Path]
    scores: Sequence[Path] | None = None


@dataclass(frozen=True)
class Placed:
    """Where the customers of a part are, in the snapshot's order.

    rows: of each row that the engine gave, the customer's; places: per grid, int64 by customer
    """

    numbers: pa.ChunkedArray
    cities: pa.DictionaryArray
    rows: np.ndarray
    places: Sequence[np.ndarray]


@dataclass(frozen=True)
class PartReader:
    """What all parts share. ``homes``: the attributes to read, with the file that each is in."""

    inputs: Inputs
    grids: Sequence[Grid]
    homes: Mapping[str, str]
    city_cuts: CityCuts
    tree: exp.Select
    values: Mapping[str, Any]

    def write(self, engine: DuckDB, numbered: tuple[int, Path]) -> PartCount:
        """Write the part of that number: customer_no, city and cells, in the snapshot's order.

        Return who is where.
        """
        part, output = numbered
        placed = self.place(engine, part)
        by_grid = list(zip(self.grids, placed.places, strict=True))
        cells = {grid.column: grid.cells_at(places) for grid, places in by_grid}
        cities = placed.cities.dictionary_decode()
        pq.write_table(
            pa.table({CUSTOMER: placed.numbers, CITY: cities} | cells),
            output,
            compression="zstd",
            row_group_size=ROW_GROUP,
            use_dictionary=[CITY, *cells],  # numbers of customers do not repeat
        )
        doubled = _repeated(placed.numbers) + int((np.bincount(placed.rows) > 1).sum())
        counts = [_by_city(placed.cities, places, grid) for grid, places in by_grid]
        return PartCount(len(placed.rows), doubled, counts)

    def place(self, engine: DuckDB, part: int, wanted: np.ndarray | None = None) -> Placed:
        """Find the cell of every customer of the part in every grid; or of the ``wanted`` ones.

        ``wanted``: bool by row of the part.
        """
        customers = self._customers(part)
        if wanted is not None:
            customers = customers.filter(pa.array(wanted)).combine_chunks()
        numbers, cities = customers[CUSTOMER], customers[CITY].combine_chunks()
        engine.register(SOURCE, self._source(customers, cities))
        keyed = engine.arrow(self.tree, self.values)
        rows = keyed[ROW].to_numpy()
        places = []
        for index, grid in enumerate(self.grids):
            place = np.full(len(numbers), grid.nowhere)
            place[rows] = _places(grid, index, keyed)
            places.append(place)
        return Placed(numbers, cities, rows, places)

    def _customers(self, part: int) -> pa.Table:
        """The snapshot's rows with their scores beside them, null for who has none."""
        customers = read(self.inputs.customers[part], [CUSTOMER, CITY, *self._of(CUSTOMERS)])
        if not self._of(SCORES):
            return customers
        return beside(customers, read(self.inputs.scores[part], [CUSTOMER, *self._of(SCORES)]))

    def _of(self, home: str) -> list[str]:
        return sorted(name for name, at in self.homes.items() if at == home and name != CITY)

    def _source(self, customers: pa.Table, cities: pa.DictionaryArray) -> pa.Table:
        """What the query reads: the row's place, the attributes, the cuts of the row's city."""
        rows = pa.array(np.arange(len(customers), dtype=np.int32))
        attributes = {name: as_compared(customers[name]) for name in self.homes}
        return pa.table({ROW: rows} | attributes | self.city_cuts.columns(cities))


def _places(grid: Grid, index: int, keyed: pa.Table) -> np.ndarray:
    """The places of the cells of one grid, row by row of the query's result."""
    bands = {d: keyed[asked_column(index, d)].to_numpy() for d in grid.asked}
    return grid.places(keyed[key_column(index)].to_numpy(), bands)


def _repeated(numbers: pa.ChunkedArray) -> int:
    """How many rows repeat a customer number; none where each is above the one before."""
    numbers = numbers.combine_chunks()
    if pc.all(pc.less(numbers[:-1], numbers[1:])).as_py() is not False:
        return 0
    return len(numbers) - len(pc.unique(numbers))


def _by_city(cities: pa.DictionaryArray, keys: np.ndarray, grid: Grid) -> dict[str, np.ndarray]:
    """Customers by place, for each city."""
    names, width = cities.dictionary.to_pylist(), grid.outside + 1
    at = cities.indices.to_numpy().astype(np.int64) * width + keys
    counts = np.bincount(at, minlength=len(names) * width).reshape(len(names), width)
    return dict(zip(names, counts, strict=True))
