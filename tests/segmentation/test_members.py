"""Every set of a day, computed in one pass, holds whom its definition holds read by hand."""

from datetime import timedelta
from math import inf, nan
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import DomainError
from lake.models import Partition
from segmentation.audiences import members as module
from segmentation.audiences.in_use import SetsInUse, member_attributes, sets_in_use
from segmentation.audiences.members import materialise
from segmentation.audiences.models import Audience, ImportedList, Mark
from segmentation.audiences.services import retire
from segmentation.definition import MatrixDefinition
from segmentation.services import save_draft

from .audiences import (
    DAY,
    Json,
    audience,
    auxiliary,
    before,
    brought,
    day_of,
    held,
    holds,
    make_audience_world,
    mark,
    members_of,
    person,
    quietly,
)
from .matrices import BY, boolean, matrix, published, thresholds

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _world(settings: Any, tmp_path: Any) -> None:
    settings.LAKE_DIR = tmp_path / "lake"
    settings.LAKE_PARTS = 2
    make_audience_world()


# --- generated sets and customers ---

RULES = (
    "arpu >= 80",
    "is_campus or movement > 30",
    "not (data_mb < 100)",
    "arpu is null",
    "city = 'ningbo' and arpu > movement",
)
BOX = st.fixed_dictionaries(
    {},
    optional={
        "arpu": st.lists(
            st.sampled_from(["b0", "b1", "b2", "unknown"]), min_size=1, max_size=3, unique=True
        ),
        "is_campus": st.lists(st.sampled_from(["on", "off", "unknown"]), min_size=1, unique=True),
    },
)
NUMBERS = [person(n)["customer_no"] for n in range(40)]


def sets(*names: Json) -> st.SearchStrategy[Json]:
    leaf = st.one_of(
        st.sampled_from(RULES).map(lambda rule: {"rule": rule}),
        BOX.map(lambda box: {"cells": {"matrix": "care", "box": box}}),
        st.sampled_from([{"list": "vip"}, {"list": "gone"}, *names]),
    )
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda it: {"any": it}),
            st.lists(inner, min_size=1, max_size=3).map(lambda it: {"all": it}),
            st.lists(inner, min_size=2, max_size=3).map(lambda it: {"but": it}),
        ),
        max_leaves=5,
    )


PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "city": st.sampled_from(["hangzhou", "ningbo"]),
            "arpu": st.sampled_from([None, nan, inf, 0.0, 49.9, 50.0, 90.0, 1e9]),
            "data_mb": st.sampled_from([None, 0, 99, 100]),
            "is_campus": st.sampled_from([None, True, False]),
            "movement": st.sampled_from([None, nan, 10.0, 31.0]),
        }
    ),
    max_size=40,
).map(lambda people: [person(n) | it for n, it in enumerate(people)])


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_members_are_those_of_the_slow_reading(data: Any) -> None:
    rows = data.draw(PEOPLE, "customers")
    listed = {code: set(data.draw(st.lists(st.sampled_from(NUMBERS), min_size=1))) for code in "ab"}
    Audience.objects.all().delete()
    Mark.objects.all().delete()
    brought("vip", *listed["a"])
    brought("gone", *listed["b"])
    ImportedList.objects.filter(pk="gone").update(expires_on=before(DAY))
    lists = {"vip": listed["a"], "gone": set()}
    mark("m1", data.draw(sets(), "m1"))
    mark("m2", data.draw(sets({"mark": "m1"}), "m2"))
    audience("late", data.draw(sets({"mark": "m2"}), "late"))
    audience("early", data.draw(sets({"audience": "late"}, {"mark": "m1"}), "early"))
    city = data.draw(st.sampled_from(["", "ningbo"]), "city")
    Audience.objects.filter(pk="late").update(city=city)
    parts = data.draw(st.integers(1, 3), "parts")
    members = members_of(rows, parts=parts)

    found = held(members)
    assert list(found) == ["mark_m1", "mark_m2", "audience_early", "audience_late"]
    for column in found:
        kind, code = column.split("_")
        wanted = {row["customer_no"] for row in rows if holds({kind: code}, row, lists)}
        assert found[column] == wanted, column
        by_city = {
            town: sum(row["customer_no"] in wanted for row in rows if row["city"] == town)
            for town in ("hangzhou", "ningbo")
        }
        facts = members.facts["sets"][column]
        assert facts["customers"] == len(wanted)
        told = {town: line["customers"] for town, line in facts["by_city"].items()}
        assert told == {town: n for town, n in by_city.items() if n}


def test_who_is_not_known_to_be_in_a_set_is_outside_it() -> None:
    published(boolean("is_campus"), code="narrow", scope="arpu >= 50")
    audience("rule", {"rule": "arpu >= 50"})
    audience("rest", {"but": [{"rule": "data_mb > 0"}, {"rule": "arpu >= 50"}]})
    audience("scope", {"cells": {"matrix": "narrow"}})
    audience("ours", {"rule": "arpu >= 50"}, city="ningbo")
    rows = [person(1), person(2, arpu=None), person(3, city="ningbo")]
    assert held(members_of(rows)) == {
        "audience_rule": {NUMBERS[1], NUMBERS[3]},
        "audience_rest": {NUMBERS[2]},
        "audience_scope": {NUMBERS[1], NUMBERS[3]},
        "audience_ours": {NUMBERS[3]},
    }


def test_scores_are_found_by_number_whatever_their_order() -> None:
    audience("moving", {"rule": "movement > 30"})
    rows = [person(n, movement=31.0 if n == 3 else 1.0) for n in range(20)]
    assert held(members_of(rows, parts=1)) == {"audience_moving": {NUMBERS[3]}}


def test_rows_parts_and_order_are_the_snapshots() -> None:
    brought("vip", NUMBERS[3], NUMBERS[1])
    audience("rich", {"all": [{"rule": "arpu >= 90"}, {"list": "vip"}]})
    rows = [person(n, arpu=95.0 if n % 2 else 10.0) for n in reversed(range(30))]
    snapshot, scores, cells = day_of(rows)
    members = materialise(snapshot, scores, cells, business_date=DAY, progress=quietly)
    for mine, theirs in zip(members.files, snapshot.files, strict=True):
        written, read = pq.read_table(mine), pq.read_table(theirs)
        for column in ("customer_no", "city"):
            assert written[column].to_pylist() == read[column].to_pylist()
        assert written["audience_rich"].null_count == 0
    assert held(members)["audience_rich"] == {NUMBERS[3], NUMBERS[1]}


def test_the_same_day_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    audience("rich", {"rule": "arpu >= 90"})
    inputs = day_of([person(1)])

    def again() -> Partition:
        return materialise(*inputs, business_date=DAY, progress=quietly)

    first = again()
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_members", None)
        assert again() == first
    audience("rich", {"rule": "arpu >= 91"})
    assert again() != first


def test_a_day_is_computed_from_what_was_pinned() -> None:
    audience("rich", {"rule": "arpu >= 90"})
    pinned = SetsInUse.from_json(sets_in_use().to_json())
    assert pinned == sets_in_use()
    audience("rich", {"rule": "arpu < 90"})
    assert held(members_of([person(1, arpu=99.0)], used=pinned)) == {"audience_rich": {NUMBERS[1]}}


def test_what_nobody_defined_needs_no_column() -> None:
    members = members_of([person(1)])
    assert pq.read_schema(members.file(0)).names == ["customer_no", "city"]
    assert members.facts == {"customers": 1, "sets": {}, "lists": {}}


def test_a_retired_set_has_no_column_and_an_expired_list_holds_nobody() -> None:
    brought("vip", NUMBERS[1])
    audience("listed", {"list": "vip"})
    retire(audience("old", {"rule": "arpu > 0"}), by=BY)
    assert held(members_of([person(1)])) == {"audience_listed": {NUMBERS[1]}}
    ImportedList.objects.update(expires_on=before(DAY))
    members = members_of([person(1)])
    assert held(members) == {"audience_listed": set()}
    assert members.facts["lists"] == {"vip": False}


def test_a_list_holds_on_its_last_day() -> None:
    brought("vip", NUMBERS[1])
    audience("listed", {"list": "vip"})
    used = sets_in_use()
    last = ImportedList.objects.get().expires_on
    snapshot, scores, cells = day_of([person(1)])
    for day, found in ((last, {NUMBERS[1]}), (last + timedelta(days=1), set())):
        members = materialise(
            snapshot, scores, cells, business_date=day, progress=quietly, used=used
        )
        assert held(members) == {"audience_listed": found}


# --- churn ---


def test_who_came_and_left_by_city() -> None:
    audience("rich", {"rule": "arpu >= 90"})
    rich, poor = {"arpu": 95.0}, {"arpu": 10.0}
    yesterday = members_of(
        [
            person(1, **rich),
            person(2, **rich),
            person(3, **rich),
            person(4, **poor),
            person(5, **rich),
            person(6, **poor, city="ningbo"),
        ],
        day=before(DAY),
    )
    rows = [
        person(1, **rich),  # stayed
        person(2, **poor),  # left
        person(3, **rich, city="ningbo"),  # moved to another city
        person(4, **rich),  # came
        person(6, **poor, city="ningbo"),
        person(7, **rich, city="ningbo"),  # new; 5 departed
    ]
    for parts in (2, 3):
        members = members_of(rows, parts=parts, yesterday=yesterday)
        facts = members.facts["sets"]["audience_rich"]
        assert {k: facts[k] for k in ("customers", "came", "left")} == {
            "customers": 4, "came": 2, "left": 2,
        }  # fmt: skip
        assert facts["by_city"] == {
            "hangzhou": {"customers": 2, "came": 1, "left": 3},
            "ningbo": {"customers": 2, "came": 2, "left": 0},
        }


def test_without_a_day_before_nothing_is_said_of_churn() -> None:
    audience("rich", {"rule": "arpu >= 90"})
    yesterday = members_of([person(1)], day=before(DAY))
    audience("new", {"rule": "arpu >= 0"})
    facts = members_of([person(1)], yesterday=yesterday).facts["sets"]
    assert (facts["audience_rich"]["came"], facts["audience_rich"]["left"]) == (0, 0)
    assert (facts["audience_new"]["came"], facts["audience_new"]["left"]) == (None, None)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(PEOPLE, PEOPLE)
def test_churn_is_that_of_the_slow_count(was: list[Json], now: list[Json]) -> None:
    audience("rich", {"rule": "arpu >= 50"})
    yesterday = members_of(was, day=before(DAY))
    members = members_of(now[5:], yesterday=yesterday)
    mine, theirs = (
        {(row["customer_no"], row["city"]) for row in rows if holds({"audience": "rich"}, row, {})}
        for rows in (now[5:], was)
    )
    facts = members.facts["sets"]["audience_rich"]
    numbers, before_ = {n for n, _city in mine}, {n for n, _city in theirs}
    assert (facts["came"], facts["left"]) == (len(numbers - before_), len(before_ - numbers))
    for city, line in facts["by_city"].items():
        here = {it for it in mine if it[1] == city}
        there = {it for it in theirs if it[1] == city}
        assert line == {
            "customers": len(here), "came": len(here - there), "left": len(there - here),
        }  # fmt: skip


def test_the_definition_of_a_day_changes_with_anything_it_is_made_of() -> None:
    mark("m", {"rule": "arpu > 1"})
    audience("a", {"all": [{"mark": "m"}, {"cells": {"matrix": "care"}}]})
    audience("b", {"rule": "arpu > 1"})

    def keys() -> dict[str, str]:
        facts = members_of([person(1)]).facts["sets"]
        return {column: it["definition"] for column, it in facts.items()}

    first = keys()
    mark("m", {"rule": "arpu > 2"})
    second = keys()
    assert {column for column in first if first[column] != second[column]} == {
        "mark_m", "audience_a",
    }  # fmt: skip
    published(thresholds("arpu", 40, 90), boolean("is_campus"))
    third = keys()
    assert {column for column in first if second[column] != third[column]} == {"audience_a"}


# --- what stops the day ---


def refused(**more: Any) -> DomainError:
    inputs = day_of([person(1)], **more)
    with pytest.raises(DomainError) as refusal:
        materialise(*inputs, business_date=DAY, progress=quietly)
    assert not Partition.objects.of("members").exists()
    return refusal.value


def test_an_attribute_that_the_snapshot_lacks_stops_the_day() -> None:
    audience("fine", {"rule": "is_campus"})
    audience("heavy", {"any": [{"rule": "is_campus"}, {"rule": "data_mb > 5"}]})
    error = refused(without="data_mb")
    assert (error.code, error.status) == ("attribute_missing", 409)
    assert error.extra["attributes"] == ["data_mb"]
    assert error.extra["set"] == ["audience", "heavy"]
    assert "'heavy'" in error.message


def test_a_box_that_no_longer_fits_the_version_stops_the_day() -> None:
    mark("some", {"cells": {"matrix": "care", "box": {"arpu": ["b2"]}}})
    published(thresholds("arpu", 50), boolean("is_campus"))
    error = refused()
    assert (error.code, error.status) == ("unknown_band", 409)
    assert error.extra["set"] == ["mark", "some"]


def test_a_box_that_cuts_a_merged_cell_stops_the_day() -> None:
    audience("low", {"cells": {"matrix": "care", "box": {"arpu": ["b0"]}}})
    published(
        thresholds("arpu", 50, 90), boolean("is_campus"), edits=[{"merge": {"arpu": ["b0", "b1"]}}]
    )
    assert refused().code == "cell_straddles"


def test_a_merged_cell_is_found_by_the_bands_it_has() -> None:
    published(
        thresholds("arpu", 50, 90),
        boolean("is_campus"),
        edits=[{"merge": {"arpu": ["b0", "b1"], "is_campus": ["on", "off"]}}],
    )
    audience("low", {"cells": {"matrix": "care", "box": {"arpu": ["b0", "b1"]}}})
    rows = [person(1, arpu=10.0), person(2, arpu=95.0), person(3, arpu=60.0, is_campus=None)]
    assert held(members_of(rows)) == {"audience_low": {NUMBERS[1], NUMBERS[3]}}


def test_a_matrix_without_cells_today_stops_the_day() -> None:
    draft = save_draft(MatrixDefinition.from_json(matrix(boolean("is_campus"), code="late")), by=BY)
    inputs = day_of([person(1)])
    published(boolean("is_campus"), code="late")
    assert draft.matrix_id == "late"
    audience("a", {"cells": {"matrix": "late"}})
    with pytest.raises(DomainError) as refusal:
        materialise(*inputs, business_date=DAY, progress=quietly)
    assert refusal.value.code == "matrix_missing"


def test_a_list_whose_numbers_are_gone_stops_the_day() -> None:
    it = brought("vip", NUMBERS[1])
    audience("listed", {"list": "vip"})
    ImportedList.objects.update(key="gone")
    assert it.key != "gone"
    assert refused().code == "list_missing"


def test_sizes_that_do_not_fit_the_day_before_stop_the_day() -> None:
    audience("rich", {"rule": "arpu >= 50"})
    yesterday = members_of([person(1)], day=before(DAY))
    yesterday.facts["sets"]["audience_rich"]["customers"] = 2
    with pytest.raises(DomainError) as refusal:
        members_of([person(1)], yesterday=yesterday)
    assert refusal.value.code == "members_do_not_reconcile"
    assert Partition.objects.of("members").count() == 1


def test_a_lost_customer_stops_the_day() -> None:
    audience("rich", {"rule": "arpu >= 50"})
    snapshot, scores, cells = day_of([person(1)])
    snapshot.rows += 1
    with pytest.raises(DomainError) as refusal:
        materialise(snapshot, scores, cells, business_date=DAY, progress=quietly)
    assert refusal.value.code == "members_lost_customers"
    assert not Partition.objects.of("members").exists()


def test_sets_in_use_are_attributes_of_rules() -> None:
    mark("sim", {"rule": "arpu > 1"}, auxiliary("suspects"))
    audience("top", {"mark": "sim"})
    retire(audience("old", {"mark": "sim"}), by=BY)
    found = {it.code: (it.type, it.name_zh, it.name_en) for it in member_attributes()}
    assert found == {
        "mark_sim": ("boolean", "标记：sim中", "mark: Sim"),
        "audience_top": ("boolean", "目标客群：top中", "audience: Top"),
    }
