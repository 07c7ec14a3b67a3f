"""Rows as bits: whatever Arrow hands over, counts are those of the plain booleans."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.learning.bitsets import (
    crossed,
    crossed_with_itself,
    packed,
    packed_known,
    size_of,
)

truths = st.lists(st.tuples(*[st.sampled_from([True, False, None])] * 3), max_size=200)


def columns(rows: list[tuple], start: int = 0) -> list[pa.BooleanArray]:
    """The rows from ``start``, as slices of longer arrays."""
    return [pa.array([row[i] for row in rows], pa.bool_())[start:] for i in range(3)]


@settings(deadline=None)
@given(truths, st.integers(0, 20))
def test_counts_are_those_of_the_booleans(rows: list[tuple], start: int) -> None:
    given_columns = columns(rows, start)
    rows = rows[start:]
    held = packed(given_columns, len(rows))
    known = packed_known(given_columns, len(rows))
    for i in range(3):
        assert size_of(held)[i] == sum(row[i] is True for row in rows)
        assert size_of(known)[i] == sum(row[i] is not None for row in rows)
        for j in range(3):
            both = sum(row[i] is True and row[j] is True for row in rows)
            assert crossed(held, held)[i, j] == both
            assert crossed_with_itself(held)[i, j] == both


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(0, 64), st.integers(1, 130))
def test_a_slice_without_nulls_takes_no_bit_of_its_neighbours(
    n: int, start: int, size: int
) -> None:
    bits = np.arange(n + start + 8) % 3 != 0
    piece = pa.array(bits)[start : start + size]
    assert size_of(packed([piece], len(piece))).tolist() == [bits[start : start + size].sum()]
