"""Parquet as it is delivered: typed columns, and files that are not whole."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import settings

from common.errors import DomainError
from customers.ingest import ingest
from lake.models import Partition

from .ingesting import DAY, MAPPING, loaded, pinned, rejected, run

pytestmark = pytest.mark.django_db

NAN, INF = float("nan"), float("inf")


def land_parquet(columns: dict[str, Any], name: str = "a.parquet", **options: Any) -> Path:
    path = Path(settings.LANDING_DIR) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, **options)
    return path


def ingest_parquet(columns: dict[str, Any], mapped: dict[str, Any], **mapping: Any) -> Partition:
    rows = len(next(iter(columns.values())))
    keys = pa.array([f"{n:04d}" for n in range(rows)])
    land_parquet({"NUM": keys, "CITY": ["HZ"] * rows, **columns})
    return run(pinned("a.parquet", format="parquet", columns=mapped, **mapping))


def column(partition: Partition, code: str) -> list[Any]:
    return [r[code] for r in sorted(loaded(partition), key=lambda r: r["customer_no"])]


TYPED = [
    ("age", pa.array([1, None], pa.int8()), [1, None]),
    ("age", pa.array([1, None], pa.uint64()), [1, None]),
    ("age", pa.array([1.0, NAN], pa.float64()), [1, None]),
    ("age", pa.array([Decimal("1"), None], pa.decimal128(10, 0)), [1, None]),
    ("age", pa.array(["1", " "], pa.string()), [1, None]),
    ("age", pa.array(["1", ""]).dictionary_encode(), [1, None]),
    ("arpu", pa.array([0.5, NAN, None], pa.float32()), [0.5, None, None]),
    ("arpu", pa.array([Decimal("1.25")], pa.decimal128(10, 2)), [1.25]),
    ("arpu", pa.array([7], pa.int32()), [7.0]),
    ("is_campus", pa.array([True, False, None]), [True, False, None]),
    ("is_campus", pa.array([1, 0, None], pa.int8()), [True, False, None]),
    ("brand", pa.array(["gotone", ""]).dictionary_encode(), ["gotone", None]),
    ("brand", {"column": "X", "values": {"1": "mzone"}}, pa.array([1]), ["mzone"]),
    ("is_campus", {"column": "X", "values": {"7": True}}, pa.array([7, 0]), [True, False]),
    ("handset", pa.array([42]), ["42"]),
    ("joined_on", pa.array([date(2026, 7, 1), None]), [date(2026, 7, 1), None]),
    (
        "joined_on",
        pa.array([datetime(2026, 7, 1, 23, 59)], pa.timestamp("us")),
        [date(2026, 7, 1)],
    ),
    (
        "joined_on",
        # Past midnight in Shanghai already.
        pa.array([datetime(2026, 7, 1, 16, 0, tzinfo=UTC)], pa.timestamp("us", tz="UTC")),
        [date(2026, 7, 2)],
    ),
    (
        "joined_on",
        {"column": "X", "format": "%Y%m%d"},
        pa.array([20260701]),
        [date(2026, 7, 1)],
    ),
]


@pytest.mark.parametrize("case", TYPED, ids=lambda case: f"{case[0]} from {case[-2].type}")
def test_typed_columns_are_read_as_what_they_are(case: tuple[Any, ...]) -> None:
    code, *entry, values, expected = case
    partition = ingest_parquet({"X": values}, {code: entry[0] if entry else "X"})
    assert rejected(partition) == []
    assert column(partition, code) == expected


@pytest.mark.parametrize(
    ("code", "values", "reason"),
    [
        ("age", pa.array([1, 121]), "out_of_range"),
        ("age", pa.array([1, 2**63], pa.uint64()), "out_of_range"),
        ("age", pa.array([1.0, 1.5]), "wrong_type"),
        ("arpu", pa.array([1.0, INF]), "out_of_range"),
        ("arpu", pa.array([1.0, -INF]), "out_of_range"),
        ("is_campus", pa.array([1, 2]), "wrong_type"),
        ("brand", pa.array(["gotone", "GOTONE"]), "unknown_category"),
        ("handset", pa.array(["x", "a\0b"]), "control_character"),
    ],
)
def test_typed_values_are_judged_too(code: str, values: pa.Array, reason: str) -> None:
    partition = ingest_parquet({"X": values}, {code: "X"})
    assert [(r["row"], r["column"], r["reason"]) for r in rejected(partition)] == [(2, "X", reason)]


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("age", pa.array([True])),
        ("arpu", pa.array([date(2026, 7, 1)])),
        ("is_campus", pa.array([date(2026, 7, 1)])),
        ("joined_on", pa.array([20260701])),
        ("joined_on", pa.array([1.5])),
        ("handset", pa.array([b"x"], pa.binary())),
        ("handset", pa.array([[1, 2]])),
        ("handset", pa.array([{"a": 1}])),
    ],
)
def test_a_column_that_could_only_be_guessed_at_is_refused(code: str, values: pa.Array) -> None:
    with pytest.raises(DomainError) as error:
        ingest_parquet({"X": values}, {code: "X"})
    assert error.value.code == "unreadable_column"


def test_a_customer_number_may_be_whole_but_never_a_float() -> None:
    cities = {"CITY": ["HZ"]}
    land_parquet({"NUM": pa.array([13812341234]), **cities})
    assert loaded(run(pinned("a.parquet", format="parquet", columns={})))[0]["customer_no"] == (
        "13812341234"
    )
    land_parquet({"NUM": pa.array([13812341234.0]), **cities})
    with pytest.raises(DomainError, match="unreadable_column"):
        run(pinned("a.parquet", format="parquet", columns={}))


def test_rows_are_numbered_per_file_across_row_groups_and_slices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("customers.ingest.staging.SLICE_ROWS", 300)
    for name in ("a.parquet", "b.parquet"):
        keys = [f"{name}{n}" if n not in (0, 299, 300, 999) else None for n in range(1000)]
        land_parquet({"NUM": keys, "CITY": ["HZ"] * 1000}, name, row_group_size=128)
    partition = run(pinned("a.parquet", "b.parquet", format="parquet", columns={}))
    assert [(r["file"], r["row"]) for r in rejected(partition)] == [
        (name, row) for name in ("a.parquet", "b.parquet") for row in (1, 300, 301, 1000)
    ]
    assert partition.rows == 1992


@pytest.mark.parametrize("rows", [299, 300, 301])
def test_progress_comes_to_its_total(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("customers.ingest.staging.SLICE_ROWS", 300)
    land_parquet({"NUM": [str(n) for n in range(rows)], "CITY": ["HZ"] * rows})
    seen: list[tuple[int, int]] = []
    inputs = pinned("a.parquet", format="parquet", columns={})
    ingest(DAY, inputs, progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == list(range(1, seen[-1][1] + 1))


def test_every_part_is_in_the_order_of_its_customers(settings: Any) -> None:
    settings.LAKE_PARTS = 4
    keys = [str((n * 7919) % 5000) for n in range(5000)]
    land_parquet({"NUM": keys, "CITY": ["HZ"] * 5000})
    partition = run(pinned("a.parquet", format="parquet", columns={}))
    parts = [pq.read_table(file)["customer_no"].to_pylist() for file in partition.files]
    assert all(part == sorted(part) for part in parts)
    assert sorted(key for part in parts for key in part) == sorted(keys)


@pytest.mark.parametrize("left", [0, 10, 0.5, -1])
def test_a_truncated_file_is_refused(left: float) -> None:
    path = land_parquet({"NUM": ["1"] * 1000, "CITY": ["HZ"] * 1000})
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * left) if 0 < left < 1 else int(left)])
    with pytest.raises(DomainError) as error:
        run(pinned("a.parquet", format="parquet", columns={}))
    assert (error.value.code, error.value.extra["file"]) == ("file_unreadable", "a.parquet")
    assert Partition.objects.count() == 0


def test_a_file_with_an_overwritten_page_is_refused() -> None:
    path = land_parquet({"NUM": [str(n) for n in range(9000)], "CITY": ["HZ"] * 9000})
    content = bytearray(path.read_bytes())
    content[4:400] = b"\xff" * 396
    path.write_bytes(content)
    with pytest.raises(DomainError, match="file_unreadable"):
        run(pinned("a.parquet", format="parquet", columns={}))


def test_a_missing_column_is_named() -> None:
    land_parquet({"NUM": ["1"], "CITY": ["HZ"]})
    with pytest.raises(DomainError) as error:
        run(pinned("a.parquet", format="parquet", columns={"age": "AGE"}))
    assert (error.value.code, error.value.extra["columns"]) == ("missing_column", ["AGE"])


def test_the_same_values_make_the_same_rows_from_either_format() -> None:
    values = {"ARPU": ["1.5", "x"], "BRAND": ["GT", "mzone"]}
    mapped = {code: MAPPING["columns"][code] for code in ("arpu", "brand")}
    from_parquet = ingest_parquet(values, mapped)
    rows = zip(["0000", "0001"], ["HZ", "HZ"], *values.values(), strict=True)
    text = "\n".join(["NUM,CITY,ARPU,BRAND", *(",".join(row) for row in rows)])
    (Path(settings.LANDING_DIR) / "a.csv").write_text(text)
    from_csv = run(pinned("a.csv", columns=mapped))
    assert loaded(from_csv) == loaded(from_parquet)
    assert [r | {"file": ""} for r in rejected(from_csv)] == [
        r | {"file": ""} for r in rejected(from_parquet)
    ]
