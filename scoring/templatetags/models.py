"""Figures and charts of the models' pages: {% load models %}."""

from typing import Any

from django import template

from common.naming import in_chinese

from ..figures import UNKNOWN, interval, minus, percent, short, why

register = template.Library()


@register.filter
def figure(value: Any) -> str:
    """12,345, 0.832; a dash where there is none."""
    return short(value)


@register.filter
def decimals(value: float | None, digits: int) -> str:
    """−1,234.5; a dash where there is none. The same in every language."""
    return UNKNOWN if value is None or value == "" else minus(f"{value:,.{digits}f}")


@register.filter
def chance(value: float | None) -> str:
    """A p or q: 0.0235; never 0, which no test can show."""
    if value is None:
        return UNKNOWN
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


@register.filter
def clauses(texts: list[str]) -> str:
    """Several half-sentences as one."""
    return ("；" if in_chinese() else "; ").join(texts)


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
    return {"value": minus(f"{value:.{digits}f}"), "interval": interval(low, high, digits)}


@register.inclusion_tag("scoring/estimate_cell.html")
def estimate_cell(name: str, told: dict[str, Any] | None, unit: str = "") -> dict[str, str]:
    """{% estimate_cell _("Rate") tenth.rate "percent" %}: the same as a cell of a table."""
    return estimate(told, unit) | {"name": name}
