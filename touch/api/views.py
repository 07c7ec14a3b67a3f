"""The operations of the touch point, version 1 (docs/api.md)."""

import re
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.admission import admit_hash
from common.api import Requires, Unproven, problem_of
from common.errors import DomainError
from common.permissions import Permission
from contacts.services import set_opt_outs
from touch.current import checked, current
from touch.feedback import SENDERS, Reported, once, record_feedback
from touch.recommendation import ASKERS, recommend, recommend_all
from touch.replay import READERS, replay

from . import description, examples
from .description import BODY, HEADERS, NO_CUSTOMER, NO_DECISION, NOT_PUBLISHED, problems
from .reading import Json
from .rendering import JsonOnly, written
from .serializers import (
    KEY_PATTERN,
    LONGEST_KEY,
    BatchQuestion,
    BatchSerializer,
    Feedback,
    FeedbackReply,
    OptOuts,
    OptOutsReply,
    Question,
    RecommendationSerializer,
    ReplaySerializer,
)

OPTERS = (Permission.SET_OPT_OUTS,)
# Bytes: a thousand events of feedback are a quarter of it.
MOST_BODY = 1_000_000


class TouchView(APIView):
    """One operation. A body that is too large is refused before it is read."""

    content_negotiation_class = JsonOnly
    metadata_class = None
    parser_classes = (Json,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        told = request.META.get("CONTENT_LENGTH") or "0"
        size = int(told) if told.isdigit() else 0
        if size > MOST_BODY:
            raise DomainError(
                "body_too_large",
                _("A body may have %(most)d bytes; %(size)d came. Send it in several requests.")
                % {"most": MOST_BODY, "size": size},
                status=413,
            )
        super().initial(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        """Who has not been admitted yet is told of that before anything else, and pays for it."""
        if _is_bad_input(exc) and isinstance(self.request.user, Unproven):
            try:
                admit_hash(self.request.user.key_hash)
            except DomainError as refusal:
                exc = refusal
        return super().handle_exception(exc)


def _is_bad_input(error: Exception) -> bool:
    """Whether it was found before any statement."""
    return getattr(error, "status_code", getattr(error, "status", None)) in (400, 415)


@lru_cache(maxsize=8)
def _question(language: str) -> Question:
    """Made once for each language: to make its fields anew takes longer than to answer.

    The framework words the message of a validator when it is first met, and keeps it.
    """
    question = Question()
    for field in question.fields.values():
        for validator in field.validators:
            str(validator.message)
    return question


class Recommendations(TouchView):
    permission_classes = (Requires(*ASKERS),)
    # The key is looked up in the statement that reads the customer: two statements per answer.
    admits_itself = True

    @extend_schema(
        operation_id="recommend",
        tags=["recommendations"],
        summary="What this customer is offered now, best first, and why",
        description="The answer is kept as a decision, whose id names it in feedback. For a system "
        "client it takes one call of the rate.",
        parameters=[description.CUSTOMER, Question, description.CHANNEL, *HEADERS],
        examples=[examples.RECOMMENDATION],
        responses={
            200: RecommendationSerializer,
            **problems({404: NO_CUSTOMER, 503: NOT_PUBLISHED}),
        },
    )
    def get(self, request: Request, customer_no: str) -> HttpResponse:
        asked = _question(get_language()).run_validation(request.query_params)
        return written(recommend(customer_no, user=request.user, **asked))


class RecommendationsBatch(TouchView):
    permission_classes = (Requires(*ASKERS),)
    admits_itself = True

    @extend_schema(
        operation_id="recommend_batch",
        tags=["recommendations"],
        summary="The same for up to 500 customers",
        description="One entry per customer, in the order asked. Each customer takes one call of "
        "the rate, and has a decision of his own.",
        parameters=[*HEADERS],
        request=BatchQuestion,
        examples=[examples.BATCH_ASKED, examples.BATCH],
        responses={200: BatchSerializer, **problems(BODY | {503: NOT_PUBLISHED})},
    )
    def post(self, request: Request) -> HttpResponse:
        asked = BatchQuestion(data=request.data)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        given = enumerate(values.pop("customers"))
        numbers = [checked(number, "customers", place) for place, number in given]
        answers = recommend_all(numbers, user=request.user, **values)
        return written({"answers": [_entry(answer) for answer in answers]})


def _entry(answer: Any) -> dict[str, Any]:
    if isinstance(answer, DomainError):
        return {"answer": None, "problem": problem_of(answer)}
    return {"answer": answer, "problem": None}


class Decisions(TouchView):
    permission_classes = (Requires(*READERS),)

    @extend_schema(
        operation_id="read_decision",
        tags=["decisions"],
        summary="An answer once given, made again from its versions, and whether it still stands",
        description="What the caller may not see is left out of it, whoever asked then.",
        parameters=[description.DECISION, *HEADERS],
        examples=[examples.REPLAY],
        responses={200: ReplaySerializer, **problems({404: NO_DECISION})},
    )
    def get(self, request: Request, decision: UUID) -> HttpResponse:
        return written(replay(decision, user=request.user))


class FeedbackReports(TouchView):
    permission_classes = (Requires(*SENDERS),)

    @extend_schema(
        operation_id="report_feedback",
        tags=["feedback"],
        summary="What became of answers: 1 to 1,000 events, taken whole or refused whole, once",
        description="The very next answer obeys what is reported. An event that was reported "
        "before, under whichever key, counts once.",
        parameters=[description.IDEMPOTENCY_KEY, description.REPLAYED, *HEADERS],
        request=Feedback,
        examples=[examples.REPORT, examples.REPORTED],
        responses={
            200: FeedbackReply,
            **problems(
                BODY
                | {
                    404: NO_DECISION,
                    409: "a decision has expired",
                    422: "the Idempotency-Key came with another body before",
                }
            ),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        key = _idempotency_key(request)
        asked = Feedback(data=request.data)
        asked.is_valid(raise_exception=True)
        reports = [Reported(**event) for event in asked.validated_data["events"]]
        reply, repeated = once(
            lambda: record_feedback(reports, by=request.user),
            caller=request.user,
            key=key,
            body=asked.validated_data,
            scope="feedback",
        )
        return written(reply, **{"Idempotency-Replayed": str(repeated).lower()})


def _idempotency_key(request: Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > LONGEST_KEY or not re.fullmatch(KEY_PATTERN, key):
        raise DomainError(
            "idempotency_key",
            _(
                "Send an Idempotency-Key of 1 to %(most)d printable ASCII characters without "
                "blanks, made anew for each request and kept when it is repeated; this one has "
                "%(n)d characters."
            )
            % {"most": LONGEST_KEY, "n": len(key)},
            where=["Idempotency-Key"],
        )
    return key


class CustomerOptOuts(TouchView):
    permission_classes = (Requires(*OPTERS),)

    @extend_schema(
        operation_id="read_opt_outs",
        tags=["opt-outs"],
        summary="What the customer does not want to hear from",
        description="Channels, and “personalised” for personalised marketing as a whole.",
        parameters=[description.CUSTOMER, *HEADERS],
        examples=[examples.OPTED_OUT],
        responses={200: OptOutsReply, **problems({404: NO_CUSTOMER, 503: NOT_PUBLISHED})},
    )
    def get(self, request: Request, customer_no: str) -> HttpResponse:
        now = current(checked(customer_no), request.user, *OPTERS)
        return written({"opted_out": sorted(now.record.opted_out)})

    @extend_schema(
        operation_id="set_opt_outs",
        tags=["opt-outs"],
        summary="Say so anew, whole: it holds from the next answer on",
        description="What is not named is opted in again. The same again changes nothing.",
        parameters=[description.CUSTOMER, *HEADERS],
        request=OptOuts,
        examples=[examples.OPTED_OUT],
        responses={
            200: OptOutsReply,
            **problems(BODY | {404: NO_CUSTOMER, 503: NOT_PUBLISHED}),
        },
    )
    @transaction.atomic
    def put(self, request: Request, customer_no: str) -> HttpResponse:
        asked = OptOuts(data=request.data)
        asked.is_valid(raise_exception=True)
        now = current(checked(customer_no), request.user, *OPTERS)
        record = set_opt_outs(
            customer_no=now.customer_no,
            opted_out=asked.validated_data["opted_out"],
            city=now.city,
            by=str(request.user),
        )
        return written({"opted_out": sorted(record.opted_out)})
