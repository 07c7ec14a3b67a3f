"""Dirty generated files through both ingests: the same rows loaded, the same rejected."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import DomainError
from customers.tables import table_of
from lake.models import Partition

from . import reference_ingest
from .ingesting import CATALOGUE, HEADER, MAPPING, land, loaded, pinned, rejected, run

pytestmark = pytest.mark.django_db

KEYS = ["001", "2", " 2 ", "13812341234", "0002-ORFBO", "x" * 41, "客户", "a\x07b", "", "NULL"]
CITIES = ["HZ", "hangzhou", "ningbo", "NINGBO", "wenzhou", ""]
NUMBERS = [
    "0",
    "1",
    "-1",
    "+5",
    "120",
    "121",
    "1.0",
    "2.5",
    "5.",
    ".5",
    ".",
    "1e2",
    "1e400",
    "-1e400",
    "1e-400",
    "1E+2",
    "1_000",
    "+-5",
    "--5",
    "1e",
    "1e+",
    "nan",
    "NaN",
    "inf",
    "Inf",
    "infinity",
    "-infinity",
    "0x10",
    "1,000",
    "１２",
    "٣",
    "9007199254740991",
    "9007199254740992",
    "-0.0",
    "1e2.5",
    "99999999999999999999",
    "00012",
    "10000.01",
    "_1",
    "1d",
    "1f",
    "1e1000000000000",
]
BOOLEANS = ["true", "FALSE", "Yes", "no", "1", "0", "是", "y", "2", "NULL"]
BRANDS = ["GT", "gotone", "mzone", "gt", "easyown", "NULL", ""]
TEXTS = [
    "Mate 60",
    '手机"报"',
    "a,b",
    "line\nbreak",
    "cr\rhere",
    "x" * 201,
    "\u3000手机\u00a0",
    "=",
]
DATES = [
    "20260701",
    "20260230",
    "2026071",
    "202607010",
    "2026-07-01",
    "00010101",
    "00000101",
    "99991231",
    "19000229",
    "20000229",
    "２０２６０７０１",
    "20261301",
]
COLUMNS = [KEYS, CITIES, NUMBERS, NUMBERS, BOOLEANS, BRANDS, TEXTS, DATES]

anything = st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF), max_size=6)
blank = st.sampled_from(["", "", "", " ", "\t", "\u3000", "\u00a0"])


def value_of(dirty: list[str]) -> st.SearchStrategy[str]:
    value = st.one_of(st.sampled_from(dirty), st.sampled_from(dirty), anything)
    return st.builds("{}{}{}".format, blank, value, blank)


SOUND = st.tuples(
    st.integers(1, 40).map(str),
    st.sampled_from(["HZ", "hangzhou", " ningbo"]),
    st.sampled_from(["20", "0", " 120", ""]),
    st.sampled_from(["0", "12.34", "1e3", "nan", "9999.999"]),
    st.sampled_from(["yes", "FALSE", "1", ""]),
    st.sampled_from(["GT", "mzone", ""]),
    st.sampled_from(["Mate 60", '手机"报"', "a,b", "line\nbreak", "'", ""]),
    st.sampled_from(["20260701", "20000229", ""]),
)


@st.composite
def row(draw: Callable[..., Any]) -> list[str]:
    """A sound row, in which some values may be dirty, or now and then no row at all."""
    if draw(st.integers(0, 19)) == 0:
        return draw(st.lists(anything, max_size=10))
    values = list(draw(SOUND))
    for column in draw(st.lists(st.integers(0, len(COLUMNS) - 1), max_size=2)):
        values[column] = draw(value_of(COLUMNS[column]))
    return values


@st.composite
def csv_file(draw: Callable[..., Any], encoding: str, delimiter: str, quote: str) -> bytes:
    """A file whose every quote is closed, with whatever else may go wrong."""

    def written(value: str) -> str:
        special = any(c in value for c in (delimiter, quote or "\n", "\n", "\r"))
        if quote and (special or draw(st.booleans())):
            tail = draw(st.sampled_from(["", "", "", "tail"]))
            return quote + value.replace(quote, quote * 2) + quote + tail
        for character in {delimiter, "\n", "\r"}:
            value = value.replace(character, "_")
        return value

    newline = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    lines = [delimiter.join(HEADER)]
    for values in draw(st.lists(row(), max_size=40)):
        lines.append(delimiter.join(map(written, values)))
        lines.extend([""] * draw(st.sampled_from([0, 0, 0, 1])))
    text = newline.join(lines) + draw(st.sampled_from(["", newline]))
    data = text.encode(encoding, "replace")
    body = len((lines[0] + newline).encode(encoding))
    for place in draw(st.lists(st.integers(0, 2**16), max_size=3)):
        if len(data) > body:
            at = body + place % (len(data) - body)
            data = data[:at] + draw(st.sampled_from([b"\xff", b"\x81", b"\xe4\xbd"])) + data[at:]
    return data


@st.composite
def delivery(draw: Callable[..., Any]) -> tuple[dict[str, Any], list[bytes]]:
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "latin-1"]))
    delimiter = draw(st.sampled_from([",", ";", "\t", "|", "\x01"]))
    quote = draw(st.sampled_from(['"', '"', "'", ""]))
    mapping = {
        **MAPPING,
        "csv": {"encoding": encoding, "delimiter": delimiter, "quote": quote},
        "null_words": draw(st.sampled_from([[""], ["", "NULL"], ["NULL"]])),
        "city": {
            **MAPPING["city"],
            **draw(st.sampled_from([{}, {"other": "ningbo"}])),
        },
        "columns": {
            **MAPPING["columns"],
            "brand": {
                **MAPPING["columns"]["brand"],
                **draw(st.sampled_from([{}, {"other": "mzone"}])),
            },
            "is_campus": draw(
                st.sampled_from(["CAMPUS", {"column": "CAMPUS", "values": {"是": True}}])
            ),
        },
    }
    files = draw(st.lists(csv_file(encoding, delimiter, quote), min_size=1, max_size=2))
    return mapping, files


def both_agree(delivery: tuple[dict[str, Any], list[bytes]]) -> None:
    mapping, contents = delivery
    files = {f"{index}.csv": content for index, content in enumerate(contents)}
    for name, content in files.items():
        land(name, content)
    shutil.rmtree(Path(django_settings.LAKE_DIR), ignore_errors=True)
    Partition.objects.all().delete()
    if any(reference_ingest.breaks_off(content, mapping) for content in contents):
        with pytest.raises(DomainError) as refusal:
            run(pinned(*sorted(files), **mapping))
        assert refusal.value.code == "file_broken_off"
        return
    expected = reference_ingest.ingest(table_of("customers", CATALOGUE), mapping, files)
    if not expected.loaded:
        return

    partition = run(pinned(*sorted(files), **mapping))

    facts = partition.facts
    assert (facts["rows_in"], facts["loaded"], facts["rejected"]) == (
        expected.rows_in,
        len(expected.loaded),
        expected.rejected_rows,
    )
    by_key = sorted(loaded(partition), key=lambda row: row["customer_no"])
    assert by_key == sorted(expected.loaded, key=lambda row: row["customer_no"])
    found = {(r["file"], r["row"], r["column"], r["reason"]) for r in rejected(partition)}
    assert found == expected.rejected


quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=25, deadline=None, suppress_health_check=quiet)
@given(delivery())
def test_both_load_and_reject_the_same(
    seams: None, delivery: tuple[dict[str, Any], list[bytes]]
) -> None:
    both_agree(delivery)


@pytest.mark.long
@pytest.mark.timeout(3600)
@settings(max_examples=1000, deadline=None, suppress_health_check=quiet)
@given(delivery())
def test_both_agree_on_many_more(seams: None, delivery: tuple[dict[str, Any], list[bytes]]) -> None:
    both_agree(delivery)


@pytest.fixture
def seams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of one block, so that the parts are written more than once."""
    monkeypatch.setattr("customers.ingest.csv_files.BLOCK", 2**14)
    monkeypatch.setattr("customers.ingest.staging.SLICE_BLOCKS", 1)
