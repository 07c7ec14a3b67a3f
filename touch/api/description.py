"""What all operations have in common in the published description: headers, refusals, limits."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from common.api import CONTENT_TYPE

from . import examples
from .serializers import CUSTOMER_NO, KEY_PATTERN, LONGEST_KEY, ProblemSerializer

CHANNEL = OpenApiParameter(
    "channel",
    {"$ref": "#/components/schemas/ChannelEnum"},
    description="where the customer is met: only what it carries, within its limits and hours; "
    "left out: whatever holds for any channel",
)
CUSTOMER = OpenApiParameter(
    "customer_no",
    {
        "type": "string",
        "minLength": CUSTOMER_NO["min_length"],
        "maxLength": CUSTOMER_NO["max_length"],
        # A stroke would begin another part of the address.
        "pattern": "^[^/]+$",
    },
    OpenApiParameter.PATH,
    description="the customer's number, whole, of printable characters",
    examples=[OpenApiExample("a customer", value=examples.CUSTOMER)],
)
DECISION = OpenApiParameter(
    "decision",
    {"type": "string", "format": "uuid"},
    OpenApiParameter.PATH,
    description="the id that the answer carried",
    examples=[OpenApiExample("a decision", value=examples.DECISION)],
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": KEY_PATTERN},
    OpenApiParameter.HEADER,
    required=True,
    description="made anew by the caller for each request, and kept when it is repeated: the same "
    "again gets the first reply again",
    examples=[OpenApiExample("a key", value="shift-7-000123")],
)
REPLAYED = OpenApiParameter(
    "Idempotency-Replayed",
    bool,
    OpenApiParameter.HEADER,
    response=[200],
    description="true: this request was done before, and this is the reply that it got then",
)
RETRY_AFTER = OpenApiParameter(
    "Retry-After",
    {"type": "integer", "minimum": 1},
    OpenApiParameter.HEADER,
    response=[429],
    description="seconds until the call would be admitted",
)
WWW_AUTHENTICATE = OpenApiParameter(
    "WWW-Authenticate",
    str,
    OpenApiParameter.HEADER,
    response=[401],
    description="how to say who calls: Bearer",
)
HEADERS = (RETRY_AFTER, WWW_AUTHENTICATE)

NOT_PUBLISHED = "nothing has been published yet"
NO_CUSTOMER = "no such customer in the caller's cities"
NO_DECISION = "no such decision in the caller's cities"
SHARED = {
    400: "the input is not valid: each fault is named in errors, or the one in where",
    401: "no key, or one that is unknown, expired or revoked",
    403: "the caller may not do this",
    429: "too many calls; Retry-After says in how many seconds to come back",
    500: "something went wrong here; it has been recorded",
}
BODY = {413: "the body is too large", 415: "the body is not application/json"}


def problems(texts: dict[int, str]) -> dict[tuple[int, str], OpenApiResponse]:
    """The refusals of an operation by status: those that all share, and its own ``texts``."""
    return {
        (status, CONTENT_TYPE): OpenApiResponse(
            ProblemSerializer,
            description=text,
            examples=[examples.problem_example(status, decision=text == NO_DECISION)],
        )
        for status, text in sorted((SHARED | texts).items())
    }


class StrictScheme(OpenApiSerializerExtension):
    """Says of what is sent that it may have no other fields; answers may get some in time."""

    target_class = "touch.api.serializers.Strict"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return schema | {"additionalProperties": False}
