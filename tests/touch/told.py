"""Everything an answer tells about its customer, as one text to look for secrets in."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

# What the system numbers or dates by itself: any figure may turn up in it by chance.
ITS_OWN = {
    "decision",
    "number",
    "version",
    "versions",
    "publication",
    "at",
    "expires_at",
    "published_at",
    "business_date",
}


def told(answer: Any) -> str:
    return "\n".join(_values(answer))


def _values(value: Any) -> Iterator[str]:
    if is_dataclass(value):
        for field in fields(value):
            if field.name not in ITS_OWN:
                yield from _values(getattr(value, field.name))
    elif isinstance(value, dict):
        for name, one in value.items():
            if name not in ITS_OWN:
                yield str(name)
                yield from _values(one)
    elif isinstance(value, list | tuple | set):
        for one in value:
            yield from _values(one)
    else:
        yield str(value)
