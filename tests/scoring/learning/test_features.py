"""Attributes become columns in one fixed order, whatever the day brings."""

from datetime import date

import numpy as np
import pyarrow as pa

from scoring.learning.features import Feature, columns_of, matrix, one_hot

FEATURES = (
    Feature("arpu"),
    Feature("brand", ("gotone", "mzone")),
    Feature("is_campus"),
    Feature("joined"),
)


def test_each_type_becomes_its_column() -> None:
    table = pa.table(
        {
            "joined": pa.array([date(1970, 1, 11), None, None]),
            "brand": ["mzone", None, "never seen"],
            "is_campus": [True, False, None],
            "arpu": [58.5, None, float("nan")],
        }
    )
    np.testing.assert_array_equal(
        matrix(table, FEATURES),
        [[58.5, 1, 1, 10], [np.nan, np.nan, 0, np.nan], [np.nan, 2, np.nan, np.nan]],
    )


def test_a_category_of_all_unknown_values_may_come_without_a_type() -> None:
    table = pa.table({"brand": pa.nulls(2)})
    assert np.isnan(matrix(table, FEATURES[1:2])).all()


def test_no_rows_give_no_rows() -> None:
    types = (pa.float64(), pa.string(), pa.bool_(), pa.date32())
    columns = zip(FEATURES, types, strict=True)
    empty = pa.table({f.attribute: pa.array([], kind) for f, kind in columns})
    assert matrix(empty, FEATURES).shape == (0, 4)


def test_a_category_becomes_a_column_per_code_where_a_method_needs_that() -> None:
    x = np.array([[1.5, 0.0], [np.nan, 1.0], [2.0, 2.0], [3.0, np.nan]])
    assert columns_of(FEATURES[:2]) == ["arpu", "brand=gotone", "brand=mzone"]
    np.testing.assert_array_equal(
        one_hot(x, FEATURES[:2]), [[1.5, 1, 0], [np.nan, 0, 1], [2, 0, 0], [3, 0, 0]]
    )
