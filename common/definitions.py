"""What an app offers to definitions as code: documents with a schema, a loader and a dumper.

A definitions directory holds one YAML file per document; ``config.definitions`` reads, validates
and loads them in order, in one transaction, and turns a ``where`` path into file and line.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


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


NAME = {
    "type": "object",
    "properties": {
        "zh": {"type": "string", "minLength": 1},
        "en": {"type": "string", "minLength": 1},
    },
    "required": ["zh", "en"],
    "additionalProperties": False,
}
CODE = {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,39}$"}
DATE = {"type": "string", "format": "date"}
