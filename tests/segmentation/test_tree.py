"""Edited grids stay partitions, and the tree finds every customer's cell."""

from itertools import product
from math import prod
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.tree import (
    Box,
    CellTree,
    ChangesNothing,
    Straddles,
    bits,
    find_fault,
    is_inside,
)

from .strips import Strips, random_edit

SIZES, GRID = (3, 2, 4), (0, 1)


def tree() -> CellTree:
    return CellTree(SIZES, GRID)


def test_before_any_edit_there_is_a_cell_for_each_combination_of_the_grid() -> None:
    assert tree().leaves() == [(1 << a, 1 << b, 0b1111) for a in range(3) for b in range(2)]


def test_a_split_gives_one_cell_for_each_band_and_touches_no_other() -> None:
    grown = tree()
    grown.split((0b001, 0b01, 0b1111), 2)
    new = [(0b001, 0b01, 1 << band) for band in range(4)]
    assert grown.leaves() == new + tree().leaves()[1:]


def test_a_merge_gives_one_cell_in_the_place_of_all() -> None:
    grown = tree()
    grown.merge((0b011, 0b11, 0b1111))
    assert grown.leaves() == [(0b011, 0b11, 0b1111), (0b100, 0b01, 0b1111), (0b100, 0b10, 0b1111)]


def test_merging_what_was_split_gives_the_cell_again() -> None:
    grown = tree()
    box = (0b001, 0b01, 0b1111)
    grown.split(box, 2)
    grown.merge(box)
    assert grown.leaves() == tree().leaves()
    assert not len(grown.finder().dimensions)  # and no question is left that decides nothing


def test_a_merged_cell_is_split_wherever_it_hangs() -> None:
    grown = tree()
    grown.merge((0b011, 0b01, 0b1111))
    grown.split((0b011, 0b01, 0b1111), 0)
    assert set(grown.leaves()) == set(tree().leaves())


@pytest.mark.parametrize(
    ("box", "cell"),
    [((0b001, 0b11, 0b0001), (0b001, 0b01, 0b1111)), ((0b001, 0b01, 0b0111), (1, 1, 0b1111))],
)
def test_an_edit_of_half_a_cell_is_refused_and_changes_nothing(box: Box, cell: Box) -> None:
    grown = tree()
    for edit in (lambda: grown.merge(box), lambda: grown.split(box, 2)):
        with pytest.raises(Straddles) as refused:
            edit()
        assert refused.value.cell == cell
    assert grown.leaves() == tree().leaves()


def test_an_edit_that_changes_nothing_is_refused() -> None:
    with pytest.raises(ChangesNothing):
        tree().split((0b001, 0b01, 0b1111), 0)
    with pytest.raises(ChangesNothing):
        tree().merge((0b001, 0b01, 0b1111))


def test_who_is_in_no_band_or_outside_stays_so() -> None:
    grown = tree()
    grown.split((0b001, 0b01, 0b1111), 2)
    finder = grown.finder()
    size = finder.size
    assert size == 9
    keys = np.array([6, 7, 0, 0])
    bands = {2: np.array([0, 0, -1, 3])}
    assert finder.find(keys, bands).tolist() == [size, size + 1, size, 3]


# --- against walking through every combination of bands ---

shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4)


def check(grown: CellTree, strips: Strips) -> None:
    leaves = grown.leaves()
    assert find_fault(leaves, grown.sizes) is None
    assert set(leaves) == strips.cells()
    found = places_of_everybody(grown)
    for bands, place in zip(product(*map(range, grown.sizes)), found, strict=True):
        assert is_inside(tuple(1 << band for band in bands), leaves[place])


def places_of_everybody(grown: CellTree) -> list[int]:
    """The place of a customer of each combination of bands."""
    everybody = np.array(list(product(*map(range, grown.sizes))), np.int64)
    keys = np.zeros(len(everybody), np.int64)
    for dimension in grown.grid:
        keys = keys * grown.sizes[dimension] + everybody[:, dimension]
    finder = grown.finder()
    return finder.find(keys, {d: everybody[:, d] for d in finder.asks}).tolist()


@given(shapes, st.integers(0, 2**32), st.data())
def test_whatever_the_edits_everybody_is_in_exactly_one_cell(
    sizes: list[int], seed: int, data: st.DataObject
) -> None:
    grid = data.draw(st.sets(st.sampled_from(range(len(sizes))), min_size=1).map(sorted))
    grown, strips = CellTree(sizes, grid), Strips(sizes, grid)
    random = Random(seed)
    for _ in range(8):
        random_edit(grown, strips, random)
    check(grown, strips)


@pytest.mark.long
def test_ten_thousand_edits_after_each_of_which_the_cells_are_a_partition() -> None:
    sizes, grid = (4, 3, 3, 5), (0, 1)
    grown, strips, random = CellTree(sizes, grid), Strips(sizes, grid), Random(7)
    for _ in range(10_000):
        random_edit(grown, strips, random)
        check(grown, strips)


# --- the proof by boxes alone ---


def test_two_cells_of_one_customer_are_found() -> None:
    assert find_fault([(0b01, 0b11), (0b11, 0b10)], (2, 2)) == ((0b01, 0b10), 2)


def test_a_customer_of_no_cell_is_found() -> None:
    assert find_fault([(0b01, 0b11), (0b10, 0b10)], (2, 2)) == ((0b10, 0b01), 0)


@given(st.lists(st.tuples(st.integers(1, 7), st.integers(1, 3), st.integers(1, 3)), max_size=6))
def test_a_fault_is_found_exactly_where_there_is_one(cells: list[Box]) -> None:
    sizes = (3, 2, 2)
    times = [
        sum(is_inside(one, cell) for cell in cells)
        for one in product(*([1 << band for band in range(size)] for size in sizes))
    ]
    fault = find_fault(cells, sizes)
    assert (fault is None) == (set(times) == {1})
    if fault is not None:
        assert fault[1] == sum(is_inside(fault[0], cell) for cell in cells) != 1


def test_volumes_of_a_partition_add_up() -> None:
    grown = tree()
    grown.split((0b001, 0b11, 0b1111), 2)
    volumes = [prod(bands.bit_count() for bands in cell) for cell in grown.leaves()]
    assert sum(volumes) == prod(SIZES)
    assert bits(0b1010) == [1, 3]
