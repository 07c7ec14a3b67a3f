"""The interface by key: ``Authorization: Bearer jz_…``."""

from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import hashers
from django.db import connection
from django.test import Client as Browser
from django.urls import path
from pytest_django import DjangoAssertNumQueries
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.admission import ADMISSION, WIDTH, admitted, parameters
from accounts.models import ClientBucket
from common.api import Requires, Unproven, require
from common.permissions import Permission
from tests.accounts.clients import bearer, make_key
from tests.accounts.people import make_user

WRONG = "jz_00000000_" + "x" * 43


class Plain(APIView):
    permission_classes = [Requires(Permission.RECOMMEND)]

    def get(self, request: Request) -> Response:
        return Response({"who": str(request.user)})

    post = get


class Merging(APIView):
    """Admits within the statement that reads its answer."""

    admits_itself = True
    permission_classes = [Requires(Permission.RECOMMEND)]

    def get(self, request: Request) -> Response:
        assert isinstance(request.user, Unproven)
        with connection.cursor() as cursor:
            sql = f"WITH {ADMISSION} SELECT admission.*, 'read' FROM admission"
            row = cursor.execute(sql, parameters(request.user.key_hash)).fetchone()
        client = admitted(row)
        require(client, Permission.RECOMMEND)
        return Response({"who": str(client), "mine": row[WIDTH]})


class Careless(APIView):
    """Lets people in by session alone, and has never heard of merging."""

    permission_classes = [Requires(Permission.RECOMMEND)]
    authentication_classes: list[Any] = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        request.user = Unproven("0" * 64)
        super().initial(request, *args, **kwargs)


urlpatterns = [
    path("api/plain/", Plain.as_view()),
    path("api/merging/", Merging.as_view()),
    path("api/careless/", Careless.as_view()),
]
handler404 = "common.pages.not_found"
handler500 = "common.pages.broken"


@pytest.fixture(autouse=True)
def _urls(settings: Any, province: Any) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.mark.parametrize(
    ("address", "answer"),
    [
        ("/api/plain/", {"who": "client:crm"}),
        ("/api/merging/", {"who": "client:crm", "mine": "read"}),
    ],
)
def test_an_admitted_call_is_one_statement(
    address: str,
    answer: dict[str, str],
    client: Browser,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    headers = bearer(make_key())
    with django_assert_num_queries(1):
        response = client.get(address, headers=headers)
    assert response.json() == answer


@pytest.mark.parametrize("address", ["/api/plain/", "/api/merging/"])
def test_a_wrong_key_is_refused_without_a_slow_hash_and_counts_against_nobody(
    address: str, client: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashers, "check_password", lambda *_: pytest.fail("a password was hashed"))
    for _ in range(10):
        response = client.get(address, headers=bearer(WRONG))
        assert (response.status_code, response.json()["code"]) == (401, "unknown_key")
        assert response["WWW-Authenticate"] == "Bearer"
    assert not AccessAttempt.objects.exists()


@pytest.mark.parametrize("address", ["/api/plain/", "/api/merging/"])
def test_who_is_too_fast_is_told_when_to_come_back(address: str, client: Browser) -> None:
    headers = bearer(make_key(rate=0.1, burst=1))
    assert client.get(address, headers=headers).status_code == 200
    response = client.get(address, headers=headers)
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert response["Retry-After"] == "10"


@pytest.mark.parametrize("address", ["/api/plain/", "/api/merging/"])
def test_without_the_permission_it_is_a_403(address: str, client: Browser) -> None:
    headers = bearer(make_key(operations=("send_feedback",)))
    assert client.get(address, headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Bearer", "no_key"),
        ("bearer  ", "no_key"),
        ("Bearer a b", "unknown_key"),
        ("Bearer \xff", "unknown_key"),
        ("Basic YTpi", "no_key"),
        ("jz_", "no_key"),
    ],
)
def test_a_header_that_holds_no_key_says_so(header: str, code: str, client: Browser) -> None:
    response = client.get("/api/plain/", headers={"authorization": header})
    assert (response.status_code, response.json()["code"]) == (401, code)


def test_a_wrong_key_is_refused_even_beside_a_good_session(client: Browser) -> None:
    client.force_login(make_user("front-desk"))
    assert client.get("/api/plain/", headers=bearer(WRONG)).status_code == 401


def test_a_password_opens_nothing(client: Browser) -> None:
    import base64

    user = make_user("front-desk")
    token = base64.b64encode(f"{user.username}:correct horse battery".encode()).decode()
    response = client.get("/api/plain/", headers={"authorization": f"Basic {token}"})
    assert response.json()["code"] == "no_key"


def test_a_key_needs_no_csrf_token_and_a_session_does() -> None:
    browser = Browser(enforce_csrf_checks=True)
    assert browser.post("/api/plain/", headers=bearer(make_key())).status_code == 200
    browser.force_login(make_user("front-desk"))
    assert browser.post("/api/plain/").status_code == 403


def test_an_unproven_caller_passes_only_where_the_view_admits_it(client: Browser) -> None:
    assert client.get("/api/careless/").status_code in (401, 403)
    assert not ClientBucket.objects.exists()


def test_the_interface_is_described_with_its_key(client: Browser, settings: Any) -> None:
    settings.ROOT_URLCONF = "config.urls"
    schema = client.get("/api/schema/?format=json").json()
    assert schema["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    operation = schema["paths"]["/api/v1/customers/{customer_no}/recommendations"]["get"]
    assert {"key": []} in operation["security"]
