"""JSON Schemas of the documents ``policies``, ``campaigns``, ``marketing`` and ``priority``."""

from typing import Any

from common.definitions import CODE, DATE, NAME, object_of
from customers.meetings import Channel

from .terms import PREFERENCES

# As people write them on paper: P0012, C001, IBM-A.
NUMBER = {"type": "string", "pattern": "^[A-Z][A-Z0-9_-]{0,19}$"}
RULE = {"type": "string", "minLength": 1, "maxLength": 4000}
TEXTS = {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 300}}
BAND = {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,59}$"}


def _list_of(items: dict[str, Any], least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": items, "uniqueItems": True, "minItems": least}


BOTH = object_of({"zh": TEXTS, "en": TEXTS})

# Ranges of buckets, both ends included.
BUCKET = {"type": "integer", "minimum": 0, "maximum": 9999}
BUCKETS = {
    "type": "array",
    "items": {"type": "array", "items": BUCKET, "minItems": 2, "maxItems": 2},
}

POLICIES = {
    "type": "array",
    "items": object_of(
        {
            "number": NUMBER,
            "name": NAME,
            "clauses": BOTH,
            "cost": {"type": "number", "minimum": 0},
            "reward": {"type": "number", "minimum": 0},
            "margin": {"type": "number"},
            "take_up": {"anyOf": [RULE, {"type": "number"}]},
            "eligibility": RULE,
            "exclusivity_group": CODE,
            "channels": _list_of({"enum": Channel.values}, 1),
            "cities": _list_of(CODE),
            "talking_points": BOTH,
            "capacity": {"type": "integer", "minimum": 1},
            "held_days": {"type": "integer", "minimum": 1, "maximum": 3650},
            "valid": object_of({"from": DATE, "to": DATE}, ["from", "to"]),
        },
        ["number", "name", "cost", "reward", "margin", "take_up", "channels", "valid"],
    ),
}

CAMPAIGNS = {
    "type": "array",
    "items": object_of(
        {
            "code": NUMBER,
            "name": NAME,
            "organisation": CODE,
            "starts_on": DATE,
            "ends_on": DATE,
            "lever": {"type": "number", "exclusiveMinimum": 0},
            "audience": CODE,
            "control": BUCKETS,
        },
        ["code", "name", "organisation", "starts_on", "ends_on"],
    ),
}

MARKETING = {
    "type": "array",
    "items": object_of(
        {
            "campaign": NUMBER,
            "policy": NUMBER,
            "matrix": CODE,
            "cells": {
                "type": "object",
                "propertyNames": BAND,
                "additionalProperties": _list_of(BAND, 1),
            },
        },
        ["campaign", "policy", "matrix"],
    ),
}

_PREFERRED = {
    "policies": NUMBER,
    "campaigns": NUMBER,
    "exclusivity_groups": CODE,
    "strategies": CODE,
}
PRIORITY = {
    "type": "array",
    "items": object_of(
        {
            "name": NAME,
            "condition": RULE,
            "prefer": {
                **object_of({kind: _list_of(_PREFERRED[kind]) for kind in PREFERENCES}),
                "minProperties": 1,
            },
        },
        ["name", "condition", "prefer"],
    ),
}

HOLD_OUT = object_of(
    {"key": {"type": "string", "minLength": 8, "maxLength": 64}, "buckets": BUCKETS},
    ["key", "buckets"],
)
