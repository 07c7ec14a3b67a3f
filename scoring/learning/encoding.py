"""Customer attributes as the columns of a matrix, in one order at training and ever after."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


@dataclass(frozen=True)
class Feature:
    """An attribute used by a model. ``categories``: the codes that get a column of their own."""

    attribute: str
    categories: tuple[str, ...] | None = None


class Encoder:
    """Numbers, booleans and dates become one float column each (null → NaN; a date counts days).

    A category becomes one 0/1 column per code of the catalogue; an unseen code is all zeros.
    """

    def __init__(self, features: tuple[Feature, ...]) -> None:
        self.features = features

    def fit(self) -> Self:
        self.names_ = [
            name
            for f in self.features
            for name in (
                [f.attribute]
                if f.categories is None
                else [f"{f.attribute}={c}" for c in f.categories]
            )
        ]
        return self

    @property
    def attributes(self) -> list[str]:
        return [f.attribute for f in self.features]

    def transform(self, table: pa.Table | pa.RecordBatch) -> NDArray[np.float64]:
        """Return rows × ``names_`` as float64. ``table`` must have every feature's column."""
        out = np.empty((table.num_rows, len(self.names_)))
        position = 0
        for feature in self.features:
            column = table.column(feature.attribute)
            if feature.categories is None:
                out[:, position] = to_float(column)
                position += 1
                continue
            for code in feature.categories:
                out[:, position] = to_float(pc.fill_null(pc.equal(column, code), False))
                position += 1
        return out


def to_float(column: pa.Array | pa.ChunkedArray) -> NDArray[np.float64]:
    """Return the column as float64, null as NaN, booleans as 0/1, dates as days since 1970."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.date32()).cast(pa.int32())
    floats = column.cast(pa.float64())
    return np.asarray(floats.to_numpy(zero_copy_only=False), dtype=np.float64)
