"""The part of a customer is the same wherever it is computed."""

from collections import Counter

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from lake.engine import DuckDB
from lake.parts import part_of, part_of_sql

NUMBERS = st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=50)


@given(NUMBERS, st.integers(1, 64))
def test_the_engine_cuts_as_python_does(numbers: list[str], parts: int) -> None:
    tree = exp.select(part_of_sql(exp.column("number", quoted=True), parts)).from_("numbers")
    with DuckDB() as engine:
        engine.register("numbers", pa.table({"number": numbers}))
        assert [part for (part,) in engine.rows(tree)] == [part_of(n, parts) for n in numbers]


def test_the_cut_never_changes_between_releases() -> None:
    """Partitions of different days are joined part by part: these figures may not move."""
    numbers = ("13800000000", "13800000001", "0002-ORFBO", "客户")
    assert [part_of(number, 16) for number in numbers] == [13, 13, 9, 15]


def test_neighbouring_numbers_are_spread_evenly() -> None:
    sizes = Counter(part_of(str(13_800_000_000 + i), 16) for i in range(16_000))
    assert set(sizes) == set(range(16))
    assert max(sizes.values()) < 1.2 * min(sizes.values())
