"""GET /api/v1/customers/{customer_no}/recommendations"""

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.api import Requires
from common.permissions import Permission
from touch.recommendation import recommend

from .serializers import Asked, ProblemSerializer, RecommendationSerializer

PROBLEM = "application/problem+json"


def _problem(text: str) -> OpenApiResponse:
    return OpenApiResponse(ProblemSerializer, description=text)


EXAMPLE = OpenApiExample(
    "front desk",
    value={
        "customer_no": "128****1234",
        "city": "hangzhou",
        "business_date": "2026-07-03",
        "published_at": "2026-07-04T02:41:07+08:00",
        "publication": 3,
        "profile": [
            {
                "code": "arpu",
                "name": "ARPU",
                "category": "basic",
                "value": 88.5,
                "shown": "88.5 yuan",
            }
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
            }
        ],
        "versions": {"models": {"movement_index": 1}, "matrices": {"retention": 1}},
    },
    response_only=True,
)


class Recommendations(APIView):
    permission_classes = [Requires(Permission.USE_API, Permission.VIEW_CUSTOMERS)]

    @extend_schema(
        operation_id="recommendations",
        summary="What fits this customer now, best first, and why",
        parameters=[Asked],
        examples=[EXAMPLE],
        responses={
            200: RecommendationSerializer,
            (400, PROBLEM): _problem("an unknown channel, or a limit outside 1 to 50"),
            (401, PROBLEM): _problem("no caller is named, or the password is wrong"),
            (403, PROBLEM): _problem("the caller may not ask this"),
            (404, PROBLEM): _problem("no such customer in the caller's cities"),
            (503, PROBLEM): _problem("nothing has been published yet"),
        },
    )
    def get(self, request: Request, customer_no: str) -> Response:
        asked = Asked(data=request.query_params)
        asked.is_valid(raise_exception=True)
        answer = recommend(customer_no, user=request.user, **asked.validated_data)
        return Response(RecommendationSerializer(answer).data)
