"""A preview counts what publishing and assigning would have counted."""

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import DomainError
from segmentation.definition import MatrixDefinition
from segmentation.models import Cell
from segmentation.preview import Preview, preview

from .reference import CATALOGUE, Json, dimension, matrix
from .test_assign import (
    Rows,
    cells_of,
    crowds,
    edited,
    generated,
    matrices,
    person,
    publish,
    run,
    scores_of,
    snapshot_of,
)
from .test_assign import catalogue as catalogue  # the world that every test of cells stands in

pytestmark = pytest.mark.django_db


def previewed(definition: MatrixDefinition, rows: Rows, cells: Any) -> Preview:
    return preview(
        definition,
        snapshot_of(rows),
        scores_of(rows),
        cells,
        CATALOGUE,
        progress=lambda done, total: None,
    )


@generated
@given(matrices("retention"), crowds, st.integers(1, 4), st.randoms(use_true_random=False))
def test_the_flows_are_those_of_an_assignment_before_and_one_after(
    body: Json, rows: Rows, edits: int, random: Random
) -> None:
    (before,) = publish(body)
    today = run(snapshot_of(rows), scores_of(rows), [before])
    definition = MatrixDefinition.from_json(edited(body, edits, random))
    found = previewed(definition, rows, today)
    (after,) = publish(definition.to_json())
    then = run(snapshot_of(rows), scores_of(rows), [after])
    order = [str(sorted(bands.items())) for bands in definition.cells()]
    expected = Counter(
        (spelled(was), spelled(bands))
        for was, bands in zip(
            cells_of(today, before).values(), cells_of(then, after).values(), strict=True
        )
    )
    bands_of = {number: spelled(bands) for number, bands in by_number(before).items()}
    assert expected == {
        (cell and bands_of[cell], None if place is None else order[place]): customers
        for (cell, place), customers in found.flows.items()
    }


def spelled(bands: Json | None) -> str | None:
    return None if bands is None else str(sorted(bands.items()))


def by_number(version: Any) -> dict[int, Json]:
    return dict(Cell.objects.of_version(version).values_list("number", "bands"))


def test_before_the_first_day_everybody_comes_from_outside() -> None:
    rows = [person(number, arpu=float(number)) for number in range(10)]
    body = matrix(dimension("thresholds", [{"to": 5}, {"from": 5}], "arpu"))
    found = previewed(MatrixDefinition.from_json(body), rows, None)
    assert found.flows == {(None, 0): 5, (None, 1): 5}
    assert found.customers == {0: 5, 1: 5}


def test_a_draft_that_puts_somebody_nowhere_is_refused() -> None:
    rows = [person(1, brand="unheard of")]
    brands = [{"values": ["gotone", "mzone", "easyown"]}]
    body = matrix(dimension("categories", brands, "brand"))
    with pytest.raises(DomainError) as refused:
        previewed(MatrixDefinition.from_json(body), rows, None)
    assert refused.value.code == "not_exactly_one"
