"""Bodies as JSON."""

from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser


class BodyParser(BaseParser):
    """Reads JSON in UTF-8 to the letter.

    What the standard library lets pass (half a character, lists in lists without end) would break
    whoever repeats it in a refusal.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return orjson.loads(stream.read())
        except orjson.JSONDecodeError as error:
            raise ParseError(
                _("The body is not JSON in UTF-8: %(what)s. Mend it and send it again.")
                % {"what": error}
            ) from None
