"""What a model learns from: rows of customers as of a day, and what happened after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .learning.features import Feature, matrix, to_float

# Columns beside the features; no attribute's code begins with two underscores.
CUSTOMER, CITY, AS_OF = "__customer", "__city", "__as_of"
OUTCOME, TREATED, DURATION = "__outcome", "__treated", "__duration"
HELD_OUT = "__held_out"
AGE = "__age"


@dataclass(frozen=True)
class Rows:
    """A table with a column per feature, and the columns named above as far as the kind has them.

    ``HELD_OUT`` marks the rows that take no part in fitting.
    """

    table: pa.Table
    features: tuple[Feature, ...]

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def x(self) -> NDArray[np.float64]:
        return matrix(self.table, self.features)

    @cached_property
    def y(self) -> NDArray[np.bool_]:
        return to_float(self.table.column(OUTCOME)) > 0

    @cached_property
    def treated(self) -> NDArray[np.bool_]:
        return to_float(self.table.column(TREATED)) > 0

    @cached_property
    def held_out(self) -> NDArray[np.bool_]:
        return to_float(self.table.column(HELD_OUT)) > 0

    @cached_property
    def cities(self) -> NDArray[np.str_]:
        return np.asarray(self.table.column(CITY).to_pylist(), dtype=str)

    @cached_property
    def ages(self) -> NDArray[np.float64] | None:
        return to_float(self.table.column(AGE)) if AGE in self.table.column_names else None

    def taken(self, mask: NDArray[np.bool_]) -> "Rows":
        return Rows(self.table.filter(pa.array(mask)), self.features)

    def learning(self) -> "Rows":
        return self.taken(~self.held_out)

    def testing(self) -> "Rows":
        return self.taken(self.held_out)


def features_of(attributes: Sequence[str], categories: dict[str, list[str]]) -> tuple[Feature, ...]:
    """``categories``: the codes of those that are categories, as pinned for the training."""
    return tuple(Feature(a, tuple(categories[a]) if a in categories else None) for a in attributes)
