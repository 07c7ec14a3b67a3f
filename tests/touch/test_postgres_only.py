"""A request of the touch point is answered from PostgreSQL alone: no engine is opened for it."""

import json
from typing import Any

import duckdb
import pytest
from django.test import Client

from lake.engine import DuckDB
from lake.models import Partition
from lake.spark import Spark
from tests.accounts.clients import bearer, make_key
from tests.campaigns import province
from tests.campaigns.people import customer, publish_day

from .counter import NUMBER, PERSON, event, send

pytestmark = pytest.mark.django_db


class OpenedError(Exception):
    """An engine was, or a partition of the lake."""


@pytest.fixture
def key(settings: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    settings.LAKE_PARTS = 1
    province.define()
    publish_day([customer(**PERSON)])

    def opened(*args: Any, **kwargs: Any) -> None:
        raise OpenedError

    monkeypatch.setattr(duckdb, "connect", opened)
    monkeypatch.setattr(DuckDB, "__init__", opened)
    monkeypatch.setattr(Spark, "__init__", opened)
    monkeypatch.setattr(Partition, "from_db", opened)
    return make_key()


def test_the_engines_are_closed(key: str) -> None:
    for opens in (duckdb.connect, DuckDB, Spark):
        with pytest.raises(OpenedError):
            opens()


def test_every_operation_answers_without_an_engine(key: str) -> None:
    client, address = Client(headers=bearer(key)), f"/api/v1/customers/{NUMBER}"
    answer = client.get(f"{address}/recommendations?channel=sms&explain=1")
    assert answer.status_code == 200
    decision = answer.json()["decision"]
    body = {"customers": [NUMBER], "explain": True}
    batch = client.post("/api/v1/recommendations:batch", body, content_type="application/json")
    assert batch.json()["answers"][0]["answer"]
    assert send(key, [event(decision)]).json()["recorded"] == 1
    replayed = client.get(f"/api/v1/decisions/{decision}").json()
    assert replayed["reproduced"] is True
    said = json.dumps({"opted_out": ["sms"]})
    assert client.put(f"{address}/opt-outs", said, content_type="application/json").json()
    assert client.get(f"{address}/opt-outs").json() == {"opted_out": ["sms"]}
