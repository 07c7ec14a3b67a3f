"""A customer's path: where he was from when to when, and what moved him."""

from datetime import date, timedelta

import pyarrow.parquet as pq
import pytest

from lake.models import Partition
from lake.parts import part_of
from segmentation.flow.descent import Descent
from segmentation.flow.path import Change, Stay, path
from segmentation.models import Cell, MatrixVersion

from .days import Day, write_cells
from .matrices import boolean, make_world, published, thresholds

pytestmark = pytest.mark.django_db

START = date(2026, 3, 1)
HE = "13800000001"


@pytest.fixture(autouse=True)
def care(db: None) -> MatrixVersion:
    make_world()
    return published(thresholds("arpu", 50), boolean("is_campus"), code="care")


def cell(arpu: str, campus: str = "on") -> int:
    living = Cell.objects.filter(retired_in_version=None)
    return living.get(matrix="care", bands={"arpu": arpu, "is_campus": campus}).number


def days_of(
    version: MatrixVersion, *cells: int | str | None, start: date = START
) -> list[Partition]:
    """A day for each cell: null outside the scope, "gone" for no row at all; others about him."""
    made = []
    for place, number in enumerate(cells):
        day: Day = {f"{n:011d}": ("ningbo", {"care": cell("b0", "off")}) for n in range(20)}
        if number != "gone":
            day[HE] = ("hangzhou", {"care": number})  # type: ignore[dict-item]
        made.append(write_cells(start + timedelta(days=place), day, [version], parts=4))
    return made


def told(stays: list[Stay]) -> list[tuple[int | None, int, int, str]]:
    """Cell, first and last day counted from the start, how it began."""
    return [(s.cell, (s.first - START).days, (s.last - START).days, s.change.value) for s in stays]


def test_days_in_one_cell_are_one_stay(care: MatrixVersion) -> None:
    low, high = cell("b0"), cell("b1")
    stays = path(HE, "care", days_of(care, low, low, high, high, high, low))
    assert told(stays) == [(low, 0, 1, "first"), (high, 2, 4, "moved"), (low, 5, 5, "moved")]


def test_a_change_is_told_in_words_with_what_moved_him(care: MatrixVersion) -> None:
    one, two = cell("b0", "on"), cell("b1", "off")
    first, second = path(HE, "care", days_of(care, one, two))
    assert first.words is not None
    assert second.words is not None
    assert (first.words.en, second.words.en) == ("B0, On", "B1, Off")
    assert (first.words.zh, first.dimensions) == ("b0中、on中", ())
    assert [(code, name.en) for code, name in second.dimensions] == [
        ("arpu", "Arpu"),
        ("is_campus", "Is_Campus"),
    ]


def test_leaving_and_entering_the_scope_and_the_network(care: MatrixVersion) -> None:
    low = cell("b0")
    stays = path(HE, "care", days_of(care, "gone", low, None, None, low, "gone", "gone", low))
    assert told(stays) == [
        (low, 1, 1, "arrived"),
        (None, 2, 3, "left"),
        (low, 4, 4, "entered"),
        (None, 5, 6, "departed"),
        (low, 7, 7, "arrived"),
    ]
    assert [s.words is None for s in stays] == [False, True, False, True, False]


def test_who_was_never_a_customer_has_no_path(care: MatrixVersion) -> None:
    assert path("nobody", "care", days_of(care, cell("b0"))) == []
    assert path(HE, "care", []) == []


def test_days_come_in_any_order(care: MatrixVersion) -> None:
    days = days_of(care, cell("b0"), cell("b1"), cell("b1"))
    assert path(HE, "care", days[::-1]) == path(HE, "care", days)


def test_a_day_without_the_matrix_tells_nothing(care: MatrixVersion) -> None:
    other = published(boolean("is_campus"), code="other")
    low = cell("b0")
    days = days_of(care, low, low, low)
    days[1] = write_cells(START + timedelta(days=1), {HE: ("hangzhou", {"other": None})}, [other])
    assert told(path(HE, "care", days)) == [(low, 0, 2, "first")]


def test_days_in_a_city_that_the_reader_may_not_see_are_left_out(care: MatrixVersion) -> None:
    low, high = cell("b0"), cell("b1")
    days = days_of(care, low, high)
    away = {HE: ("ningbo", {"care": low})}
    days.append(write_cells(START + timedelta(days=2), away, [care], parts=4))
    assert len(path(HE, "care", days)) == 3
    seen = path(HE, "care", days, sees=lambda city: city == "hangzhou")
    assert told(seen) == [(low, 0, 0, "first"), (high, 1, 1, "moved")]
    assert path(HE, "care", days, sees=lambda city: False) == []


def test_one_part_a_day_is_read(care: MatrixVersion) -> None:
    days = days_of(care, cell("b0"), cell("b1"))
    for day in days:
        for part in set(range(4)) - {part_of(HE, 4)}:
            day.file(part).unlink()
    assert len(path(HE, "care", days)) == 2


def test_it_is_what_the_whole_partitions_say(care: MatrixVersion) -> None:
    """Against every row of every part, read the plain way."""
    order = [cell("b0"), cell("b0"), None, cell("b1"), cell("unknown"), cell("b1")]
    days = days_of(care, *order)
    plain = {
        day.business_date: row["cell_care"]
        for day in days
        for file in day.files
        for row in pq.read_table(file).to_pylist()
        if row["customer_no"] == HE
    }
    found = {
        stay.first + timedelta(days=n): stay.cell
        for stay in path(HE, "care", days)
        for n in range((stay.last - stay.first).days + 1)
    }
    assert found == plain


# --- across versions ---


def test_a_cell_that_was_split_is_the_same_place_renamed(care: MatrixVersion) -> None:
    low, high = cell("b0"), cell("b1")
    days = days_of(care, low, low)
    box = {"arpu": ["b0"], "is_campus": ["on"]}
    split = published(
        thresholds("arpu", 50),
        boolean("is_campus"),
        thresholds("data_mb", 10),
        code="care",
        grid=["arpu", "is_campus"],
        edits=[{"split": box, "by": "data_mb"}],
    )
    bands = {"arpu": "b0", "is_campus": "on", "data_mb": "b1"}
    child = Cell.objects.get(matrix="care", bands=bands).number
    later = days_of(split, child, child, high, child, start=START + timedelta(days=2))
    first, renamed, moved, back = path(HE, "care", days + later)
    assert (first.cell, renamed.cell, renamed.change) == (low, child, Change.RENAMED)
    assert (renamed.last - START).days == 3
    assert renamed.dimensions == ()
    assert renamed.words is not None
    assert renamed.words.en == "B0, On, B1"
    assert (moved.change, back.change) == (Change.MOVED, Change.MOVED)
    assert [code for code, _name in back.dimensions] == ["arpu"]


def test_from_another_cell_into_a_new_one_is_a_move(care: MatrixVersion) -> None:
    low, high = cell("b0"), cell("b1")
    child = Cell.objects.create(
        matrix_id="care",
        bands={"arpu": "b1", "is_campus": "on"},
        identity="child",
        since_version=1,
        parents=[high],
    )
    _first, moved = path(HE, "care", days_of(care, low, child.number))
    assert moved.change is Change.MOVED
    assert [code for code, _name in moved.dimensions] == ["arpu"]


def test_descent_goes_back_over_several_edits(care: MatrixVersion) -> None:
    a, b, c, d = (
        Cell.objects.create(
            matrix_id="care", bands={}, identity=str(place), since_version=place, parents=[]
        )
        for place in range(4)
    )
    for one, parents in ((b, [a]), (c, [b]), (d, [c, a])):
        one.parents = [parent.number for parent in parents]
        one.save()
    descent = Descent.of("care")
    assert descent.came_from(c.number, a.number)
    assert not descent.came_from(a.number, c.number)
    assert descent.table.to_pylist() == [
        {"ancestor": ancestor.number, "cell": one.number}
        for one, ancestors in ((b, [a]), (c, [a, b]), (d, [a, b, c]))
        for ancestor in ancestors
    ]
