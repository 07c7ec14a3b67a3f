"""A source in a database: extracted once per date, then read like any file."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest
from django.conf import settings

from common.errors import DomainError
from customers.ingest import ingest
from customers.models import Attribute, Source
from customers.sources import resolve
from tests.accounts.people import make_province

from .ingesting import loaded, rejected

pytestmark = pytest.mark.django_db

DAY = date(2026, 7, 1)
QUERY = "SELECT * FROM people WHERE seen_on = %(business_date)s ORDER BY num"


@pytest.fixture
def people(real_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """A table in somebody's database, and a source that reads it."""
    monkeypatch.setenv("CRM_DSN", real_database)
    make_province()
    for code, kind in (("age", "integer"), ("arpu", "number"), ("joined_on", "date")):
        Attribute.objects.create(
            code=code, name_zh="z", name_en="e", category="basic", type=kind, maximum=None
        )
    Source.objects.create(
        code="crm",
        table="customers",
        mapping={
            "format": "sql",
            "dsn_env": "CRM_DSN",
            "query": QUERY,
            "key": "num",
            "city": {"column": "city"},
            "reject_share": 1,
            "columns": {"age": "age", "arpu": "arpu", "joined_on": "joined_at"},
        },
    )
    with psycopg.connect(real_database, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE people (num varchar(20), city text, age int, arpu numeric(10, 2), "
            "joined_at timestamptz, seen_on date)"
        )
        insert(connection, "1", "hangzhou", 20, "12.50", "2026-06-30 16:00+00")
        insert(connection, "2", "nowhere", None, None, None)
        yield connection


def insert(connection: psycopg.Connection, *row: Any, seen_on: date = DAY) -> None:
    connection.execute("INSERT INTO people VALUES (%s, %s, %s, %s, %s, %s)", (*row, seen_on))


def redefine(**changes: Any) -> None:
    source = Source.objects.get()
    source.mapping.update(changes)
    source.save()


def refusal() -> DomainError:
    with pytest.raises(DomainError) as error:
        resolve(DAY)
    assert list(Path(settings.LANDING_DIR).rglob("*.parquet")) == []
    return error.value


def test_the_rows_of_the_date_are_ingested_with_their_types(people: psycopg.Connection) -> None:
    insert(people, "3", "ningbo", 30, "1", None, seen_on=date(2026, 7, 2))
    (pin,) = resolve(DAY)
    partition = ingest(DAY, pin, progress=lambda *_: None)
    assert loaded(partition) == [
        {
            "customer_no": "1",
            "city": "hangzhou",
            "age": 20,
            "arpu": 12.5,
            "joined_on": date(2026, 7, 1),
        }
    ]
    assert [(r["row"], r["reason"]) for r in rejected(partition)] == [(2, "unknown_city")]


def test_a_date_is_extracted_once(people: psycopg.Connection) -> None:
    """What the database says later must not change a run that is repeated."""
    before = resolve(DAY)
    insert(people, "3", "ningbo", 30, "1", None)
    assert resolve(DAY) == before
    file = Path(settings.LANDING_DIR) / before[0]["files"][0]["path"]
    file.unlink()
    assert resolve(DAY) != before


def test_another_query_is_another_extract(people: psycopg.Connection) -> None:
    before = resolve(DAY)
    redefine(query=QUERY + " DESC")
    assert resolve(DAY)[0]["files"] != before[0]["files"]


def test_rows_are_fetched_in_batches(
    people: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("customers.extraction.BATCH_ROWS", 100)
    people.execute(
        "INSERT INTO people SELECT 'x' || n, 'ningbo', n, n, now(), %s "
        "FROM generate_series(1, 1000) n",
        (DAY,),
    )
    (pin,) = resolve(DAY)
    file = pq.ParquetFile(Path(settings.LANDING_DIR) / pin["files"][0]["path"])
    assert (file.metadata.num_rows, file.num_row_groups) == (1002, 11)


def test_a_database_that_has_no_customers_of_the_date_yet_is_awaited(
    people: psycopg.Connection,
) -> None:
    people.execute("DELETE FROM people")
    error = refusal()
    assert (error.code, error.status) == ("source_missing", 503)


def test_a_missing_dsn_is_named(
    people: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CRM_DSN")
    error = refusal()
    assert error.code == "source_missing"
    assert "CRM_DSN" in error.message


def test_a_database_that_does_not_answer_is_awaited(
    people: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_DSN", "host=/nowhere user=secret-name")
    error = refusal()
    assert (error.code, error.status) == ("source_missing", 503)
    assert "secret-name" not in error.message


@pytest.mark.parametrize(
    "query",
    ["SELECT nothing FROM people", "DELETE FROM people RETURNING 1", "SELECT nextval('counter')"],
)
def test_a_query_that_the_database_refuses_is_told(people: psycopg.Connection, query: str) -> None:
    """Among them every query that would write: the connection reads only."""
    people.execute("CREATE SEQUENCE counter")
    redefine(query=query)
    assert refusal().code == "query_failed"
    assert people.execute("SELECT count(*) FROM people").fetchone() == (2,)
