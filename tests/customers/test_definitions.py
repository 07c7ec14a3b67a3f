"""Attributes and sources as code: loaded whole, loaded twice, exported, refused."""

from typing import Any

import jsonschema
import pytest

from accounts.models import Operation
from common.errors import DomainError
from customers.definitions import DOCUMENTS
from customers.models import Attribute, Source
from customers.schemas import ATTRIBUTES, SOURCES
from tests.accounts.people import make_province

pytestmark = pytest.mark.django_db

ATTRIBUTES_DOCUMENT, SOURCES_DOCUMENT = DOCUMENTS

ARPU = {
    "code": "arpu",
    "name": {"zh": "月均消费", "en": "ARPU"},
    "category": "basic",
    "type": "number",
    "unit": {"zh": "元", "en": "yuan"},
    "range": [0, 100_000],
    "sensitivity": "internal",
    "front_desk": True,
    "description": {"zh": "近三个月", "en": "Of three months"},
}
BRAND = {
    "code": "brand",
    "name": {"zh": "品牌", "en": "brand"},
    "category": "basic",
    "type": "category",
    "values": [
        {"code": "gotone", "zh": "全球通", "en": "GoTone"},
        {"code": "mzone", "zh": "动感地带", "en": "M-Zone"},
    ],
    "sensitivity": "public",
}
CAMPUS = {**ARPU, "code": "is_campus", "type": "boolean"}
del CAMPUS["range"], CAMPUS["unit"]
SCORE = {**ARPU, "code": "value_index", "origin": "score"}
LABEL = {**CAMPUS, "code": "left", "origin": "label", "front_desk": False}
JOINED = {**CAMPUS, "code": "joined_on", "type": "date"}
CATALOGUE = [ARPU, BRAND, CAMPUS, SCORE, LABEL, JOINED]

SOURCE = {
    "code": "boss",
    "table": "customers",
    "format": "csv",
    "files": "boss/{date:%Y%m%d}/*.csv",
    "csv": {"encoding": "gb18030", "delimiter": "|"},
    "null_words": ["", "NULL"],
    "key": "NUM",
    "city": {"column": "CITY", "values": {"0571": "hangzhou"}, "other": "ningbo"},
    "columns": {
        "arpu": "ARPU",
        "brand": {"column": "BRAND", "values": {"GT": "gotone"}, "other": "mzone"},
        "is_campus": {"column": "CAMPUS", "values": {"是": True}},
        "left": "LEFT",
        "joined_on": {"column": "JOINED", "format": "%Y%m%d"},
    },
}
ORDERS = {
    "code": "orders",
    "table": "orders",
    "format": "parquet",
    "files": "orders/{date}.parquet",
    "key": "NO",
    "columns": {
        code: code.upper() for code in ("customer_no", "ordered_on", "policy", "channel", "amount")
    },
}


@pytest.fixture(autouse=True)
def _province() -> None:
    make_province()


def load_attributes(*items: dict[str, Any]) -> Any:
    jsonschema.validate(list(items), ATTRIBUTES)
    return ATTRIBUTES_DOCUMENT.load(list(items), "test")


def load_sources(*items: dict[str, Any]) -> Any:
    jsonschema.validate(list(items), SOURCES)
    return SOURCES_DOCUMENT.load(list(items), "test")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_the_schemas_are_schemas(document: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(document.schema)


def test_loading_twice_changes_nothing() -> None:
    assert load_attributes(*CATALOGUE).added == [a["code"] for a in CATALOGUE]
    assert load_sources(SOURCE, ORDERS).added == ["boss", "orders"]
    operations = Operation.objects.count()
    assert not load_attributes(*CATALOGUE).any
    assert not load_sources(SOURCE, ORDERS).any
    assert Operation.objects.count() == operations


def test_what_is_exported_loads_to_the_same() -> None:
    load_attributes(*CATALOGUE)
    load_sources(SOURCE, ORDERS)
    before = (list(Attribute.objects.values()), list(Source.objects.order_by("code").values()))
    attributes, sources = ATTRIBUTES_DOCUMENT.dump(), SOURCES_DOCUMENT.dump()
    assert not load_attributes(*attributes).any
    assert not load_sources(*sources).any
    Source.objects.all().delete()
    Attribute.objects.all().delete()
    load_attributes(*attributes)
    load_sources(*sources)
    after = (list(Attribute.objects.values()), list(Source.objects.order_by("code").values()))
    assert after == before


def test_a_change_is_made_and_logged() -> None:
    load_attributes(ARPU, BRAND)
    changes = load_attributes(ARPU, {**BRAND, "sensitivity": "sensitive"})
    assert (changes.changed, changes.unchanged) == (["brand"], ["arpu"])
    line = Operation.objects.get(action="change")
    assert (line.by, line.target_type, line.target_id) == ("test", "attribute", "brand")
    assert (line.before["sensitivity"], line.after["sensitivity"]) == ("public", "sensitive")


def test_what_the_file_leaves_out_stays() -> None:
    load_attributes(ARPU, BRAND)
    load_attributes(ARPU)
    assert set(Attribute.objects.values_list("code", flat=True)) == {"arpu", "brand"}


def test_defaults_are_those_of_a_careful_reader() -> None:
    load_attributes({k: ARPU[k] for k in ("code", "name", "category", "type")})
    arpu = Attribute.objects.get()
    assert (arpu.sensitivity, arpu.origin, arpu.front_desk) == ("internal", "source", False)


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"code": "city"}, "reserved_code", [1, "code"]),
        ({"code": "customer_no"}, "reserved_code", [1, "code"]),
        ({"code": "between"}, "reserved_code", [1, "code"]),
        ({"code": "brand"}, "repeated_code", [1, "code"]),
        ({"range": [5, 1]}, "range_reversed", [1, "range"]),
        ({"range": [0, float("inf")]}, "range_not_finite", [1, "range"]),
        ({"type": "date"}, "range_misplaced", [1, "range"]),
        ({"values": BRAND["values"]}, "values_misplaced", [1, "values"]),
        ({"type": "category", "range": None}, "values_misplaced", [1, "type"]),
        (
            {"type": "category", "range": None, "values": [*BRAND["values"], BRAND["values"][0]]},
            "repeated_code",
            [1, "values", 2],
        ),
        ({"origin": "label"}, "label_at_front_desk", [1, "front_desk"]),
    ],
)
def test_an_attribute_that_contradicts_itself_is_refused(
    change: dict[str, Any], code: str, where: list[Any]
) -> None:
    item = {k: v for k, v in {**ARPU, **change}.items() if v is not None}
    with pytest.raises(DomainError) as error:
        load_attributes(BRAND, item)
    assert (error.value.code, error.value.extra["where"]) == (code, where)


MAPPED = SOURCE["columns"]


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"city": None}, "city_misplaced", ["table"]),
        ({"columns": {"arpuu": "X"}}, "unknown_attribute", ["columns", "arpuu"]),
        ({"columns": {"customer_no": "X"}}, "unknown_attribute", ["columns", "customer_no"]),
        ({"columns": {"value_index": "X"}}, "score_mapped", ["columns", "value_index"]),
        (
            {"columns": {"arpu": {"column": "X", "format": "%Y-%m-%d"}}},
            "format_misplaced",
            ["columns", "arpu", "format"],
        ),
        (
            {"columns": {"arpu": {"column": "X", "values": {"1": "gotone"}}}},
            "value_map_misplaced",
            ["columns", "arpu", "values"],
        ),
        (
            {"columns": {"is_campus": {"column": "X", "other": "gotone"}}},
            "other_misplaced",
            ["columns", "is_campus", "other"],
        ),
        (
            {"columns": {"brand": {"column": "X", "values": {"GT": "gotoned"}}}},
            "unknown_value",
            ["columns", "brand", "values", "GT"],
        ),
        (
            {"columns": {"brand": {"column": "X", "values": {"GT": True}}}},
            "unknown_value",
            ["columns", "brand", "values", "GT"],
        ),
        (
            {"columns": {"is_campus": {"column": "X", "values": {"是": "yes"}}}},
            "unknown_value",
            ["columns", "is_campus", "values", "是"],
        ),
        (
            {"columns": {"brand": {"column": "X", "other": "rest"}}},
            "unknown_value",
            ["columns", "brand", "other"],
        ),
        (
            {"city": {"column": "X", "values": {"0571": "wenzhou"}}},
            "unknown_value",
            ["city", "values", "0571"],
        ),
        ({"city": {"column": "X", "other": "wenzhou"}}, "unknown_value", ["city", "other"]),
        ({"csv": {"delimiter": '"'}}, "delimiter_is_quote", ["csv"]),
    ],
)
def test_a_mapping_to_what_is_not_there_is_refused(
    change: dict[str, Any], code: str, where: list[Any]
) -> None:
    load_attributes(*CATALOGUE)
    item = {k: v for k, v in {**SOURCE, **change}.items() if v is not None}
    with pytest.raises(DomainError) as error:
        load_sources(item)
    assert (error.value.code, error.value.extra["where"]) == (code, [0, *where])
    assert not Source.objects.exists()


def test_a_near_miss_is_answered_with_the_nearest_name() -> None:
    load_attributes(*CATALOGUE)
    with pytest.raises(DomainError) as error:
        load_sources({**SOURCE, "columns": {"arpuu": "X"}})
    assert error.value.extra["nearest"][0] == "arpu"


def test_a_table_needs_its_required_columns() -> None:
    columns = {k: v for k, v in ORDERS["columns"].items() if k != "amount"}
    with pytest.raises(DomainError) as error:
        load_sources({**ORDERS, "columns": columns})
    assert (error.value.code, error.value.extra["where"]) == ("column_not_mapped", [0, "columns"])


def test_a_table_has_one_active_source() -> None:
    load_attributes(*CATALOGUE)
    load_sources(SOURCE)
    other = {**SOURCE, "code": "crm"}
    with pytest.raises(DomainError) as error:
        load_sources(other)
    assert (error.value.code, error.value.extra["where"]) == ("table_has_source", [0, "table"])
    load_sources({**SOURCE, "active": False}, other)
    assert list(Source.objects.filter(active=True).values_list("code", flat=True)) == ["crm"]


SQL = {"code": "crm", "table": "customers", "format": "sql", "key": "n", "city": SOURCE["city"]}


@pytest.mark.parametrize(
    "item",
    [
        {**SOURCE, "format": "excel"},
        {**SOURCE, "files": "/etc/passwd"},
        {**SOURCE, "files": "boss/../../secret"},
        {**SOURCE, "files": ".."},
        {**SOURCE, "files": "boss/{source}.csv"},
        {**SOURCE, "files": "boss/{date.__class__}.csv"},
        {**SOURCE, "csv": {"encoding": "utf-16"}},
        {**SOURCE, "csv": {"delimiter": "||"}},
        {**SOURCE, "csv": {"delimiter": "\n"}},
        {**SOURCE, "csv": {"delimiter": "，"}},
        {**SOURCE, "reject_share": 1.5},
        {**SOURCE, "surprise": 1},
        {**SOURCE, "city": {"column": "X", "values": {571: "hangzhou"}}},
        {**SOURCE, "columns": {"joined_on": {"column": "X", "format": "%y%m%d"}}},
        {**SOURCE, "columns": {"joined_on": {"column": "X", "format": "%Y%m"}}},
        {**SOURCE, "dsn_env": "X", "query": "SELECT 1"},
        {k: v for k, v in SOURCE.items() if k != "files"},
        {**SOURCE, "format": "parquet"},
        {**SQL, "columns": {}, "dsn_env": "CRM_DSN"},
        {**SQL, "columns": {}, "dsn_env": "postgres://me:pw@host/db", "query": "SELECT 1"},
    ],
)
def test_the_schema_refuses_what_no_source_can_be(item: dict[str, Any]) -> None:
    assert not jsonschema.Draft202012Validator(SOURCES).is_valid([item])


@pytest.mark.parametrize(
    "item",
    [
        SOURCE,
        ORDERS,
        {**SQL, "columns": {}, "dsn_env": "CRM_DSN", "query": "SELECT 1"},
        {**SOURCE, "csv": {"delimiter": "\x01", "quote": ""}},
        {**SOURCE, "files": "boss/..cust-{date}.csv"},
    ],
)
def test_the_schema_admits(item: dict[str, Any]) -> None:
    jsonschema.validate([item], SOURCES)
