"""The one error that business code raises, and nothing else may be shown to a user."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.utils.translation import gettext as _


class DomainError(Exception):
    """What must hold, what came instead, and what to do about it.

    ``code`` is stable and untranslated (``unknown_city``); ``message`` is one translated sentence
    for a person; ``extra`` holds plain values for a machine (positions, counts, nearest names).
    ``status`` is the HTTP status an API answer carries: 400 for bad input, 404 for what the caller
    may not know of, 409 for a conflict with the present state, 503 for "not yet".
    """

    def __init__(self, code: str, message: str, *, status: int = 400, **extra: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = str(message)
        self.status = status
        self.extra = extra

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]"


@contextmanager
def at(*path: str | int) -> Iterator[None]:
    """Put ``path`` before the ``where`` of an error raised inside: the part was looked at alone."""
    try:
        yield
    except DomainError as error:
        error.extra["where"] = [*path, *error.extra.get("where", [])]
        raise


def did_you_mean(near: Sequence[str]) -> str:
    """The end of a message about a slip of the pen: what was nearest, or nothing."""
    return _(" Did you mean %s?") % ", ".join(near) if near else ""
