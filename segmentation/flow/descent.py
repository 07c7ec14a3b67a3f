"""Which cell came from which: a customer whose cell was split or merged has not moved."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import pyarrow as pa

from ..models import Cell

PAIRS = pa.schema({"ancestor": pa.int64(), "cell": pa.int64()})


@dataclass(frozen=True)
class Descent:
    """``parents``: of each cell that has any, the cells that it came from."""

    parents: dict[int, tuple[int, ...]]

    @classmethod
    def of(cls, matrix: str) -> Self:
        born = Cell.objects.filter(matrix=matrix).exclude(parents=[])
        return cls({n: tuple(parents) for n, parents in born.values_list("number", "parents")})

    @cached_property
    def ancestors(self) -> dict[int, set[int]]:
        """All that became the cell, by one edit or by several; cells that have any."""
        found: dict[int, set[int]] = {}
        # Parents are older than their children, so theirs are known before.
        for cell in sorted(self.parents):
            older = (found.get(parent, set()) for parent in self.parents[cell])
            found[cell] = set(self.parents[cell]).union(*older)
        return found

    def came_from(self, cell: int, ancestor: int) -> bool:
        """Whether ``ancestor`` became ``cell``."""
        return ancestor in self.ancestors.get(cell, ())

    @cached_property
    def table(self) -> pa.Table:
        """Rows (ancestor, cell), for a join."""
        pairs = [
            {"ancestor": ancestor, "cell": cell}
            for cell, ancestors in self.ancestors.items()
            for ancestor in sorted(ancestors)
        ]
        return pa.Table.from_pylist(pairs, PAIRS)
