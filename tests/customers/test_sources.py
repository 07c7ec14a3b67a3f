"""Which inputs a business date has, pinned by content."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts.models import Organisation
from common.errors import DomainError
from customers.ingest import ingest
from customers.models import Attribute, Source
from customers.sources import expand, resolve
from tests.accounts.people import make_province

from .ingesting import land

pytestmark = pytest.mark.django_db

DAY = date(2026, 7, 1)


@pytest.fixture(autouse=True)
def _province() -> None:
    make_province()


def define(code: str = "s", table: str = "customers", **changes: Any) -> Source:
    mapping = {
        "format": "csv",
        "files": "in/{date}/*.csv",
        "key": "NUM",
        "city": {"column": "CITY"},
        "columns": {},
        **changes,
    }
    return Source.objects.create(code=code, table=table, mapping=mapping)


def refusal() -> DomainError:
    with pytest.raises(DomainError) as error:
        resolve(DAY)
    return error.value


def test_a_source_is_pinned_with_all_that_reading_it_needs() -> None:
    define()
    Attribute.objects.create(
        code="arpu", name_zh="z", name_en="e", category="basic", type="number", minimum=0
    )
    land("in/2026-07-01/b.csv", "x")
    land("in/2026-07-01/a.csv", "")
    land("in/2026-07-02/a.csv", "another day")
    (pin,) = resolve(DAY)
    assert (pin["source"], pin["table"]) == ("s", "customers")
    assert pin["mapping"]["key"] == "NUM"
    assert pin["catalogue"]["cities"] == ["hangzhou", "ningbo"]
    assert [a["code"] for a in pin["catalogue"]["attributes"]] == ["arpu"]
    assert pin["files"] == [
        {
            "path": "in/2026-07-01/a.csv",
            "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "bytes": 0,
        },
        {
            "path": "in/2026-07-01/b.csv",
            "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
            "bytes": 1,
        },
    ]


def test_pins_survive_json_and_still_name_the_same_partition() -> None:
    define()
    land("in/2026-07-01/a.csv", "NUM,CITY\n1,hangzhou\n")
    (pin,) = resolve(DAY)
    first = ingest(DAY, pin, progress=lambda *_: None)
    assert ingest(DAY, json.loads(json.dumps(pin)), progress=lambda *_: None) == first


def test_new_content_pins_anew_and_a_new_label_does_not() -> None:
    """Renaming an attribute changes words on pages, not the rows of a snapshot."""
    define()
    land("in/2026-07-01/a.csv", "one")
    before = resolve(DAY)
    Organisation.objects.filter(code="ningbo").update(name_en="Ning Po")
    assert resolve(DAY) == before
    land("in/2026-07-01/a.csv", "two")
    assert resolve(DAY) != before


def test_sources_come_in_the_order_of_their_codes_and_only_the_active() -> None:
    define("b")
    define("a", table="orders", files="in/{date}/a.csv")
    define("c", table="contacts")
    Source.objects.filter(code="c").update(active=False)
    land("in/2026-07-01/a.csv", "")
    assert [(pin["source"], pin["catalogue"] == {}) for pin in resolve(DAY)] == [
        ("a", True),
        ("b", False),
    ]


def test_a_source_whose_files_have_not_come_is_awaited() -> None:
    define()
    land("in/2026-06-30/a.csv", "yesterday's")
    error = refusal()
    assert (error.code, error.status) == ("source_missing", 503)
    assert error.extra == {"source": "s", "pattern": "in/2026-07-01/*.csv"}


def test_hidden_files_are_deliveries_under_way() -> None:
    define()
    land("in/2026-07-01/.a.csv.part.csv", "")
    assert refusal().code == "source_missing"


def test_without_a_source_of_customers_there_is_no_day() -> None:
    define(table="orders")
    assert (refusal().code, refusal().status) == ("no_source", 503)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in/{date}/a.csv", "in/2026-07-01/a.csv"),
        ("in/cust_{date:%Y%m%d}.csv", "in/cust_20260701.csv"),
        ("in/{date:%Y}/{date:%m%d}.csv", "in/2026/0701.csv"),
        ("in/all.csv", "in/all.csv"),
    ],
)
def test_a_pattern_names_the_date_in_any_form(pattern: str, expected: str) -> None:
    assert expand(pattern, DAY) == expected


def test_files_are_named_below_the_landing_directory() -> None:
    define()
    land("in/2026-07-01/a.csv", "")
    (pin,) = resolve(DAY)
    assert not Path(pin["files"][0]["path"]).is_absolute()
    assert (Path(settings.LANDING_DIR) / pin["files"][0]["path"]).is_file()
