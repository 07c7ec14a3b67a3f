"""Edits of a definition: what each makes of the cells, what it forgets, what it refuses."""

from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import pytest

from common.errors import DomainError
from segmentation.definition import MatrixDefinition, Merge, Split
from segmentation.edits import (
    add_dimension,
    delete,
    merge,
    named_box,
    neighbours,
    recut,
    remove_dimension,
    split,
)
from segmentation.proof import prove

from .matrices import boolean, matrix, thresholds
from .reference import CATALOGUE

CARE = MatrixDefinition.from_json(matrix(thresholds("arpu", 50, 100), boolean("is_campus")))
TENURE = MatrixDefinition.from_json(matrix(thresholds("tenure", 12))).dimensions[0]
LOW_CAMPUS = {"arpu": ("b0",), "is_campus": ("on",)}


def cells(definition: MatrixDefinition) -> list[dict[str, Any]]:
    return list(definition.cells())


def tenures(**bands: str) -> list[dict[str, Any]]:
    return [{**bands, "tenure": band} for band in ("b0", "b1", "unknown")]


def test_a_cell_split_by_a_new_dimension_gives_way_to_its_bands() -> None:
    edited = split(CARE, LOW_CAMPUS, TENURE).definition
    assert cells(edited)[:3] == tenures(arpu="b0", is_campus="on")
    assert cells(edited)[3:] == cells(CARE)[1:]
    assert edited.grid == ("arpu", "is_campus")
    assert MatrixDefinition.from_json(edited.to_json()) == edited
    assert prove(edited, CATALOGUE, [])["cells"] == 14


def test_a_whole_box_of_cells_is_split_at_once_and_again() -> None:
    edited = split(CARE, {"arpu": ("b0",)}, TENURE).definition
    assert edited.size == 12 + 3 * 2
    again = split(edited, {"arpu": ("b1",)}, "tenure").definition
    assert again.size == edited.size + 3 * 2


def test_merging_a_split_forgets_it_and_its_dimension() -> None:
    edited = split(CARE, LOW_CAMPUS, TENURE).definition
    assert merge(edited, LOW_CAMPUS).definition == CARE


def test_merged_cells_are_one_and_named_by_their_bands() -> None:
    edited = merge(CARE, {"arpu": ("b0", "b1"), "is_campus": ("on",)}).definition
    assert cells(edited)[0] == {"arpu": ["b0", "b1"], "is_campus": "on"}
    everything = merge(CARE, {}).definition
    assert cells(everything) == [{}]
    assert prove(everything, CATALOGUE, [])["cells"] == 1


def test_a_merge_forgets_no_split_that_reaches_over_its_border() -> None:
    both = split(CARE, {"arpu": ("b0",)}, TENURE).definition
    wide = {"arpu": ("b0", "b1"), "is_campus": ("on",), "tenure": ("b0",)}
    crossed = merge(split(both, {"arpu": ("b1",)}, "tenure").definition, wide).definition
    narrow = {"arpu": ("b0",), "is_campus": ("off",)}
    edited = merge(crossed, narrow).definition
    assert {"arpu": ["b0", "b1"], "is_campus": "on", "tenure": "b0"} in cells(edited)
    assert {"arpu": "b0", "is_campus": "off"} in cells(edited)


def test_a_deleted_cell_goes_into_its_neighbour() -> None:
    edited = delete(CARE, LOW_CAMPUS, {"arpu": ("b1",), "is_campus": ("on",)}).definition
    assert cells(edited)[0] == {"arpu": ["b0", "b1"], "is_campus": "on"}
    with pytest.raises(DomainError) as refused:
        delete(CARE, LOW_CAMPUS, {"arpu": ("b1",), "is_campus": ("off",)})
    assert refused.value.code == "no_neighbours"


def test_neighbours_are_the_cells_that_it_can_be_deleted_into() -> None:
    found = neighbours(CARE, CARE.box(LOW_CAMPUS))
    boxes = [named_box(CARE, box) for box in found]
    assert len(boxes) == 3 + 2
    for box in boxes:
        assert delete(CARE, LOW_CAMPUS, box).definition.size == CARE.size - 1


def test_a_dimension_more_in_the_grid_keeps_the_edits() -> None:
    edited = merge(CARE, {"arpu": ("b0",)}).definition
    added = add_dimension(edited, TENURE)
    assert added.dropped == ()
    assert cells(added.definition)[0] == {"arpu": "b0"}
    assert added.definition.size == 1 + 9 * 3


def test_a_split_by_what_becomes_a_dimension_of_the_grid_is_left_out() -> None:
    edited = split(CARE, LOW_CAMPUS, TENURE).definition
    added = add_dimension(edited, next(d for d in edited.dimensions if d.code == "tenure"))
    assert added.definition.size == 4 * 3 * 3
    assert added.dropped == edited.edits


def test_without_a_dimension_the_cells_that_differ_by_it_alone_are_one() -> None:
    edited = split(CARE, LOW_CAMPUS, TENURE).definition
    removed = remove_dimension(edited, "is_campus")
    assert removed.definition.size == 3 + 3
    assert removed.dropped == ()
    assert remove_dimension(edited, "tenure").definition == CARE


def test_the_last_dimension_of_the_grid_stays() -> None:
    one = remove_dimension(CARE, "arpu").definition
    with pytest.raises(DomainError) as refused:
        remove_dimension(one, "is_campus")
    assert refused.value.code == "last_dimension"


def test_recutting_a_dimension_renames_the_bands_in_edits() -> None:
    edited = split(CARE, LOW_CAMPUS, TENURE).definition
    finer = MatrixDefinition.from_json(matrix(thresholds("arpu", 20, 50, 100))).dimensions[0]
    cut = recut(edited, finer)
    assert cut.dropped == ()
    split_cells = [c for c in cells(cut.definition) if "tenure" in c]
    assert split_cells == tenures(arpu="b0", is_campus="on") + tenures(arpu="b1", is_campus="on")


def test_an_edit_that_no_longer_fits_is_left_out_and_named() -> None:
    edited = merge(CARE, {"arpu": ("b0", "b1"), "is_campus": ("on",)}).definition
    coarser = MatrixDefinition.from_json(matrix(thresholds("arpu", 100))).dimensions[0]
    cut = recut(edited, coarser)
    assert cut.dropped == (Merge({"arpu": ("b0",), "is_campus": ("on",)}),)
    assert cut.definition.edits == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda: split(CARE, {"arpu": ("b7",)}, TENURE), "unknown_band"),
        (lambda: split(CARE, {"brand": ("b0",)}, TENURE), "unknown_dimension"),
        (lambda: split(CARE, {}, "brand"), "unknown_dimension"),
        (lambda: split(CARE, {}, "arpu"), "edit_changes_nothing"),
        (lambda: split(CARE, {}, replace(TENURE, code="arpu")), "dimension_taken"),
        (lambda: add_dimension(CARE, CARE.dimensions[0]), "dimension_taken"),
        (lambda: remove_dimension(CARE, "brand"), "unknown_dimension"),
        (lambda: recut(CARE, TENURE), "unknown_dimension"),
        (lambda: merge(CARE, LOW_CAMPUS), "edit_changes_nothing"),
        (
            lambda: merge(split(CARE, LOW_CAMPUS, TENURE).definition, {"tenure": ("b0",)}),
            "cell_straddles",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(change: Any, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        change()
    assert refused.value.code == code


def test_an_edit_that_misfits_in_a_file_is_named_by_its_place() -> None:
    body = CARE.to_json() | {"edits": [{"merge": {"arpu": ["b0"]}}, {"merge": {"arpu": ["b0"]}}]}
    with pytest.raises(DomainError) as refused:
        prove(MatrixDefinition.from_json(body), CATALOGUE, [])
    assert refused.value.extra["where"] == ["edits", 1]


def test_a_dimension_that_decides_nothing_is_refused() -> None:
    body = CARE.to_json() | {"grid": ["arpu"]}
    with pytest.raises(DomainError) as refused:
        prove(MatrixDefinition.from_json(body), CATALOGUE, [])
    assert (refused.value.code, refused.value.extra["where"]) == (
        "idle_dimension",
        ["dimensions", 1],
    )


def test_any_edits_leave_a_partition_and_no_more_edits_than_needed() -> None:
    random = Random(3)
    definition = CARE
    for _ in range(150):
        box = named_box(definition, random_box(definition, random))
        by = random.choice([TENURE, *definition.dimensions])
        by = by.code if by.code in [d.code for d in definition.dimensions] else by
        try:
            change = split(definition, box, by) if random.random() < 0.5 else merge(definition, box)
        except DomainError:
            continue
        definition = change.definition
        assert prove(definition, CATALOGUE, [])["partition"]
        assert everybody_once(definition)
        assert len(definition.edits) <= 3 * definition.size


def random_box(definition: MatrixDefinition, random: Random) -> tuple[int, ...]:
    leaves = definition.tree.leaves()
    one, two = random.choice(leaves), random.choice(leaves)
    return one if random.random() < 0.4 else tuple(a | b for a, b in zip(one, two, strict=True))


def everybody_once(definition: MatrixDefinition) -> bool:
    boxes = [
        {code: {*([said] if isinstance(said, str) else said)} for code, said in bands.items()}
        for bands in definition.cells()
    ]
    codes = [[(d.code, b.code) for b in d.all_bands] for d in definition.dimensions]
    return all(
        sum(all(band in box.get(code, {band}) for code, band in customer) for box in boxes) == 1
        for customer in product(*codes)
    )


def test_splits_say_what_they_split() -> None:
    edited = split(CARE, LOW_CAMPUS, TENURE).definition
    assert edited.edits == (Split(LOW_CAMPUS, "tenure"),)
