"""The pages of system clients."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client as Browser
from django.urls import reverse

from accounts.admission import admit
from accounts.client_services import add_key, close_client
from accounts.models import ClientKey, Operation, SystemClient
from tests.accounts.clients import make_client, make_key
from tests.accounts.people import make_user

KEYS = reverse("client-key-new", kwargs={"code": "crm"})
CLIENT = reverse("client", kwargs={"code": "crm"})


@pytest.fixture
def admin(province: Any, client: Browser) -> Any:
    user = make_user("province-admin", username="admin")
    client.force_login(user)
    client.cookies["django_language"] = "en"
    return user


def filled(province: Any, **changes: Any) -> dict[str, Any]:
    return {
        "code": "crm",
        "name_zh": "客户系统",
        "name_en": "CRM",
        "organisation": province["hangzhou"].pk,
        "operations": ["recommend", "send_feedback"],
        "rate": "2.5",
        "burst": "20",
    } | changes


def text_of(response: Any, status: int = 200) -> str:
    assert response.status_code == status
    return response.content.decode()


def shown_key(response: Any) -> str:
    return response.context["key"]


def test_a_client_is_created_and_gets_its_key(province: Any, admin: Any, client: Browser) -> None:
    response = client.post(reverse("client-new"), filled(province), follow=True)
    assert response.redirect_chain[-1][0] == KEYS
    row = SystemClient.objects.get()
    assert (row.organisation, row.rate, row.burst) == (province["hangzhou"], 2.5, 20)
    response = client.post(KEYS, {"days": 90})
    key = shown_key(response)
    assert key in text_of(response)
    assert "no-store" in response["Cache-Control"]
    assert admit(key).cities == {"hangzhou"}
    assert key not in text_of(client.get(CLIENT))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"operations": []}, "This field is required"),
        ({"operations": ["manage_users"]}, "Select a valid choice"),
        ({"rate": "0"}, "The rate must be above 0"),
        ({"rate": "nan"}, "Enter a number"),
        ({"burst": "0"}, "greater than or equal to 1"),
        ({"code": "a b"}, "valid"),
        ({"code": "taken"}, "There is a client with the code taken"),
    ],
)
def test_what_is_wrong_is_told_on_the_form_and_nothing_is_written(
    province: Any, admin: Any, client: Browser, changes: dict[str, Any], words: str
) -> None:
    make_client("taken")
    response = client.post(reverse("client-new"), filled(province, **changes))
    assert words in text_of(response, 422)
    assert SystemClient.objects.count() == 1


def test_a_client_is_changed_and_the_change_is_told(
    province: Any, admin: Any, client: Browser
) -> None:
    make_client()
    assert client.post(CLIENT, filled(province, do="change")).status_code == 302
    row = SystemClient.objects.get()
    assert (row.name_en, row.operations) == ("CRM", ["recommend", "send_feedback"])
    assert "change · admin" in text_of(client.get(CLIENT))
    assert text_of(client.post(CLIENT, filled(province, do="change", rate="-1")), 422)
    assert SystemClient.objects.get().rate == 2.5


def test_a_key_is_revoked_by_its_button_and_no_other(
    province: Any, admin: Any, client: Browser
) -> None:
    key, other = make_key(), make_key("other")
    assert client.post(CLIENT, {"do": "revoke", "key": other[3:11]}).status_code == 404
    assert client.post(CLIENT, {"do": "revoke", "key": key[3:11]}).status_code == 302
    assert ClientKey.objects.exclude(revoked_at=None).get().prefix == key[3:11]
    assert "revoked" in text_of(client.get(CLIENT))


def test_a_third_key_is_refused_with_what_to_do(province: Any, admin: Any, client: Browser) -> None:
    row = make_client()
    for _ in range(2):
        add_key(row, by="test")
    assert "revoke the one that is no longer used" in text_of(client.post(KEYS, {"days": 9}), 422)
    assert text_of(client.post(KEYS, {"days": 401}), 422)
    assert KEYS not in text_of(client.get(CLIENT))
    assert ClientKey.objects.count() == 2


def test_a_client_is_closed_and_opened_again(province: Any, admin: Any, client: Browser) -> None:
    make_client()
    for act, active in (("close", False), ("reopen", True)):
        assert client.post(CLIENT, {"do": act}).status_code == 302
        assert SystemClient.objects.get().active is active


def test_the_list_says_who_may_do_what_and_which_keys_run_out(
    province: Any, admin: Any, client: Browser
) -> None:
    address = reverse("clients")
    assert "No system client yet" in text_of(client.get(address))
    key = make_key()
    admit(key)
    make_client("keyless")
    text = text_of(client.get(address))
    assert f"jz_{key[3:11]}_…" in text
    assert "expires in 364 days" in text
    assert "last used" in text
    assert "no valid key" in text
    assert "issue another before" not in text
    ClientKey.objects.update(expires_at=Now() + timedelta(days=10))
    assert "issue another before" in text_of(client.get(address))
    close_client(SystemClient.objects.get(code="crm"), by="test")
    assert "issue another before" not in text_of(client.get(address))


def test_a_second_key_ends_the_warning(province: Any, admin: Any, client: Browser) -> None:
    row = make_client()
    add_key(row, days=3, by="test")
    assert "issue another before" in text_of(client.get(reverse("clients")))
    add_key(row, by="test")
    assert "issue another before" not in text_of(client.get(reverse("clients")))


def test_of_another_city_nothing_is_seen_or_done(province: Any, client: Browser) -> None:
    key = make_key(organisation="ningbo")
    client.force_login(make_user("province-admin", "hangzhou"))
    assert "crm" not in text_of(client.get(reverse("clients")))
    assert client.post(CLIENT, {"do": "revoke", "key": key[3:11]}).status_code == 404
    assert client.post(CLIENT, {"do": "close"}).status_code == 404
    assert client.post(KEYS, {"days": 9}).status_code == 404
    elsewhere = filled(province, code="new", organisation=province["ningbo"].pk)
    assert client.post(reverse("client-new"), elsewhere).status_code == 422
    assert admit(key)
    assert not Operation.objects.filter(by="hangzhou-province-admin").exists()
