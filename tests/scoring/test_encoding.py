"""Attributes become columns in one fixed order, whatever the day brings."""

from datetime import date

import numpy as np
import pyarrow as pa

from scoring.learning.encoding import Encoder, Feature

ENCODER = Encoder(
    (
        Feature("arpu"),
        Feature("brand", ("gotone", "mzone")),
        Feature("is_campus"),
        Feature("joined"),
    )
).fit()


def test_each_type_becomes_its_columns() -> None:
    table = pa.table(
        {
            "joined": pa.array([date(1970, 1, 11), None, None]),
            "brand": ["mzone", None, "never seen"],
            "is_campus": [True, False, None],
            "arpu": [58.5, None, float("nan")],
        }
    )
    assert ENCODER.names_ == ["arpu", "brand=gotone", "brand=mzone", "is_campus", "joined"]
    np.testing.assert_array_equal(
        ENCODER.transform(table),
        [[58.5, 0, 1, 1, 10], [np.nan, 0, 0, 0, np.nan], [np.nan, 0, 0, np.nan, np.nan]],
    )


def test_no_rows_give_no_rows() -> None:
    empty = pa.table(
        {
            "arpu": pa.array([], pa.float64()),
            "brand": pa.array([], pa.string()),
            "is_campus": pa.array([], pa.bool_()),
            "joined": pa.array([], pa.date32()),
        }
    )
    assert ENCODER.transform(empty).shape == (0, 5)
