"""The published description: in step with what is served, whole, and true of every answer."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from campaigns.retention import prune_answers
from tests.accounts.clients import bearer, make_key
from tests.campaigns import province
from tests.campaigns.people import customer, publish_day

DESCRIPTION: dict[str, Any] = json.loads(Path("docs/openapi.json").read_text())
NUMBER, OTHER = "12000000001", "12000000002"
SOURCES = (
    "accounts/admission.py",
    "common/api.py",
    "touch/current.py",
    "touch/feedback.py",
    "touch/recommendation.py",
    "touch/replay.py",
)
PROBLEM = "application/problem+json"
OPERATIONS = {
    operation["operationId"]: operation
    for methods in DESCRIPTION["paths"].values()
    for operation in methods.values()
}
WITH_BODY = [name for name, operation in OPERATIONS.items() if "requestBody" in operation]


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    """What of the value does not fit a schema of the description, formats too."""
    whole = {"components": DESCRIPTION["components"], **schema}
    validator = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def examples(content: dict[str, Any]) -> list[tuple[dict[str, Any], Any]]:
    """(schema, example) of each media type."""
    return [
        (media["schema"], example["value"])
        for media in content.values()
        for example in media.get("examples", {}).values()
    ]


# --- the description ---


@pytest.mark.django_db
def test_the_published_description_is_the_one_served() -> None:
    """After a change: scripts/generate_client.sh"""
    for language in ("en", "zh-hans"):
        served = Client().get("/api/schema/?format=json", headers={"accept-language": language})
        assert served.json() == DESCRIPTION


def test_it_is_made_without_a_warning_and_is_openapi() -> None:
    GENERATOR_STATS.reset()
    with GENERATOR_STATS.silence():
        made = SchemaGenerator().get_schema(request=None, public=True)
        assert not GENERATOR_STATS
    validate_schema(made)
    assert made["openapi"].startswith("3.1")


def test_enumerations_keep_their_names() -> None:
    names = {name for name in DESCRIPTION["components"]["schemas"] if name.endswith("Enum")}
    assert names == {
        "ChannelEnum",
        "GateEnum",
        "NullEnum",
        "OptOutEnum",
        "OutcomeEnum",
        "ReasonEnum",
    }


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_described_whole(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["description"]
    assert {"key": []} in operation["security"]
    assert set(operation["tags"]) <= {tag["name"] for tag in DESCRIPTION["tags"]}
    assert all(parameter["description"] for parameter in operation.get("parameters", []))


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_refusal_has_the_one_form(name: str) -> None:
    responses = OPERATIONS[name]["responses"]
    assert {"200", "400", "401", "403", "429", "500"} <= set(responses)
    assert "Retry-After" in responses["429"]["headers"]
    assert "WWW-Authenticate" in responses["401"]["headers"]
    for status, response in responses.items():
        if status != "200":
            assert list(response["content"]) == [PROBLEM]
            schema = response["content"][PROBLEM]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_response_has_an_example_that_fits(name: str) -> None:
    for status, response in OPERATIONS[name]["responses"].items():
        found = examples(response["content"])
        assert found, status
        for schema, example in found:
            assert not faults(schema, example), status
            assert status == "200" or example["status"] == int(status)


@pytest.mark.parametrize("name", WITH_BODY)
def test_every_request_has_an_example_that_fits(name: str) -> None:
    found = examples(OPERATIONS[name]["requestBody"]["content"])
    assert found
    for schema, example in found:
        assert not faults(schema, example)


@pytest.mark.parametrize("name", WITH_BODY)
def test_a_request_may_hold_nothing_unknown(name: str) -> None:
    [(schema, example)] = examples(OPERATIONS[name]["requestBody"]["content"])
    assert faults(schema, {**example, "surplus": 1})


def test_the_page_about_the_interface_knows_every_code_and_operation() -> None:
    page = Path("docs/api.md").read_text()
    sources = [*Path("touch/api").glob("*.py"), *map(Path, SOURCES)]
    codes = {c for s in sources for c in re.findall(r'DomainError\(\s*"(\w+)"', s.read_text())}
    assert len(codes) > 10
    assert not [code for code in sorted(codes) if f"`{code}`" not in page]
    assert not [path for path in DESCRIPTION["paths"] if f"{path}`" not in page]


# --- what is truly answered ---


@pytest.fixture
def key(settings: Any) -> str:
    settings.LAKE_PARTS = 2
    province.define()
    publish_day([customer(int(NUMBER)), customer(int(OTHER), joined_on=None)])
    return make_key()


class Caller:
    """Calls as a system, and holds what it is answered against the description."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.client = Client()

    def __call__(
        self,
        name: str,
        path: str,
        body: Any = None,
        *,
        expect: int = 200,
        **headers: str,
    ) -> Any:
        method = {"report_feedback": "post", "recommend_batch": "post", "set_opt_outs": "put"}
        response = getattr(self.client, method.get(name, "get"))(
            path,
            **({} if body is None else {"data": body, "content_type": "application/json"}),
            headers=bearer(self.key) | headers,
        )
        assert response.status_code == expect, response.content
        described = OPERATIONS[name]["responses"][str(expect)]["content"]
        media = described[response.headers["Content-Type"]]
        assert not faults(media["schema"], response.json())
        self.replayed = response.headers.get("Idempotency-Replayed")
        return response.json()


@pytest.fixture
def call(key: str) -> Caller:
    return Caller(key)


def ask(call: Caller, query: str = "", **options: Any) -> Any:
    return call("recommend", f"/api/v1/customers/{NUMBER}/recommendations{query}", **options)


@pytest.mark.django_db
def test_answers_are_as_described(call: Caller) -> None:
    assert ask(call)["considered"] is None
    explained = ask(call, "?explain=1&channel=sms&limit=1")
    assert explained["considered"]
    assert explained["items"][0]["ranking"]
    ask(call, "?limit=0", expect=400)


@pytest.mark.django_db
def test_a_batch_is_as_described(call: Caller) -> None:
    batch = call(
        "recommend_batch",
        "/api/v1/recommendations:batch",
        {"customers": [NUMBER, "404", OTHER], "explain": True},
    )
    known, unknown, other = batch["answers"]
    assert unknown["problem"]["code"] == "unknown_customer"
    assert (known["problem"], unknown["answer"]) == (None, None)
    assert None in [fact["value"] for fact in other["answer"]["profile"]]
    call("recommend_batch", "/api/v1/recommendations:batch", {"customers": []}, expect=400)


@pytest.mark.django_db
def test_everybody_s_list_is_as_described(call: Caller) -> None:
    path = f"/api/v1/customers/{NUMBER}/opt-outs"
    out = call("set_opt_outs", path, {"opted_out": ["personalised", "sms"]})
    assert call("read_opt_outs", path) == out
    assert not ask(call, "?explain=1")["personalised"]
    call("set_opt_outs", path, {"opted_out": ["pigeon"]}, expect=400)


@pytest.mark.django_db
def test_feedback_is_as_described(call: Caller) -> None:
    answer = ask(call, "?channel=front_desk")
    event = {"decision": answer["decision"], "policy": "P1", "outcome": "shown"}
    path = "/api/v1/feedback"
    one = call("report_feedback", path, {"events": [event]}, **{"Idempotency-Key": "1"})
    assert (one, call.replayed) == ({"recorded": 1, "known": 0}, "false")
    assert call("report_feedback", path, {"events": [event]}, **{"Idempotency-Key": "1"}) == one
    assert call.replayed == "true"
    event["outcome"] = "ordered"
    call("report_feedback", path, {"events": [event]}, expect=422, **{"Idempotency-Key": "1"})
    event["policy"] = "P9"
    refused = call(
        "report_feedback",
        path,
        {"events": [event, event]},
        expect=400,
        **{"Idempotency-Key": "2"},
    )
    assert len(refused["errors"]) == 2
    call("report_feedback", path, {"events": [event]}, expect=400)


@pytest.mark.django_db
def test_a_replay_is_as_described(call: Caller) -> None:
    decision = ask(call)["decision"]
    path = f"/api/v1/decisions/{decision}"
    assert call("read_decision", path)["reproduced"]
    publish_day([customer(int(NUMBER), arpu=120.0)])
    prune_answers(keep=1)
    forgotten = call("read_decision", path)
    assert (forgotten["reproduced"], forgotten["answer"]) == (None, None)
    assert forgotten["reason"]
    call("read_decision", path[:-12] + "0" * 12, expect=404)


@pytest.mark.django_db
def test_a_refused_caller_is_told_as_described(call: Caller) -> None:
    call.key = make_key("slow", rate=0.01, burst=1)
    ask(call)
    assert ask(call, expect=429)["extra"]["retry_after"] > 1
    call.key = make_key("deaf", operations=("send_feedback",))
    ask(call, expect=403)
    call.key = "jz_nothing"
    ask(call, expect=401)
