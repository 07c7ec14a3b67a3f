"""What a model's definition says, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .figures import percent
from .kinds import KINDS
from .kinds.base import Definition, Kind
from .models import Model
from .names import Names


@dataclass(frozen=True)
class Line:
    """One thing that is defined: a text, or several; ``many``: so many that they are folded."""

    what: str
    texts: list[str]
    many: str = ""


@dataclass(frozen=True)
class Band:
    """One grade: its name and the scores that have it; open ends are empty."""

    name: str
    low: str
    high: str


def defined(model: Model, definition: Definition, names: Names) -> list[Line]:
    """The definition of a model, or of one of its versions, line by line."""
    return list(_lines(model, definition, names))


def bands(definition: Definition, names: Names) -> list[Band]:
    """The grades of a score, lowest first."""
    grades = definition.get("grades", {})
    found = sorted(grades.get("bands", []), key=lambda b: b.get("from", float("-inf")))
    return [
        Band(names.value(grades["output"], b["code"]), _end(b.get("from")), _end(b.get("to")))
        for b in found
    ]


def _lines(model: Model, definition: Definition, names: Names) -> Iterator[Line]:
    kind = KINDS[model.kind]
    yield Line(_("Kind"), [str(kind.name)])
    written = [output.attribute for output, _place in kind.writes(definition)]
    yield Line(_("Publishes"), names.attributes(written))
    outcome = _outcome(definition, names)
    if outcome:
        yield Line(_("Outcome"), [outcome])
    population = definition.get("population")
    everybody = _("every customer")
    yield Line(_("Population"), [names.condition(population) if population else everybody])
    yield from _features(kind, definition, names)
    for code, what in (
        ("known_after", _("Known only after the outcome")),
        ("vouched", _("Known before the outcome, as was shown")),
    ):
        if definition.get(code):
            yield Line(what, names.attributes(definition[code]))
    if "contacted_share" in definition:
        yield Line(_("Share that is called"), [percent(definition["contacted_share"])])


def _outcome(definition: Definition, names: Names) -> str:
    window: Any = definition.get("label") or definition.get("trial")
    if isinstance(window, dict):
        days = window["within_days"]
        text = ngettext(
            "orders %(policies)s within %(days)d day",
            "orders %(policies)s within %(days)d days",
            days,
        )
        return text % {"policies": ", ".join(window["ordered"]), "days": days}
    if not window:
        return ""
    name = names.attribute(window)
    return _("not: %s") % name if definition.get("opposite") else name


def _features(kind: Kind, definition: Definition, names: Names) -> Iterator[Line]:
    """What is named, or what a kind of its own reads that is never told what to."""
    chosen = "features" in kind.properties
    named = definition.get("features", []) if chosen else kind.features(definition, [])
    if not named and chosen:
        yield Line(_("Features"), [_("chosen from every attribute of the catalogue")])
    elif named:
        many = ngettext("%(n)d attribute", "%(n)d attributes", len(named)) % {"n": len(named)}
        yield Line(_("Features"), names.attributes(named), many)
    if definition.get("without"):
        yield Line(_("Left out"), names.attributes(definition["without"]))


def _end(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
