"""The shape of strategies and matrices as JSON or YAML: one truth for files, forms and bodies."""

from typing import Any

from common.definitions import CODE, NAME, object_of

LIMIT = {"type": "number"}
ATTRIBUTE = {"type": "string", "minLength": 1, "maxLength": 60}
RULE = {"type": "string", "minLength": 1, "maxLength": 4000}
BAND = {"code": CODE, "name": NAME}


def _bands(extra: dict[str, Any], *required: str) -> dict[str, Any]:
    band = object_of(BAND | extra, ["code", "name", *required])
    return {"type": "array", "minItems": 1, "items": band}


def _dimension(kind: str, bands: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    properties = {"code": CODE, "name": NAME, "kind": {"const": kind}, "bands": bands} | extra
    attribute = ["attribute"] if "attribute" in extra else []
    return object_of(properties, ["code", "name", "kind", "bands", *attribute])


OF_ATTRIBUTE = {"attribute": ATTRIBUTE, "null_band": object_of(BAND, ["code", "name"])}
CITY_LIMITS = {
    "type": "array",
    "items": {"type": "array", "minItems": 2, "maxItems": 2, "items": LIMIT},
}
CITY_CUTS = {"type": "object", "additionalProperties": {"type": "array", "items": LIMIT}}

DIMENSIONS = {
    "thresholds": _dimension(
        "thresholds",
        _bands({"from": LIMIT, "to": LIMIT}),
        OF_ATTRIBUTE | {"city_cuts": CITY_CUTS, "city_limits": CITY_LIMITS},
    ),
    "quantiles": _dimension(
        "quantiles",
        _bands({"share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1}}, "share"),
        OF_ATTRIBUTE,
    ),
    "categories": _dimension(
        "categories",
        _bands(
            {
                "values": {"type": "array", "minItems": 1, "items": {"type": "string"}},
                "other": {"const": True},
            }
        ),
        OF_ATTRIBUTE,
    ),
    "boolean": _dimension("boolean", _bands({"value": {"type": "boolean"}}, "value"), OF_ATTRIBUTE),
    "rules": _dimension("rules", _bands({"rule": RULE, "else": {"const": True}}), {}),
}

DIMENSION = {
    "type": "object",
    "required": ["kind"],
    "properties": {"kind": {"enum": list(DIMENSIONS)}},
    # One schema is chosen by the kind, so that an error speaks of that kind and not of all five.
    "allOf": [
        {"if": {"required": ["kind"], "properties": {"kind": {"const": kind}}}, "then": schema}
        for kind, schema in DIMENSIONS.items()
    ],
}

BOX = {
    "type": "object",
    "propertyNames": CODE,
    "additionalProperties": {"type": "array", "minItems": 1, "uniqueItems": True, "items": CODE},
}
EDIT = {
    "type": "object",
    "if": {"required": ["split"]},
    "then": object_of({"split": BOX, "by": CODE}, ["split", "by"]),
    "else": object_of({"merge": BOX}, ["merge"]),
}

MATRIX = object_of(
    {
        "code": CODE,
        "strategy": CODE,
        "name": NAME,
        "scope": RULE,
        "dimensions": {"type": "array", "minItems": 1, "items": DIMENSION},
        "grid": {"type": "array", "minItems": 1, "uniqueItems": True, "items": CODE},
        "edits": {"type": "array", "items": EDIT},
    },
    ["code", "strategy", "name", "dimensions"],
)
# What a published version has and a file has not: it follows from the strategies.
GROUP = object_of({"rule": RULE, "without": {"type": "array", "items": RULE}})
FILED = MATRIX
MATRIX = FILED | {"properties": FILED["properties"] | {"group": GROUP}}
MATRICES = {"type": "array", "items": FILED}
STRATEGY = {"code": CODE, "name": NAME, "rule": RULE, "exclusive": {"type": "boolean"}}
STRATEGIES = {"type": "array", "items": object_of(STRATEGY, ["code", "name"])}
