"""JSON Schemas of the documents ``attributes`` and ``sources``."""

from typing import Any

from common.definitions import CODE, NAME, object_of

from .models import Category, Origin, Sensitivity, Type
from .tables import TABLES

ATTRIBUTE_CODE = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,59}$"}
VALUE_CODE = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.+-]{0,39}$"}
TEXT = {"type": "string", "minLength": 1}
COLUMN_NAME = {"type": "string", "minLength": 1, "maxLength": 200}

# A date is read back as it was written, so only parts that every reader writes alike.
DATE_FORMAT = {
    "type": "string",
    "pattern": "^(?=.*%Y)(?=.*%m)(?=.*%d)([^%]|%[YmdHMS])+$",
    "maxLength": 40,
}
# Below the landing directory, and never out of it.
FILES = {
    "type": "string",
    "pattern": r"^(?!/)(?!(.*/)?\.\.(/|$))([^{}]|\{date(:[^{}]+)?\})+$",
    "maxLength": 300,
}
# Arrow reads one byte; a record's end or a NUL is no delimiter.
DELIMITER = {"type": "string", "pattern": "^[\\x01-\\x09\\x0b\\x0c\\x0e-\\x7f]$"}


def _value_map(to: dict[str, Any]) -> dict[str, Any]:
    """Text in the source → value. YAML reads a bare 1, yes or null as no text: quote it."""
    return {
        "type": "object",
        "propertyNames": {"type": "string"},
        "additionalProperties": to,
        "minProperties": 1,
    }


def _mapped(to: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return object_of({"column": COLUMN_NAME, "values": _value_map(to), **more}, ["column"])


ATTRIBUTES = {
    "type": "array",
    "items": object_of(
        {
            "code": ATTRIBUTE_CODE,
            "name": NAME,
            "category": {"enum": Category.values},
            "type": {"enum": Type.values},
            "unit": NAME,
            "range": {
                "type": "array",
                "items": {"type": ["number", "null"]},
                "minItems": 2,
                "maxItems": 2,
            },
            "values": {
                "type": "array",
                "items": object_of(
                    {"code": VALUE_CODE, "zh": TEXT, "en": TEXT}, ["code", "zh", "en"]
                ),
                "minItems": 1,
            },
            "sensitivity": {"enum": Sensitivity.values},
            "origin": {"enum": Origin.values},
            "front_desk": {"type": "boolean"},
            "description": NAME,
        },
        ["code", "name", "category", "type"],
    ),
}

# What a source of each format must say, and what it may not.
_BY_FORMAT = {
    "csv": (["files"], ["dsn_env", "query"]),
    "parquet": (["files"], ["dsn_env", "query", "csv"]),
    "sql": (["dsn_env", "query"], ["files", "csv"]),
}


def _format_rule(name: str, needs: list[str], not_for: list[str]) -> dict[str, Any]:
    return {
        "if": {"properties": {"format": {"const": name}}, "required": ["format"]},
        "then": {"required": needs, "properties": dict.fromkeys(not_for, False)},
    }


_SOURCE = object_of(
    {
        "code": CODE,
        "table": {"enum": list(TABLES)},
        "active": {"type": "boolean"},
        "format": {"enum": list(_BY_FORMAT)},
        "files": FILES,
        "dsn_env": {"type": "string", "pattern": "^[A-Z][A-Z0-9_]{0,79}$"},
        "query": {"type": "string", "minLength": 1, "maxLength": 20_000},
        "csv": object_of(
            {
                "encoding": {"enum": ["utf-8", "utf-8-sig", "gb18030", "latin-1"]},
                "delimiter": DELIMITER,
                "quote": {"anyOf": [DELIMITER, {"const": ""}]},
            },
            [],
        ),
        "null_words": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "reject_share": {"type": "number", "minimum": 0, "maximum": 1},
        "key": COLUMN_NAME,
        "city": _mapped(CODE, {"other": CODE}),
        "columns": {
            "type": "object",
            "propertyNames": ATTRIBUTE_CODE,
            "additionalProperties": {
                "anyOf": [
                    COLUMN_NAME,
                    _mapped(
                        {"type": ["string", "boolean"]},
                        {"format": DATE_FORMAT, "other": VALUE_CODE},
                    ),
                ]
            },
        },
    },
    ["code", "table", "format", "key", "columns"],
)
SOURCES = {
    "type": "array",
    "items": {
        **_SOURCE,
        "allOf": [_format_rule(name, *rules) for name, rules in _BY_FORMAT.items()],
    },
}
