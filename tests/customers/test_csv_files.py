"""CSV as it is delivered: encodings, quotes, broken bytes, files that break off."""

from typing import Any

import pytest

from common.errors import DomainError
from customers.tables import table_of
from lake.models import Partition

from . import reference_ingest
from .ingesting import CATALOGUE, HEADER, MAPPING, land, loaded, pinned, rejected, run

pytestmark = pytest.mark.django_db

NAMES = ",".join(HEADER)
ROW = "{},HZ,20,1.5,yes,GT,{},20260701"


def ingest_csv(content: str | bytes, **mapping: Any) -> Partition:
    land("a.csv", content)
    return run(pinned("a.csv", **mapping))


def refusal(content: str | bytes, **mapping: Any) -> DomainError:
    with pytest.raises(DomainError) as error:
        ingest_csv(content, **mapping)
    assert Partition.objects.count() == 0
    return error.value


def handsets(partition: Partition) -> list[str]:
    return [r["handset"] for r in sorted(loaded(partition), key=lambda r: r["customer_no"])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_is_read_in_its_encoding(encoding: str) -> None:
    content = f"{NAMES}\n{ROW.format(1, '华为')}\n".encode(encoding)
    assert handsets(ingest_csv(content, csv={"encoding": encoding})) == ["华为"]


def test_latin_1_is_read_too() -> None:
    content = f"{NAMES}\n{ROW.format(1, 'Ericsson é')}\n".encode("latin-1")
    assert handsets(ingest_csv(content, csv={"encoding": "latin-1"})) == ["Ericsson é"]


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    content = f"\ufeff{NAMES}\n{ROW.format(1, 'x')}\n"
    assert ingest_csv(content.encode()).rows == 1
    assert ingest_csv(content.encode("gb18030"), csv={"encoding": "gb18030"}).rows == 1


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_byte_order_mark_before_a_quote_hides_no_delimiter(encoding: str) -> None:
    header = '\ufeff"NUM","CI,TY"'
    city = {**MAPPING["city"], "column": "CI,TY"}
    content = f"{header}\n1,HZ\n".encode(encoding)
    assert ingest_csv(content, city=city, columns={}, csv={"encoding": encoding}).rows == 1


def test_rows_with_broken_bytes_are_rejected_and_the_others_loaded() -> None:
    rows = [ROW.format(1, "a"), ROW.format(2, "BROKEN"), ROW.format(3, "c")]
    content = "\n".join([NAMES, *rows]).encode().replace(b"BROKEN", b"x\xff\xe4")
    partition = ingest_csv(content)
    assert handsets(partition) == ["a", "c"]
    assert [(r["row"], r["column"], r["value"], r["reason"]) for r in rejected(partition)] == [
        (2, "HANDSET", r"x\xff\xe4", "broken_encoding")
    ]


def test_broken_bytes_in_a_column_that_nobody_reads_do_no_harm() -> None:
    content = f"{NAMES},NOTE\n{ROW.format(1, 'a')},NOTE\n".encode().replace(b",NOTE\n1", b",N\n1")
    assert ingest_csv(content[:-2] + b"\xff\n").rows == 1


def test_rows_of_another_length_are_rejected_with_their_number_and_text() -> None:
    lines = [NAMES, ROW.format(1, "a"), "2,HZ", ROW.format(3, "c") + ",extra", ROW.format(4, "d")]
    partition = ingest_csv("\n".join(lines))
    assert handsets(partition) == ["a", "d"]
    assert [(r["row"], r["column"], r["value"], r["reason"]) for r in rejected(partition)] == [
        (2, None, "2,HZ", "wrong_field_count"),
        (3, None, ROW.format(3, "c") + ",extra", "wrong_field_count"),
    ]
    assert partition.facts["rows_in"] == 4


def test_a_quoted_field_may_hold_line_ends_and_counts_as_one_row() -> None:
    lines = [NAMES, ROW.format(1, '"two\nlines, ""quoted"""'), ROW.format(2, "x"), "3"]
    partition = ingest_csv("\r\n".join(lines))
    assert handsets(partition) == ['two\nlines, "quoted"', "x"]
    assert [r["row"] for r in rejected(partition)] == [3]


def test_blank_lines_are_no_rows() -> None:
    partition = ingest_csv(f"\n{NAMES}\n\n{ROW.format(1, 'a')}\n\n\n")
    assert (partition.facts["rows_in"], partition.rows) == (1, 1)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "newline"])
def test_any_line_end_will_do_and_the_last_may_lack(newline: str, last: str) -> None:
    lines = [NAMES, ROW.format(1, "a"), ROW.format(2, "b")]
    assert ingest_csv(newline.join(lines) + (newline if last else "")).rows == 2


@pytest.mark.parametrize(
    "tail", ['"opened', '"opened\n', '"opened\n' + ROW.format(3, "c") + "\n", '"escaped ""']
)
def test_a_file_that_breaks_off_inside_a_quote_is_refused(tail: str) -> None:
    error = refusal(f"{NAMES}\n{ROW.format(1, 'a')}\n2,HZ,20,1.5,yes,GT,{tail}")
    assert error.code == "file_broken_off"


def test_a_break_off_far_into_the_file_is_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes up while the engine is reading, and must not come out as the engine's error."""
    monkeypatch.setattr("customers.ingest.csv_files.BLOCK", 4096)
    rows = [ROW.format(n, "x") for n in range(1000)]
    error = refusal("\n".join([NAMES, *rows, '1000,HZ,20,1.5,yes,GT,"opened']))
    assert error.code == "file_broken_off"
    assert 800 <= error.extra["row"] <= 1000


def test_a_quote_that_swallows_megabytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("customers.ingest.csv_files.BLOCK", 4096)
    rows = [ROW.format(n, "x") for n in range(2, 1000)]
    error = refusal("\n".join([NAMES, '1,HZ,20,1.5,yes,GT,"opened,20260701', *rows]) + '\n"')
    assert error.code == "file_broken_off"


def test_other_delimiters_and_quotes() -> None:
    content = f"{NAMES}\n{ROW.format(1, 'Q,Q')}".replace(",", "\x01").replace("Q\x01Q", "'a\x01b'")
    dialect = {"delimiter": "\x01", "quote": "'"}
    assert handsets(ingest_csv(content, csv=dialect)) == ["a\x01b"]


def test_without_a_quote_character_quotes_are_text() -> None:
    content = f"{NAMES}\n{ROW.format(1, chr(34) + 'a')}\n"
    assert handsets(ingest_csv(content, csv={"quote": ""})) == ['"a']


def test_columns_are_found_by_name_wherever_they_stand() -> None:
    content = "NOTE, JOINED ,HANDSET,BRAND,CAMPUS,ARPU,AGE,CITY,NUM\nn,,h,,,,,HZ,1\n"
    assert handsets(ingest_csv(content)) == ["h"]


def test_one_column_may_fill_several_attributes() -> None:
    columns = {"age": "X", "handset": "X", "arpu": "X"}
    partition = ingest_csv("NUM,CITY,X\n1,HZ,20\n2,HZ,x\n", columns=columns)
    (row,) = loaded(partition)
    assert (row["age"], row["handset"], row["arpu"]) == (20, "20", 20.0)
    assert [(r["row"], r["column"], r["reason"]) for r in rejected(partition)] == [
        (2, "X", "wrong_type"),
        (2, "X", "wrong_type"),
    ]


def test_a_missing_column_is_named_with_the_nearest_that_is_there() -> None:
    error = refusal(NAMES.replace("ARPU", "APRU") + "\n")
    assert error.code == "missing_column"
    assert error.extra["columns"] == ["ARPU"]
    assert error.extra["nearest"]["ARPU"][0] == "APRU"


def test_a_mapped_column_that_is_there_twice_is_refused() -> None:
    error = refusal(f"{NAMES},AGE\n{ROW.format(1, 'a')},21\n")
    assert (error.code, error.extra["columns"]) == ("repeated_column", ["AGE"])


@pytest.mark.parametrize("content", ["", "\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(content: str | bytes) -> None:
    assert refusal(content).code == "file_empty"


def test_seams_between_blocks_lose_no_row_and_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of rows through blocks of 4 KiB, every kind of bad one among them."""
    monkeypatch.setattr("customers.ingest.csv_files.BLOCK", 4096)
    monkeypatch.setattr("customers.ingest.staging.SLICE_BLOCKS", 7)
    lines = [NAMES]
    for n in range(6000):
        match n % 97:
            case 3:
                lines.append("short,row")
            case 5:
                lines.extend(["", ROW.format(n, '"two\nlines"')])
            case 7:
                lines.append(ROW.format(n, "BROKEN"))
            case 11:
                lines.append(ROW.format(n - 1, "again"))
            case 13:
                lines.append(ROW.format("", "x"))
            case _:
                lines.append(ROW.format(n, "手机" * (n % 5)))
    content = "\n".join([*lines, "the,last,one"]).encode().replace(b"BROKEN", b"\xff")
    expected = reference_ingest.ingest(table_of("customers", CATALOGUE), MAPPING, {"a": content})

    partition = ingest_csv(content)

    assert partition.facts["rows_in"] == expected.rows_in == 6001
    found = {(r["row"], r["column"], r["reason"]) for r in rejected(partition)}
    assert found == {problem[1:] for problem in expected.rejected}
    assert {r["customer_no"] for r in loaded(partition)} == {
        r["customer_no"] for r in expected.loaded
    }
