"""The pages of administrators and auditors."""

import pytest
from django.urls import reverse

from accounts.models import Operation, User
from tests.accounts.people import PASSWORD, make_user


@pytest.fixture
def admin(province, client):
    user = make_user("province-admin", username="province-admin")
    client.force_login(user)
    client.cookies["django_language"] = "en"
    return user


def new_user(province, **changes):
    return {
        "username": "ningbo-clerk",
        "password": PASSWORD,
        "organisation": province["ningbo"].pk,
        "roles": ["front-desk"],
    } | changes


def test_an_administrator_creates_a_user(province, admin, client):
    response = client.post(reverse("user-new"), new_user(province), follow=True)
    assert "ningbo-clerk has been created." in response.content.decode()
    user = User.objects.get(username="ningbo-clerk")
    assert (user.organisation, user.roles) == (province["ningbo"], ["front-desk"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"username": "province-admin"}, "There is a user named province-admin already"),
        ({"roles": ["province-marketer"]}, "cannot be held at the level"),
        ({"password": "short"}, "too short"),
        ({"username": "a b"}, "valid username"),
    ],
)
def test_what_is_wrong_is_told_on_the_form_and_nothing_is_written(
    province, admin, client, changes, words
):
    response = client.post(reverse("user-new"), new_user(province, **changes))
    assert response.status_code == 422
    assert words in response.content.decode()
    assert User.objects.count() == 1


def test_rights_are_changed_and_the_change_is_shown(province, admin, client):
    person = make_user("front-desk", "ningbo")
    address = reverse("user", kwargs={"pk": person.pk})
    rights = {"do": "rights", "organisation": province["hangzhou"].pk, "roles": ["auditor"]}
    response = client.post(address, rights, follow=True)
    person.refresh_from_db()
    assert (person.organisation, person.roles) == (province["hangzhou"], ["auditor"])
    assert "change rights" in response.content.decode()


def test_a_refused_change_shows_what_is_stored(province, admin, client):
    person = make_user("front-desk", "ningbo")
    address = reverse("user", kwargs={"pk": person.pk})
    rights = {"do": "rights", "organisation": province["ningbo"].pk, "roles": ["analyst"]}
    assert client.post(address, rights).status_code == 422
    person.refresh_from_db()
    assert person.roles == ["front-desk"]


def test_nobody_changes_their_own_rights_by_the_page(province, admin, client):
    address = reverse("user", kwargs={"pk": admin.pk})
    rights = {"do": "rights", "organisation": province["zhejiang"].pk, "roles": ["auditor"]}
    assert client.post(address, rights).status_code == 422
    assert client.post(address, {"do": "deactivate"}).status_code == 403
    admin.refresh_from_db()
    assert admin.roles == ["province-admin"]
    assert admin.is_active


def test_an_account_is_closed_and_opened_again(province, admin, client):
    person = make_user("front-desk", "ningbo")
    address = reverse("user", kwargs={"pk": person.pk})
    for act, active in (("deactivate", False), ("reactivate", True)):
        assert client.post(address, {"do": act}).status_code == 302
        person.refresh_from_db()
        assert person.is_active is active


def test_a_password_is_set_for_who_forgot_it(province, admin, client):
    person = make_user("front-desk", "ningbo")
    address = reverse("user", kwargs={"pk": person.pk})
    assert client.post(address, {"do": "set_password", "password": "short"}).status_code == 422
    client.post(address, {"do": "set_password", "password": "a longer new password"})
    person.refresh_from_db()
    assert person.check_password("a longer new password")


def test_the_list_of_users_is_searched_and_walled(province, client):
    make_user("front-desk", "hangzhou", username="desk-one")
    make_user("front-desk", "hangzhou", username="clerk-two")
    make_user("front-desk", "ningbo", username="desk-elsewhere")
    client.force_login(make_user("province-admin", "hangzhou"))
    text = client.get(reverse("users"), {"q": "desk"}).content.decode()
    assert "desk-one" in text
    assert "clerk-two" not in text
    assert "desk-elsewhere" not in text


def log_page(client, **filters):
    client.cookies["django_language"] = "en"
    return client.get(reverse("operations"), filters).content.decode()


def test_the_log_shows_who_changed_what_before_and_after(province, admin, client):
    client.post(reverse("user-new"), new_user(province))
    client.force_login(make_user("auditor"))
    text = log_page(client, by="province-admin")
    assert "ningbo-clerk" in text
    assert "front-desk" in text


def test_the_log_is_filtered_by_who_what_which_and_when(province, admin, client):
    client.post(reverse("user-new"), new_user(province))
    client.force_login(make_user("auditor"))
    assert "ningbo-clerk" in log_page(client, target="clerk", action="create")
    for filters in (
        {"by": "nobody"},
        {"action": "rename"},
        {"target": "hangzhou-clerk"},
        {"since": "2999-01-01"},
        {"until": "2000-01-01"},
        {"since": "not a date"},
    ):
        assert "Nothing found" in log_page(client, **filters), filters


def test_the_log_of_a_city_holds_what_its_people_did(province, admin, client):
    client.post(reverse("user-new"), new_user(province))
    client.force_login(make_user("auditor", "ningbo"))
    assert "Nothing found" in log_page(client)


def test_the_log_turns_its_pages_and_keeps_the_filter(province, admin, client):
    rows = [
        Operation(by="nightly", action="create", target_type="t", target_id=str(n))
        for n in range(60)
    ]
    Operation.objects.bulk_create(rows)
    client.force_login(make_user("auditor"))
    first = log_page(client, by="nightly")
    assert "1–50 of 60 lines" in first
    assert "?by=nightly&amp;page=2" in first
    assert "51–60 of 60 lines" in log_page(client, by="nightly", page=2)
