"""Filters of the flow pages: {% load flows %}."""

from math import isnan

from django import template

from common.naming import in_chinese
from segmentation.dimensions import Name
from segmentation.flow.selectors import FlowPage

register = template.Library()
UNKNOWN = "–"
LEAST = 0.0001


@register.filter
def cell_words(page: FlowPage, cell: int) -> str:
    return page.words(cell)


@register.filter
def spoken(name: Name) -> str:
    """The name in the reader's language."""
    return name.zh if in_chinese() else name.en


@register.filter
def figure(value: float | None) -> str:
    """An estimate: 1,234 from ten on, 3.2 below; a dash where there is none, never 0."""
    if value is None or isnan(value):
        return UNKNOWN
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.1f}"


@register.filter
def chance(value: float) -> str:
    """A probability: 0.032, or < 0.0001."""
    if value < LEAST:
        return f"< {LEAST:.4f}"
    return f"{value:.3f}" if value >= 0.001 else f"{value:.4f}"
