"""Every error of the REST interface has one form (RFC 9457)."""

import base64
import json

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import path
from rest_framework import serializers
from rest_framework.exceptions import Throttled
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import Requires
from common.errors import DomainError
from common.permissions import Permission
from tests.accounts.people import PASSWORD, make_user

RAISED = {
    "domain": DomainError("no_day", "No day yet.", status=503, where=["a", 1], date="2026-01-01"),
    "missing": Http404(),
    "forbidden": PermissionDenied(),
    "throttled": Throttled(wait=30),
    "bug": ZeroDivisionError("a secret of the inside"),
}


class Input(serializers.Serializer):
    name = serializers.CharField()
    sizes = serializers.ListField(child=serializers.IntegerField())


class Raising(APIView):
    permission_classes = [Requires(Permission.USE_API, Permission.VIEW_CUSTOMERS)]

    def get(self, request, what):
        if what in RAISED:
            raise RAISED[what]
        return Response({"hello": request.user.username})

    def post(self, request, what):
        Input(data=request.data).is_valid(raise_exception=True)


urlpatterns = [path("api/raise/<str:what>/", Raising.as_view())]
handler404 = "common.pages.not_found"
handler500 = "common.pages.broken"


@pytest.fixture(autouse=True)
def _urls(settings, client):
    settings.ROOT_URLCONF = __name__
    client.cookies["django_language"] = "en"


@pytest.fixture
def system(province):
    return make_user("system-client")


def basic(user, password=PASSWORD):
    token = base64.b64encode(f"{user.username}:{password}".encode()).decode()
    return {"authorization": f"Basic {token}"}


def problem_of(response, status, code):
    body = json.loads(response.content)
    assert response.status_code == body["status"] == status
    assert response["Content-Type"] == "application/problem+json"
    assert body["code"] == code
    assert body["type"] == f"urn:juzhen:problem:{code}"
    assert {"title", "detail"} <= body.keys()
    return body


def test_a_system_client_gets_in_by_basic_and_by_session(system, client):
    assert client.get("/api/raise/nothing/", headers=basic(system)).json() == {
        "hello": system.username
    }
    client.force_login(system)
    assert client.get("/api/raise/nothing/").status_code == 200


def test_a_domain_error_keeps_its_code_status_place_and_extras(system, client):
    response = client.get("/api/raise/domain/", headers=basic(system))
    body = problem_of(response, 503, "no_day")
    assert body["detail"] == "No day yet."
    assert body["where"] == ["a", 1]
    assert body["extra"] == {"date": "2026-01-01"}


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [("missing", 404, "not_found"), ("forbidden", 403, "permission_denied")],
)
def test_refusals(system, client, what, status, code):
    problem_of(client.get(f"/api/raise/{what}/", headers=basic(system)), status, code)


def test_who_is_not_logged_in_is_asked_to_authenticate(db, client):
    response = client.get("/api/raise/nothing/")
    problem_of(response, 401, "not_authenticated")
    assert response["WWW-Authenticate"].startswith("Basic")


def test_the_wrong_role_is_forbidden(province, client):
    approver = make_user("approver")
    problem_of(client.get("/api/raise/nothing/", headers=basic(approver)), 403, "permission_denied")


def test_any_one_of_the_permissions_is_enough(province, client):
    clerk = make_user("front-desk", "ningbo")
    assert client.get("/api/raise/nothing/", headers=basic(clerk)).status_code == 200


def test_throttled_says_when_to_come_back(system, client):
    response = client.get("/api/raise/throttled/", headers=basic(system))
    problem_of(response, 429, "throttled")
    assert response["Retry-After"] == "30"


def test_each_wrong_field_is_named_with_its_path(system, client):
    response = client.post(
        "/api/raise/nothing/",
        {"sizes": [1, "x"]},
        content_type="application/json",
        headers=basic(system),
    )
    errors = problem_of(response, 400, "invalid")["errors"]
    assert {tuple(e["where"]) for e in errors} == {("name",), ("sizes", 1)}
    assert {e["code"] for e in errors} == {"required", "invalid"}


def test_broken_json_is_a_problem_too(system, client):
    response = client.post(
        "/api/raise/nothing/", "{", content_type="application/json", headers=basic(system)
    )
    problem_of(response, 400, "parse_error")


@pytest.mark.parametrize(
    ("method", "status", "code"),
    [("delete", 405, "method_not_allowed"), ("post", 415, "unsupported_media_type")],
)
def test_wrong_method_and_media_type(system, client, method, status, code):
    call = getattr(client, method)
    response = call(
        "/api/raise/nothing/", data="<a/>", content_type="text/xml", headers=basic(system)
    )
    problem_of(response, status, code)


def test_a_bug_is_recorded_and_tells_nothing_of_the_inside(system, client, caplog):
    response = client.get("/api/raise/bug/", headers=basic(system))
    assert "secret" not in json.dumps(problem_of(response, 500, "internal"))
    assert "a secret of the inside" in caplog.text


def test_an_address_that_is_not_there_is_a_problem(db, client):
    problem_of(client.get("/api/nowhere/"), 404, "not_found")


def test_the_sentence_is_in_the_callers_language(system, client):
    client.cookies["django_language"] = "zh-hans"
    body = problem_of(client.get("/api/raise/missing/", headers=basic(system)), 404, "not_found")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in body["detail"])


def test_wrong_passwords_are_counted_and_lock(system, client):
    for _ in range(5):
        wrong = client.get("/api/raise/nothing/", headers=basic(system, "wrong"))
    problem_of(wrong, 429, "locked")
    locked = client.get("/api/raise/nothing/", headers=basic(system))
    problem_of(locked, 429, "locked")
    assert locked["Retry-After"] == "900"
