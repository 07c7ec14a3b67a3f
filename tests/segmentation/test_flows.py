"""Flows between two days' cells: against a slow obvious reference, and what is refused."""

from collections import Counter
from datetime import date, timedelta
from itertools import count
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import DomainError
from lake import partitions
from lake.models import Partition
from lake.parts import part_of
from segmentation.flow.flows import SCHEMA, count_flows, flow
from segmentation.flow.movement import TOP, Cells
from segmentation.keys import cell_column
from segmentation.models import Cell, MatrixVersion

from .matrices import boolean, make_world, published, thresholds

pytestmark = pytest.mark.django_db

TODAY = date(2026, 3, 2)
YESTERDAY = TODAY - timedelta(days=1)
CITIES = ("hangzhou", "ningbo")
DIMENSIONS = {"care": ("arpu", "is_campus"), "by-campus": ("is_campus",), "late": ("arpu",)}

# One day: customer → (city, {matrix: cell, or None outside of its scope}).
Day = dict[str, tuple[str, dict[str, int | None]]]
_keys = count(1)


@pytest.fixture(autouse=True)
def versions(db: None) -> dict[str, MatrixVersion]:
    make_world()
    made = [
        published(thresholds("arpu", 50), boolean("is_campus"), code="care"),
        published(boolean("is_campus"), code="by-campus"),
        published(thresholds("arpu", 50), code="late"),
    ]
    return {version.matrix_id: version for version in made}


def cell(matrix: str, **bands: str) -> int:
    return Cell.objects.filter(retired_in_version=None).get(matrix=matrix, bands=bands).number


def write(
    business_date: date, day: Day, versions: list[MatrixVersion], *, parts: int = 2, **facts: Any
) -> Partition:
    """Write the partition ``cells`` of a day; ``facts`` replaces counted customers by matrix."""
    schema = pa.schema(
        {"customer_no": pa.string(), "city": pa.string()}
        | {cell_column(v.matrix_id): pa.int64() for v in versions}
    )
    matrices = [
        {
            "matrix": v.matrix_id,
            "version": v.number,
            "customers": facts.get(
                v.matrix_id, sum(cells[v.matrix_id] is not None for _city, cells in day.values())
            ),
        }
        for v in versions
    ]
    key = f"k{next(_keys)}"
    with partitions.writing("cells", business_date, key, parts=parts) as draft:
        draft.facts = {"matrices": matrices}
        for part in range(parts):
            rows = [
                {"customer_no": number, "city": city}
                | {cell_column(v.matrix_id): cells[v.matrix_id] for v in versions}
                for number, (city, cells) in day.items()
                if part_of(number, parts) == part
            ]
            pq.write_table(pa.Table.from_pylist(rows, schema), draft.file(part))
    assert draft.partition is not None
    return draft.partition


def run(today: Partition, yesterday: Partition | None) -> Partition:
    return flow(today, yesterday, progress=lambda done, total: None)


def rows_of(flows: Partition) -> list[dict[str, Any]]:
    table = pq.read_table(flows.file(0))
    assert table.schema.equals(SCHEMA)
    return table.to_pylist()


# --- the reference: customer by customer ---


def changed(matrix: str, before: int | None, after: int | None) -> list[str]:
    if None in (before, after):
        return []
    was, is_ = (Cell.objects.get(number=n).bands for n in (before, after))
    return [code for code in DIMENSIONS[matrix] if was.get(code) != is_.get(code)]


def reference_rows(today: Day, yesterday: Day, matrices: list[str]) -> list[dict[str, Any]]:
    counts: Counter[tuple[Any, ...]] = Counter()
    for number in today.keys() | yesterday.keys():
        city = (today.get(number) or yesterday[number])[0]
        for matrix in matrices:
            before = yesterday[number][1][matrix] if number in yesterday else None
            after = today[number][1][matrix] if number in today else None
            if before is not None or after is not None:
                counts[matrix, city, before, after] += 1
    # No cell is less than any: cell numbers begin at 1.
    rows = []
    for key in sorted(counts, key=lambda k: (k[0], k[1], k[2] or 0, k[3] or 0)):
        moved = changed(key[0], key[2], key[3])
        rows.append(
            {
                "matrix": key[0],
                "city": key[1],
                "from_cell": key[2],
                "to_cell": key[3],
                "dimension": moved[0] if moved else None,
                "dimensions": ",".join(moved) or None,
                "customers": counts[key],
            }
        )
    return rows


def reference_summary(
    today: Day, yesterday: Day, matrices: list[str], city: str | None = None
) -> dict[str, Any]:
    now = {n: it for n, it in today.items() if city in (None, it[0])}
    # Who is somewhere else today doesn't count where he was.
    was = {n: it for n, it in yesterday.items() if city in (None, today.get(n, it)[0])}
    both = now.keys() & was.keys()
    movers, by_dimension, by_pair = set(), Counter(), Counter()
    for number in both:
        for matrix in matrices:
            before, after = was[number][1][matrix], now[number][1][matrix]
            if None not in (before, after) and before != after:
                movers.add(number)
                by_dimension[matrix, changed(matrix, before, after)[0]] += 1
                by_pair[matrix, before, after] += 1
    top = sorted(by_pair.items(), key=lambda item: (-item[1], item[0]))[:TOP]
    return {
        "customers": len(movers),
        "share": len(movers) / len(both) if both else None,
        "new": len(now.keys() - was.keys()),
        "departed": len(was.keys() - now.keys()),
        "by_dimension": sorted(by_dimension.items(), key=lambda item: (-item[1], item[0])),
        "top": top,
    }


def plain(summary: dict[str, Any]) -> dict[str, Any]:
    """A summary without words, as the reference has it."""
    return {
        **{k: summary[k] for k in ("customers", "share", "new", "departed")},
        "by_dimension": [
            ((d["matrix"], d["dimension"]), d["customers"]) for d in summary["by_dimension"]
        ],
        "top": [
            ((t["matrix"], t["from_cell"], t["to_cell"]), t["customers"]) for t in summary["top"]
        ],
    }


@st.composite
def days(draw: st.DrawFn, cells: dict[str, list[int]]) -> Day:
    numbers = draw(st.lists(st.integers(1, 25), unique=True, max_size=25))
    return {
        f"{number:011d}": (
            draw(st.sampled_from(CITIES)),
            {m: draw(st.sampled_from([None, *known])) for m, known in cells.items()},
        )
        for number in numbers
    }


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_flows_are_those_of_the_reference(versions: dict[str, MatrixVersion], data: Any) -> None:
    cells = {
        matrix: list(Cell.objects.filter(matrix=matrix).values_list("number", flat=True))
        for matrix in versions
    }
    today, yesterday = data.draw(days(cells), "today"), data.draw(days(cells), "yesterday")
    had = [versions["care"], versions["by-campus"]]
    has = data.draw(st.permutations([versions["care"], versions["by-campus"], versions["late"]]))
    parts = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)), "parts")
    flows = run(
        write(TODAY, today, has, parts=parts[0]), write(YESTERDAY, yesterday, had, parts=parts[1])
    )
    matrices = ["by-campus", "care"]
    assert rows_of(flows) == reference_rows(today, yesterday, matrices)
    moved = flows.facts["moved"]
    assert plain(moved) == reference_summary(today, yesterday, matrices)
    cities = {
        today.get(number, yesterday.get(number))[0] for number in today.keys() | yesterday.keys()
    }
    assert moved["by_city"].keys() == cities
    for city in cities:
        found = plain(moved["by_city"][city])
        assert found == reference_summary(today, yesterday, matrices, city)


# --- a small example, read by eye ---


def example() -> tuple[Day, Day]:
    low, high, unknown = (
        {"care": cell("care", arpu=arpu, is_campus="on"), "by-campus": None}
        for arpu in ("b0", "b1", "unknown")
    )
    outside = {"care": None, "by-campus": cell("by-campus", is_campus="off")}
    yesterday = {
        "1": ("hangzhou", low), "2": ("hangzhou", low), "3": ("ningbo", low),
        "4": ("ningbo", high), "5": ("ningbo", outside), "6": ("hangzhou", unknown),
    }  # fmt: skip
    today = {
        "1": ("hangzhou", high), "2": ("ningbo", high), "3": ("ningbo", low),
        "5": ("ningbo", low), "6": ("hangzhou", outside), "7": ("ningbo", unknown),
    }  # fmt: skip
    return today, yesterday


def example_days(versions: dict[str, MatrixVersion], **more: Any) -> tuple[Partition, Partition]:
    today, yesterday = example()
    both = [versions["care"], versions["by-campus"]]
    return write(TODAY, today, both, **more), write(YESTERDAY, yesterday, both)


def test_new_departed_moved_and_those_who_leave_the_scope(
    versions: dict[str, MatrixVersion],
) -> None:
    low, high, unknown = (
        cell("care", arpu=arpu, is_campus="on") for arpu in ("b0", "b1", "unknown")
    )
    rows = [r for r in rows_of(run(*example_days(versions))) if r["matrix"] == "care"]
    said = [(r["city"], r["from_cell"], r["to_cell"], r["dimension"]) for r in rows]
    assert said == [
        ("hangzhou", low, high, "arpu"),
        ("hangzhou", unknown, None, None),  # left the scope
        ("ningbo", None, low, None),  # came into the scope
        ("ningbo", None, unknown, None),  # new
        ("ningbo", low, low, None),
        ("ningbo", low, high, "arpu"),  # came from Hangzhou, and moved
        ("ningbo", high, None, None),  # departed
    ]


def test_the_summary_says_it_in_words_and_adds_up(versions: dict[str, MatrixVersion]) -> None:
    moved = run(*example_days(versions)).facts["moved"]
    assert (moved["customers"], moved["share"]) == (2, 2 / 5)
    assert (moved["new"], moved["departed"]) == (1, 1)
    assert moved["by_dimension"] == [
        {"matrix": "care", "dimension": "arpu", "name_zh": "arpu中", "name_en": "Arpu",
         "customers": 2},
    ]  # fmt: skip
    (top,) = moved["top"]
    assert (top["from_en"], top["to_en"]) == ("B0, On", "B1, On")
    assert (top["from_zh"], top["to_zh"]) == ("b0中、on中", "b1中、on中")
    for figure in ("customers", "new", "departed"):
        assert sum(city[figure] for city in moved["by_city"].values()) == moved[figure]


def test_nobody_here_on_both_days_has_no_share(versions: dict[str, MatrixVersion]) -> None:
    today, _yesterday = example()
    had = [versions["care"]]
    moved = run(write(TODAY, today, had), write(YESTERDAY, {}, had)).facts["moved"]
    assert (moved["share"], moved["new"], moved["customers"]) == (None, 6, 0)


def test_the_first_day_has_no_flows(versions: dict[str, MatrixVersion]) -> None:
    today, _yesterday = example_days(versions)
    flows = run(today, None)
    assert rows_of(flows) == []
    assert flows.facts == {"moved": None}


def test_days_without_a_matrix_in_common_count_people_only(
    versions: dict[str, MatrixVersion],
) -> None:
    today, yesterday = example()
    flows = run(
        write(TODAY, today, [versions["care"]]),
        write(YESTERDAY, yesterday, [versions["by-campus"]]),
    )
    assert rows_of(flows) == []
    moved = flows.facts["moved"]
    assert (moved["customers"], moved["new"], moved["departed"]) == (0, 1, 1)


# --- reconciliation ---


def test_rows_and_columns_are_both_days_counts(versions: dict[str, MatrixVersion]) -> None:
    today, yesterday = example_days(versions)
    rows = rows_of(run(today, yesterday))
    for day, side in ((today, "to_cell"), (yesterday, "from_cell")):
        for proof in day.facts["matrices"]:
            found = [r for r in rows if r["matrix"] == proof["matrix"] and r[side] is not None]
            assert sum(r["customers"] for r in found) == proof["customers"]


@pytest.mark.parametrize("spoilt", [TODAY, YESTERDAY])
@pytest.mark.parametrize("facts", [{"care": 4}, {"by-campus": 9}, {"care": 0}])
def test_a_day_that_was_counted_otherwise_is_refused(
    versions: dict[str, MatrixVersion], spoilt: date, facts: dict[str, int]
) -> None:
    both = [versions["care"], versions["by-campus"]]
    today, yesterday = (
        write(day, people, both, **(facts if day == spoilt else {}))
        for day, people in zip((TODAY, YESTERDAY), example(), strict=True)
    )
    with pytest.raises(DomainError, match=f"on {spoilt}") as caught:
        run(today, yesterday)
    assert (caught.value.code, caught.value.status) == ("flows_do_not_reconcile", 409)
    assert not Partition.objects.of("flows").exists()


def test_a_matrix_whose_customers_are_all_lost_is_refused(
    versions: dict[str, MatrixVersion],
) -> None:
    """No flow at all speaks of it, though both days counted somebody."""
    care = [versions["care"]]
    today, yesterday = write(TODAY, {}, care, care=3), write(YESTERDAY, {}, care, care=3)
    with pytest.raises(DomainError, match="had 3 customers"):
        run(today, yesterday)


# --- two versions of one matrix ---


def test_who_went_where_his_cell_was_split_to_moved_by_no_dimension(
    versions: dict[str, MatrixVersion],
) -> None:
    was = cell("late", arpu="b0")
    second = published(boolean("is_campus"), thresholds("arpu", 50), code="late")
    stays = cell("late", arpu="b0", is_campus="on")
    rises = cell("late", arpu="b1", is_campus="on")
    yesterday = {n: ("ningbo", {"late": was}) for n in "123"}
    today = {n: ("ningbo", {"late": stays if n < "3" else rises}) for n in "123"}
    flows = run(write(TODAY, today, [second]), write(YESTERDAY, yesterday, [versions["late"]]))
    assert [(r["dimension"], r["dimensions"], r["customers"]) for r in rows_of(flows)] == [
        ("arpu", "arpu", 1) if cell_ == rises else (None, None, 2)
        for cell_ in sorted([stays, rises])
    ]
    moved = flows.facts["moved"]
    assert moved["customers"] == 1
    assert [d["dimension"] for d in moved["by_dimension"]] == ["arpu"]
    assert [(top["from_en"], top["to_en"]) for top in moved["top"]] == [("B0", "On, B1")]


def test_a_dimension_dropped_moves_nobody_by_it(versions: dict[str, MatrixVersion]) -> None:
    was = cell("care", arpu="b0", is_campus="on")
    second = published(thresholds("arpu", 50), code="care")
    today = {n: ("ningbo", {"care": cell("care", arpu=f"b{n}")}) for n in "01"}
    yesterday = {n: ("ningbo", {"care": was}) for n in "01"}
    flows = run(write(TODAY, today, [second]), write(YESTERDAY, yesterday, [versions["care"]]))
    assert sorted(str(row["dimension"]) for row in rows_of(flows)) == ["None", "arpu"]


def test_a_band_that_came_back_is_the_same_place(versions: dict[str, MatrixVersion]) -> None:
    """Its new cell has the same bands as the one it had before, and came of it by two edits."""
    was = cell("late", arpu="b1")
    published(boolean("is_campus"), code="late")
    third = published(thresholds("arpu", 50), code="late")
    now = cell("late", arpu="b1")
    assert now != was
    flows = run(
        write(TODAY, {"1": ("ningbo", {"late": now})}, [third]),
        write(YESTERDAY, {"1": ("ningbo", {"late": was})}, [versions["late"]]),
    )
    (row,) = rows_of(flows)
    assert (row["from_cell"], row["to_cell"], row["dimension"]) == (was, now, None)
    moved = flows.facts["moved"]
    assert (moved["customers"], moved["by_dimension"], moved["top"]) == (0, [], [])


def test_todays_words_are_used_first(versions: dict[str, MatrixVersion]) -> None:
    renamed = thresholds("arpu", 50)
    renamed["bands"][0]["name"]["en"] = "Thrifty"
    second = published(renamed, code="late")
    day: Day = {"1": ("ningbo", {"late": None})}
    cells = Cells.of(write(TODAY, day, [second]), write(YESTERDAY, day, [versions["late"]]))
    assert cells.words("late", cell("late", arpu="b0")).en == "Thrifty"


# --- the same day again ---


def test_order_of_customers_and_parts_does_not_show(versions: dict[str, MatrixVersion]) -> None:
    today, yesterday = example()
    both = [versions["care"], versions["by-campus"]]
    backwards = [dict(reversed(day.items())) for day in (today, yesterday)]
    ways = [
        run(write(TODAY, today, both), write(YESTERDAY, yesterday, both)),
        run(write(TODAY, backwards[0], both[::-1]), write(YESTERDAY, backwards[1], both)),
        run(write(TODAY, today, both, parts=5), write(YESTERDAY, yesterday, both, parts=5)),
        run(write(TODAY, today, both, parts=3), write(YESTERDAY, yesterday, both, parts=4)),
    ]
    assert len({flows.pk for flows in ways}) == 4
    for flows in ways[1:]:
        assert flows.file(0).read_bytes() == ways[0].file(0).read_bytes()
        assert flows.facts == ways[0].facts


def test_the_same_days_are_one_partition(versions: dict[str, MatrixVersion]) -> None:
    today, yesterday = example_days(versions)
    first = run(today, yesterday)
    assert run(today, yesterday) == first
    assert run(today, None) != first
    assert (first.dataset, first.business_date, first.parts) == ("flows", TODAY, 1)


def test_equal_counts_are_in_the_order_of_their_cells(versions: dict[str, MatrixVersion]) -> None:
    """Twelve pairs of one customer each, of which ten are told."""
    numbers = list(Cell.objects.filter(matrix="care").values_list("number", flat=True))
    pairs = [(a, b) for a in numbers[:4] for b in numbers[:4] if a != b]
    today, yesterday = (
        {f"{i}": ("ningbo", {"care": pair[side]}) for i, pair in enumerate(pairs[::-1])}
        for side in (1, 0)
    )
    care = [versions["care"]]
    moved = run(write(TODAY, today, care), write(YESTERDAY, yesterday, care)).facts["moved"]
    assert [(t["from_cell"], t["to_cell"]) for t in moved["top"]] == sorted(pairs)[:TOP]


def test_counts_may_be_added_up_at_any_part(
    versions: dict[str, MatrixVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    today, yesterday = example_days(versions, parts=2)
    at_the_end = count_flows(today, yesterday, lambda done, total: None)
    monkeypatch.setattr("segmentation.flow.flows.MOST_COUNTS", 1)
    after_each = count_flows(today, yesterday, lambda done, total: None)
    assert after_each[0].equals(at_the_end[0])
    assert set(after_each[1]) == set(at_the_end[1])


def test_progress_is_told_part_by_part(versions: dict[str, MatrixVersion]) -> None:
    told: list[tuple[int, int]] = []
    today, yesterday = example_days(versions)
    count_flows(today, yesterday, lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]
