"""The flows page: its figures reconcile, its walls hold, and it says why there is nothing."""

import csv
from datetime import date, timedelta
from io import StringIO
from itertools import count, pairwise
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.urls import reverse

from segmentation.flow.selectors import FlowPage, customer_paths
from segmentation.models import Cell, Matrix, MatrixVersion
from tests.accounts.people import make_user
from tests.portal.settings import page_settings as page_settings

from .days import Day, publish_day, write_cells
from .matrices import boolean, make_world, published, thresholds

pytestmark = pytest.mark.django_db

START = date(2026, 3, 1)
HE = "00000000001"
_readers = count(1)


@pytest.fixture(autouse=True)
def care(db: None) -> MatrixVersion:
    make_world()
    return published(thresholds("arpu", 50), boolean("is_campus"), code="care")


@pytest.fixture
def get(client: Any) -> Any:
    """Open the page as a role, in English; return the response, and its text."""

    def open_(role: str = "province-marketer", place: str = "zhejiang", **query: str) -> Any:
        client.cookies["django_language"] = query.pop("language", "en")
        client.force_login(make_user(role, place, username=f"reader-{next(_readers)}"))
        response = client.get(reverse(query.pop("address", "flows")), query)
        if response.streaming:
            return response, b"".join(response.streaming_content).decode()
        return response, " ".join(response.content.decode().split())

    return open_


def cell(arpu: str, campus: str = "on") -> int:
    living = Cell.objects.filter(retired_in_version=None)
    return living.get(matrix="care", bands={"arpu": arpu, "is_campus": campus}).number


def everybody(low: int, high: int, *, moved: int = 0, departed: int = 0, new: int = 0) -> Day:
    """Hundred of Hangzhou and sixty of Ningbo in ``low``, of whom the first ``moved`` are high."""
    day: Day = {}
    for city, first, last in (("hangzhou", 0, 100), ("ningbo", 100, 160)):
        for n in range(first, last):
            place = n - first
            if place < last - first - departed:
                day[f"{n:011d}"] = (city, {"care": high if place < moved else low})
        for n in range(new):
            day[f"{1000 + first + n:011d}"] = (city, {"care": high})
    return day


def two_days(care: MatrixVersion) -> None:
    low, high = cell("b0"), cell("b1")
    yesterday = write_cells(START, everybody(low, high), [care])
    publish_day(yesterday, None)
    today = everybody(low, high, moved=10, departed=5, new=2)
    publish_day(write_cells(START + timedelta(days=1), today, [care]), yesterday)


def many_days(care: MatrixVersion, moved: list[int]) -> None:
    """A day for each number: so many of each city move to the upper cell, and come back."""
    low, high = cell("b0"), cell("b1")
    yesterday = None
    for place, number in enumerate(moved):
        day = everybody(low, high, moved=number)
        cells = write_cells(START + timedelta(days=place), day, [care])
        publish_day(cells, yesterday)
        yesterday = cells


# --- figures ---


def page_of(day: date, city: str | None = None) -> FlowPage:
    days = [START + timedelta(days=n) for n in range(40)]
    return FlowPage(Matrix.objects.get(pk="care"), day, city, [d for d in days if d <= day])


@pytest.mark.parametrize(("city", "share"), [(None, 1.0), ("hangzhou", 0.5), ("ningbo", 0.5)])
def test_totals_reconcile_with_both_days(
    care: MatrixVersion, city: str | None, share: float
) -> None:
    two_days(care)
    totals = page_of(START + timedelta(days=1), city).flows.totals()
    sizes = {None: 160, "hangzhou": 100, "ningbo": 60}
    assert (totals.moved, totals.departed, totals.new) == (20 * share, 10 * share, 4 * share)
    assert totals.before == sizes[city]
    assert totals.after == totals.before - totals.departed + totals.new
    assert totals.share == totals.moved / (totals.before - totals.departed)


def test_the_grid_adds_up_whatever_it_puts_together(care: MatrixVersion) -> None:
    low, high, unknown = cell("b0"), cell("b1"), cell("unknown")
    order = [low, high, unknown, cell("b0", "off"), cell("b1", "off"), None, "gone"]
    days = []
    for shift in range(2):
        day: Day = {}
        for n in range(70):
            number = order[(n + shift * (n % 3)) % len(order)]
            if number != "gone":
                day[f"{n:011d}"] = ("ningbo", {"care": number})  # type: ignore[dict-item]
        days.append(write_cells(START + timedelta(days=shift), day, [care]))
    publish_day(days[0], None)
    publish_day(days[1], days[0])
    flows = page_of(START + timedelta(days=1)).flows
    totals = flows.totals()
    for most in range(1, 7):
        grid = flows.grid(most)
        assert len(grid.cells) == min(most, 5)
        assert grid.others == 5 - len(grid.cells)
        assert grid.total == totals.before + totals.new
        assert grid.departed == totals.departed
        assert sum(grid.totals) == totals.after
        assert sum(line.total for line in grid.lines) == grid.total
        assert next(line for line in grid.lines if line.new).total == totals.new
        for place, total in enumerate(grid.totals):
            assert sum(line.entries[place].customers for line in grid.lines) == total
        for line in grid.lines:
            assert sum(e.customers for e in line.entries) + (line.departed or 0) == line.total


def test_the_page_tells_the_day(care: MatrixVersion, get: Any) -> None:
    two_days(care)
    response, text = get()
    assert response.status_code == 200
    for told in (
        "2026-03-02",
        "2026-03-01",
        "10 departed from it",
        "B0, On",
        "B1, On",
        "Arpu",
        "new",
        "departed",
    ):
        assert told in text
    assert "12.5" in text  # 20 of 160 of the cell
    assert text.count("bg-opacity-50") == 1  # the one field into which anybody moved


def test_it_speaks_chinese(care: MatrixVersion, get: Any) -> None:
    two_days(care)
    _response, text = get(language="zh-hans")
    assert "b0中、on中" in text


def test_expected_and_unusual_are_told_with_their_reasons(care: MatrixVersion, get: Any) -> None:
    calm = [2, 4, 3, 5, 2, 4, 3, 4, 2, 3]
    many_days(care, [*calm, 45])
    response, text = get()
    unusual = response.context["unusual"]
    assert (unusual.days, unusual.estimable, unusual.unusual) == (10, 1, 1)
    (line,) = unusual.lines
    assert (line["cell"], line["size"]) == (cell("b0"), 154)
    assert line["observed"] == 84
    assert line["expected"] < 10
    assert unusual.reasons == [("small_cell", 1)]
    assert "more than expected" in text
    assert "1 cell with fewer than 50 customers" in text
    (move, *_others) = response.context["moves"]
    assert move.expected == pytest.approx(154 * move_probability(calm), rel=0.2)


def move_probability(moved: list[int]) -> float:
    """Of those below, the share that rose from day to day, both cities."""
    rose = sum(2 * max(0, after - before) for before, after in pairwise(moved))
    below = sum(160 - 2 * before for before in moved[:-1])
    return rose / below


def test_a_day_without_enough_history_says_so(care: MatrixVersion, get: Any) -> None:
    two_days(care)
    response, text = get()
    assert response.context["unusual"].estimable == 0
    assert response.context["unusual"].reasons == [("short_history", 1)]
    assert "1 cell with fewer than 5 days of history" in text


def test_a_split_is_no_move_and_no_unusual_outflow(care: MatrixVersion, get: Any) -> None:
    many_days(care, [2, 4, 3, 5, 2, 4, 3])
    low, high = cell("b0"), cell("b1")
    child = Cell.objects.create(
        matrix_id="care",
        bands={"arpu": "b0", "is_campus": "on", "more": "yes"},
        identity="child",
        since_version=care.number,
        parents=[low],
    )
    before = write_cells(START + timedelta(days=6), everybody(low, high, moved=3), [care])
    today = everybody(child.number, high, moved=3)
    after = write_cells(START + timedelta(days=7), today, [care])
    publish_day(after, before)
    response, text = get()
    totals = response.context["totals"]
    assert (totals.moved, totals.renamed, totals.stayed) == (0, 154, 6)
    assert response.context["unusual"].unusual == 0
    assert "they have not moved" in text


def test_a_split_in_the_history_is_no_outflow(care: MatrixVersion) -> None:
    low = cell("b0")
    child = Cell.objects.create(
        matrix_id="care", bands={}, identity="child", since_version=1, parents=[low]
    )
    before = write_cells(START, everybody(low, 0), [care])
    publish_day(before, None)
    day = START + timedelta(days=1)
    publish_day(write_cells(day, everybody(child.number, 0), [care]), before)
    history = page_of(START + timedelta(days=2)).past_outflows()
    assert history[["cell", "size", "stayed"]].to_numpy().tolist() == [[low, 160, 160]]


# --- CSV ---


def lines(response: Any, text: str) -> list[dict[str, str]]:
    assert response["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(StringIO(text.lstrip("\ufeff"))))


def test_the_download_has_every_row(care: MatrixVersion, get: Any) -> None:
    two_days(care)
    response, text = get(address="flows-csv")
    rows = lines(response, text)
    assert sum(int(r["customers"]) for r in rows if r["from_cell"]) == 160
    (moved,) = [r for r in rows if r["kind"] == "moved" and r["city"] == "ningbo"]
    assert (moved["from"], moved["to"], moved["dimensions"]) == ("B0, On", "B1, On", "Arpu")
    assert (moved["customers"], moved["date"]) == ("10", "2026-03-02")
    assert 'filename="flows-care-2026-03-02.csv"' in response["Content-Disposition"]


def test_a_name_that_looks_like_a_formula_is_made_harmless(care: MatrixVersion, get: Any) -> None:
    sly = thresholds("arpu", 50)
    sly["bands"][0]["name"]["en"] = "=HYPERLINK(1)"
    second = published(sly, boolean("is_campus"), code="care")
    two_days(second)
    _response, text = get(address="flows-csv")
    assert "'=HYPERLINK(1), On" in text
    assert ',"=HYPERLINK' not in text


# --- walls ---


def test_a_city_sees_its_own_rows_only(care: MatrixVersion, get: Any) -> None:
    two_days(care)
    response, text = get("city-marketer", "ningbo")
    assert response.context["totals"].before == 60
    assert "the whole province" not in text
    assert "Hangzhou" not in text
    response, text = get("city-marketer", "ningbo", address="flows-csv")
    assert {row["city"] for row in lines(response, text)} == {"ningbo"}


@pytest.mark.parametrize("address", ["flows", "flows-csv"])
def test_another_city_is_not_found(care: MatrixVersion, get: Any, address: str) -> None:
    two_days(care)
    for city in ("hangzhou", "nowhere"):
        assert get("city-marketer", "ningbo", city=city, address=address)[0].status_code == 404
    assert get(city="nowhere", address=address)[0].status_code == 404


def test_the_province_may_look_at_one_city(care: MatrixVersion, get: Any) -> None:
    two_days(care)
    assert get(city="hangzhou")[0].context["totals"].before == 100


@pytest.mark.parametrize("address", ["flows", "flows-csv"])
def test_who_may_not_see_matrices_may_not_see_flows(get: Any, address: str) -> None:
    assert get("front-desk", address=address)[0].status_code == 403


# --- nothing to show ---


def test_before_anything_is_published(get: Any) -> None:
    assert "No day has been published yet" in get()[1]
    assert get(address="flows-csv")[0].status_code == 404


def test_without_a_matrix(get: Any) -> None:
    MatrixVersion.objects.all().delete()
    Cell.objects.all().delete()
    Matrix.objects.all().delete()
    assert "No matrices yet" in get()[1]


def test_the_first_day(care: MatrixVersion, get: Any) -> None:
    publish_day(write_cells(START, everybody(cell("b0"), cell("b1")), [care]), None)
    assert "There is no published day before it" in get()[1]


def test_a_matrix_of_one_day_only(care: MatrixVersion, get: Any) -> None:
    two_days(care)
    late = published(boolean("is_campus"), code="late")
    day: Day = {HE: ("ningbo", {"care": cell("b0"), "late": None})}
    yesterday = write_cells(START + timedelta(days=1), everybody(cell("b0"), 1), [care])
    publish_day(write_cells(START + timedelta(days=2), day, [care, late]), yesterday)
    assert "The matrix is new on this day" in get(matrix="late")[1]
    assert "was not assigned on this day" in get(matrix="late", date="2026-03-02")[1]


def test_a_day_that_was_not_published(care: MatrixVersion, get: Any) -> None:
    two_days(care)
    response, text = get(date="2026-02-20")
    assert response.status_code == 200
    assert "This day was not published" in text
    assert "?date=2026-03-01" in text


@pytest.mark.parametrize(
    ("query", "status"), [({"date": "tomorrow"}, 400), ({"matrix": "none-such"}, 404)]
)
def test_what_does_not_exist(get: Any, query: dict[str, str], status: int) -> None:
    assert get(**query)[0].status_code == status


# --- one customer ---


def test_a_customers_path_for_his_page(care: MatrixVersion) -> None:
    two_days(care)
    context = customer_paths("00000000100", user=make_user("province-marketer"))
    text = " ".join(render_to_string("segmentation/flows/path.html", context).split())
    assert "Care" in text
    assert text.index("B1, On") < text.index("B0, On")  # the newest first
    assert "moved by Arpu" in text


def test_a_path_in_another_city_is_not_told(care: MatrixVersion) -> None:
    two_days(care)
    reader = make_user("city-marketer", "hangzhou")
    assert customer_paths("00000000100", user=reader) == {"paths": []}
    assert customer_paths("nobody", user=reader) == {"paths": []}


def test_a_path_before_anything_is_published_is_empty() -> None:
    context = customer_paths(HE, user=make_user("province-marketer"))
    assert context == {"paths": []}
    assert "No published day" in render_to_string("segmentation/flows/path.html", context)


def test_names_are_escaped(care: MatrixVersion, get: Any) -> None:
    sly = thresholds("arpu", 50)
    sly["bands"][0]["name"]["en"] = "<script>x</script>"
    two_days(published(sly, boolean("is_campus"), code="care"))
    assert "<script>x" not in get()[1]
