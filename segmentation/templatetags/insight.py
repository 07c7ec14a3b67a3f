"""Figures as people read them: {% load insight %}."""

from django import template

register = template.Library()
UNKNOWN = "–"


@register.filter
def figure(value: float | None) -> str:
    """A measured number, to three significant digits or whole: 0.0123, 1.23, 12.3, 1,235."""
    if value is None:
        return UNKNOWN
    size = abs(value)
    if size >= 100 or value == int(value):
        return f"{value:,.0f}"
    digits = 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:,.{digits}f}"


@register.filter
def signed(value: float | None) -> str:
    """An effect: +0.42, −0.08."""
    return UNKNOWN if value is None else f"{value:+.2f}".replace("-", "−")


@register.filter
def size_of(value: float | None) -> str:
    """How long a bar is: the figure without its sign, as a machine reads it."""
    return "0" if value is None else f"{abs(value):.4f}"
