"""A value index for a page: what counts how much, on which scale, and how the customers lie."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from .charts import Chart
from .report_names import Wording, brief

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Counting:
    """One indicator; ``average`` of the customers who have it, 0 to 1 on its scale."""

    name: str
    weight: float
    scale: str
    average: float


def indicators_of(report: Json) -> list[Counting]:
    """Return the indicators, the weightiest first."""
    names = Wording()
    found = [
        Counting(names.attribute(i["attribute"]), i["weight"], scale_in_words(i, names), average)
        for i, average in zip(report["indicators"], report["averages"], strict=True)
    ]
    return sorted(found, key=lambda one: -one.weight)


def scale_in_words(indicator: Json, names: Wording) -> str:
    """How an indicator is brought to 0 to 1."""
    code, less = indicator["attribute"], indicator["better"] == "less"
    if indicator["scaling"] in ("linear", "log"):
        ends = (indicator["low"], indicator["high"])
        said = {
            "none": names.amount(code, ends[1] if less else ends[0]),
            "full": names.amount(code, ends[0] if less else ends[1]),
        }
        if indicator["scaling"] == "log":
            return _("logarithmic: %(none)s counts 0, %(full)s counts 1") % said
        return _("linear: %(none)s counts 0, %(full)s counts 1") % said
    if indicator["scaling"] == "rank":
        return (
            _("share of customers who have more") if less else _("share of customers who have less")
        )
    return (
        _("by the normal distribution, less is better")
        if less
        else _("by the normal distribution, more is better")
    )


def tiers_of(report: Json, definition: Json) -> list[tuple[str, Json]]:
    """The tiers, best first, each with its name."""
    output, names = definition.get("tiers", {}).get("output"), Wording()
    return [(_named(output, tier["code"], names), tier) for tier in report["tiers"]]


def bins_of(report: Json) -> list[tuple[str, int]]:
    """How many customers have an index within each step of the histogram."""
    counts = report["histogram"]
    step = 100 / len(counts)
    return [
        (f"{brief(place * step)}–{brief((place + 1) * step)}", n) for place, n in enumerate(counts)
    ]


def histogram_chart(report: Json) -> Chart | None:
    bins = bins_of(report)
    most = max(n for _name, n in bins)
    if not most:
        return None
    label = _("customers by value index")
    chart = Chart(label, _("index"), _("customers"), (0, len(bins)), (0, most))
    starts = [name.split("–")[0] for name, _n in bins]
    chart.columns(starts, [float(n) for _name, n in bins])
    return chart


def _named(output: str | None, code: str, names: Wording) -> str:
    """As the attribute calls it that holds the tier; without one as the code reads."""
    called = names.value(output, code) if output else code
    return called if called != code else _(code.replace("_", " "))
