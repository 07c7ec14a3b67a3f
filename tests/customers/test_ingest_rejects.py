"""What is rejected, why, and what then becomes of the rest."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.conf import settings
from sqlglot import exp

from common.errors import DomainError
from customers.ingest.loading import Loader
from customers.models import Rejection
from customers.reasons import LABELS, Reason
from customers.selectors import rejected_rows
from lake.models import Partition

from .ingesting import DAY, HEADER, MAPPING, land, loaded, pinned, rejected, run

pytestmark = pytest.mark.django_db

SOUND = {
    "NUM": "001",
    "CITY": "HZ",
    "AGE": "20",
    "ARPU": "1.5",
    "CAMPUS": "yes",
    "BRAND": "GT",
    "HANDSET": "Mate",
    "JOINED": "20260701",
}


def csv_of(*rows: dict[str, str]) -> str:
    lines = [HEADER, *([{**SOUND, **row}[name] for name in HEADER] for row in rows)]
    return "\n".join(",".join(f'"{value}"' for value in line) for line in lines) + "\n"


def ingest_rows(*rows: dict[str, str], **mapping: Any) -> Partition:
    land("a.csv", csv_of(*rows))
    return run(pinned("a.csv", **mapping))


def reasons_of(partition: Partition) -> list[tuple[int, str | None, str]]:
    return [(r["row"], r["column"], r["reason"]) for r in rejected(partition)]


# what is written in the file → what is loaded. docs/ingest.md shows this table.
ACCEPTED = [
    ("NUM", " 0002-ORFBO ", "0002-ORFBO"),
    ("NUM", "0" * 40, "0" * 40),
    ("CITY", "HZ", "hangzhou"),
    ("CITY", "ningbo", "ningbo"),
    ("AGE", "20", 20),
    ("AGE", "+20", 20),
    ("AGE", "20.0", 20),
    ("AGE", "2e1", 20),
    ("AGE", "NULL", None),
    ("ARPU", " 12.50 ", 12.5),
    ("ARPU", ".5", 0.5),
    ("ARPU", "1e-400", 0.0),
    ("ARPU", "NaN", None),
    ("ARPU", "\u300012\u00a0", 12.0),
    ("CAMPUS", "TRUE", True),
    ("CAMPUS", "0", False),
    ("CAMPUS", "", None),
    ("BRAND", "GT", "gotone"),
    ("BRAND", "mzone", "mzone"),
    ("BRAND", "", None),
    ("HANDSET", " 华为 Mate 60 ", "华为 Mate 60"),
    ("HANDSET", "=1+1", "=1+1"),
    ("JOINED", "20000229", date(2000, 2, 29)),
    ("JOINED", "99991231", date(9999, 12, 31)),
]
REFUSED = [
    ("NUM", "", Reason.NULL_KEY),
    ("NUM", "NULL", Reason.NULL_KEY),
    ("NUM", "0" * 41, Reason.VALUE_TOO_LONG),
    ("NUM", "1\x072", Reason.CONTROL_CHARACTER),
    ("CITY", "wenzhou", Reason.UNKNOWN_CITY),
    ("CITY", "", Reason.UNKNOWN_CITY),
    ("AGE", "20.5", Reason.WRONG_TYPE),
    ("AGE", "twenty", Reason.WRONG_TYPE),
    ("AGE", "121", Reason.OUT_OF_RANGE),
    ("AGE", "1e400", Reason.OUT_OF_RANGE),
    ("ARPU", "1,234.5", Reason.WRONG_TYPE),
    ("ARPU", "1_000", Reason.WRONG_TYPE),
    ("ARPU", "１２", Reason.WRONG_TYPE),
    ("ARPU", "1 2", Reason.WRONG_TYPE),
    ("ARPU", "-0.01", Reason.OUT_OF_RANGE),
    ("ARPU", "inf", Reason.OUT_OF_RANGE),
    ("CAMPUS", "2", Reason.WRONG_TYPE),
    ("BRAND", "gt", Reason.UNKNOWN_CATEGORY),
    ("HANDSET", "x" * 201, Reason.VALUE_TOO_LONG),
    ("HANDSET", "a\x00b", Reason.CONTROL_CHARACTER),
    ("JOINED", "20260230", Reason.WRONG_TYPE),
    ("JOINED", "2026-07-01", Reason.WRONG_TYPE),
    ("JOINED", "2026071", Reason.WRONG_TYPE),
]
CODES = {"NUM": "customer_no", "CITY": "city", "CAMPUS": "is_campus", "JOINED": "joined_on"}


def test_values_that_are_accepted() -> None:
    """One file for the whole table: a row per entry, told apart by its position."""
    rows = [
        {"NUM": f"key{index}", column: value} for index, (column, value, _) in enumerate(ACCEPTED)
    ]
    partition = ingest_rows(*rows)
    assert rejected(partition) == []
    by_key = {row["customer_no"]: row for row in loaded(partition)}
    for index, (column, _, expected) in enumerate(ACCEPTED):
        row = by_key[expected if column == "NUM" else f"key{index}"]
        assert row[CODES.get(column, column.lower())] == expected, column


def test_values_that_are_rejected() -> None:
    rows = [{"NUM": f"key{index}", column: v} for index, (column, v, _) in enumerate(REFUSED)]
    partition = ingest_rows({}, *rows)
    assert reasons_of(partition) == [
        (index, column, reason) for index, (column, _, reason) in enumerate(REFUSED, start=2)
    ]
    assert [row["customer_no"] for row in loaded(partition)] == ["001"]


def test_every_reason_has_words() -> None:
    assert set(LABELS) == set(Reason)


def test_a_row_with_several_faults_names_each_and_counts_once() -> None:
    partition = ingest_rows({}, {"NUM": "2", "CITY": "?", "AGE": "-1", "ARPU": "much"})
    assert reasons_of(partition) == [
        (2, "AGE", "out_of_range"),
        (2, "ARPU", "wrong_type"),
        (2, "CITY", "unknown_city"),
    ]
    facts = partition.facts
    assert (facts["rows_in"], facts["loaded"], facts["rejected"]) == (2, 1, 1)
    assert facts["reasons"] == {"out_of_range": 1, "unknown_city": 1, "wrong_type": 1}


def test_the_reject_file_shows_the_value_as_it_came() -> None:
    partition = ingest_rows({}, {"NUM": "2", "BRAND": " 神州行 "}, {"NUM": "3", "AGE": "9" * 500})
    assert [row["value"] for row in rejected(partition)] == [" 神州行 ", "9" * 200]


def test_the_first_sound_row_of_a_key_is_loaded_and_later_ones_are_duplicates() -> None:
    land("1.csv", csv_of({"AGE": "x"}, {"AGE": "20"}, {"AGE": "30"}))
    land("2.csv", csv_of({"AGE": "40"}, {"NUM": "002"}))
    partition = run(pinned("1.csv", "2.csv"))
    assert {(r["customer_no"], r["age"]) for r in loaded(partition)} == {("001", 20), ("002", 20)}
    assert [(r["file"], r["row"], r["reason"]) for r in rejected(partition)] == [
        ("1.csv", 1, "wrong_type"),
        ("1.csv", 3, "duplicate_key"),
        ("2.csv", 1, "duplicate_key"),
    ]


def test_an_other_category_takes_unknown_values_but_not_missing_ones() -> None:
    brand = {**MAPPING["columns"]["brand"], "other": "mzone"}
    partition = ingest_rows(
        {"NUM": "1", "BRAND": "?"},
        {"NUM": "2", "BRAND": ""},
        columns={**MAPPING["columns"], "brand": brand},
    )
    assert {r["customer_no"]: r["brand"] for r in loaded(partition)} == {"1": "mzone", "2": None}


def test_an_other_city_takes_unknown_and_missing_ones() -> None:
    city = {**MAPPING["city"], "other": "ningbo"}
    partition = ingest_rows({"NUM": "1", "CITY": "?"}, {"NUM": "2", "CITY": ""}, city=city)
    assert partition.facts["by_city"] == {"ningbo": 2}


def test_an_empty_text_is_a_value_where_it_is_no_null_word() -> None:
    partition = ingest_rows({"HANDSET": ""}, {"NUM": "2", "AGE": ""}, null_words=["NULL"])
    assert [row["handset"] for row in loaded(partition)] == [""]
    assert reasons_of(partition) == [(2, "AGE", "wrong_type")]


def test_facts_tell_cities_and_missing_values() -> None:
    facts = ingest_rows(
        {"NUM": "1", "AGE": ""}, {"NUM": "2", "CITY": "ningbo"}, {"NUM": "3"}, {"NUM": "4"}
    ).facts
    assert facts["by_city"] == {"hangzhou": 3, "ningbo": 1}
    assert (facts["nulls"]["age"], facts["nulls"]["arpu"]) == (0.25, 0.0)
    assert facts["nulls"]["unmapped"] == 1.0
    assert facts["files"] == [{"path": "a.csv", "rows": 4}]


def test_a_share_of_rejected_rows_at_the_limit_is_accepted() -> None:
    partition = ingest_rows({}, {"NUM": "2"}, {"NUM": "3"}, {"NUM": ""}, reject_share=0.25)
    assert partition.rows == 3


def test_above_the_share_nothing_is_loaded_and_the_rejected_rows_are_kept() -> None:
    with pytest.raises(DomainError) as error:
        ingest_rows({}, {"NUM": "2"}, {"NUM": ""}, reject_share=0.25)
    assert error.value.code == "too_many_rejected"
    assert (error.value.extra["rejected"], error.value.extra["rows_in"]) == (1, 3)
    assert Partition.objects.count() == 0
    assert not list(Path(settings.LAKE_DIR).glob("customers/*/*"))
    kept = Path(settings.LAKE_DIR) / error.value.extra["file"]
    assert [row["reason"] for row in pq.read_table(kept).to_pylist()] == ["null_key"]
    rejection = Rejection.objects.get()
    assert (rejection.rows, rejection.reasons) == (1, {"null_key": 1})
    assert [row["row"] for row in rejected_rows(rejection, limit=10)] == [3]


def test_a_rejection_is_recorded_once_and_again_if_a_kill_prevented_it() -> None:
    partition = ingest_rows({}, {"NUM": ""})
    rejection = Rejection.objects.get()
    assert (rejection.source, rejection.business_date) == ("test_customers", DAY)
    assert rejection.columns == ["NUM"]
    rejection.delete()
    assert run(pinned("a.csv")) == partition
    assert Rejection.objects.count() == 1
    assert [row["reason"] for row in rejected_rows(Rejection.objects.get(), limit=9)] == [
        "null_key"
    ]


def test_nothing_is_recorded_where_nothing_was_rejected() -> None:
    ingest_rows({})
    assert not Rejection.objects.exists()


def test_a_snapshot_without_customers_is_refused() -> None:
    """Loaded, it would say that the whole province has left."""
    with pytest.raises(DomainError) as error:
        ingest_rows()
    assert error.value.code == "no_customers"
    assert Partition.objects.count() == 0


def test_lost_rows_are_never_published(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Loader._part
    monkeypatch.setattr(Loader, "_part", lambda loader: whole(loader).where(exp.false()))
    with pytest.raises(DomainError) as error:
        ingest_rows({}, {"NUM": "2"})
    assert error.value.code == "rows_lost"
    assert Partition.objects.count() == 0


def test_values_that_other_takes_are_loaded_so_and_counted() -> None:
    brand = {**MAPPING["columns"], "brand": {"column": "BRAND", "other": "mzone"}}
    partition = ingest_rows(
        {"NUM": "1", "BRAND": "new"},
        {"NUM": "2", "BRAND": "new"},
        {"NUM": "3", "BRAND": "strange"},
        {"NUM": "4", "BRAND": "gotone"},
        {"NUM": "5", "BRAND": ""},
        {"NUM": "6", "BRAND": "of a rejected row", "AGE": "many"},
        columns=brand,
    )
    assert [row["brand"] for row in loaded(partition)] == ["mzone"] * 3 + ["gotone", None]
    assert partition.facts["unlisted"] == {"brand": {"rows": 3, "values": {"new": 2, "strange": 1}}}
