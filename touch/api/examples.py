"""What the operations are sent and give, as a reader of the description first meets them."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

from common.api import problem
from touch.gates import Gate

CUSTOMER = "12800001234"
DECISION = "019dc3a2-6f0e-7c41-9a53-2f8e1b6d4c70"

ANSWER: dict[str, Any] = {
    "decision": DECISION,
    "at": "2026-07-04T10:15:02+08:00",
    "expires_at": "2026-08-03T10:15:02+08:00",
    "customer_no": "128****1234",
    "city": "hangzhou",
    "channel": "front_desk",
    "personalised": True,
    "profile": [
        {"code": "arpu", "name": "ARPU", "category": "basic", "value": 88.5, "shown": "88.5 yuan"}
    ],
    "cells": [
        {
            "matrix": "retention",
            "name": "Retention matrix",
            "version": 1,
            "number": 42,
            "bands": [{"dimension": "Customer value", "band": "high"}],
        }
    ],
    "items": [
        {
            "rank": 1,
            "policy": "P0012",
            "version": 2,
            "name": "Loyalty gift",
            "campaign": "C001",
            "campaign_name": "Keep those who move",
            "clauses": ["50 yuan of credit for staying another year"],
            "talking_points": ["Thank you for staying with us"],
            "channels": ["front_desk", "sms"],
            "take_up": 0.18,
            "worth": 7.2,
            "valid_until": "2026-12-31",
            "reasons": [
                {"kind": "cell", "text": "Retention matrix: Movement: moving"},
                {"kind": "eligibility", "text": "ARPU (88.5 yuan) is at least 80 yuan"},
                {
                    "kind": "priority",
                    "text": "Ranked by the priority “Keep those who move first”: "
                    "movement grade is moving",
                },
            ],
            "ranking": {
                "tier": 1,
                "take_up": 0.18,
                "margin": 40,
                "lever": 1,
                "worth": 7.2,
                "text": "Ranked by the priority “Keep those who move first”. Expected value "
                "7.2 yuan: take-up 18.00% × margin 40 yuan × lever 1. Equal values stand in the "
                "order of policy and campaign.",
            },
        }
    ],
    "considered": [
        {
            "policy": "P0012",
            "version": 2,
            "name": "Loyalty gift",
            "campaign": "C001",
            "rank": 1,
            "gate": None,
            "passed": [gate.value for gate in Gate],
            "text": "Offered as number 1",
        },
        {
            "policy": "P0003",
            "version": 1,
            "name": "Ring-back tone, first month free",
            "campaign": "C003",
            "rank": None,
            "gate": "channel",
            "passed": ["cell", "validity", "city"],
            "text": "Carried by SMS, app only",
        },
    ],
    "business_date": "2026-07-03",
    "published_at": "2026-07-04T02:41:07+08:00",
    "publication": 3,
    "versions": {
        "models": {"movement_index": 1},
        "matrices": {"retention": 1},
        "contact_policy": 4,
    },
}
UNKNOWN = problem(
    404, "unknown_customer", "There is no customer with this number here. Check the number."
)
_INVALID = problem(
    400,
    "invalid",
    "The input is not valid.",
    errors=[
        {
            "where": ["limit"],
            "code": "max_value",
            "message": "Ensure this value is less than or equal to 50.",
        }
    ],
)
_FOR_EXAMPLE: dict[int, dict[str, Any]] = {
    400: _INVALID,
    401: problem(
        401,
        "unknown_key",
        "No such key is known. A key begins with jz_ and is sent whole, as it was handed over.",
    ),
    403: problem(403, "permission_denied", "You do not have permission to perform this action."),
    404: UNKNOWN,
    409: problem(
        409,
        "decision_expired",
        "The decision expired at 2026-08-03T10:15:02+08:00: what became of it can't be counted "
        "any more.",
        extra={"where": ["events", 0, "decision"]},
    ),
    413: problem(
        413,
        "body_too_large",
        "A body may have 1000000 bytes; 10485760 came. Send it in several requests.",
    ),
    415: problem(415, "unsupported_media_type", "The body must be JSON, sent as application/json."),
    422: problem(
        422,
        "key_used",
        "This Idempotency-Key came with another body before: a request needs its own.",
        extra={"where": ["Idempotency-Key"]},
    ),
    429: problem(
        429,
        "rate_limited",
        "The client crm may make 50 calls a second, 100 at once. This was one too many; come back "
        "in 1 s.",
        extra={"retry_after": 1},
    ),
    500: problem(500, "internal", "Something went wrong here. It has been recorded."),
    503: problem(
        503,
        "nothing_published",
        "No day has been published yet: the answers come with the first daily run.",
    ),
}
_UNKNOWN_DECISION = problem(
    404, "unknown_decision", "There is no such decision here. Send the id that the answer carried."
)


def problem_example(status: int, *, decision: bool = False) -> OpenApiExample:
    """What a refusal looks like; ``decision``: the 404 of an operation that is sent one."""
    value = _UNKNOWN_DECISION if decision and status == 404 else _FOR_EXAMPLE[status]
    return OpenApiExample(value["code"], value=value, response_only=True)


RECOMMENDATION = OpenApiExample("front desk, explained", value=ANSWER, response_only=True)
BATCH_ASKED = OpenApiExample(
    "two customers",
    value={"customers": ["12800001234", "13900000000"], "channel": "outbound_call", "limit": 3},
    request_only=True,
)
BATCH = OpenApiExample(
    "one known, one not",
    value={
        "answers": [
            {"answer": ANSWER, "problem": None},
            {"answer": None, "problem": UNKNOWN},
        ]
    },
    response_only=True,
)
REPLAY = OpenApiExample(
    "the same answer still",
    value={
        "decision": DECISION,
        "by": "client:crm",
        "reproduced": True,
        "still_the_same": True,
        "gone": [],
        "new": [],
        "reason": "",
        "answer": ANSWER,
    },
    response_only=True,
)
REPORT = OpenApiExample(
    "shown, then declined",
    value={
        "events": [
            {"decision": DECISION, "policy": "P0012", "outcome": "shown"},
            {
                "decision": DECISION,
                "policy": "P0012",
                "outcome": "declined",
                "reason": "too expensive",
            },
        ]
    },
    request_only=True,
)
REPORTED = OpenApiExample("both new", value={"recorded": 2, "known": 0}, response_only=True)
OPTED_OUT = OpenApiExample("no SMS", value={"opted_out": ["sms"]})
