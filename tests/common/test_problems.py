"""Every error of the REST interface has one form (RFC 9457)."""

import json

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import path
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import Requires
from common.errors import DomainError
from common.permissions import Permission
from tests.accounts.clients import bearer, make_key
from tests.accounts.people import make_user

RAISED = {
    "domain": DomainError("no_day", "No day yet.", status=503, where=["a", 1], date="2026-01-01"),
    "missing": Http404(),
    "forbidden": PermissionDenied(),
    "fast": DomainError("rate_limited", "Too fast.", status=429, retry_after=30),
    "bug": ZeroDivisionError("a secret of the inside"),
}


class Input(serializers.Serializer):
    name = serializers.CharField()
    sizes = serializers.ListField(child=serializers.IntegerField())


class Raising(APIView):
    permission_classes = [Requires(Permission.RECOMMEND, Permission.VIEW_CUSTOMERS)]

    def get(self, request, what):
        if what in RAISED:
            raise RAISED[what]
        return Response({"hello": str(request.user)})

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
    """The headers of a system client."""
    return bearer(make_key("crm"))


def problem_of(response, status, code):
    body = json.loads(response.content)
    assert response.status_code == body["status"] == status
    assert response["Content-Type"] == "application/problem+json"
    assert body["code"] == code
    assert body["type"] == f"urn:juzhen:problem:{code}"
    assert {"title", "detail"} <= body.keys()
    return body


def test_a_system_gets_in_by_key_and_a_person_by_session(system, client):
    assert client.get("/api/raise/nothing/", headers=system).json() == {"hello": "client:crm"}
    client.force_login(make_user("front-desk", username="clerk"))
    assert client.get("/api/raise/nothing/").json() == {"hello": "clerk"}


def test_a_domain_error_keeps_its_code_status_place_and_extras(system, client):
    response = client.get("/api/raise/domain/", headers=system)
    body = problem_of(response, 503, "no_day")
    assert body["detail"] == "No day yet."
    assert body["where"] == ["a", 1]
    assert body["extra"] == {"date": "2026-01-01"}


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [("missing", 404, "not_found"), ("forbidden", 403, "permission_denied")],
)
def test_refusals(system, client, what, status, code):
    problem_of(client.get(f"/api/raise/{what}/", headers=system), status, code)


def test_who_does_not_say_who_it_is_is_asked_to(db, client):
    response = client.get("/api/raise/nothing/")
    problem_of(response, 401, "no_key")
    assert response["WWW-Authenticate"] == "Bearer"


def test_whoever_lacks_the_permission_is_forbidden(province, client):
    client.force_login(make_user("approver"))
    problem_of(client.get("/api/raise/nothing/"), 403, "permission_denied")
    feedback_only = bearer(make_key("app", operations=["send_feedback"]))
    problem_of(client.get("/api/raise/nothing/", headers=feedback_only), 403, "permission_denied")


def test_who_was_too_fast_is_told_when_to_come_back(system, client):
    response = client.get("/api/raise/fast/", headers=system)
    assert problem_of(response, 429, "rate_limited")["extra"] == {"retry_after": 30}
    assert response["Retry-After"] == "30"


def test_each_wrong_field_is_named_with_its_path(system, client):
    response = client.post(
        "/api/raise/nothing/",
        {"sizes": [1, "x"]},
        content_type="application/json",
        headers=system,
    )
    errors = problem_of(response, 400, "invalid")["errors"]
    assert {tuple(e["where"]) for e in errors} == {("name",), ("sizes", 1)}
    assert {e["code"] for e in errors} == {"required", "invalid"}


def test_broken_json_is_a_problem_too(system, client):
    response = client.post(
        "/api/raise/nothing/", "{", content_type="application/json", headers=system
    )
    problem_of(response, 400, "parse_error")


@pytest.mark.parametrize(
    ("method", "status", "code"),
    [("delete", 405, "method_not_allowed"), ("post", 415, "unsupported_media_type")],
)
def test_wrong_method_and_media_type(system, client, method, status, code):
    call = getattr(client, method)
    response = call("/api/raise/nothing/", data="<a/>", content_type="text/xml", headers=system)
    problem_of(response, status, code)


def test_a_bug_is_recorded_and_tells_nothing_of_the_inside(system, client, caplog):
    response = client.get("/api/raise/bug/", headers=system)
    assert "secret" not in json.dumps(problem_of(response, 500, "internal"))
    assert "a secret of the inside" in caplog.text


def test_an_address_that_is_not_there_is_a_problem(db, client):
    problem_of(client.get("/api/nowhere/"), 404, "not_found")


def test_the_sentence_is_in_the_callers_language(system, client):
    client.cookies["django_language"] = "zh-hans"
    body = problem_of(client.get("/api/raise/missing/", headers=system), 404, "not_found")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in body["detail"])
