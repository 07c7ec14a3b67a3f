"""Items: the condition on a batch, and its text, mean the same."""

from datetime import date
from math import inf

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import Attribute, Catalogue, compile_condition
from scoring.learning.items import (
    Item,
    bands_of,
    codes_of,
    flags,
    has_and_lacks_rule,
)

CATALOGUE = Catalogue(
    [
        Attribute("has_games", "boolean", "has_games", "has_games"),
        Attribute("data_mb", "number", "data_mb", "data_mb"),
        Attribute(
            "brand", "category", "brand", "brand", tuple((b, b, b) for b in ("a", "b'", "c"))
        ),
    ]
)
ITEMS = [
    *flags("service", ["has_games"]),
    *codes_of("person", "brand", ["a", "b'"]),
    Item("brand=some", "person", "brand", ("a", "b'")),
    *bands_of("data", "data_mb", [0.1, 500.0, 1e6]),
]
customers = st.fixed_dictionaries(
    {
        "has_games": st.sampled_from([True, False, None]),
        "data_mb": st.sampled_from([None, float("nan"), 0.0, 0.1, 499.9, 500.0, 1e6, 2e6]),
        "brand": st.sampled_from([None, "a", "b'", "c"]),
    }
)
SCHEMA = pa.schema([("has_games", pa.bool_()), ("data_mb", pa.float64()), ("brand", pa.string())])


@settings(deadline=None)
@given(st.lists(customers, max_size=20), st.sampled_from(ITEMS), st.sampled_from(ITEMS))
def test_the_mark_is_what_the_rule_says(rows: list[dict], has: Item, lacks: Item) -> None:
    rule = compile_condition(has_and_lacks_rule(has, lacks), CATALOGUE)
    batch = pa.RecordBatch.from_pylist(rows, SCHEMA)
    marked = pc.and_kleene(has.held(batch), pc.invert(lacks.held(batch)))
    assert marked.to_pylist() == [rule.evaluate(row, date(2026, 7, 1)) for row in rows]


def test_the_rule_of_two_products() -> None:
    has, lacks = flags("service", ["has_a", "has_b"])
    assert has_and_lacks_rule(has, lacks) == "has_a = true and has_b = false"


def test_bands_leave_no_gap() -> None:
    bands = bands_of("person", "age", [25, 40])
    assert [band.code for band in bands] == ["age<25", "age=25-40", "age>=40"]
    assert [(band.low, band.high) for band in bands] == [(-inf, 25), (25, 40), (40, inf)]


@pytest.mark.parametrize("wrong", [{"low": 3.0, "high": 3.0}, {"codes": ("a",), "low": 1.0}])
def test_an_item_that_means_nothing_is_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="x:"):
        Item("x", "person", "brand", **wrong)
