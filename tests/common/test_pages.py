"""What a person sees when something is refused or goes wrong."""

import pytest
from django.http import HttpResponse
from django.urls import include, path

from common.errors import DomainError
from common.pages import require, signed_in
from common.permissions import Permission
from tests.accounts.people import make_user


@signed_in
def refusing(request):
    raise DomainError("not_yet", "Nothing has been published yet.", status=503)


@require(Permission.APPROVE)
def approving(request):
    return HttpResponse("approved")


@signed_in
def broken(request):
    raise ZeroDivisionError


urlpatterns = [
    path("refusing/", refusing),
    path("approving/", approving),
    path("broken/", broken),
    path("", include("config.urls")),
]
handler403 = "common.pages.forbidden"
handler404 = "common.pages.not_found"
handler500 = "common.pages.broken"


@pytest.fixture(autouse=True)
def _urls(settings, client):
    settings.ROOT_URLCONF = __name__
    client.cookies["django_language"] = "en"


@pytest.fixture
def logged_in(province, client):
    client.force_login(make_user("approver"))
    return client


def test_a_domain_error_becomes_a_page_with_its_status(logged_in):
    response = logged_in.get("/refusing/")
    assert response.status_code == 503
    assert "Nothing has been published yet." in response.content.decode()
    assert "<html" in response.content.decode()


def test_a_part_of_a_page_gets_a_part(logged_in):
    response = logged_in.get("/refusing/", headers={"HX-Request": "true"})
    assert response.status_code == 503
    assert "<html" not in response.content.decode()


def test_the_permission_opens_the_page_and_its_lack_does_not(logged_in, client):
    assert logged_in.get("/approving/").content == b"approved"
    client.force_login(make_user("front-desk"))
    assert client.get("/approving/").status_code == 403


def test_who_is_not_logged_in_goes_to_the_login_and_back(db, client):
    assert client.get("/approving/?a=1").url == "/accounts/login/?next=/approving/%3Fa%3D1"


def test_a_part_that_refreshes_itself_takes_its_page_to_the_login(db, client):
    response = client.get("/approving/", headers={"HX-Request": "true"})
    assert (response.status_code, response["HX-Refresh"]) == (401, "true")


def test_an_unknown_address_is_a_page_logged_in_or_not(logged_in):
    assert logged_in.get("/nowhere/").status_code == 404
    logged_in.logout()
    logged_in.cookies["django_language"] = "en"
    response = logged_in.get("/nowhere/")
    assert response.status_code == 404
    assert "Not found" in response.content.decode()


def test_a_bug_becomes_a_page_that_needs_nothing(logged_in):
    logged_in.raise_request_exception = False
    response = logged_in.get("/broken/")
    assert response.status_code == 500
    assert "The fault is on our side" in response.content.decode()


def test_an_expired_form_says_what_to_do(logged_in):
    logged_in.handler.enforce_csrf_checks = True
    response = logged_in.post("/accounts/logout/")
    assert response.status_code == 403
    assert "Go back, reload the page" in response.content.decode()
