"""The pages of the contact policy: who reads and writes what, and that nothing typed is lost."""

from itertools import count
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Organisation
from contacts.models import ContactPolicyVersion
from tests.accounts.people import make_province, make_user
from tests.portal.settings import page_settings as page_settings

from .test_policy_versions import limit, quiet, save

pytestmark = pytest.mark.django_db
_people = count(1)


@pytest.fixture(autouse=True)
def places(db: None) -> dict[str, Organisation]:
    return make_province()


@pytest.fixture
def as_(client: Client) -> Any:
    """The client logged in as a role at a place, reading English."""

    def log_in(role: str, place: str, language: str = "en") -> Client:
        client.cookies["django_language"] = language
        client.force_login(make_user(role, place, username=f"person-{next(_people)}"))
        return client

    return log_in


def page(client: Client, name: str, place: str = "", **query: str) -> str:
    address = reverse(name, kwargs={"code": place} if place else None)
    return " ".join(client.get(address, query).content.decode().split())


def typed(*limits: dict[str, Any], seen: int = 0, do: str = "save", **more: Any) -> dict[str, Any]:
    """What a browser sends."""
    sent: dict[str, Any] = {"seen": str(seen), "do": do}
    for n, one in enumerate(limits):
        values = {"rest": "", **one, "name_zh": one["name"]["zh"], "name_en": one["name"]["en"]}
        del values["name"]
        sent |= {f"limits-{n}-{name}": value for name, value in values.items()}
    for n, one in enumerate(more.get("quiet_hours", ())):
        sent |= {f"quiet_hours-{n}-{name}": value for name, value in one.items()}
    return sent


def post(client: Client, place: str, sent: dict[str, Any]) -> Any:
    return client.post(reverse("contact-edit", kwargs={"code": place}), sent)


def test_a_citys_marketer_reads_the_provinces_rules_and_edits_the_own(as_: Any) -> None:
    save("zhejiang", limit(), quiet_hours=[quiet(channels=["sms"])])
    save("hangzhou", limit(code="of-hangzhou", most=1))
    client = as_("city-marketer", "ningbo")
    text = page(client, "contact-policy")
    assert "each channel: at most 2 contacts in any 7 days (SMS)" in text
    assert "no contact from 21:00 to 09:00 (SMS)" in text
    assert "of-hangzhou" not in text
    assert reverse("contact-edit", kwargs={"code": "ningbo"}) in text
    assert reverse("contact-edit", kwargs={"code": "zhejiang"}) not in text
    assert "at most 2 contacts in any 7 days" in page(client, "contact-edit", "ningbo")
    assert "zhejiang@1" in page(client, "contact-versions", "zhejiang")


@pytest.mark.parametrize(
    ("role", "home", "place", "method", "status"),
    [
        ("city-marketer", "ningbo", "hangzhou", "get", 404),
        ("city-marketer", "ningbo", "zhejiang", "post", 403),
        ("auditor", "zhejiang", "ningbo", "post", 403),
        ("province-marketer", "zhejiang", "hangzhou-front", "get", 404),
        ("province-marketer", "zhejiang", "ningbo", "post", 302),
        ("city-marketer", "ningbo", "ningbo", "post", 302),
    ],
)
def test_who_may_take_an_older_version_again(
    as_: Any, role: str, home: str, place: str, method: str, status: int
) -> None:
    for most in (2, 1):
        save("ningbo", limit(most=most))
        save("zhejiang", limit(code="z", most=most + 2))
    client = as_(role, home)
    address = reverse("contact-versions", kwargs={"code": place})
    assert getattr(client, method)(address, {"number": "1"}).status_code == status
    newest = ContactPolicyVersion.objects.filter(organisation__code="ningbo").first()
    assert (newest.number == 3) == (newest.body["limits"][0]["most"] == 2) == (status == 302)


def test_an_older_version_that_would_loosen_by_now_is_refused_with_why(as_: Any) -> None:
    for most in (2, 1):
        save("ningbo", limit(most=most))
    save("zhejiang", limit(most=1, days=6))
    client = as_("city-marketer", "ningbo")
    address = reverse("contact-versions", kwargs={"code": "ningbo"})
    refused = client.post(address, {"number": "1"})
    assert refused.status_code == 400
    assert "at most 1 contact in any 6 days" in refused.content.decode()
    for wrong in ("9", "x", ""):
        assert client.post(address, {"number": wrong}).status_code == 404


def test_what_is_saved_holds_and_is_shown_again_as_it_was_typed(as_: Any) -> None:
    client = as_("province-marketer", "zhejiang")
    sent = typed(limit(rest=10), quiet_hours=[quiet(channels=["sms", "app"])])
    assert post(client, "zhejiang", sent).status_code == 302
    version = ContactPolicyVersion.objects.get()
    assert version.body == {
        "limits": [limit(rest=10)],
        "quiet_hours": [quiet(channels=["sms", "app"])],
    }
    assert version.by == f"person-{next(_people) - 1}"
    again = client.get(reverse("contact-edit", kwargs={"code": "zhejiang"})).context["sheet"]
    assert again.body() == {
        "limits": [limit(rest=10)],
        "quiet_hours": [quiet(channels=["sms", "app"])],
    }
    assert again.seen == 1


@pytest.mark.parametrize(
    ("mine", "field", "says"),
    [
        ({"most": "many"}, "most", "it is many"),
        ({"days": ""}, "days", "whole number"),
        ({"rest": "-1"}, "rest", "it is -1"),
        ({"most": "٣"}, "most", "whole number"),
        ({"code": "A b"}, "code", "lower-case"),
        ({"name": {"zh": "", "en": "x"}}, "name_zh", "characters"),
        ({"channels": ["fax"]}, "channels", "no channel"),
        ({"per": "cell"}, "per", "none of"),
        ({"most": "3"}, "", "The province says"),
    ],
)
def test_what_is_refused_keeps_what_was_typed_and_says_why_at_its_place(
    as_: Any, mine: dict[str, Any], field: str, says: str
) -> None:
    save("zhejiang", limit())
    client = as_("city-marketer", "ningbo")
    sent = typed(limit(code="first", most=1), limit(code="second", days="30"), limit() | mine)
    del sent["limits-1-channels"]
    response = post(client, "ningbo", sent)
    assert response.status_code == 422
    sheet = response.context["sheet"]
    assert [row.errors for row in sheet.limits[:2]] == [{}, {}]
    assert list(sheet.limits[2].errors) == [field]
    assert says in sheet.limits[2].errors[field]
    for name, value in sheet.limits[2].values.items():
        assert value == str(sent[f"limits-2-{name}"])
    assert sheet.limits[1].channels == []
    assert says in " ".join(response.content.decode().split())
    assert ContactPolicyVersion.objects.count() == 1


def test_rows_are_added_and_removed_and_nothing_is_saved_by_it(as_: Any) -> None:
    client = as_("province-marketer", "zhejiang")
    wrong = limit(code="limit_1", most="many")
    added = post(client, "zhejiang", typed(wrong, limit(), do="add-limits")).context["sheet"]
    assert [row.values["code"] for row in added.limits] == ["limit_1", "sms", "limit_2"]
    assert added.limits[0].values["most"] == "many"
    left = post(client, "zhejiang", typed(wrong, limit(), do="remove-limits-0")).context["sheet"]
    assert [row.values["code"] for row in left.limits] == ["sms"]
    for place in ("7", "x", ""):
        do = f"remove-limits-{place}"
        assert len(post(client, "zhejiang", typed(limit(), do=do)).context["sheet"].limits) == 1
    quiet_added = post(client, "zhejiang", typed(do="add-quiet_hours")).context["sheet"]
    assert quiet_added.quiet_hours[0].values == quiet()
    assert not ContactPolicyVersion.objects.exists()


def test_the_second_of_two_editors_sees_his_own_text_and_may_save_over(as_: Any) -> None:
    client = as_("province-marketer", "zhejiang")
    save("zhejiang", limit(most=5))
    response = post(client, "zhejiang", typed(limit(), seen=0))
    assert response.status_code == 409
    sheet = response.context["sheet"]
    assert (sheet.seen, sheet.limits[0].values["most"]) == (1, "2")
    assert "version 1 meanwhile" in response.content.decode()
    assert post(client, "zhejiang", typed(limit(), seen=1)).status_code == 302


def test_a_post_of_more_rows_than_there_may_be_is_refused(as_: Any) -> None:
    client = as_("province-marketer", "zhejiang")
    rows = [limit(code=f"l{n}") for n in range(60)]
    response = post(client, "zhejiang", typed(*rows))
    assert response.status_code == 422
    assert "50 at most" in response.content.decode()
