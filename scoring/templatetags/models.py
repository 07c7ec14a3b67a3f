"""Figures and charts of the models' pages: {% load models %}."""

from typing import Any

from django import template

from ..figures import UNKNOWN, interval, percent, short, why

register = template.Library()


@register.filter
def figure(value: Any) -> str:
    """12,345, 0.832; a dash where there is none."""
    return short(value)


@register.inclusion_tag("scoring/estimate.html")
def estimate(told: dict[str, Any] | None, unit: str = "") -> dict[str, str]:
    """{% estimate tenth.rate "percent" %}: a figure with its interval, or why there is none."""
    if not told or told["value"] is None:
        code = told.get("not_estimable") if told else None
        return {"value": UNKNOWN, "why": why(code) if code else ""}
    value, low, high = (told[end] for end in ("value", "low", "high"))
    if unit == "percent":
        ends = "" if low is None else f"{percent(low)} … {percent(high)}"
        return {"value": percent(value), "interval": ends}
    digits = 2 if unit == "times" else 3
    return {"value": f"{value:.{digits}f}", "interval": interval(low, high, digits)}


@register.inclusion_tag("scoring/estimate_cell.html")
def estimate_cell(name: str, told: dict[str, Any] | None, unit: str = "") -> dict[str, str]:
    """{% estimate_cell _("Rate") tenth.rate "percent" %}: the same as a cell of a table."""
    return estimate(told, unit) | {"name": name}
