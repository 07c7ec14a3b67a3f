"""RFM, life cycle and the value of purchases for a page: named and drawn."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from .charts import Chart
from .names import Names
from .report_names import brief

Json = Mapping[str, Any]
MEASURES = {
    "recency": gettext_noop("Recency: days since the last purchase"),
    "frequency": gettext_noop("Frequency: purchases"),
    "monetary": gettext_noop("Monetary: yuan"),
}
# What each indicator is a share of.
INDICATORS = {
    "conversion": (
        gettext_noop("Second-purchase conversion"),
        gettext_noop("new customers who bought a second time within the window of their first"),
    ),
    "repeat_rate": (
        gettext_noop("Repeat rate"),
        gettext_noop("active returning customers with two purchases or more within the window"),
    ),
    "orders": (
        gettext_noop("Orders per customer"),
        gettext_noop("purchases of an active returning customer within the window"),
    ),
    "weekly_return": (
        gettext_noop("Weekly return rate"),
        gettext_noop("customers in pre-churn a week ago who have bought since"),
    ),
    "won_back": (
        gettext_noop("Win-back rate"),
        gettext_noop("customers who were lost a window ago and have bought since"),
    ),
}


# --- RFM ---


def rfm_measures(body: Json) -> list[Json]:
    """The three numbers; of each the scores, best first, with their values in words."""
    return [
        {
            "name": _(MEASURES[measure["measure"]]),
            "scores": [one | {"values": _values(one)} for one in reversed(measure["scores"])],
            "chart": _by_score(measure),
        }
        for measure in body["measures"]
    ]


def rfm_rows(body: Json) -> list[Json]:
    """The cells as a table: a row per recency score, a column per frequency score, best first."""
    cells = body["cells"]
    most = max((cell["share"]["value"] or 0.0 for cell in cells), default=0.0) or 1.0
    rows: dict[int, list[Json]] = {}
    for cell in cells:
        drawn = (cell["share"]["value"] or 0.0) / most
        rows.setdefault(cell["recency"], []).append(cell | {"drawn": drawn})
    return [{"recency": score, "cells": row} for score, row in rows.items()]


def _by_score(measure: Json) -> Chart:
    counts = [float(one["customers"]) for one in measure["scores"]]
    label = _(MEASURES[measure["measure"]])
    chart = Chart(label, _("score"), _("customers"), (0, len(counts)), (0, max(counts)))
    chart.columns([str(one["score"]) for one in measure["scores"]], counts)
    return chart


def _values(one: Json) -> str:
    """The values that have a score; none where no value gets it."""
    low, high = one["low"], one["high"]
    if low is not None and high is not None and low >= high:
        return "–"
    if low is None and high is None:
        return _("any")
    if low is None:
        return f"< {brief(high)}"
    return f"≥ {brief(low)}" if high is None else f"{brief(low)} … < {brief(high)}"


# --- life cycle ---


def life_cycle_groups(body: Json, definition: Json, names: Names) -> list[Json]:
    output = definition["output"]
    return [group | {"name": names.value(output, group["group"])} for group in body["groups"]]


def life_cycle_chart(body: Json, definition: Json, names: Names) -> Chart:
    groups = life_cycle_groups(body, definition, names)
    shares = [group["share"]["value"] or 0.0 for group in groups]
    most = max([0.01, *shares, *(group["share"]["high"] or 0.0 for group in groups)])
    label, share = _("Customers by group"), _("share of customers")
    chart = Chart(label, _("group"), share, (0, len(groups)), (0, most), shares="y")
    chart.columns([group["name"] for group in groups], shares)
    for place, group in enumerate(groups):
        ends = group["share"]
        if ends["value"] is not None:
            chart.dot(place + 0.5, *(ends[end] for end in ("value", "low", "high")))
    return chart


def life_cycle_indicators(body: Json) -> list[Json]:
    return [
        {
            "name": _(name),
            "of": _(of),
            "told": body["indicators"][code],
            "unit": "times" if code == "orders" else "percent",
        }
        for code, (name, of) in INDICATORS.items()
    ]


# --- value of purchases ---


def purchase_tenths(body: Json) -> Chart:
    values = [tenth["value"] for tenth in body["tenths"]]
    label = _("Value by tenth")
    chart = Chart(label, _("tenth by value"), _("yuan"), (0, len(values)), (0, max(values)))
    chart.columns([str(tenth["number"]) for tenth in body["tenths"]], values)
    return chart


def purchase_check(body: Json) -> Chart | None:
    """Days of buying foretold as a line, those that came with their intervals."""
    groups = body["check"].get("groups", [])
    if not groups:
        return None
    most = max(max(g["foretold"], g["came"]["high"] or g["came"]["value"]) for g in groups)
    label = _("Foretold and what came")
    chart = Chart(label, _("repeats before"), _("days of buying"), (0, len(groups)), (0, most))
    chart.columns([repeats_of(group) for group in groups], [g["foretold"] for g in groups])
    for place, group in enumerate(groups):
        ends = group["came"]
        if ends["low"] is not None:
            chart.dot(place + 0.5, ends["value"], max(0.0, ends["low"]), ends["high"])
    return chart


def repeats_of(group: Json) -> str:
    return f"{group['repeats']}+" if group["open"] else str(group["repeats"])
