"""Two years of flows: a month's file says what its days said, and nobody sees which it was."""

from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.models import State
from lake.models import Partition
from lake.services import prune
from segmentation.flow import history as flow_history
from segmentation.flow.history import (
    compact,
    compact_ended,
    days_between,
    flows_between,
    kept,
    versions_on,
)
from segmentation.models import Cell, MatrixVersion
from segmentation.published import latest_day, published_days

from .days import Day, publish_day, write_cells
from .matrices import boolean, make_world, published, thresholds

pytestmark = pytest.mark.django_db

START = date(2026, 1, 28)
EVERY = timedelta(days=3)
# 28 and 31 January, nine days of February, 2 March.
TWELVE, END = 12, date(2026, 3, 2)
CITIES = ("hangzhou", "ningbo")


@pytest.fixture(autouse=True)
def versions(db: None) -> list[MatrixVersion]:
    make_world()
    return [
        published(thresholds("arpu", 50), boolean("is_campus"), code="care"),
        published(boolean("is_campus"), code="by-campus"),
    ]


def a_day(place: int, versions: list[MatrixVersion]) -> Day:
    """Thirty customers who wander, one by one, as the days go by."""
    cells = {
        v.matrix_id: [None, *Cell.objects.of_version(v).values_list("number", flat=True)]
        for v in versions
    }
    return {
        f"{n:011d}": (
            CITIES[n % 2],
            {m: known[(n + place * (n % 3)) % len(known)] for m, known in cells.items()},
        )
        for n in range(place % 4, 30 + place % 3)
    }


def publish(days: int, versions: list[MatrixVersion], start: date = START) -> None:
    """Publish so many days in a row."""
    yesterday = None
    for place in range(days):
        business_date = start + place * EVERY
        cells = write_cells(business_date, a_day(place, versions), versions)
        publish_day(cells, yesterday)
        yesterday = cells


def counts(first: date, last: date) -> list[dict[str, Any]]:
    """The days' own partitions, read the plain way."""
    rows: list[dict[str, Any]] = []
    for day in published_days(first, last):
        assert day.flows is not None
        for row in pq.read_table(day.flows.file(0)).to_pylist():
            del row["dimension"], row["dimensions"]
            rows.append({"date": day.date, **row})
    return rows


def without_days() -> None:
    """As after pruning: neither row nor file of a daily partition is left."""
    for partition in Partition.objects.of("flows"):
        partition.file(0).unlink()
        partition.delete()


# --- the same counts ---


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_range_reads_the_same_before_and_after(
    versions: list[MatrixVersion], data: st.DataObject
) -> None:
    if not Partition.objects.of("flows").exists():
        publish(TWELVE, versions)
        compact_ended()
    first = START + timedelta(days=data.draw(st.integers(-3, 36)))
    last = START + timedelta(days=data.draw(st.integers(-3, 36)))
    matrix = data.draw(st.sampled_from([None, "care", "by-campus", "none-such"]))
    city = data.draw(st.sampled_from([None, *CITIES]))
    wanted = [
        row
        for row in counts(first, last)
        if matrix in (None, row["matrix"]) and city in (None, row["city"])
    ]
    daily = flows_between(first, last, matrix=matrix, city=city)
    assert daily.to_pylist() == wanted
    assert daily.schema.equals(flow_history.SCHEMA)


def test_months_alone_give_the_same_counts(versions: list[MatrixVersion]) -> None:
    publish(TWELVE, versions)
    told, end = counts(START, date(2026, 2, 28)), date(2026, 12, 31)
    compact_ended()
    without_days()
    assert flows_between(date(2025, 1, 1), end).to_pylist() == told
    assert days_between(START, end) == [START + n * EVERY for n in range(11)]


def test_a_range_across_months_and_days_has_each_day_once(versions: list[MatrixVersion]) -> None:
    publish(TWELVE, versions)
    told = counts(START, END)
    compact_ended()
    for partition in Partition.objects.of("flows").filter(business_date__lt=date(2026, 2, 10)):
        partition.delete()
    assert flows_between(START, END).to_pylist() == told
    assert len(days_between(START, END)) == TWELVE


def test_before_anything_is_published_there_is_an_empty_table() -> None:
    table = flows_between(START, START)
    assert (table.num_rows, table.schema) == (0, flow_history.SCHEMA)
    assert (compact_ended(), compact(START), latest_day()) == ([], None, None)


def test_words_can_be_found_for_days_long_gone(versions: list[MatrixVersion]) -> None:
    publish(TWELVE, versions)
    assert versions_on(START) == {"care": 1, "by-campus": 1}
    compact_ended()
    without_days()
    Partition.objects.of("cells").delete()
    assert versions_on(START) == {"care": 1, "by-campus": 1}
    assert versions_on(date(2020, 1, 1)) == {}


# --- writing ---


def test_only_months_that_are_over_are_written_and_only_once(
    versions: list[MatrixVersion],
) -> None:
    publish(TWELVE, versions)
    written = compact_ended()
    assert [p.business_date for p in written] == [date(2026, 1, 1), date(2026, 2, 1)]
    assert [len(p.facts["days"]) for p in written] == [2, 9]
    before = [p.file(0).stat().st_mtime_ns for p in written]
    assert compact_ended() == written
    assert [p.file(0).stat().st_mtime_ns for p in written] == before


def test_the_file_is_sorted_so_that_neighbours_are_alike(versions: list[MatrixVersion]) -> None:
    publish(TWELVE, versions)
    table = pq.read_table(compact_ended()[1].file(0))
    assert table.schema.equals(flow_history.SCHEMA)
    keys = [
        (r["matrix"], r["city"], r["from_cell"] or 0, r["to_cell"] or 0, r["date"])
        for r in table.to_pylist()
    ]
    assert keys == sorted(keys)
    metadata = pq.read_metadata(compact_ended()[1].file(0))
    assert metadata.row_group(0).column(0).compression == "ZSTD"


def test_the_current_month_on_demand_grows_with_its_days(versions: list[MatrixVersion]) -> None:
    publish(5, versions)
    first = compact(date(2026, 2, 14))
    assert first is not None
    assert list(first.facts["days"]) == ["2026-02-03", "2026-02-06", "2026-02-09"]
    cells = write_cells(date(2026, 2, 12), a_day(5, versions), versions)
    publish_day(cells, None)
    second = compact(date(2026, 2, 14))
    assert second is not None
    assert list(second.facts["days"]) == ["2026-02-03", "2026-02-06", "2026-02-09", "2026-02-12"]
    told = counts(START, date(2026, 2, 28))
    assert flows_between(START, date(2026, 2, 28)).to_pylist() == told


def test_days_that_are_gone_stay_in_the_month(versions: list[MatrixVersion]) -> None:
    """Compacted on demand, pruned, and another day published: nothing is lost."""
    publish(5, versions)
    told = counts(date(2026, 2, 1), date(2026, 2, 9))
    compact(date(2026, 2, 1))
    without_days()
    cells = write_cells(date(2026, 2, 12), a_day(5, versions), versions)
    publish_day(cells, None)
    month = compact(date(2026, 2, 1))
    assert month is not None
    assert len(month.facts["days"]) == 4
    assert flows_between(date(2026, 2, 1), date(2026, 2, 9)).to_pylist() == told


# --- what is published ---


def test_what_was_not_published_is_not_read(versions: list[MatrixVersion]) -> None:
    publish(2, versions)
    failed = write_cells(START + 2 * EVERY, a_day(2, versions), versions)
    publish_day(failed, None, state=State.FAILED)
    assert days_between(START, START + 9 * EVERY) == [START, START + EVERY]
    newest = latest_day()
    assert newest is not None
    assert newest.date == START + EVERY


def test_the_later_run_of_a_day_replaces_the_earlier(versions: list[MatrixVersion]) -> None:
    publish(2, versions)
    day = START + EVERY
    first = counts(day, day)
    compact(START)
    yesterday = published_days(START, START)[0].cells
    publish_day(write_cells(day, a_day(7, versions), versions), yesterday, number=2)
    again = counts(day, day)
    assert again != first
    assert flows_between(day, day).to_pylist() == again
    compact(START)
    without_days()
    assert flows_between(day, day).to_pylist() == again


# --- keeping ---


def test_pruning_leaves_two_years_of_months(versions: list[MatrixVersion]) -> None:
    for month in range(26):
        start = date(2024 + month // 12, month % 12 + 1, 15)
        publish(1, versions, start)
    compact_ended()
    today = date(2026, 2, 15)
    removed = prune(keep_days=20, today=today, protected=set(kept(today)))
    left = Partition.objects.of("flow_history").order_by("business_date")
    assert left[0].business_date == date(2024, 3, 1)
    assert left.count() == 23  # of the 24 months the current one is still in days
    gone = [name for name in removed if name[0] == "flow_history"]
    assert [name[1] for name in gone] == [date(2024, 1, 1), date(2024, 2, 1)]


def test_days_that_are_in_no_month_yet_are_not_pruned(versions: list[MatrixVersion]) -> None:
    publish(TWELVE, versions)
    today = END
    assert {name[1] for name in kept(today)} == {START + n * EVERY for n in range(TWELVE)}
    compact_ended()
    names = set(kept(today))
    assert {name[1] for name in names if name[0] == "flows"} == {END}
    assert {name[1] for name in names if name[0] == "flow_history"} == {
        date(2026, 1, 1),
        date(2026, 2, 1),
    }


def test_the_table_of_an_empty_day_has_the_columns_too(versions: list[MatrixVersion]) -> None:
    publish(1, versions)
    assert flows_between(START, START).schema.equals(flow_history.SCHEMA)
    assert compact(START) is not None
    assert isinstance(flows_between(START, START), pa.Table)
