"""The pages of sets: what they show, who may change what, and the walls between cities."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts.roles import ROLES
from common.permissions import Permission
from jobs.models import Run, State, Step
from lake.models import Partition
from segmentation.audiences import services as audiences
from segmentation.audiences.models import Audience, AuxiliaryMatrix, ImportedList, Mark
from segmentation.audiences.services import Use, retire
from tests.accounts.people import make_user

from .audiences import (
    DAY,
    Json,
    audience,
    auxiliary,
    before,
    brought,
    make_audience_world,
    mark,
    members_of,
    person,
)
from .matrices import BY

pytestmark = pytest.mark.django_db
RULE = {"rule": "arpu > 50"}
FIELDS = {"name_zh": "高端", "name_en": "Top", "revision": "0", "city": ""}


@pytest.fixture(autouse=True)
def _world(settings: Any, tmp_path: Any) -> Iterator[None]:
    settings.LAKE_DIR = tmp_path / "lake"
    settings.LAKE_PARTS = 2
    settings.ROOT_URLCONF = "tests.segmentation.audience_urls"
    make_audience_world()
    with translation.override("en"):
        yield


def signed_in(role: str, organisation: str = "zhejiang") -> Client:
    client = Client()
    client.force_login(make_user(role, organisation))
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def marketer() -> Client:
    return signed_in("province-marketer")


@pytest.fixture
def city() -> Client:
    return signed_in("city-marketer", "ningbo")


def publish(members: Partition, state: str = State.DONE) -> None:
    """A run of the day that wrote these members, published or not."""
    number = Run.objects.count() + 1
    run = Run.objects.create(
        kind="day",
        business_date=members.business_date,
        number=number,
        key=str(number),
        inputs={},
        state=state,
    )
    made = {"members": members.pk}
    Step.objects.create(run=run, position=0, name="members", state=State.DONE, output=made)
    Step.objects.create(run=run, position=1, name="publish", state=state)


def two_days() -> None:
    rich, poor = {"arpu": 95.0}, {"arpu": 10.0}
    yesterday = members_of(
        [person(1, **rich), person(2, **rich), person(3, **rich, city="ningbo")], day=before(DAY)
    )
    publish(yesterday)
    rows = [person(1, **poor), person(2, **rich), person(3, **rich, city="ningbo")]
    rows += [person(4, **rich, city="ningbo"), person(5, **rich, city="ningbo")]
    publish(members_of(rows, yesterday=yesterday))


def text_of(client: Client, name: str, *args: str) -> str:
    response = client.get(reverse(name, args=args))
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


# --- reading ---


def test_empty_pages_say_what_would_stand_there(marketer: Client) -> None:
    assert "No audience yet" in text_of(marketer, "audiences")
    assert "No auxiliary matrix yet" in text_of(marketer, "auxiliary")
    assert "No list yet" in text_of(marketer, "customer-lists")
    audience("rich", RULE)
    page = text_of(marketer, "audiences")
    assert "No published day has computed sets yet" in page
    assert "No size yet" in text_of(marketer, "audience", "rich")


def test_the_list_shows_words_sizes_churn_and_uses(marketer: Client) -> None:
    mark("sim", RULE)
    audience("rich", {"mark": "sim"})
    audience("most", {"any": [{"audience": "rich"}, {"rule": "is_campus"}]})
    two_days()
    page = text_of(marketer, "audiences")
    for words in (
        "marked “Sim”",
        "in the audience “Rich” or",
        '<td class="number" data-label="Customers">4</td>',
        "+2</span>",
        "−1</span>",
        f"Sizes of the published day {DAY}",
        f'<a href="{reverse("audience", args=["most"])}">Most (most)</a>',
    ):
        assert words in page, words


def test_a_day_that_was_not_published_is_not_shown(marketer: Client) -> None:
    audience("rich", RULE)
    publish(members_of([person(1)], day=before(DAY)))
    publish(members_of([person(1), person(2)]), state=State.FAILED)
    assert f"Sizes of the published day {before(DAY)}" in text_of(marketer, "audiences")
    assert str(DAY) not in text_of(marketer, "audience", "rich")


def test_the_graph_takes_each_set_apart_once(marketer: Client) -> None:
    brought("vip", "13800000001")
    mark("sim", {"list": "vip"})
    audience("a", {"mark": "sim"})
    audience("b", {"any": [{"mark": "sim"}, {"audience": "a"}]})
    audience("c", {"mark": "sim"})
    page = text_of(marketer, "audiences")
    graph = page[page.index("What is made of what") :]
    names = ["B (b)", "A (a)", "Sim (sim)", "Vip (vip)", "C (c)"]
    places = [graph.index(f">{name}<") for name in names]
    assert places == sorted(places)
    assert graph.count(">Vip (vip)<") == 1
    assert graph.count("(taken apart above)") == 2


def test_the_page_of_one_shows_days_cities_and_definition(marketer: Client) -> None:
    audience("rich", {"all": [RULE, {"cells": {"matrix": "care", "box": {"arpu": ["b2"]}}}]})
    two_days()
    page = text_of(marketer, "audience", "rich")
    for words in (
        "arpu is above 50",
        "in the cells of “Care” where Arpu is B2",
        "matrix: care",
        f"<td> {DAY} </td>",
        "Ningbo",
        "Hangzhou",
        "Who moved to another city",
    ):
        assert words in page, words
    assert "defined anew" not in page
    audience("rich", RULE)
    publish(members_of([person(1)], yesterday=Partition.objects.of("members").latest("pk")))
    assert "defined anew" in text_of(marketer, "audience", "rich")


def test_what_uses_a_set_elsewhere_is_shown(
    marketer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    audience("rich", RULE)
    asked: list[Any] = []

    def campaigns(ref: Any, user: Any) -> list[Use]:
        asked.append((ref, user.username))
        return [Use("Spring campaign", "/campaigns/spring/")]

    monkeypatch.setattr(audiences, "used_elsewhere", [campaigns])
    assert '<a href="/campaigns/spring/">Spring campaign</a>' in text_of(
        marketer, "audience", "rich"
    )
    assert asked == [(("audience", "rich"), "zhejiang-province-marketer")]


def test_marks_stand_in_their_groups(marketer: Client) -> None:
    mark("sim", RULE, auxiliary("suspects"))
    auxiliary("empty")
    two_days()
    page = text_of(marketer, "auxiliary")
    for words in ("Suspects", "Sim", "arpu is above 50", ">4</td>", "No mark yet."):
        assert words in page, words
    assert "Suspects" in text_of(marketer, "mark", "sim")


def test_pages_are_chinese_for_chinese_readers(marketer: Client) -> None:
    mark("sim", RULE)
    audience("rich", {"mark": "sim"})
    marketer.cookies["django_language"] = "zh-hans"
    page = text_of(marketer, "audiences")
    assert "rich中" in page
    assert "sim中" in page


# --- walls ---


def test_a_city_sees_its_own_figures_of_the_provinces_sets(city: Client) -> None:
    audience("rich", RULE)
    two_days()
    page = text_of(city, "audiences")
    assert '<td class="number" data-label="Customers">3</td>' in page
    one = text_of(city, "audience", "rich")
    assert "Hangzhou" not in one
    assert '<td class="number">3</td>' in one
    assert '<td class="number">4</td>' not in one


def test_another_citys_sets_are_not_there(city: Client) -> None:
    audience("all", RULE)
    audience("theirs", {"audience": "all"}, city="hangzhou")
    mark("their_mark", RULE, auxiliary("group", city="hangzhou"))
    brought("their_list", "1", city="hangzhou")
    for name, code in (
        ("audience", "theirs"),
        ("audience-edit", "theirs"),
        ("mark", "their_mark"),
        ("mark-edit", "their_mark"),
        ("mark-new", "group"),
        ("auxiliary-edit", "group"),
        ("customer-list", "their_list"),
        ("list-replace", "their_list"),
        ("audience", "nothing"),
    ):
        assert city.get(reverse(name, args=[code])).status_code == 404, name
    for name in ("audiences", "auxiliary", "customer-lists"):
        assert "heir" not in text_of(city, name)
    assert "heir" not in text_of(city, "audience", "all")


READING = [("audiences", ()), ("auxiliary", ()), ("customer-lists", ())]
READING += [("audience", ("a",)), ("mark", ("m",)), ("customer-list", ("l",))]
WRITING = [("audience-new", ()), ("auxiliary-new", ()), ("list-new", ())]
WRITING += [("audience-edit", ("a",)), ("mark-edit", ("m",)), ("list-replace", ("l",))]
WRITING += [("auxiliary-edit", ("group",)), ("mark-new", ("group",))]


@pytest.mark.parametrize("role", sorted(ROLES))
def test_who_sees_matrices_reads_and_marketers_write(role: str) -> None:
    audience("a", RULE)
    mark("m", RULE, auxiliary("group"))
    brought("l", "1")
    client, held = signed_in(role), ROLES[role].permissions
    for names, permission in (
        (READING, Permission.VIEW_MATRICES),
        (WRITING, Permission.EDIT_CAMPAIGNS),
    ):
        wanted = 200 if permission in held else 403
        for name, args in names:
            assert client.get(reverse(name, args=args)).status_code == wanted, name
    assert Client().get(reverse("audiences")).status_code == 302


def test_a_city_reads_but_does_not_change_what_is_the_provinces(city: Client) -> None:
    audience("a", RULE)
    mark("m", RULE, auxiliary("group"))
    brought("l", "1")
    for name, args in WRITING[3:]:
        assert city.get(reverse(name, args=args)).status_code == 403, name
    for name, code in (("audience", "a"), ("mark", "m"), ("customer-list", "l")):
        assert city.post(reverse(name, args=[code]), {"do": "retire"}).status_code == 403
        assert "Retire<" not in text_of(city, name, code)
    assert Audience.objects.active().exists()


def test_a_city_defines_for_itself_only(city: Client) -> None:
    page = text_of(city, "audience-new")
    assert "Ningbo" in page
    assert "the whole province" not in page
    assert "Hangzhou" not in page
    says = FIELDS | {"code": "ours", "customers": "rule: arpu > 50"}
    for place, status in (("", 422), ("hangzhou", 422), ("ningbo", 302)):
        response = city.post(reverse("audience-new"), says | {"city": place, "code": f"o{place}"})
        assert response.status_code == status, place
    assert set(Audience.objects.values_list("city", flat=True)) == {"ningbo"}


# --- writing ---


def post(client: Client, name: str, args: tuple[str, ...] = (), **says: Any) -> Any:
    return client.post(reverse(name, args=args), FIELDS | says)


def test_an_audience_is_checked_saved_and_edited(marketer: Client) -> None:
    says: Json = {"code": "top", "customers": "any:\n- rule: arpu > 50\n- rule: is_campus\n"}
    page = post(marketer, "audience-new", **says, do="check").content.decode()
    assert "arpu is above 50 or" in page
    assert not Audience.objects.exists()
    response = post(marketer, "audience-new", **says, do="save")
    assert response.headers["Location"] == reverse("audience", args=["top"])
    assert Audience.objects.get().expression == {"any": [RULE, {"rule": "is_campus"}]}
    form = marketer.get(reverse("audience-edit", args=["top"])).content.decode()
    assert "- rule: arpu &gt; 50" in form
    post(marketer, "audience-edit", ("top",), customers='{"rule": "arpu > 9"}', revision="1")
    assert Audience.objects.get().expression == {"rule": "arpu > 9"}


@pytest.mark.parametrize(
    ("customers", "words"),
    [
        ("rule: [", "line 1"),
        ("any:\n- rule: arpu > 1\n- rule: apru > 1", "line 3 (any.1.rule)"),
        ("any:\n- mark: nothing", "There is no mark nothing."),
        ("cells:\n  matrix: care\n  box:\n    arpu: [b9]", "has no band"),
        ("", "required"),
        ("anny: []", "any, all, but"),
        ("any: &x [*x]", "aliases"),
    ],
)
def test_an_error_stands_at_its_line_and_keeps_what_was_written(
    marketer: Client, customers: str, words: str
) -> None:
    response = post(marketer, "audience-new", code="top", customers=customers)
    assert response.status_code == 422
    page = " ".join(response.content.decode().replace("&#x27;", "'").split())
    assert words in page
    assert 'value="top"' in page
    assert not Audience.objects.exists()


@pytest.mark.parametrize("code", ["", "Top", "a-b", "<script>"])
def test_a_bad_code_is_refused_on_the_form(marketer: Client, code: str) -> None:
    assert post(marketer, "audience-new", code=code, customers="rule: is_campus").status_code == 422


def test_a_taken_code_and_a_lost_race_are_told(marketer: Client) -> None:
    audience("top", RULE)
    says = {"customers": "rule: is_campus"}
    response = post(marketer, "audience-new", code="top", **says)
    assert (response.status_code, b"is taken" in response.content) == (422, True)
    audience("top", {"rule": "arpu > 60"})
    response = post(marketer, "audience-edit", ("top",), revision="1", **says)
    assert (response.status_code, b"Somebody else" in response.content) == (422, True)
    assert Audience.objects.get().expression == {"rule": "arpu > 60"}


def test_a_group_and_its_mark_are_defined_edited_and_retired(marketer: Client) -> None:
    assert post(marketer, "auxiliary-new", code="suspects").status_code == 302
    post(marketer, "mark-new", ("suspects",), code="sim", customers="rule: is_campus")
    assert Mark.objects.get().matrix_id == "suspects"
    post(marketer, "mark-edit", ("sim",), customers="rule: arpu > 50", revision="1")
    assert Mark.objects.get().expression == RULE
    post(marketer, "auxiliary-edit", ("suspects",), name_en="Others", revision="1")
    assert AuxiliaryMatrix.objects.get().name_en == "Others"
    post(marketer, "auxiliary-edit", ("suspects",), do="retire", revision="2")
    assert not Mark.objects.active().exists()
    assert "Retired on" in text_of(marketer, "mark", "sim")


def test_what_is_used_is_not_retired_by_its_button(marketer: Client) -> None:
    mark("sim", RULE)
    audience("rich", {"mark": "sim"})
    page = reverse("mark", args=["sim"])
    response = marketer.post(page, {"do": "retire", "revision": "1"})
    assert (response.status_code, b"rich" in response.content) == (409, True)
    marketer.post(reverse("audience", args=["rich"]), {"do": "retire", "revision": "1"})
    assert marketer.post(page, {"do": "retire", "revision": "1"}).status_code == 302
    assert not Mark.objects.active().exists()


# --- lists ---


def upload(client: Client, content: bytes, name: str = "list-new", *args: str, **more: Any) -> Any:
    says = FIELDS | {"code": "vip", "source": "Field survey", "expires_on": "2099-01-01"} | more
    file = SimpleUploadedFile("list.csv", content, content_type="text/csv")
    return client.post(reverse(name, args=args), says | {"file": file})


def test_a_list_is_uploaded_and_its_rejects_are_shown(marketer: Client) -> None:
    members_of([person(1)])
    response = upload(marketer, b"number\n13800000001\n13800000001\nabc\n13800000077\n")
    assert response.headers["Location"] == reverse("customer-list", args=["vip"])
    page = text_of(marketer, "customer-list", "vip")
    for words in (
        "2 numbers kept, 2 lines set aside",
        "Field survey",
        "138****0001",
        "duplicate: 1",
        "bad number: 1",
        f"not in the snapshot of {DAY}",
    ):
        assert words in page, words
    assert "13800000001" not in page
    assert "Field survey" in text_of(marketer, "customer-lists")


@pytest.mark.parametrize(
    ("content", "more", "words"),
    [
        (b"", {}, "no customer number"),
        (b"PK\x03\x04\x00\x00", {}, "must be a text"),
        (b"1", {"expires_on": "2020-01-01"}, "until today"),
        (b"1", {"expires_on": "soon"}, "valid date"),
        (b"1", {"source": ""}, "required"),
    ],
)
def test_what_is_no_list_is_told_on_the_form(
    marketer: Client, content: bytes, more: Json, words: str
) -> None:
    response = upload(marketer, content, **more)
    assert (response.status_code, words in response.content.decode()) == (422, True)
    assert not ImportedList.objects.exists()


def test_a_list_is_brought_anew_and_expires(marketer: Client) -> None:
    upload(marketer, b"1\n2\n")
    upload(marketer, b"3\n", "list-replace", "vip", revision="1")
    assert ImportedList.objects.get().members == 1
    yesterday = timezone.localdate() - timedelta(days=1)
    ImportedList.objects.update(expires_on=yesterday)
    assert "expired: holds nobody" in text_of(marketer, "customer-lists")
    page = text_of(marketer, "customer-list", "vip")
    assert f"Expired after {yesterday}" in page
    assert "have been removed from the lake" in page


def test_a_retired_list_says_so(marketer: Client) -> None:
    retire(brought("vip", "1"), by=BY)
    assert "no set may name it" in text_of(marketer, "customer-list", "vip")
    assert "vip" not in text_of(marketer, "customer-lists").lower().replace("customer-list", "")


def test_another_page_brings_a_rule_along_and_nothing_is_saved(marketer: Client) -> None:
    brought = {"rule": "arpu > 50 and brand = 'o''neill'", "name_en": "<b>x</b>" + "y" * 200}
    page = marketer.get(reverse("audience-new"), {"rule": "arpu > 50", "name_en": "Top"})
    text = page.content.decode()
    assert "rule: arpu &gt; 50" in text
    assert 'value="Top"' in text
    assert "It can be saved; nothing is saved yet." in text
    assert not Audience.objects.exists()
    odd = marketer.get(reverse("audience-new"), brought)
    assert odd.status_code == 200
    assert "<b>x</b>" not in odd.content.decode()


def test_a_rule_brought_along_that_can_not_be_saved_says_why(marketer: Client) -> None:
    page = marketer.get(reverse("audience-new"), {"rule": "no_such_thing > 1"})
    assert page.status_code == 200
    assert "no_such_thing" in page.content.decode()
    assert "It can be saved" not in page.content.decode()
