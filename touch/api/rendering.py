"""Answers as JSON, straight from their dataclasses."""

from typing import Any

import orjson
from django.http import HttpResponse
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class JsonOnly(DefaultContentNegotiation):
    """There is one form to answer in: whatever a caller says it accepts, it gets JSON."""

    def select_renderer(
        self, request: Request, renderers: list[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


def written(data: Any, **headers: str) -> HttpResponse:
    """The answer: dataclasses, dates, moments and identifiers as they are, and plain values."""
    headers = {"Cache-Control": "no-store"} | headers
    return HttpResponse(
        orjson.dumps(data, default=str), content_type="application/json", headers=headers
    )
