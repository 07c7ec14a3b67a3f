"""Scores of earlier models over a training's rows: to whom they apply, and pins that are gone."""

from datetime import date, timedelta

import pyarrow as pa
import pytest

from common.errors import DomainError
from customers.catalogue import compiled, rule_catalogue
from rules import compile_condition
from scoring.dataset import pinned
from scoring.kinds.earlier import Earlier
from scoring.rows import AS_OF, Rows

from .conftest import DAY, make_snapshot
from .kind_models import attribute

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


@pytest.fixture
def rows() -> Rows:
    attribute("joined_on", "date")
    days = [DAY, DAY - timedelta(days=31)] * 4
    table = pa.table(
        {
            AS_OF: pa.array(days, pa.date32()),
            "arpu": pa.array([10.0, 70.0, None, None, 90.0, 20.0, 61.0, 60.0]),
            "brand": ["gotone", "gotone", "mzone", None, "easyown", "mzone", None, "gotone"],
            "joined_on": pa.array([date(2026, 4, 20)] * 8, pa.date32()),
        }
    )
    return Rows(table, ())


@pytest.mark.parametrize(
    "text", ["arpu > 60 or brand = 'mzone'", "not (arpu > 60)", "days_since(joined_on) > 20"]
)
def test_the_population_is_what_the_rule_says_of_each_row(rows: Rows, text: str) -> None:
    holds = compiled(compile_condition, text, rule_catalogue(), "population").closure()
    slowly = [holds(row, row[AS_OF]) is True for row in rows.table.to_pylist()]
    assert Earlier(rows).inside({"population": text}).tolist() == slowly
    assert {True, False} == {*slowly}


def test_everybody_is_in_where_there_is_no_population(rows: Rows) -> None:
    assert Earlier(rows).inside({}).all()


def test_a_population_is_asked_once_for_all_scores(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = Earlier(rows)
    first = earlier.inside({"population": "arpu > 60"})
    monkeypatch.setattr("scoring.kinds.earlier.DuckDB", None)
    assert (earlier.inside({"population": "arpu > 60"}) == first).all()


def test_a_training_whose_inputs_are_gone_says_so() -> None:
    snapshot = make_snapshot(rows=10)
    assert pinned([snapshot.pk]) == [snapshot]
    with pytest.raises(DomainError) as refusal:
        pinned([snapshot.pk, snapshot.pk + 1])
    assert refusal.value.code == "inputs_pruned"
