"""Who must not be told of a cheaper plan, for a page: the sides named, the assumptions drawn."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from .charts import Chart

Json = Mapping[str, Any]
SIDES = {
    "untold": gettext_noop("must not be told"),
    "told": gettext_noop("would pay less and may be told"),
    "no_gain": gettext_noop("would not pay less"),
}


def telling_sides(body: Json) -> list[Json]:
    return [side | {"name": _(SIDES[side["side"]])} for side in body["sides"]]


def telling_plan(body: Json) -> list[tuple[str, float]]:
    """What the plan costs and holds; what is without a limit is left out."""
    names = (
        ("fee", _("yuan a month")),
        ("minutes", _("minutes included")),
        ("megabytes", _("MB included")),
        ("per_minute", _("yuan per further minute")),
        ("per_megabyte", _("yuan per further MB")),
    )
    return [(name, body["plan"][code]) for code, name in names if body["plan"][code] is not None]


def telling_chart(body: Json) -> Chart:
    """What telling everybody would bring of each, over how much leaving falls."""
    points = [(one["less_leaving"], one["each"] or 0.0) for one in body["sensitivity"]]
    values = [value for _less, value in points]
    ends = (min(0.0, *values), max(0.0, *values))
    label = _("What telling everybody would bring")
    less = (0, points[-1][0])
    chart = Chart(label, _("leaving falls by"), _("yuan each"), less, ends, shares="x")
    chart.line([(0, 0), (points[-1][0], 0)], guide=True)
    chart.line(points)
    return chart
