"""Uplift, associations, next products, values, second-SIM suspects for a page: named and drawn."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import User
from common.permissions import Permission

from .charts import Chart
from .names import Names

Json = Mapping[str, Any]
# Pairs that a page shows of each finding; the report keeps them all.
TOGETHER_SHOWN, APART_SHOWN = 60, 20
BALANCE_SHOWN = 8
LONGEST_NAME = 120
LIFTS_SHOWN = 30


# --- uplift ---


def uplift_curve(body: Json) -> Chart:
    """Outcomes gained per contacted customer, the best first, over a random order's."""
    curve = body["quality"]["curve"]
    gains = [p[name] for p in curve for name in ("gain", "random")]
    ends = (min(0.0, *gains), max(0.0, *gains))
    gained = _("outcomes gained per contacted customer")
    chart = Chart(_("Qini curve"), _("share of customers"), gained, (0, 1), ends, shares="x")
    chart.line([(p["share"], p["random"]) for p in curve], guide=True)
    chart.line([(p["share"], p["gain"]) for p in curve])
    return chart


def uplift_quadrants(body: Json, definition: Json, names: Names) -> list[Json]:
    output = definition["quadrant"]
    return [q | {"name": names.value(output, q["quadrant"])} for q in body["quadrants"]]


def uplift_drivers(body: Json, names: Names) -> list[Json]:
    return [d | {"name": names.attribute(d["attribute"])} for d in body["drivers"]]


def uplift_balance(body: Json, names: Names) -> list[Json]:
    """The columns that differ most between the arms."""
    return [
        column | {"name": _column(column["column"], names)}
        for column in body["randomisation"]["balance"][:BALANCE_SHOWN]
    ]


def _column(column: str, names: Names) -> str:
    """``attribute``, ``attribute=code`` or ``attribute?`` in words."""
    if column.endswith("?"):
        return _("%s: unknown") % names.attribute(column[:-1])
    attribute, _sign, code = column.partition("=")
    called = names.attribute(attribute)
    return f"{called}: {names.value(attribute, code)}" if code else called


# --- association ---


@dataclass(frozen=True)
class Named:
    """A pair: what its items are called, and who has the first and lacks the second.

    ``audience``: the query with which the form of a new audience is filled in.
    """

    first: str
    then: str
    who: str
    told: Json
    audience: str


def association_pairs(body: Json, names: Names, found: str) -> list[Named]:
    """Pairs "together" or "apart", what is most unusual first."""
    pairs = [pair for pair in body["pairs"] if pair["found"] == found]
    if found == "apart":
        pairs = pairs[::-1]
    most = TOGETHER_SHOWN if found == "together" else APART_SHOWN
    called = {code: names.condition(item["rule"]) for code, item in body["items"].items()}
    return [
        Named(
            called[p["first"]],
            called[p["then"]],
            names.condition(p["rule"]),
            p,
            _audience(p["rule"], names),
        )
        for p in pairs[:most]
    ]


def _audience(rule: str, names: Names) -> str:
    said = {"rule": rule}
    for field, language in (("name_zh", "zh-hans"), ("name_en", "en")):
        with translation.override(language):
            said[field] = names.condition(rule)[:LONGEST_NAME]
    return urlencode(said)


def may_make_audiences(reader: User) -> bool:
    """Whether the reader may go on to the form of a new audience."""
    return reader.can(Permission.EDIT_CAMPAIGNS)


# --- cross-sell ---


def cross_sell_products(body: Json, definition: Json, names: Names) -> list[Json]:
    """The products by name, those offered to most first; why a cold start offers them."""
    output = definition["output"]
    told = [
        one
        | {
            "name": names.value(output, one["code"]),
            "total": round(one["total"]),
            "because": [(names.value(output, code), n) for code, n in one["because"]],
        }
        for one in body["products"]
    ]
    return sorted(told, key=lambda one: (-one["customers"], one["code"]))


def cross_sell_lifts(body: Json, definition: Json, names: Names) -> list[Json]:
    """The lifts that a cold start multiplies by, the strongest first."""
    output = definition["output"]
    return [
        one | {side: names.value(output, one[side]) for side in ("held", "offered")}
        for one in body["association"]["lifts"][:LIFTS_SHOWN]
    ]


def cross_sell_chart(products: list[Json]) -> Chart | None:
    """Mean yuan expected by product, with intervals; None where nobody is offered anything."""
    known = [one for one in products if one["value"]["value"] is not None]
    if not known:
        return None
    most = max(one["value"]["high"] for one in known)
    label = _("yuan expected of a customer who is offered it, by product")
    chart = Chart(label, _("product"), _("yuan"), (0, len(known)), (0, most))
    chart.columns([one["name"] for one in known], [one["value"]["value"] for one in known])
    for place, one in enumerate(known):
        chart.dot(place + 0.5, *(one["value"][end] for end in ("value", "low", "high")))
    return chart


# --- lifetime value ---


def lifetime_tenths(body: Json) -> Chart:
    tenths = body["tenths"]
    values = [t["value"] for t in tenths]
    ends = (min(0.0, *values), max(0.0, *values))
    label = _("Value by tenth")
    chart = Chart(label, _("tenth by value"), _("yuan"), (0, len(tenths)), ends)
    chart.columns([str(t["number"]) for t in tenths], values)
    return chart


def lifetime_drivers(body: Json, names: Names) -> list[Json]:
    """With names; ``share``: of the strongest one's strength."""
    most = max((d["strength"] for d in body["drivers"]), default=0.0) or 1.0
    return [
        d | {"name": names.attribute(d["attribute"]), "share": d["strength"] / most}
        for d in body["drivers"]
    ]


# --- second SIM ---


def second_sim_signals(body: Json, names: Names) -> list[Json]:
    found = []
    for signal in body["signals"]:
        sides = zip(signal["attributes"], signal["high"], strict=True)
        said = [
            (_("%s unusually high") if high else _("%s unusually low")) % names.attribute(code)
            for code, high in sides
        ]
        found.append(signal | {"name": " + ".join(said)})
    return found


def second_sim_chart(body: Json) -> Chart | None:
    """None where the index of nobody is known."""
    counts = [float(n) for n in body["histogram"]]
    if not any(counts):
        return None
    step = 100 / len(counts)
    label = _("Customers by index")
    chart = Chart(label, _("index"), _("customers"), (0, len(counts)), (0, max(counts)))
    chart.columns([f"{place * step:g}" for place in range(len(counts))], counts)
    return chart
