"""The count of law 1: each customer of the scope in exactly one cell, counted one by one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from django.utils.translation import gettext as _

from common.errors import DomainError

from .keys import Grid

# Beside the parts of ``cells``: matrix, city, cell, customers; cell null: outside the scope.
COUNTS_FILE = "counts.parquet"

ByCity = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class PartCount:
    """Who is where in one part.

    doubled: customers with more than one row, in the snapshot or out of the engine
    places: per grid and city, customers by place: the cells, then ``nowhere`` and ``outside``
    """

    rows: int
    doubled: int
    places: Sequence[ByCity]


@dataclass
class Count:
    """The sum over the parts; ``facts`` is the proof."""

    grids: Sequence[Grid]
    rows: int = 0
    doubled: int = 0
    places: list[dict[str, np.ndarray]] = field(init=False)

    def __post_init__(self) -> None:
        self.places = [
            defaultdict(lambda size=grid.outside + 1: np.zeros(size, np.int64))
            for grid in self.grids
        ]

    def add(self, part: PartCount) -> None:
        self.rows += part.rows
        self.doubled += part.doubled
        for total, by_city in zip(self.places, part.places, strict=True):
            for city, customers in by_city.items():
                total[city] += customers

    def facts(self) -> list[dict[str, Any]]:
        """Per matrix: customers in cells, outside, in none, in two, and cells that hold anybody."""
        return [
            self._facts(grid, sum(by_city.values(), np.zeros(grid.outside + 1, np.int64)))
            for grid, by_city in zip(self.grids, self.places, strict=True)
        ]

    def _facts(self, grid: Grid, customers: np.ndarray) -> dict[str, Any]:
        in_cells = customers[: grid.definition.size]
        return {
            "matrix": grid.definition.code,
            "version": grid.version,
            "customers": int(in_cells.sum()),
            "outside": int(customers[grid.outside]),
            "unassigned": int(customers[grid.nowhere]),
            "doubly_assigned": self.doubled,
            "cells": grid.definition.size,
            "cells_in_use": int(np.count_nonzero(in_cells)),
        }

    def table(self) -> pa.Table:
        """Customers by matrix, city and cell, in that order; cells without any left out."""
        rows = [
            _rows(grid, city, by_city[city])
            for grid, by_city in sorted(
                zip(self.grids, self.places, strict=True), key=lambda item: item[0].definition.code
            )
            for city in sorted(by_city)
        ]
        return pa.concat_tables(rows) if rows else COUNTS.empty_table()


COUNTS = pa.schema(
    {"matrix": pa.string(), "city": pa.string(), "cell": pa.int64(), "customers": pa.int64()}
)


def _rows(grid: Grid, city: str, customers: np.ndarray) -> pa.Table:
    (places,) = np.nonzero(customers)
    cells = grid.cells_at(places)
    columns = [
        pa.repeat(grid.definition.code, len(places)),
        pa.repeat(city, len(places)),
        cells,
        pa.array(customers[places]),
    ]
    return pa.table(columns, schema=COUNTS).sort_by("cell")


def check(rows_in: int, count: Count) -> None:
    """Raise DomainError unless everybody came out once and is in exactly one cell."""
    for proof in count.facts():
        if proof["unassigned"] or proof["doubly_assigned"]:
            raise DomainError(
                "not_exactly_one",
                _(
                    "Every customer must be in exactly one cell of '%(matrix)s': %(unassigned)d "
                    "are in none, %(doubly)d in two. Nothing was published. A value that no band "
                    "names needs an 'other' band; a customer in two has two rows in an input."
                )
                % {
                    "matrix": proof["matrix"],
                    "unassigned": proof["unassigned"],
                    "doubly": proof["doubly_assigned"],
                },
                status=409,
                proof=proof,
            )
    if rows_in != count.rows:
        raise DomainError(
            "rows_lost",
            _("Of %(rows_in)d customers %(rows_out)d came out. Nothing was published.")
            % {"rows_in": rows_in, "rows_out": count.rows},
            status=409,
        )
