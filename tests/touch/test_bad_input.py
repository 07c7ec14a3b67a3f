"""What can not be understood is refused: what was wrong, what to do, in either language."""

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from contacts.models import ContactEvent, ContactRecord
from tests.accounts.clients import bearer, make_key
from tests.accounts.people import make_province
from touch.models import Decision, KeptReply

from .counter import NUMBER, event

pytestmark = pytest.mark.django_db
ASK = f"/api/v1/customers/{NUMBER}/recommendations"
BATCH, REPORT = "/api/v1/recommendations:batch", "/api/v1/feedback"
OPT_OUTS = f"/api/v1/customers/{NUMBER}/opt-outs"
SOME_ID = "019dc3a2-6f0e-7c41-9a53-2f8e1b6d4c70"
LANGUAGES = ("en", "zh-hans")


@pytest.fixture(autouse=True)
def key() -> str:
    """Nothing is published: what can not be understood is refused before it is looked at."""
    make_province()
    return make_key()


def call(key: str, method: str, address: str, **more: Any) -> list[tuple[Any, dict[str, Any]]]:
    """The response and its problem, in each language; nothing may have come of it."""
    found = []
    for language in LANGUAGES:
        said = bearer(key) | {"Idempotency-Key": "k", "accept-language": language}
        said |= more.get("headers", {})
        body = {k: v for k, v in more.items() if k != "headers"}
        sent = {"content_type": "application/json"} if method != "get" else {}
        client = Client(raise_request_exception=False)
        response = getattr(client, method)(address, **{**sent, **body}, headers=said)
        assert response.headers["Content-Type"] == "application/problem+json"
        problem = response.json()
        assert problem["status"] == response.status_code
        assert problem["type"] == f"urn:juzhen:problem:{problem['code']}"
        assert problem["detail"]
        found.append((response, problem))
    for model in (Decision, ContactEvent, ContactRecord, KeptReply):
        assert not model.objects.exists()
    return found


def refused(key: str, method: str, address: str, **more: Any) -> tuple[int, dict[str, Any]]:
    """Status and English problem; the Chinese one is the same in other words."""
    (response, english), (_, chinese) = call(key, method, address, **more)
    assert english["code"] == chinese["code"]
    assert [e["where"] for e in english.get("errors", [])] == [
        e["where"] for e in chinese.get("errors", [])
    ]
    return response.status_code, english


def faults(problem: dict[str, Any]) -> list[list[Any]]:
    return [error["where"] for error in problem["errors"]]


# --- questions ---


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ({"channel": "pigeon"}, "channel", "pigeon"),
        ({"limit": "0"}, "limit", "1"),
        ({"limit": "10000"}, "limit", "50"),
        ({"limit": "1e1000"}, "limit", "integer"),
        ({"limit": "9" * 5000}, "limit", ""),
        ({"explain": "perhaps"}, "explain", "boolean"),
        ({"at": "yesterday"}, "at", "YYYY-MM-DD"),
        ({"at": "2026-07-02T12:00:00 08:00"}, "at", "YYYY-MM-DD"),
        ({"at": "2026-07-02T12:00:00"}, "at", "offset"),
        ({"at": "2026-13-02T12:00:00Z"}, "at", ""),
        ({"at": "0001-01-01T00:00:00+14:00"}, "at", ""),
        ({"at": "9999-12-31T23:59:59-14:00"}, "at", ""),
        ({"chanel": "sms"}, "chanel", "channel"),
    ],
)
def test_a_question_names_the_field_and_what_it_may_be(
    query: dict[str, str], field: str, words: str, key: str
) -> None:
    status, problem = refused(key, "get", ASK, data=query)
    if problem["code"] == "clock_skew":
        assert (status, problem["where"]) == (400, ["at"])
        return
    assert (status, problem["code"], faults(problem)) == (400, "invalid", [[field]])
    assert words in problem["errors"][0]["message"]


@pytest.mark.parametrize(
    ("after", "right"),
    [
        (timedelta(days=1), False),
        (timedelta(days=-1), False),
        (timedelta(hours=12), True),
        (timedelta(minutes=-15), True),
        (timedelta(hours=12, seconds=1), False),
        (timedelta(minutes=-15, seconds=-1), False),
    ],
)
def test_a_clock_that_is_a_day_off_is_told_so(
    after: timedelta, right: bool, key: str, noon: datetime
) -> None:
    query = {"at": (noon + after).isoformat()}
    if right:
        assert Client(headers=bearer(key)).get(ASK, query).status_code == 503
        return
    status, problem = refused(key, "get", ASK, data=query)
    assert (status, problem["code"], problem["where"]) == (400, "clock_skew", ["at"])
    assert query["at"] in problem["detail"]
    assert "Set the caller's clock" in problem["detail"]


NUMBERS = [
    ("1" * 41, "41 came"),
    ("a\x00b", "a\\x00b"),
    ("a\nb", "a\\nb"),
    ("\x7f", "\\x7f"),
    ("\u200b\u200b", "\\u200b"),
    (" ", "' '"),
    ("\u3000", "\\u3000"),
]


@pytest.mark.parametrize(("number", "words"), NUMBERS)
@pytest.mark.parametrize("operation", ["recommendations", "opt-outs"])
def test_what_can_be_no_customer_number(operation: str, number: str, words: str, key: str) -> None:
    address = f"/api/v1/customers/{quote(number)}/{operation}"
    status, problem = refused(key, "get", address)
    assert (status, problem["code"], problem["where"]) == (
        *(400, "malformed_number", ["customer_no"]),
    )
    assert words in problem["detail"]


@pytest.mark.parametrize("number", ["1" * 41, "a\x00b", "a\nb", " ", "", None, True, ["1"]])
def test_what_can_be_no_customer_number_in_a_batch(number: Any, key: str) -> None:
    status, problem = refused(key, "post", BATCH, data={"customers": [NUMBER, number]})
    where = problem.get("where") or faults(problem)[0]
    assert (status, where) == (400, ["customers", 1])


# --- bodies ---


BODIES = [
    ("post", BATCH, {"customers": [NUMBER]}),
    ("post", REPORT, {"events": [event(SOME_ID)]}),
    ("put", OPT_OUTS, {"opted_out": ["sms"]}),
]
bodies = pytest.mark.parametrize(("method", "address", "body"), BODIES, ids=["batch", "fb", "opt"])


@bodies
def test_a_body_of_ten_megabytes(method: str, address: str, body: Any, key: str) -> None:
    text = json.dumps(body) + " " * 10_000_000
    status, problem = refused(key, method, address, data=text)
    assert (status, problem["code"]) == (413, "body_too_large")
    assert "Send it in several requests" in problem["detail"]


@bodies
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "nonsense"]
)
def test_a_body_that_is_no_json(kind: str, method: str, address: str, body: Any, key: str) -> None:
    status, problem = refused(key, method, address, data=json.dumps(body), content_type=kind)
    assert (status, problem["code"]) == (415, "unsupported_media_type")
    assert "application/json" in problem["detail"]


@bodies
@pytest.mark.parametrize(
    "text",
    [
        *('{"', "[1, 2", "nonsense", '{"a": NaN}', b"\xff\xfe", b'{"customers": ["\xed\xa0\x80"]}'),
        "[" * 100_000,
    ],
)
def test_malformed_json(text: Any, method: str, address: str, body: Any, key: str) -> None:
    status, problem = refused(key, method, address, data=text)
    assert (status, problem["code"]) == (400, "parse_error")


@bodies
@pytest.mark.parametrize("text", ["", "[]", '"text"', "7", "null", "{}"])
def test_json_that_is_not_the_object_asked_for(
    text: str, method: str, address: str, body: Any, key: str
) -> None:
    status, problem = refused(key, method, address, data=text)
    assert (status, problem["code"]) == (400, "invalid")


@bodies
def test_an_unknown_field(method: str, address: str, body: Any, key: str) -> None:
    status, problem = refused(key, method, address, data=body | {"limits": 3})
    assert (status, faults(problem)) == (400, [["limits"]])
    assert next(iter(body)) in problem["errors"][0]["message"]


def test_an_unknown_field_of_an_event(key: str) -> None:
    events = [event(SOME_ID), event(SOME_ID, color="red")]
    status, problem = refused(key, "post", REPORT, data={"events": events})
    assert (status, faults(problem)) == (400, [["events", 1, "color"]])


@pytest.mark.parametrize(
    ("body", "where", "words"),
    [
        ({"customers": []}, ["customers"], "1"),
        ({"customers": [NUMBER] * 501}, ["customers"], "500"),
        ({"customers": NUMBER}, ["customers"], "list"),
        ({"customers": [NUMBER], "limit": 51}, ["limit"], "50"),
        ({"customers": [NUMBER], "channel": "pigeon"}, ["channel"], "pigeon"),
        ({"customers": [NUMBER], "at": "2026-07-02T12:00:00"}, ["at"], "offset"),
    ],
)
def test_a_batch_that_can_not_be(body: Any, where: list[Any], words: str, key: str) -> None:
    status, problem = refused(key, "post", BATCH, data=body)
    assert (status, problem["code"]) == (400, "invalid")
    assert where in faults(problem)
    assert words in problem["errors"][0]["message"]


@pytest.mark.parametrize(
    ("events", "where"),
    [
        ([], ["events"]),
        ([event(SOME_ID)] * 1001, ["events"]),
        ([event("no decision")], ["events", 0, "decision"]),
        ([event(SOME_ID, "P" * 21)], ["events", 0, "policy"]),
        ([event(SOME_ID, "P\x001")], ["events", 0, "policy"]),
        ([event(SOME_ID, "")], ["events", 0, "policy"]),
        ([event(SOME_ID, outcome="ignored")], ["events", 0, "outcome"]),
        ([event(SOME_ID, reason="x" * 201)], ["events", 0, "reason"]),
        ([event(SOME_ID, channel="pigeon")], ["events", 0, "channel"]),
        ([event(SOME_ID, at="noon")], ["events", 0, "at"]),
        ([event(SOME_ID, at="2026-07-02T12:00:00")], ["events", 0, "at"]),
        ([event(SOME_ID), {"decision": SOME_ID}], ["events", 1, "policy"]),
        (["shown"], ["events", 0]),
    ],
)
def test_events_that_can_not_be(events: list[Any], where: list[Any], key: str) -> None:
    status, problem = refused(key, "post", REPORT, data={"events": events})
    assert (status, problem["code"]) == (400, "invalid")
    found = faults(problem)
    assert where in found or any(fault[: len(where)] == where for fault in found), found


@pytest.mark.parametrize(
    "once", ["", "a b", "k" * 101, "schlüssel".encode().decode("latin-1"), "a\tb"]
)
def test_an_idempotency_key_that_is_none(once: str, key: str) -> None:
    said = {"Idempotency-Key": once}
    status, problem = refused(key, "post", REPORT, data={"events": [event(SOME_ID)]}, headers=said)
    assert (status, problem["code"], problem["where"]) == (
        *(400, "idempotency_key", ["Idempotency-Key"]),
    )
    assert "Send an Idempotency-Key of 1 to 100" in problem["detail"]


@pytest.mark.parametrize("opted_out", [["pigeon"], ["sms"] * 7, "sms", None, [None], [["sms"]]])
def test_opt_outs_that_can_not_be(opted_out: Any, key: str) -> None:
    status, problem = refused(key, "put", OPT_OUTS, data={"opted_out": opted_out})
    assert (status, problem["code"]) == (400, "invalid")
    assert faults(problem)[0][0] == "opted_out"


# --- addresses ---


@pytest.mark.parametrize("decision", [SOME_ID, "00000000-0000-0000-0000-000000000000", "x", "7"])
def test_a_decision_that_is_none(decision: str, key: str) -> None:
    status, problem = refused(key, "get", f"/api/v1/decisions/{decision}")
    assert (status, problem["status"]) == (404, 404)


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("post", ASK),
        ("delete", ASK),
        ("get", BATCH),
        ("get", REPORT),
        ("patch", OPT_OUTS),
        ("put", "/api/v1/decisions/019dc3a2-6f0e-7c41-9a53-2f8e1b6d4c70"),
    ],
)
def test_a_method_that_is_not_there(method: str, address: str, key: str) -> None:
    status, problem = refused(key, method, address)
    assert (status, problem["code"]) == (405, "method_not_allowed")
    assert method.upper() in problem["detail"]


@pytest.mark.parametrize(
    ("method", "address", "more"),
    [
        ("get", ASK, {"data": {"channel": "pigeon"}}),
        ("get", ASK, {"data": {"limit": "0"}}),
        ("get", ASK, {"data": {"limit": "10000"}}),
        ("get", ASK, {"data": {"at": "yesterday"}}),
        ("get", ASK, {"data": {"at": "2026-07-02T12:00:00"}}),
        ("get", ASK, {"data": {"at": "2026-07-03T12:00:00Z"}}),
        ("get", ASK, {"data": {"chanel": "sms"}}),
        ("get", f"/api/v1/customers/{'1' * 41}/recommendations", {}),
        ("post", BATCH, {"data": {"customers": [NUMBER] * 501}}),
        ("post", BATCH, {"data": "x" * 10_000_000}),
        ("post", BATCH, {"data": "{"}),
        ("post", BATCH, {"data": "null"}),
        ("post", BATCH, {"data": "{}", "content_type": "text/plain"}),
        (
            "post",
            REPORT,
            {"data": {"events": [event(SOME_ID)]}, "headers": {"Idempotency-Key": ""}},
        ),
        ("post", REPORT, {"data": {"events": [event(SOME_ID)]}}),
        ("post", REPORT, {"data": {"events": [event(SOME_ID) | {"outcome": "declined"}]}}),
        ("put", OPT_OUTS, {"data": {"opted_out": ["pigeon"]}}),
        ("delete", ASK, {}),
        ("get", f"/api/v1/decisions/{SOME_ID}", {}),
    ],
)
def test_each_is_said_in_the_callers_language(
    method: str, address: str, more: Any, key: str
) -> None:
    (_, english), (_, chinese) = call(key, method, address, **more)
    for problem, chars in ((english, False), (chinese, True)):
        texts = [problem["detail"], *(e["message"] for e in problem.get("errors", []))]
        assert {any("\u4e00" <= c <= "\u9fff" for c in text) for text in texts} == {chars}, texts


def test_so_many_can_not_be_explained_at_once(key: str) -> None:
    body = {"customers": [f"{n}" for n in range(21)], "explain": True}
    status, problem = refused(key, "post", BATCH, data=json.dumps(body))
    assert (status, problem["code"], problem["where"]) == (400, "too_many_explained", ["explain"])


def test_a_caller_without_a_true_key_hears_of_that_first() -> None:
    invented = "jz_00000000_" + "a" * 43
    assert refused(invented, "get", f"{ASK}?channel=pigeon")[0] == 401
    assert refused(invented, "post", BATCH, data="{")[0] == 401


def test_there_is_nothing_to_be_asked_about_an_operation(key: str) -> None:
    assert refused(key, "options", ASK)[0] == 405
