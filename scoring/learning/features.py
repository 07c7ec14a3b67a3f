"""Customer attributes as the columns of a matrix, in one order at training and ever after.

A matrix ``x`` is rows × features, float64. Numbers, booleans (0/1) and dates (days since 1970)
stand as they are; a category stands as the position of its code in ``Feature.categories``, and as
``len(categories)`` when training has never seen the code. NaN: unknown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


@dataclass(frozen=True)
class Feature:
    """An attribute that a model reads; ``categories``: its codes, None: it is a number."""

    attribute: str
    categories: tuple[str, ...] | None = None


def matrix(table: pa.Table | pa.RecordBatch, features: Sequence[Feature]) -> NDArray[np.float64]:
    """Return rows × features as float64 (column-major). ``table`` has a column per feature."""
    out = np.empty((table.num_rows, len(features)), order="F")
    for position, feature in enumerate(features):
        column = table.column(feature.attribute)
        if feature.categories is None:
            out[:, position] = to_float(column)
        else:
            out[:, position] = _positions(column, feature.categories)
    return out


def to_float(column: pa.Array | pa.ChunkedArray) -> NDArray[np.float64]:
    """Return the column as float64, null as NaN, booleans as 0/1, dates as days since 1970."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.date32()).cast(pa.int32())
    floats = column.cast(pa.float64())
    return np.asarray(floats.to_numpy(zero_copy_only=False), dtype=np.float64)


def _positions(
    column: pa.Array | pa.ChunkedArray, categories: tuple[str, ...]
) -> NDArray[np.float64]:
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    found = pc.index_in(column, pa.array(categories, pa.string()))
    positions = pc.fill_null(found, len(categories))
    return to_float(pc.if_else(pc.is_valid(column), positions, pa.scalar(None, pa.int32())))


def varies(column: NDArray[np.float64]) -> bool:
    """Whether there are two different values, one of which may be "unknown"."""
    unknown = np.isnan(column)
    if unknown.all():
        return False
    return bool(unknown.any() or column.min() < column.max())


def columns_of(features: Sequence[Feature]) -> list[str]:
    """The names of ``one_hot``'s columns: the attribute, or attribute=code for a category."""
    return [
        name
        for f in features
        for name in (
            [f.attribute]
            if f.categories is None
            else [f"{f.attribute}={code}" for code in f.categories]
        )
    ]


def one_hot(x: NDArray[np.float64], features: Sequence[Feature]) -> NDArray[np.float64]:
    """Return rows × ``columns_of(features)``: a category becomes one 0/1 column per code.

    An unknown or unseen code is all zeros; numbers keep their NaN.
    """
    out = np.empty((len(x), len(columns_of(features))), order="F")
    position = 0
    for column, feature in zip(x.T, features, strict=True):
        if feature.categories is None:
            out[:, position] = column
            position += 1
            continue
        for code in range(len(feature.categories)):
            out[:, position] = column == code
            position += 1
    return out
