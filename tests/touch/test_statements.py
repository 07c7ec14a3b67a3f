"""An answer takes two statements: counted in what goes over the wire to PostgreSQL."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client
from psycopg import pq

from tests.accounts.clients import bearer, make_key
from tests.campaigns import province
from tests.campaigns.people import customer, publish_day

from .counter import NUMBER, PERSON, contact_policy, limit

pytestmark = pytest.mark.django_db
CUSTOMERS = [f"{number:011d}" for number in range(1, 501)]


@pytest.fixture
def key(settings: Any) -> str:
    settings.LAKE_PARTS = 1
    province.define()
    contact_policy(limit(2, 7))
    publish_day([customer(**PERSON), *(customer(int(number)) for number in CUSTOMERS)])
    return make_key()


@pytest.fixture
def statements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], list[str]]:
    """The messages to the server that make it execute something, while work is done.

    libpq writes them down; a connection of its own would escape it, so that none may be opened.
    """

    def refused(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("another connection was opened")

    def of(work: Callable[[], Any]) -> list[str]:
        raw: pq.abc.PGconn = connection.connection.pgconn
        trace = tmp_path / "trace"
        with trace.open("wb") as file, monkeypatch.context() as patched:
            patched.setattr(psycopg.Connection, "connect", refused)
            raw.trace(file.fileno())
            raw.set_trace_flags(pq.Trace.SUPPRESS_TIMESTAMPS)
            work()
            raw.untrace()
            os.fsync(file.fileno())
        lines = [line.split("\t") for line in trace.read_text().splitlines()]
        return [line[2] for line in lines if line[0] == "F" and line[2] in ("Query", "Execute")]

    return of


def test_the_counter_counts(key: str, statements: Callable[[Any], list[str]]) -> None:
    def three() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.executemany("SELECT %s", [[1], [2]])

    assert len(statements(three)) == 3


@pytest.mark.parametrize("explain", [0, 1])
@pytest.mark.parametrize("channel", ["", "sms"])
def test_an_answer_takes_two(
    explain: int, channel: str, key: str, statements: Callable[[Any], list[str]]
) -> None:
    client, query = Client(headers=bearer(key)), f"?channel={channel}&explain={explain}"

    def ask() -> None:
        response = client.get(f"/api/v1/customers/{NUMBER}/recommendations{query}")
        assert response.status_code == 200

    ask()
    assert len(statements(ask)) == 2


def test_five_hundred_answers_take_two(key: str, statements: Callable[[Any], list[str]]) -> None:
    client = Client(headers=bearer(key))
    body = {"customers": CUSTOMERS, "channel": "sms"}

    def ask() -> None:
        address = "/api/v1/recommendations:batch"
        response = client.post(address, body, content_type="application/json")
        assert response.status_code == 200
        assert len([e for e in response.json()["answers"] if e["answer"]]) == 500

    ask()
    assert len(statements(ask)) == 2


def test_a_new_contact_policy_is_read_once(
    key: str, statements: Callable[[Any], list[str]]
) -> None:
    client = Client(headers=bearer(key))

    def ask() -> None:
        client.get(f"/api/v1/customers/{NUMBER}/recommendations")

    ask()
    contact_policy(limit(3, 7))
    assert len(statements(ask)) == 3
    assert len(statements(ask)) == 2


def test_who_is_refused_takes_one(key: str, statements: Callable[[Any], list[str]]) -> None:
    client = Client(headers=bearer(key))

    def ask() -> None:
        assert client.get("/api/v1/customers/404/recommendations").status_code == 404

    assert len(statements(ask)) == 1
