"""Behaviour groups for a page: names in words, what sets each apart, how many there are and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from common.naming import in_chinese
from customers.models import Type

from .charts import Chart
from .learning.group_profiles import Difference
from .report_names import Wording, brief

Json = Mapping[str, Any]

# How a number is, and how often a value (or a yes) occurs, beside the other groups.
NUMBER = {
    "very_high": gettext_noop("%(what)s very high"),
    "high": gettext_noop("%(what)s high"),
    "middle": gettext_noop("%(what)s average"),
    "low": gettext_noop("%(what)s low"),
    "very_low": gettext_noop("%(what)s very low"),
}
SHARE = {
    "very_high": gettext_noop("very often %(what)s"),
    "high": gettext_noop("often %(what)s"),
    "middle": gettext_noop("as often as others %(what)s"),
    "low": gettext_noop("seldom %(what)s"),
    "very_low": gettext_noop("hardly ever %(what)s"),
}
WHY = {
    "best": gettext_noop(
        "%(n)d groups: of all the numbers that come again in other samples of the customers, this "
        "one parts the groups best."
    ),
    "finer": gettext_noop(
        "%(n)d groups: no number parts the groups clearly, so this is the finest one that comes "
        "again in other samples and parts them about as well as the best."
    ),
    "unstable": gettext_noop(
        "%(n)d groups: no number comes again in other samples; this one does so the most. Take the "
        "groups with care."
    ),
    "only": gettext_noop("%(n)d groups, as the definition asks for; no other number was tried."),
}
VIEWS = {
    "demographics": gettext_noop("Who they are"),
    "behaviour": gettext_noop("What they do"),
    "value": gettext_noop("What they are worth"),
}
# Codes of a category that a profile shows, the most frequent first.
MOST_CODES = 4


@dataclass(frozen=True)
class Line:
    """One attribute in a group beside all customers; ``values``: the shares of a category."""

    name: str
    known: int
    unknown: int
    group: str = ""
    interval: str = ""
    median: str = ""
    everybody: str = ""
    values: tuple[tuple[str, Json, float | None], ...] = ()


@dataclass(frozen=True)
class Apart:
    """A difference in words; ``effect`` in standard deviations with its interval."""

    said: str
    figures: Json

    @property
    def strength(self) -> float:
        return float(abs(self.figures["effect"]))


@dataclass(frozen=True)
class Kept:
    """What became of a group of the version before; ``figures``: its Continued.

    ``state``: kept, new or ended; ``others``: groups as (code, n).
    """

    name: str
    state: str
    figures: Json


@dataclass(frozen=True)
class Group:
    """A group for the page; ``figures``: its GroupProfile."""

    code: str
    name: str
    figures: Json
    apart: list[Apart]
    views: list[tuple[str, list[Line]]]


def groups_of(report: Json) -> list[Group]:
    """Return the groups in words, in the order of their codes."""
    names, profiles = Wording(), report["profiles"]
    return [
        Group(
            group["code"],
            name_in_words(group["name"], names),
            group,
            [Apart(_difference(one, names), one) for one in group["differences"]],
            [
                (_(title), _lines(group["views"][view], profiles["everybody"][view], names))
                for view, title in VIEWS.items()
                if group["views"][view]
            ],
        )
        for group in profiles["groups"]
    ]


def kept_groups(report: Json) -> list[Kept]:
    """What became of the groups that the version before had, and which are new; none: no before."""
    told = report.get("continuity")
    if told is None:
        return []
    names = Wording()
    called = told["names"] | {g["code"]: g["name"] for g in report["profiles"]["groups"]}
    return [
        Kept(name_in_words(called[one["code"]], names), _state(one), one) for one in told["groups"]
    ]


def _state(one: Json) -> str:
    if one["before"] is None:
        return "new"
    return "ended" if one["after"] is None else "kept"


def name_in_words(name: Json, names: Wording) -> str:
    """The name that is proposed for a group: what it does, then what it is worth."""
    said = [said_of(attribute, code, level, names) for attribute, code, level in name["words"]]
    if name["value"]:
        said.append(_(NUMBER[name["value"]]) % {"what": _("customer value")})
    text = ("，" if in_chinese() else ", ").join(said) or _("like all the others")
    return text if name["number"] is None else f"{text} ({name['number']})"


def said_of(attribute: str, code: str | None, level: str, names: Wording) -> str:
    """One word of a name: ``data volume very high``, ``often brand: gotone``."""
    what = names.attribute(attribute)
    if code is not None:
        what = _("%(attribute)s: %(value)s") % {
            "attribute": what,
            "value": names.value(attribute, code),
        }
    share = code is not None or names.type(attribute) == Type.BOOLEAN
    return _((SHARE if share else NUMBER)[level]) % {"what": what}


def why_so_many(choice: Json) -> list[str]:
    """Why there are so many groups, as sentences."""
    said = [_(WHY[choice["why"]]) % {"n": choice["groups"]}]
    if choice["weak"]:
        said.append(
            _(
                "The customers shade into each other (silhouette below 0.25): the borders between "
                "the groups cut a continuum."
            )
        )
    return said


def curve_chart(curve: list[Json]) -> Chart | None:
    """Stability with its interval, and the silhouette, by the number of groups."""
    known = [c for c in curve if c["stability"] is not None]
    if len(known) < 2:
        return None
    lows = [c["low"] for c in known if c["low"] is not None]
    least = min([0.0, *lows, *(c["silhouette"] for c in known)])
    ends = (known[0]["groups"] - 0.5, known[-1]["groups"] + 0.5)
    label = _("stability (line with intervals) and silhouette (dashed) by the number of groups")
    chart = Chart(label, _("groups"), _("stability, silhouette"), ends, (max(-1.0, least), 1))
    chart.line([(c["groups"], c["silhouette"]) for c in known], guide=True)
    chart.line([(c["groups"], c["stability"]) for c in known])
    for c in known:
        low, high = (c["stability"] if c[end] is None else c[end] for end in ("low", "high"))
        chart.dot(c["groups"], c["stability"], max(-1.0, low), min(1.0, high))
    return chart


def _difference(one: Json, names: Wording) -> str:
    told = Difference(**one)
    return said_of(told.attribute, told.code, told.level, names)


def _lines(group: list[Json], everybody: list[Json], names: Wording) -> list[Line]:
    return [_line(one, other, names) for one, other in zip(group, everybody, strict=True)]


def _line(one: Json, everybody: Json, names: Wording) -> Line:
    code = one["attribute"]
    name, known, unknown = names.attribute(code), one["known"], one["unknown"]
    if one["shares"] is not None:
        others = {s["code"]: s["share"] for s in everybody["shares"] or []}
        most = sorted(one["shares"], key=lambda s: -s["share"])[:MOST_CODES]
        values = tuple((names.value(code, s["code"]), s, others.get(s["code"])) for s in most)
        return Line(name, known, unknown, values=values)
    ends = (one["low"], one["high"])
    median = one["quantiles"][2] if one["quantiles"] else None
    return Line(
        name,
        known,
        unknown,
        names.amount(code, one["mean"]),
        "" if None in ends else " … ".join(_bare(code, end, names) for end in ends),
        "" if names.type(code) == Type.BOOLEAN else names.amount(code, median),
        names.amount(code, everybody["mean"]),
    )


def _bare(code: str, value: float, names: Wording) -> str:
    """An end of an interval: without the unit, which stands beside the mean."""
    plain = names.type(code) not in (Type.DATE, Type.BOOLEAN)
    return brief(value) if plain else names.amount(code, value)
