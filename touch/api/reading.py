"""JSON as it comes in, strictly: UTF-8, no NaN, nested no deeper than anybody means it."""

from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.utils.translation import gettext as _
from rest_framework.parsers import BaseParser

from common.errors import DomainError


class Json(BaseParser):
    """Whatever is no JSON is a DomainError ``parse_error`` (400) with the place of the fault."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return orjson.loads(stream.read())
        except orjson.JSONDecodeError as fault:
            raise DomainError(
                "parse_error",
                _("The body is no JSON: line %(line)d, column %(column)d: %(why)s.")
                % {"line": fault.lineno, "column": fault.colno, "why": fault.msg},
            ) from fault
