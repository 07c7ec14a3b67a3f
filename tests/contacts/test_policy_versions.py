"""What the province and its cities say of contacts: versions, walls, and what is refused."""

import threading
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import Operation, Organisation
from common.errors import DomainError
from contacts import definitions
from contacts.models import ContactPolicyVersion
from contacts.record import fold
from contacts.rules import _rules_at, newest_version, rules_at
from contacts.services import save_contact_policy
from tests.accounts.people import make_province, make_user

from .test_limits import day, moment, shown

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def places(db: None) -> dict[str, Organisation]:
    return make_province()


def limit(**more: Any) -> dict[str, Any]:
    return {
        "code": "sms",
        "name": {"zh": "短信", "en": "SMS"},
        "per": "channel",
        "counts": "contacts",
        "channels": ["sms"],
        "most": 2,
        "days": 7,
    } | more


def quiet(**more: Any) -> dict[str, Any]:
    return {"start": "21:00", "end": "09:00"} | more


def save(place: str, *limits: Any, by: Any = "test", **more: Any) -> ContactPolicyVersion:
    organisation = Organisation.objects.get(code=place)
    quiet_hours = more.pop("quiet_hours", [])
    body = {"limits": list(limits), "quiet_hours": quiet_hours}
    return save_contact_policy(organisation, body=body, by=by, **more)


def refused(place: str, *limits: Any, **more: Any) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        save(place, *limits, **more)
    return refusal.value


def stopped(place: str, times: int, version: int | None = None) -> bool:
    """Whether somebody of the place is met by SMS no more after so many on one day."""
    rules = rules_at(version or newest_version()).of(place)
    record = fold(shown(*[0] * times))
    at = moment(day(1))
    return rules.whole(record, channel="sms", at=at) is not None


def test_a_save_makes_a_version_only_where_something_is_new() -> None:
    first = save("zhejiang", limit())
    assert save("zhejiang", limit(rest=0)) == first
    all_channels = ["front_desk", "outbound_call", "sms", "app", "web"]
    second = save("zhejiang", limit(channels=all_channels))
    assert (second.number, second.body["limits"][0].get("channels")) == (2, None)
    lines = Operation.objects.filter(action="save_contact_policy")
    assert [(line.before, line.after) for line in lines] == [
        (first.body, second.body),
        (None, first.body),
    ]


def test_a_citys_rules_come_on_top_of_the_provinces_and_each_version_stays_as_it_was() -> None:
    save("zhejiang", limit(most=2))
    assert newest_version() == ContactPolicyVersion.objects.get().pk
    before = newest_version()
    assert stopped("ningbo", 2)
    assert not stopped("ningbo", 1)
    save("ningbo", limit(most=1))
    assert stopped("ningbo", 1)
    assert not stopped("hangzhou", 1)
    save("zhejiang", limit(most=20))
    assert not stopped("hangzhou", 2)
    assert stopped("ningbo", 1)
    assert rules_at(before) is rules_at(before)
    _rules_at.cache_clear()
    assert not stopped("ningbo", 1, before)
    assert stopped("hangzhou", 2, before)


def test_before_anything_is_said_nothing_stops() -> None:
    assert newest_version() == 0
    rules = rules_at(0).of("ningbo")
    at = moment(day(1))
    assert rules.limits == rules.quiet_hours == ()
    assert rules.whole(fold(shown(*[0] * 20)), channel="sms", at=at) is None


@pytest.mark.parametrize(
    ("mine", "may"),
    [
        ({"most": 1}, True),
        ({"days": 8}, True),
        ({"rest": 1}, True),
        ({"most": 1, "days": 8, "rest": 1}, True),
        ({}, False),
        ({"most": 3}, False),
        ({"days": 6}, False),
        ({"most": 1, "days": 6}, False),
        ({"most": 3, "days": 400}, False),
        # Of something else it is no looser.
        ({"most": 9, "channels": ["sms", "app"]}, True),
        ({"most": 9, "per": "policy"}, True),
        ({"most": 9, "counts": "declined"}, True),
    ],
)
def test_a_city_may_tighten_and_not_loosen(mine: dict[str, Any], may: bool) -> None:
    save("zhejiang", limit())
    if may:
        assert save("ningbo", limit(**mine)).number == 1
        return
    refusal = refused("ningbo", limit(code="other", counts="declined"), limit(**mine))
    assert refusal.code == "city_loosens"
    assert refusal.extra["where"] == ["limits", 1]
    assert refusal.extra["province"] == [{"most": 2, "days": 7, "rest": 0}]


def test_of_two_limits_of_the_province_on_the_same_a_city_tightens_either() -> None:
    save("zhejiang", limit(code="week"), limit(code="month", most=4, days=30))
    assert save("ningbo", limit(most=3, days=30))
    assert refused("ningbo", limit(most=5, days=30)).code == "city_loosens"


def test_a_citys_quiet_hours_are_added() -> None:
    save("zhejiang", quiet_hours=[quiet(channels=["sms"])])
    save("ningbo", quiet_hours=[quiet(start="22:00", end="08:00", channels=["sms"])])
    assert len(rules_at(newest_version()).of("ningbo").quiet_hours) == 2


@pytest.mark.parametrize(
    ("limits", "code", "where"),
    [
        ([limit(), limit()], "repeated_code", ["limits", 1, "code"]),
        ([limit(channels=["sms", "fax"])], "unknown_channel", ["limits", 0, "channels", 1]),
        ([limit(most=0)], "out_of_range", ["limits", 0, "most"]),
        ([limit(most=21)], "out_of_range", ["limits", 0, "most"]),
        ([limit(days=0)], "out_of_range", ["limits", 0, "days"]),
        ([limit(days=401)], "out_of_range", ["limits", 0, "days"]),
        ([limit(days=True)], "out_of_range", ["limits", 0, "days"]),
        ([limit(rest=-1)], "out_of_range", ["limits", 0, "rest"]),
        ([limit(most=1, rest=401)], "out_of_range", ["limits", 0, "rest"]),
        ([limit(most=5, rest=29)], "rest_too_long", ["limits", 0, "rest"]),
        ([limit(per="cell")], "unknown_value", ["limits", 0, "per"]),
        ([limit(counts="bought")], "unknown_value", ["limits", 0, "counts"]),
        ([limit(code="A b")], "bad_code", ["limits", 0, "code"]),
        ([limit(name={"zh": " ", "en": "x"})], "bad_name", ["limits", 0, "name", "zh"]),
        ([limit(code=f"l{n}") for n in range(51)], "too_many", ["limits"]),
    ],
)
def test_what_can_be_no_limit_is_refused_with_its_place(
    limits: list[Any], code: str, where: list[Any]
) -> None:
    refusal = refused("zhejiang", *limits)
    assert (refusal.code, refusal.extra["where"]) == (code, where)
    assert not ContactPolicyVersion.objects.exists()


@pytest.mark.parametrize(
    ("hours", "code", "field"),
    [
        (quiet(end="21:00"), "empty_quiet_hours", "end"),
        (quiet(start="24:00"), "bad_time", "start"),
        (quiet(end="9:00"), "bad_time", "end"),
    ],
)
def test_what_can_be_no_quiet_time_is_refused(hours: Any, code: str, field: str) -> None:
    refusal = refused("zhejiang", quiet_hours=[quiet(), hours])
    assert (refusal.code, refusal.extra["where"]) == (code, ["quiet_hours", 1, field])


@pytest.mark.parametrize(
    ("role", "home", "place", "code", "status"),
    [
        ("city-marketer", "ningbo", "hangzhou", "organisation_out_of_reach", 404),
        ("city-marketer", "ningbo", "zhejiang", "organisation_out_of_reach", 404),
        ("city-marketer", "hangzhou-front", "hangzhou", "organisation_out_of_reach", 404),
        ("auditor", "zhejiang", "ningbo", "permission_denied", 403),
        ("province-marketer", "zhejiang", "hangzhou-front", "no_contact_policy", 400),
    ],
)
def test_who_may_not_set_them(role: str, home: str, place: str, code: str, status: int) -> None:
    refusal = refused(place, limit(), by=make_user(role, home))
    assert (refusal.code, refusal.status) == (code, status)


def test_marketers_set_those_of_their_own_organisation_and_below() -> None:
    province, city = make_user("province-marketer"), make_user("city-marketer", "ningbo")
    assert save("zhejiang", limit(), by=province).by == str(province)
    assert save("ningbo", limit(most=1), by=city).by == str(city)
    assert save("ningbo", limit(days=9), by=province).number == 2


def test_the_second_of_two_editors_is_told() -> None:
    save("zhejiang", limit(), seen=0)
    refusal = refused("zhejiang", limit(most=1), seen=0)
    assert (refusal.code, refusal.status) == ("edited_meanwhile", 409)
    assert save("zhejiang", limit(most=1), seen=1).number == 2


@pytest.mark.parametrize("statement", ["UPDATE {} SET number = 9", "DELETE FROM {}"])
def test_a_version_is_neither_changed_nor_deleted(statement: str) -> None:
    save("zhejiang", limit())
    with connection.cursor() as cursor, pytest.raises(DatabaseError, match="kept as it was"):
        cursor.execute(statement.format("contacts_contactpolicyversion"))


def test_the_document_is_loaded_whole_dumped_and_loaded_again() -> None:
    content = [
        {"organisation": "ningbo", "limits": [limit()]},
        {"organisation": "zhejiang", "limits": [limit()], "quiet_hours": [quiet()]},
    ]
    with pytest.raises(DomainError) as refusal:
        definitions.load(content, "test")
    assert refusal.value.extra["where"] == [0, "limits", 0]
    content[0] = {"organisation": "ningbo", "limits": [limit(most=1)]}
    assert sorted(definitions.load(content, "test").added) == ["ningbo", "zhejiang"]
    assert not definitions.load(content, "test").any
    dumped = definitions.dump()
    assert [item["organisation"] for item in dumped] == ["zhejiang", "ningbo"]
    assert not definitions.load(dumped, "test").any
    content[0] = {"organisation": "atlantis"}
    with pytest.raises(DomainError) as refusal:
        definitions.load(content, "test")
    assert refusal.value.extra["where"] == [0, "organisation"]


@pytest.mark.django_db(transaction=True)
def test_versions_are_committed_in_the_order_of_their_ids() -> None:
    """Otherwise the newest id would name two states: with and without an older, later commit."""
    second: list[int] = []

    def other() -> None:
        try:
            save("ningbo", limit(most=1))
            second.append(newest_version())
        finally:
            connection.close()

    with transaction.atomic():
        save("zhejiang", limit())
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.5)
        assert not second
    thread.join(20)
    assert second == [newest_version()]
    assert ContactPolicyVersion.objects.count() == 2
