"""Logging in, out, being locked out, changing a password."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.urls import NoReverseMatch, reverse

from accounts.models import Operation
from tests.accounts.people import PASSWORD, make_user

LOGIN = "/accounts/login/"


@pytest.fixture
def marketer(province):
    return make_user("province-marketer")


def attempt(client, username, password):
    return client.post(LOGIN, {"login": username, "password": password})


def test_a_user_logs_in_and_comes_home(marketer, client):
    response = attempt(client, marketer.username, PASSWORD)
    assert response.status_code == 302
    assert response.url == reverse("home")
    assert client.get(reverse("home")).status_code == 200


def test_a_wrong_password_is_told_on_the_form(marketer, client):
    response = attempt(client, marketer.username, "wrong password")
    assert response.status_code == 200
    assert b'role="alert"' in response.content


@pytest.mark.parametrize(
    ("language", "words"), [("zh-hans", "暂时锁定"), ("en", "Locked for a while")]
)
def test_five_wrong_passwords_lock_the_name_even_for_the_right_one(
    marketer, client, language, words
):
    client.cookies["django_language"] = language
    for _ in range(4):
        assert attempt(client, marketer.username, "wrong password").status_code == 200
    assert attempt(client, marketer.username, "wrong password").status_code == 429
    locked = attempt(client, marketer.username, PASSWORD)
    assert locked.status_code == 429
    assert words in locked.content.decode()


def test_the_lock_falls_on_one_name_from_one_address(marketer, client):
    other = make_user("analyst")
    for _ in range(5):
        attempt(client, marketer.username, "wrong password")
    assert attempt(client, other.username, PASSWORD).status_code == 302
    client.logout()
    elsewhere = client.post(
        LOGIN, {"login": marketer.username, "password": PASSWORD}, REMOTE_ADDR="10.0.0.9"
    )
    assert elsewhere.status_code == 302


def test_the_lock_ends_after_a_quarter_of_an_hour(marketer, client):
    for _ in range(5):
        attempt(client, marketer.username, "wrong password")
    for row in AccessAttempt.objects.all():
        AccessAttempt.objects.filter(pk=row.pk).update(
            attempt_time=row.attempt_time - timedelta(minutes=16)
        )
    assert attempt(client, marketer.username, PASSWORD).status_code == 302


def test_a_deactivated_user_does_not_get_in(marketer, client):
    marketer.is_active = False
    marketer.save()
    attempt(client, marketer.username, PASSWORD)
    assert client.get(reverse("home")).status_code == 302


@pytest.mark.parametrize("name", ["account_signup", "account_reset_password", "account_email"])
def test_there_is_no_other_way_in(name):
    with pytest.raises(NoReverseMatch):
        reverse(name)


def test_logging_out_ends_the_session(marketer, client):
    client.force_login(marketer)
    client.post("/accounts/logout/")
    assert client.get(reverse("home")).status_code == 302


def test_a_password_is_changed_by_who_knows_the_old_one_and_logged(marketer, client):
    client.force_login(marketer)
    new = {"password1": "a longer new password", "password2": "a longer new password"}
    refused = client.post("/accounts/password/", {"oldpassword": "wrong"} | new)
    assert refused.status_code == 200
    accepted = client.post("/accounts/password/", {"oldpassword": PASSWORD} | new)
    assert accepted.url == reverse("home")
    marketer.refresh_from_db()
    assert marketer.check_password("a longer new password")
    line = Operation.objects.first()
    assert (line.action, line.by) == ("set_password", marketer.username)


def test_nobody_is_sent_to_another_site_after_login(marketer, client):
    response = client.post(
        f"{LOGIN}?next=https://evil.example/", {"login": marketer.username, "password": PASSWORD}
    )
    assert response.url == reverse("home")
