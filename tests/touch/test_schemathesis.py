"""Every operation, asked whatever its description allows and forbids, answers as described.

Two kinds of input: as schemathesis draws it from the description, valid and invalid; and the same
with true customers, decisions and policies put into it, all of which must succeed.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.accounts.clients import make_client
from tests.campaigns import province
from tests.campaigns.people import customer, publish_day
from touch.recommendation import MOST_EXPLAINED

pytestmark = pytest.mark.django_db

DESCRIPTION = json.loads(Path("docs/openapi.json").read_text())
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)
# The key is the test's own; whether a call without it is refused is one of the checks.
SCHEMA.config.generation.with_security_parameters = False
OPERATIONS = {
    operation["operationId"]: (path, method)
    for path, methods in DESCRIPTION["paths"].items()
    for method, operation in methods.items()
}
CONFORMANCE = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
REFUSALS = [negative_data_rejection, missing_required_header, ignored_auth, unsupported_method]
SUCCESSES = 100
thorough = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
NUMBERS = [f"{number:011d}" for number in range(12000000001, 12000000013)]


class World:
    """A published province, a system's key, and decisions that it was answered."""

    def __init__(self, noon: datetime) -> None:
        from accounts.client_services import add_key

        province.define()
        publish_day([customer(int(number)) for number in NUMBERS])
        client = make_client(rate=100_000, burst=100_000)
        self.noon = noon
        self.headers = {"Authorization": f"Bearer {add_key(client, by='test')}"}
        answers = [self.ask(number) for number in NUMBERS]
        # Decision → the policies that it offered.
        self.decisions = {a["decision"]: [i["policy"] for i in a["items"]] for a in answers}

    def ask(self, number: str) -> dict[str, Any]:
        case = operation("recommend").Case(path_parameters={"customer_no": number})
        return self.call(case).json()

    def call(self, case: Case) -> Any:
        return case.call(headers=self.headers)

    def called(self, case: Case, checks: list[Any]) -> int:
        """Call it, hold the answer against the description, and return its status."""
        response = case.call_and_validate(headers=self.headers, checks=checks)
        return response.status_code


def operation(name: str) -> Any:
    path, method = OPERATIONS[name]
    return SCHEMA[path][method]


@pytest.fixture
def world(settings: Any, noon: datetime, tmp_path: Path) -> Iterator[World]:
    """Its connection outlives a request: it holds the transaction of the test."""
    settings.LAKE_PARTS = 2
    settings.STATIC_ROOT = tmp_path  # one that is there, where nothing was collected
    SCHEMA.app = get_wsgi_application()
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield World(noon)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


# --- what makes a drawn case a true one, by operation ---


def true_customer(case: Case, world: World, draw: Callable[[Any], Any]) -> None:
    case.path_parameters["customer_no"] = draw(st.sampled_from(NUMBERS))
    if "at" in (case.query or {}):
        case.query["at"] = near(world.noon, draw)


def true_customers(case: Case, world: World, draw: Callable[[Any], Any]) -> None:
    """Known customers, and numbers that nobody has; no more than can be explained, if asked to."""
    if case.body.get("explain"):
        del case.body["customers"][MOST_EXPLAINED:]
    case.body["customers"] = [
        draw(st.sampled_from([*NUMBERS, number if sayable(number) else "404"]))
        for number in case.body["customers"]
    ]
    if "at" in case.body:
        case.body["at"] = near(world.noon, draw)


def true_decision(case: Case, world: World, draw: Callable[[Any], Any]) -> None:
    case.path_parameters["decision"] = draw(st.sampled_from(sorted(world.decisions)))


def true_events(case: Case, world: World, draw: Callable[[Any], Any]) -> None:
    case.headers["Idempotency-Key"] = str(uuid4())
    for event in case.body["events"]:
        event["decision"] = draw(st.sampled_from(sorted(world.decisions)))
        event["policy"] = draw(st.sampled_from(world.decisions[event["decision"]]))
        event.setdefault("channel", "front_desk")
        if not sayable(event.get("reason", "")):
            event["reason"] = "too expensive"
        if "at" in event:
            event["at"] = near(world.noon, draw)


def sayable(text: str) -> bool:
    """Whether it is more than blanks, and holds nothing that no eye can see."""
    return bool(text.strip()) and text.isprintable()


def near(noon: datetime, draw: Callable[[Any], Any]) -> str:
    """A moment that a clock a little off could show."""
    return (noon + timedelta(minutes=draw(st.integers(-14, 14)))).isoformat()


def partly_true(case: Case, draw: Callable[[Any], Any]) -> None:
    """Half of the addresses name a customer, so that what else is sent comes to be looked at."""
    if draw(st.booleans()) and "customer_no" in (case.path_parameters or {}):
        case.path_parameters["customer_no"] = draw(st.sampled_from(NUMBERS))


TRUE = {
    "recommend": true_customer,
    "recommend_batch": true_customers,
    "read_decision": true_decision,
    "report_feedback": true_events,
    "read_opt_outs": true_customer,
    "set_opt_outs": true_customer,
}


def test_every_operation_is_tried() -> None:
    assert set(TRUE) == set(OPERATIONS)


@pytest.mark.parametrize("name", TRUE)
def test_an_operation_does_as_described(name: str, world: World) -> None:
    statuses: Counter[int] = Counter()

    @settings(thorough, max_examples=SUCCESSES + 10)
    @given(operation(name).as_strategy(), st.data())
    def what_is_true_succeeds(case: Case, data: st.DataObject) -> None:
        TRUE[name](case, world, data.draw)
        statuses[world.called(case, CONFORMANCE)] += 1

    @settings(thorough, max_examples=60)
    @given(operation(name).as_strategy(), st.data())
    def what_fits_is_answered(case: Case, data: st.DataObject) -> None:
        partly_true(case, data.draw)
        world.called(case, CONFORMANCE)

    @settings(thorough, max_examples=60)
    @given(operation(name).as_strategy(generation_mode=GenerationMode.NEGATIVE), st.data())
    def what_does_not_fit_is_refused(case: Case, data: st.DataObject) -> None:
        partly_true(case, data.draw)
        # A parameter that is sent empty counts as left out.
        assume(not any(value in ("", [], {}) for value in (case.query or {}).values()))
        world.called(case, [*CONFORMANCE, *REFUSALS])

    what_is_true_succeeds()
    assert set(statuses) == {200}
    assert statuses[200] >= SUCCESSES
    what_fits_is_answered()
    what_does_not_fit_is_refused()
