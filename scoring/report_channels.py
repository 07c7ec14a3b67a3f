"""Channel profitability for a page: named, said in words, drawn."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from customers.meetings import Channel

from .charts import Chart
from .figures import UNKNOWN
from .names import Names
from .report_names import brief, listed

Json = Mapping[str, Any]
RULES = {
    "last_touch": gettext_noop("An order is credited to the last contact before it."),
    "first_touch": gettext_noop("An order is credited to the first contact before it."),
    "linear": gettext_noop("An order is credited to all contacts before it, in equal parts."),
}


def channel_rule(body: Json) -> list[str]:
    """How orders were credited, in sentences."""
    days = int(body["window_days"])
    window = ngettext(
        "Contacts of the day of the order and of %(days)d day before it count.",
        "Contacts of the day of the order and of the %(days)d days before it count.",
        days,
    )
    return [
        _(RULES[body["rule"]]),
        window % {"days": days} if days else _("Contacts of the day of the order count."),
    ]


def channel_lines(body: Json, names: Names) -> list[Json]:
    """The lines by name; segments that nobody knows are called so, no segments have no name."""
    return [line | {"name": _name(body, line, names)} for line in body["lines"]]


def channel_tariffs(body: Json) -> list[Json]:
    """What each channel costs, as the definition says."""
    return [
        {"name": Channel(channel).label, "prices": listed(_prices(prices))}
        for channel, prices in body["tariffs"].items()
    ]


def channel_chart(body: Json) -> Chart:
    """Profit per channel, its segments taken together."""
    profits = [total["profit"] for total in channel_totals(body)]
    ends = (min(0.0, *profits), max(0.0, *profits))
    label = _("Profit by channel")
    chart = Chart(label, _("Channel"), _("yuan"), (0, len(profits)), ends)
    chart.columns([total["name"] for total in channel_totals(body)], profits)
    return chart


def channel_totals(body: Json) -> list[Json]:
    """Profit per channel, the figures of the chart."""
    profits: dict[str, float] = {}
    for line in body["lines"]:
        profits[line["channel"]] = profits.get(line["channel"], 0.0) + line["profit"]
    return [
        {"name": Channel(channel).label, "profit": profit} for channel, profit in profits.items()
    ]


def _name(body: Json, line: Json, names: Names) -> str:
    channel = str(Channel(line["channel"]).label)
    if not body["segment"]:
        return channel
    code = line["segment"]
    return f"{channel} · {names.value(body['segment'], code) if code else _('unknown')}"


def _prices(prices: Json) -> list[str]:
    told = {
        "per_contact": _("%(yuan)s yuan per contact"),
        "per_order": _("%(yuan)s yuan per order"),
    }
    found = [
        text % {"yuan": brief(prices[code])} for code, text in told.items() if prices.get(code)
    ]
    if prices.get("revenue_share"):
        share = _("%(percent)s %% of the revenue")
        found.append(share % {"percent": brief(100 * prices["revenue_share"])})
    return found or [_("free")]


def amount(value: float | None) -> str:
    """1234567.8 → 1,234,568; small ones keep their decimals, below zero has a minus sign."""
    if value is None:
        return UNKNOWN
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.2f}"
    return text.replace("-", "−")
