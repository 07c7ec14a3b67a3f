"""Writes of marks, audiences and lists: what is refused, what is logged, and as definitions."""

import threading
from copy import deepcopy
from datetime import timedelta
from typing import Any

import jsonschema
import pyarrow.parquet as pq
import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Operation
from common.errors import DomainError
from customers.models import Attribute
from lake.models import Partition
from lake.parts import part_of
from segmentation.audiences import services as audiences
from segmentation.audiences.checks import Known, users_of
from segmentation.audiences.definitions import (
    AUDIENCES,
    AUXILIARY,
    dump_audiences,
    dump_auxiliary,
    load_audiences,
    load_auxiliary,
)
from segmentation.audiences.lists import rejected_lines
from segmentation.audiences.models import Audience, Mark
from segmentation.audiences.services import Use, import_list, retire
from segmentation.dimensions import Name
from tests.accounts.people import make_user

from .audiences import (
    DAY,
    FAR,
    Json,
    audience,
    auxiliary,
    brought,
    day_of,
    make_audience_world,
    mark,
    person,
)
from .matrices import BY, boolean, published, thresholds

pytestmark = pytest.mark.django_db
RULE = {"rule": "arpu > 1"}


@pytest.fixture(autouse=True)
def _world(settings: Any, tmp_path: Any) -> None:
    settings.LAKE_DIR = tmp_path / "lake"
    settings.LAKE_PARTS = 2
    make_audience_world()


def refusal(act: Any, *args: Any, **values: Any) -> DomainError:
    with pytest.raises(DomainError) as refused:
        act(*args, **values)
    return refused.value


# --- what a set may name ---


@pytest.mark.parametrize(
    ("customers", "code", "where"),
    [
        ({"rule": "arpu >> 1"}, "bad_rule", ["rule"]),
        ({"any": [RULE, {"rule": "apru > 1"}]}, "bad_rule", ["any", 1, "rule"]),
        ({"cells": {"matrix": "cara"}}, "unknown_matrix", ["cells", "matrix"]),
        (
            {"cells": {"matrix": "care", "box": {"arup": ["b0"]}}},
            "unknown_dimension",
            ["cells", "box"],
        ),
        ({"cells": {"matrix": "care", "box": {"arpu": ["b9"]}}}, "unknown_band", ["cells", "box"]),
        ({"mark": "nothing"}, "unknown_mark", ["mark"]),
        ({"audience": "nothing"}, "unknown_audience", ["audience"]),
        ({"but": [RULE, {"list": "nothing"}]}, "unknown_list", ["but", 1, "list"]),
        ({"any": []}, "bad_set", ["any"]),
    ],
)
def test_what_is_not_there_is_refused_at_its_place(
    customers: Json, code: str, where: list[Any]
) -> None:
    error = refusal(audience, "a", customers)
    assert (error.code, error.extra["where"]) == (code, ["customers", *where])
    assert not Audience.objects.exists()
    assert not Operation.objects.filter(target_type="audience").exists()


def test_a_slip_of_the_pen_is_told_what_was_near() -> None:
    mark("second_sim", RULE)
    assert "second_sim" in refusal(audience, "a", {"mark": "secnd_sim"}).message


def test_a_box_must_hold_whole_cells() -> None:
    published(
        thresholds("arpu", 50, 90), boolean("is_campus"), edits=[{"merge": {"arpu": ["b0", "b1"]}}]
    )
    box = {"cells": {"matrix": "care", "box": {"arpu": ["b0"]}}}
    assert refusal(audience, "a", box).code == "cell_straddles"


def test_a_ring_is_refused_by_name() -> None:
    audience("a", RULE)
    audience("b", {"audience": "a"})
    audience("c", {"audience": "b"})
    error = refusal(audience, "a", {"any": [RULE, {"audience": "c"}]})
    assert error.code == "set_cycle"
    assert "audience a → audience c → audience b → audience a" in error.message
    assert refusal(audience, "d", {"audience": "d"}).code == "unknown_audience"


def test_a_mark_is_not_made_of_audiences() -> None:
    audience("a", RULE)
    assert refusal(mark, "m", {"audience": "a"}).code == "mark_of_audience"


@pytest.mark.parametrize("code", ["", "A", "with-hyphen", "1a", "a" * 41, "a b"])
def test_a_code_is_a_column_and_a_word_of_rules(code: str) -> None:
    assert refusal(audience, code, RULE).code == "bad_set"


def test_a_code_whose_column_is_an_attribute_is_taken() -> None:
    Attribute.objects.create(
        code="mark_sim", type="boolean", category="basic", name_zh="x", name_en="x"
    )
    assert refusal(mark, "sim", RULE).code == "code_taken"


# --- cities ---


def test_the_province_may_not_name_what_is_a_citys() -> None:
    audience("ours", RULE, city="ningbo")
    assert refusal(audience, "all", {"audience": "ours"}).code == "set_of_a_city"
    assert refusal(audience, "theirs", {"audience": "ours"}, city="hangzhou").code == (
        "unknown_audience"
    )
    audience("more", {"audience": "ours"}, city="ningbo")


def test_who_works_in_a_city_defines_for_that_city() -> None:
    marketer = make_user("city-marketer", "ningbo")
    audience("ours", RULE, city="ningbo", by=marketer)
    for city in ("", "hangzhou"):
        assert refusal(audience, "a", RULE, city=city, by=marketer).status == 403
    audience("all", RULE)
    assert refusal(retire, Audience.objects.get(pk="all"), by=marketer).status == 403
    assert refusal(audience, "a", RULE, city="atlantis").code == "unknown_city"


def test_a_set_stays_in_its_city() -> None:
    audience("ours", RULE, city="ningbo")
    assert refusal(audience, "ours", RULE).code == "code_taken"


def test_what_a_city_sees() -> None:
    audience("all", RULE)
    audience("ours", RULE, city="ningbo")
    mark("m", RULE, auxiliary("group", city="hangzhou"))
    users = {city: make_user("auditor", city) for city in ("zhejiang", "ningbo", "hangzhou")}
    assert {
        city: [row.code for model in (Audience, Mark) for row in model.objects.visible_to(user)]
        for city, user in users.items()
    } == {"zhejiang": ["all", "ours", "m"], "ningbo": ["all", "ours"], "hangzhou": ["all", "m"]}
    nobody = make_user("auditor", "ningbo", username="gone")
    nobody.is_active = False
    assert not Audience.objects.visible_to(nobody).exists()


# --- changes ---


def test_a_change_is_logged_and_counted_and_none_is_neither() -> None:
    first = audience("a", RULE)
    again = audience("a", RULE)
    changed = audience("a", {"rule": "arpu > 2"})
    assert [it.revision for it in (first, again, changed)] == [1, 1, 2]
    lines = Operation.objects.filter(target_type="audience").order_by("id")
    assert [line.action for line in lines] == ["define_audience"] * 2
    assert lines[1].differences == [("expression", RULE, {"rule": "arpu > 2"})]


def test_the_second_of_two_editors_is_told() -> None:
    it = audience("a", RULE, revision=0)
    audience("a", {"rule": "arpu > 2"}, revision=it.revision)
    error = refusal(audience, "a", {"rule": "arpu > 3"}, revision=it.revision)
    assert (error.code, error.status, error.extra["revision"]) == ("edited_meanwhile", 409, 2)
    assert refusal(audience, "a", RULE, revision=0).code == "code_taken"
    assert refusal(retire, it, revision=1, by=BY).code == "edited_meanwhile"
    assert Audience.objects.get().expression == {"rule": "arpu > 2"}


def test_what_is_used_is_not_retired(monkeypatch: pytest.MonkeyPatch) -> None:
    it = mark("m", RULE)
    user = audience("a", {"mark": "m"})
    error = refusal(retire, it, by=BY)
    assert (error.code, error.extra["users"]) == ("still_used", ["a"])
    assert [row.code for row in users_of(("mark", "m"), Known())] == ["a"]
    campaigns = [lambda ref, user: [Use(f"campaign of {ref[1]}", "/")]]
    monkeypatch.setattr(audiences, "used_elsewhere", campaigns)
    assert refusal(retire, user, by=BY).extra["users"] == ["campaign of a"]
    monkeypatch.undo()
    retire(user, by=BY)
    retire(it, by=BY)
    assert refusal(audience, "b", {"mark": "m"}).code == "unknown_mark"


def test_a_group_is_retired_with_its_marks_and_comes_back() -> None:
    group = auxiliary("group")
    mark("m1", RULE, group)
    mark("m2", {"mark": "m1"}, group)
    retire(group, by=BY)
    assert not Mark.objects.active().exists()
    group.refresh_from_db()
    assert refusal(mark, "m3", RULE, group).code == "retired"
    mark("m1", RULE, auxiliary("group"))
    assert [it.code for it in Mark.objects.active()] == ["m1"]


def test_a_group_whose_mark_is_used_stays_whole() -> None:
    group = auxiliary("group")
    mark("m1", RULE, group)
    mark("m2", RULE, group)
    audience("a", {"mark": "m2"})
    assert refusal(retire, group, by=BY).code == "still_used"
    assert Mark.objects.active().count() == 2


def test_a_mark_stays_in_its_group() -> None:
    mark("m", RULE, auxiliary("one"))
    assert refusal(mark, "m", RULE, auxiliary("two")).code == "code_taken"


@pytest.mark.django_db(transaction=True)
def test_two_people_cannot_close_a_ring_from_both_ends() -> None:
    audience("a", RULE)
    audience("b", RULE)
    barrier, codes = threading.Barrier(2), []

    def close(code: str, other: str) -> None:
        try:
            barrier.wait(10)
            audience(code, {"audience": other})
            codes.append("")
        except DomainError as error:
            codes.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=close, args=pair) for pair in ("ab", "ba")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(codes) == ["", "set_cycle"]


# --- imported lists ---


def test_numbers_are_kept_in_the_lake_and_rejects_are_told() -> None:
    lines = ["号码,name", "13800000001,x", "13800000001,y", "", "138 1", "'13800000099'", "=1+1"]
    text = "\ufeff" + "\r\n".join(lines)
    day_of([person(1)])
    it = import_list(
        code="vip",
        name=Name("贵宾", "VIP"),
        source="shop",
        expires_on=FAR,
        content=text.encode(),
        by=BY,
    )
    assert (it.lines, it.members, it.rejected) == (5, 2, {"bad_number": 2, "duplicate": 1})
    assert (it.unknown, it.compared_with) == (1, DAY)
    partition = Partition.objects.get(dataset="lists", key=it.key)
    assert partition.business_date == FAR
    for part, file in enumerate(partition.files):
        numbers = pq.read_table(file)["customer_no"].to_pylist()
        assert numbers == sorted(numbers)
        assert {part_of(number, partition.parts) for number in numbers} <= {part}
    assert partition.rows == 2
    rejected = rejected_lines(partition.path, 10)
    assert [(row["line"], row["reason"]) for row in rejected] == [
        (3, "duplicate"), (5, "bad_number"), (7, "bad_number"),
    ]  # fmt: skip
    assert rejected[0]["value"] == "138****0001"
    logged = Operation.objects.get(action="define_imported_list").after
    assert "13800000001" not in str(logged)
    assert logged["members"] == 2


@pytest.mark.parametrize("separator", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_files_of_any_usual_kind_are_read(separator: str, encoding: str) -> None:
    text = separator.join(["客户号码", "13800000002", "13800000001;甲", '"13800000003"\t乙'])
    it = import_list(
        code="vip",
        name=Name("贵宾", "VIP"),
        source="shop",
        expires_on=FAR,
        content=text.encode(encoding),
        by=BY,
    )
    assert (it.members, it.rejected) == (3, {})


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_numbers"),
        ("号码\n甲\n".encode(), "no_numbers"),
        (b"PK\x03\x04\x00\x00\x80\x81", "not_a_text"),
        (b"1" * (64 * 1024**2 + 1), "file_too_large"),
    ],
)
def test_what_is_no_list_is_refused(content: bytes, code: str) -> None:
    says = {"name": Name("x", "x"), "source": "s", "expires_on": FAR, "by": BY}
    assert refusal(import_list, code="vip", content=content, **says).code == code
    assert not Partition.objects.of("lists").exists()


def test_the_same_numbers_again_change_nothing() -> None:
    first = brought("vip", "13800000001", "13800000002")
    assert brought("vip", "13800000001", "13800000002").revision == 1
    assert Partition.objects.of("lists").count() == 1
    later = brought("vip", "13800000001", "13800000002", expires_on=FAR + timedelta(days=1))
    assert (later.revision, later.key) == (2, first.key)
    other = brought("vip", "13800000001")
    assert (other.revision, other.members) == (3, 1)
    assert other.key != first.key


def test_a_list_must_hold_today() -> None:
    yesterday = timezone.localdate() - timedelta(days=1)
    assert refusal(brought, "vip", "1", expires_on=yesterday).code == "expired_already"
    assert brought("vip", "1", expires_on=timezone.localdate()).holds_on(timezone.localdate())


def test_a_citys_list_is_held_against_its_own_customers() -> None:
    day_of([person(1), person(2, city="ningbo")])
    numbers = [person(n)["customer_no"] for n in (1, 2, 3)]
    assert brought("all", *numbers).unknown == 1
    assert brought("ours", *numbers, city="ningbo").unknown == 2


def test_before_the_first_snapshot_nothing_is_said_of_unknown_numbers() -> None:
    assert (brought("vip", "1").unknown, brought("vip", "1").compared_with) == (None, None)


# --- as definitions ---


def auxiliary_file() -> list[Json]:
    return [
        {
            "code": "suspects",
            "name": {"zh": "嫌疑", "en": "Suspects"},
            "marks": [
                {"code": "late", "name": {"zh": "后", "en": "Late"}, "customers": {"mark": "sim"}},
                {"code": "sim", "name": {"zh": "双卡", "en": "SIM"}, "customers": RULE},
            ],
        },
        {
            "code": "ours",
            "name": {"zh": "本市", "en": "Ours"},
            "city": "ningbo",
            "marks": [
                {"code": "here", "name": {"zh": "此", "en": "Here"}, "customers": {"mark": "late"}}
            ],
        },
    ]


def audience_file() -> list[Json]:
    return [
        {"code": "b", "name": {"zh": "乙", "en": "B"}, "customers": {"audience": "a"}},
        {
            "code": "a",
            "name": {"zh": "甲", "en": "A"},
            "customers": {"all": [{"mark": "sim"}, {"cells": {"matrix": "care"}}]},
        },
    ]


def test_definitions_load_once_and_come_back() -> None:
    files = auxiliary_file(), audience_file()
    jsonschema.validate(files[0], AUXILIARY)
    jsonschema.validate(files[1], AUDIENCES)
    first = load_auxiliary(deepcopy(files[0]), BY), load_audiences(deepcopy(files[1]), BY)
    assert [sorted(it.added) for it in first] == [
        ["here", "late", "ours", "sim", "suspects"], ["a", "b"],
    ]  # fmt: skip
    assert dump_auxiliary() == files[0]
    assert dump_audiences() == sorted(files[1], key=lambda it: it["code"])
    again = load_auxiliary(dump_auxiliary(), BY), load_audiences(dump_audiences(), BY)
    assert not any(it.any for it in again)


def test_a_file_may_turn_a_dependency_round() -> None:
    load_auxiliary(auxiliary_file(), BY)
    load_audiences(audience_file(), BY)
    turned = audience_file()
    turned[0]["customers"], turned[1]["customers"] = RULE, {"audience": "b"}
    assert sorted(load_audiences(turned, BY).changed) == ["a", "b"]


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({0: {"customers": {"mark": "nothing"}}}, "unknown_mark", [0, "customers", "mark"]),
        ({0: {"code": "a"}}, "duplicate_code", [1, "code"]),
        ({1: {"customers": {"audience": "b"}}}, "set_cycle", []),
    ],
)
def test_a_fault_refuses_the_whole_file_at_its_place(
    change: dict[int, Json], code: str, where: list[Any]
) -> None:
    load_auxiliary(auxiliary_file(), BY)
    content = [item | change.get(place, {}) for place, item in enumerate(audience_file())]
    error = refusal(load_audiences, content, BY)
    assert (error.code, error.extra.get("where", [])) == (code, where)
    assert not Audience.objects.exists()


def test_a_retired_set_is_not_exported() -> None:
    retire(audience("a", RULE), by=BY)
    auxiliary("group")
    assert dump_audiences() == []
    assert dump_auxiliary() == [
        {"code": "group", "name": {"zh": "group中", "en": "Group"}, "marks": []}
    ]
