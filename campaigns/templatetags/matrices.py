"""Filters of the matrix pages: {% load matrices %}."""

import json
from typing import Any

from django import template

from segmentation.dimensions import Name
from segmentation.matrix_words import number
from segmentation.matrix_words import spoken as name_of

register = template.Library()


@register.filter
def spoken(name: Name) -> str:
    """A definition's name in the reader's language."""
    return name_of(name)


@register.filter
def change(value: int | None) -> str:
    """A difference: +1,234, −56, ±0; nothing where it is not known."""
    if value is None:
        return ""
    return f"{value:+,}".replace("-", "−") if value else "±0"


@register.filter
def plain(value: float | None) -> str:
    """A limit as people write it."""
    return "" if value is None else number(value)


@register.filter
def in_json(value: Any) -> str:
    """For a hidden field that is read as JSON."""
    return json.dumps(value, ensure_ascii=False)
