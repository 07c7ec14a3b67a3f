"""What an app offers to definitions as code: documents with a schema, a loader and a dumper.

A definitions directory holds one YAML file per document; ``config.definitions`` reads, validates
and loads them in order, in one transaction, and turns a ``where`` path into file and line.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from .errors import DomainError


@dataclass
class Changes:
    """What a load did, by the codes of the items."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    @property
    def any(self) -> bool:
        return bool(self.added or self.changed or self.removed)


@dataclass(frozen=True)
class Document:
    """One file of a definitions directory.

    ``name`` is the file's stem and only top-level key; ``schema`` the JSON Schema of what stands
    below that key. ``load(content, by)`` writes it and raises ``DomainError`` with
    ``where=[index, "field", ...]`` for content that the schema can't refuse; loading what is there
    already changes nothing. ``dump()`` returns content that loads to the same state.
    """

    name: str
    schema: dict[str, Any]
    load: Callable[[Any, str], Changes]
    dump: Callable[[], Any]


def refuse_twice(codes: Sequence[str], *field: str) -> None:
    """Raise DomainError ``repeated_code`` at the second item of a code: [index, *field]."""
    for index, code in enumerate(codes):
        if code in codes[:index]:
            raise DomainError(
                "repeated_code",
                _("%s is listed twice; each is listed once.") % code,
                where=[index, *field],
            )


def object_of(properties: dict[str, Any], required: Sequence[str] = ()) -> dict[str, Any]:
    """The JSON Schema of an object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


_TEXT = {"type": "string", "minLength": 1}
NAME = object_of({"zh": _TEXT, "en": _TEXT}, ["zh", "en"])
CODE = {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,39}$"}
DATE = {"type": "string", "format": "date"}
