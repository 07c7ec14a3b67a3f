"""Reasons become conditions of the rule language, true of the customers they were given for."""

from datetime import date

import numpy as np
import pytest

from rules import Attribute, Catalogue, compile_condition
from scoring import conditions
from scoring.learning.reasons import NONE, Reason

CATALOGUE = Catalogue(
    [
        Attribute("arpu", "number", "arpu", "arpu"),
        Attribute("visits", "integer", "visits", "visits"),
        Attribute("is_campus", "boolean", "campus", "campus"),
        Attribute("joined", "date", "joined", "joined"),
        Attribute(
            "brand", "category", "brand", "brand", values=(("a", "a", "a"), ("it's", "b", "b"))
        ),
    ]
)
TYPES = {
    "arpu": "number",
    "visits": "integer",
    "is_campus": "boolean",
    "joined": "date",
    "brand": "category",
}


@pytest.mark.parametrize(
    ("reason", "text", "value", "holds"),
    [
        (Reason("arpu", low=10, high=20), "+arpu >= 10 and arpu < 20", 10.0, True),
        (Reason("arpu", low=10, high=20), "+arpu >= 10 and arpu < 20", 20.0, False),
        (Reason("visits", low=1.5, raises=False), "-visits >= 2", 2, True),
        (Reason("visits", high=2), "+visits < 2", 1, True),
        (Reason("is_campus", low=0.5), "+is_campus", True, True),
        (Reason("is_campus", high=0.5), "+not is_campus", True, False),
        (Reason("joined", low=10), "+joined >= date '1970-01-11'", date(1970, 1, 11), True),
        (Reason("brand", codes=("it's",)), "+brand = 'it''s'", "it's", True),
        (Reason("brand", codes=("a", "it's")), "+brand in ('a', 'it''s')", "a", True),
        (Reason("arpu", missing=True), "+arpu is null", None, True),
    ],
)
def test_each_reason_is_a_condition_that_a_rule_could_be(
    reason: Reason, text: str, value: object, holds: bool
) -> None:
    assert conditions.texts_of([reason], TYPES) == [text]
    rule = compile_condition(text[1:], CATALOGUE)
    assert rule.evaluate({reason.attribute: value}, date(2026, 7, 1)) is holds


def test_a_customer_s_reasons_are_one_text_in_their_order() -> None:
    texts = ["+a < 1", "-b < 2", "+c < 3"]
    positions = np.array([[2, 0, 1], [1, NONE, NONE], [NONE, NONE, NONE], [2, 0, 1]], np.int16)
    column = conditions.column(positions, texts).to_pylist()
    assert column == ["+c < 3; +a < 1; -b < 2", "-b < 2", None, "+c < 3; +a < 1; -b < 2"]
    assert conditions.parts_of(column[0]) == [("+", "c < 3"), ("+", "a < 1"), ("-", "b < 2")]


def test_many_reasons_stay_apart() -> None:
    texts = [f"+a < {n}" for n in range(3000)]
    rng = np.random.default_rng(0)
    positions = rng.integers(-1, 3000, (500, 3)).astype(np.int16)
    positions.sort(axis=1)
    positions = positions[:, ::-1]  # none stands behind some
    said = conditions.column(positions, texts).to_pylist()
    for row, text in zip(positions, said, strict=True):
        expected = [texts[p] for p in row if p != NONE]
        assert (text or "").split("; ") == (expected or [""])
