"""Two definitions on one snapshot are counted as two assignments of it would have counted."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.definition import MatrixDefinition
from segmentation.moves import moves

from .reference import CATALOGUE, Json
from .test_assign import (
    Rows,
    cells_of,
    crowds,
    edited,
    generated,
    matrices,
    publish,
    run,
    scores_of,
    snapshot_of,
)
from .test_assign import catalogue as catalogue  # the world that every test of cells stands in
from .test_preview import spelled

pytestmark = pytest.mark.django_db


@generated
@given(matrices("retention"), crowds, st.integers(1, 4), st.randoms(use_true_random=False))
def test_customers_are_counted_by_their_cell_in_both(
    body: Json, rows: Rows, edits: int, random: Random
) -> None:
    snapshot, scores = snapshot_of(rows), scores_of(rows)
    later = edited(body, edits, random)
    one, two = MatrixDefinition.from_json(body), MatrixDefinition.from_json(later)
    found = moves(one, two, snapshot, scores, CATALOGUE)
    (before,) = publish(body)
    was = cells_of(run(snapshot, scores, [before]), before)
    (after,) = publish(later)
    now = cells_of(run(snapshot, scores, [after]), after)
    expected = Counter((spelled(was[number]), spelled(now[number])) for number in was)
    had, has = ([spelled(bands) for bands in d.cells()] for d in (one, two))
    assert expected == {
        (None if a is None else had[a], None if b is None else has[b]): customers
        for (a, b), customers in found.items()
    }
