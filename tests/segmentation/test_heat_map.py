"""A map of cells on two axes leaves no cell out and counts none twice, however they were edited."""

from collections import Counter
from datetime import date
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.definition import MatrixDefinition, band_codes
from segmentation.heat_map import Axes, HeatMap, warmth
from segmentation.matrix_selectors import DayCounts, Now
from segmentation.models import Cell

from .reference import Json
from .test_assign import catalogue as catalogue  # the world that every test of cells stands in
from .test_assign import edited, generated, matrices

pytestmark = pytest.mark.django_db


def mapped(definition: MatrixDefinition, axes: Axes) -> tuple[HeatMap, list[Cell]]:
    """Cell n has n customers."""
    cells = [
        Cell(number=number, matrix_id="retention", bands=bands, since_version=1)
        for number, bands in enumerate(definition.cells(), 1)
    ]
    counts = DayCounts(date(2026, 6, 1), 1, {cell.number: cell.number for cell in cells})
    return HeatMap(definition, cells, Now(counts, None), axes), cells


@generated
@given(matrices("retention"), st.integers(0, 4), st.randoms(use_true_random=False))
def test_every_cell_is_counted_in_one_field_or_shared_by_several(
    body: Json, edits: int, random: Random
) -> None:
    definition = MatrixDefinition.from_json(edited(body, edits, random))
    codes = ["", *(d.code for d in definition.dimensions)]
    axes = Axes.of(definition, random.choice(codes), random.choice(codes))
    found, cells = mapped(definition, axes)
    whole: Counter[int] = Counter()
    shared: Counter[int] = Counter()
    for field in found.fields.values():
        whole.update(cell.number for cell in field.cells)
        shared.update(cell.number for cell in field.shared)
        assert field.customers == (sum(c.number for c in field.cells) if field.cells else None)
    assert {*whole, *shared} == {cell.number for cell in cells}
    assert set(whole.values()) <= {1}
    assert not {*whole} & {*shared}
    for cell in cells:
        assert max(whole[cell.number], shared[cell.number]) == fields_of(cell, definition, axes)


def fields_of(cell: Cell, definition: MatrixDefinition, axes: Axes) -> int:
    """In how many fields a customer of the cell may be."""
    several = 1
    for dimension in definition.dimensions:
        if dimension.code in (*axes.rows, axes.column):
            every: Any = [band.code for band in dimension.all_bands]
            several *= len(band_codes(cell.bands.get(dimension.code, every)))
    return several


def test_the_greatest_field_is_the_warmest_and_nobody_is_cold() -> None:
    assert [warmth(n, 100) for n in (0, 1, 25, 100)] == [0, 1, 3, 6]
