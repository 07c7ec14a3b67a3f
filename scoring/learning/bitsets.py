"""Sets of rows as bits, 64 to a word: unions and counts over millions of rows at memory speed.

Arrow keeps booleans as bits already, so nothing is unpacked. Beside the scan of the columns this
costs a fifth; float32 matrix products cost a half, 1,770 sums in the set engine ten times as much.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Counts = NDArray[np.int64]

WORD = 64


def words_for(rows: int) -> int:
    return -(-rows // WORD)


def packed(columns: list[pa.BooleanArray], rows: int) -> Words:
    """Return columns × words: bit r of a column is set where its row r is true (null: not set)."""
    words = np.zeros((len(columns), words_for(rows)), dtype=np.uint64)
    for line, column in zip(words.view(np.uint8), columns, strict=True):
        bits = _bits(column)
        line[: len(bits)] = bits
    return words


def packed_known(columns: list[pa.BooleanArray], rows: int) -> Words:
    """Return columns × words: bit r of a column is set where its row r is not null."""
    return packed([column.is_valid() for column in columns], rows)


def _bits(column: pa.BooleanArray) -> NDArray[np.uint8]:
    if column.null_count or column.offset % 8:
        values = column.fill_null(False).to_numpy(zero_copy_only=False)
        return np.packbits(values, bitorder="little")
    start, size = column.offset // 8, -(-len(column) // 8)
    if not size:
        return np.zeros(0, dtype=np.uint8)
    bits = np.frombuffer(column.buffers()[1], dtype=np.uint8)[start : start + size].copy()
    # What follows the last row in its byte may be another slice's.
    bits[-1] &= 0xFF >> (-len(column) % 8)
    return bits


def size_of(words: Words) -> Counts:
    """Return how many bits are set along the last axis."""
    counts: Counts = np.bitwise_count(words).sum(axis=-1, dtype=np.int64)
    return counts


def crossed(left: Words, right: Words) -> Counts:
    """Return left × right: how many rows each pair of sets has in common."""
    both = np.empty((len(left), len(right)), dtype=np.int64)
    for line, words in zip(both, left, strict=True):
        line[:] = size_of(words & right)
    return both


def crossed_with_itself(sets: Words) -> Counts:
    """``crossed(sets, sets)`` at half the cost; its diagonal holds the sizes."""
    both = np.empty((len(sets), len(sets)), dtype=np.int64)
    for position, words in enumerate(sets):
        both[position, position:] = size_of(words & sets[position:])
        both[position:, position] = both[position, position:]
    return both
