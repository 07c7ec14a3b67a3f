"""The profile of a group against another: three dimensions of lines, and what distinguishes them.

Made from what was counted (segmentation.insight.measure), in the reader's language and within what
the reader may see: a sensitive attribute that is counted is not shown to whom it is not for.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Level, Organisation, User
from common.naming import in_chinese
from customers.catalogue import CITY
from customers.models import Attribute, Type
from customers.selectors import attributes_for
from lake.models import Partition

from .counted import IN_A, IN_B
from .facets import Facet, facet_of
from .stats import (
    CategoryEffect,
    Counts,
    NumberEffect,
    Reason,
    ShareEffect,
    Sums,
    category_effect,
    number_effect,
    truth_effect,
)

# Of a text with thousands of values so many are shown by name; the others are one line.
TOP_VALUES = 20
OTHER = "…other"

REASONS: dict[Reason, str | Promise] = {
    "few_customers": gettext_lazy(
        "fewer than 30 customers whose value is known on one side, or in one group only"
    ),
    "no_variance": gettext_lazy("all customers have the same value"),
    "same_customers": gettext_lazy("both groups are the same customers"),
    "zero_reference": gettext_lazy("nobody of the other group has it"),
}


@dataclass(frozen=True)
class Side:
    """One group's customers as an attribute sees them. ``median_of``: how many it was read from."""

    customers: int
    known: int
    mean: float | None = None
    deviation: float | None = None
    median: float | None = None
    median_of: int = 0

    @property
    def unknown(self) -> float | None:
        """The share of the group whose value is unknown."""
        return 1 - self.known / self.customers if self.customers else None

    @property
    def median_is_exact(self) -> bool:
        return self.median_of == self.known


@dataclass(frozen=True)
class ValueLine:
    """One value of a category or a truth, with its name."""

    name: str
    effect: ShareEffect


@dataclass(frozen=True)
class Line:
    """One attribute. ``number`` or ``category`` holds the effect, by what it is."""

    code: str
    name: str
    unit: str
    facet: Facet
    a: Side
    b: Side
    number: NumberEffect | None = None
    category: CategoryEffect | None = None
    values: tuple[ValueLine, ...] = ()

    @property
    def strength(self) -> float | None:
        """-1 to 1, on one scale for all attributes; None where it can't be estimated."""
        effect = self.number or self.category
        return effect.strength if effect else None

    @property
    def symbol(self) -> str:
        """What a category's effect is called: φ has a sign, V has none."""
        truth = [value.effect.value for value in self.values] == ["true", "false"]
        return "φ" if truth else "V"

    @property
    def reason(self) -> Reason | None:
        effect = self.number or self.category
        return effect.reason if effect else None

    @property
    def why(self) -> str:
        return str(REASONS[self.reason]) if self.reason else ""

    @property
    def size(self) -> str:
        """How strong it is in Cohen's words: correlations of 0.1, 0.243 and 0.371 are his limits.

        They are his d of 0.2, 0.5 and 0.8 by equation (4) of segmentation.insight.stats.
        """
        if self.strength is None:
            return ""
        found = abs(self.strength)
        if found < 0.0995:
            return _("negligible")
        return _("small") if found < 0.2425 else _("medium") if found < 0.3714 else _("large")


@dataclass(frozen=True)
class Profile:
    """The whole answer. ``customers``: of A, of B, of both."""

    a: int
    b: int
    both: int
    lines: tuple[Line, ...]

    @property
    def facets(self) -> list[tuple[Facet, list[Line]]]:
        """The three dimensions, each with its lines in the catalogue's order."""
        return [(facet, [x for x in self.lines if x.facet == facet]) for facet in Facet]

    @property
    def ranked(self) -> list[Line]:
        """What distinguishes A from B: the strongest first, equals by code."""
        found = [x for x in self.lines if x.strength is not None]
        return sorted(found, key=lambda x: (-abs(x.strength or 0.0), x.code))

    @property
    def not_estimable(self) -> list[Line]:
        return [x for x in self.lines if x.strength is None]


def profile(measured: Partition, reader: User) -> Profile:
    """Return the profile that the reader may see of what was measured."""
    regions = {int(place): n for place, n in measured.facts["regions"].items()}
    sizes = {IN_A: regions[1] + regions[3], IN_B: regions[2] + regions[3]}
    counted = _read(measured)
    lines = [
        _line(attribute, counted.get(attribute.code, []), sizes)
        for attribute in [*attributes_for(reader), _city()]
        if attribute.code in counted
    ]
    return Profile(sizes[IN_A], sizes[IN_B], regions[3], tuple(lines))


def _read(measured: Partition) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in pq.read_table(measured.file(0)).to_pylist():
        found[row["attribute"]].append(row)
    return found


def _city() -> Attribute:
    """The city as an attribute: the organisation's, not the catalogue's."""
    cities = Organisation.objects.filter(level=Level.CITY)
    values = [{"code": c.code, "zh": c.name_zh, "en": c.name_en} for c in cities]
    return Attribute(
        code=CITY, type=Type.CATEGORY, category="basic", values=values, name_zh="地市", name_en=CITY
    )


def _line(attribute: Attribute, rows: list[dict[str, Any]], sizes: Mapping[int, int]) -> Line:
    said: dict[str, Any] = {
        "code": attribute.code,
        "name": attribute.name,
        "unit": _unit(attribute),
        "facet": facet_of(attribute),
    }
    if attribute.type in (Type.INTEGER, Type.NUMBER, Type.DATE):
        return _number_line(said, rows, sizes)
    regions = [_counts(rows, place) for place in (1, 3, 2)]
    a, b = regions[0] + regions[1], regions[1] + regions[2]
    sides = {"a": Side(sizes[IN_A], a.known), "b": Side(sizes[IN_B], b.known)}
    if attribute.type == Type.BOOLEAN:
        effect = truth_effect(*regions)
    else:
        effect = category_effect(*_shortened(regions, attribute))
    names = _names(attribute)
    values = tuple(ValueLine(names.get(v.value, v.value), v) for v in effect.values)
    return Line(**said, **sides, category=effect, values=values)


def _unit(attribute: Attribute) -> str:
    if attribute.type == Type.DATE:
        return _("days ago")
    return attribute.unit_zh if in_chinese() else attribute.unit_en


def _number_line(
    said: dict[str, Any], rows: list[dict[str, Any]], sizes: Mapping[int, int]
) -> Line:
    sums = {r["region"]: _sums(r) for r in rows if r["kind"] == "number"}
    only_a, only_b, both = (sums.get(place, Sums()) for place in (1, 2, 3))
    medians = {r["region"]: r for r in rows if r["kind"] == "median"}
    sides = {
        "a": _side(only_a + both, medians.get(IN_A), sizes[IN_A]),
        "b": _side(both + only_b, medians.get(IN_B), sizes[IN_B]),
    }
    return Line(**said, **sides, number=number_effect(only_a, both, only_b))


def _sums(row: Mapping[str, Any]) -> Sums:
    return Sums(row["customers"], row["mean"], row["m2"])


def _side(sums: Sums, median: Mapping[str, Any] | None, customers: int) -> Side:
    if not sums.known or median is None:
        return Side(customers, 0)
    return Side(
        customers, sums.known, sums.mean, sums.deviation, median["mean"], median["customers"]
    )


def _counts(rows: Iterable[Mapping[str, Any]], region: int) -> Counts:
    return Counts(
        {
            OTHER if r["value"] is None else r["value"]: r["customers"]
            for r in rows
            if r["kind"] == "value" and r["region"] == region
        }
    )


def _shortened(
    regions: list[Counts], attribute: Attribute
) -> tuple[Counts, Counts, Counts, list[str]]:
    """The regions with the most frequent values by name, in an order; the others as one."""
    total = regions[0] + regions[1] + regions[2]
    declared = [value["code"] for value in attribute.values]
    frequent = sorted(total.by_value, key=lambda v: (v == OTHER, -total.of(v), v))
    shown = [v for v in frequent if v != OTHER][:TOP_VALUES]
    if 0 < len(declared) <= TOP_VALUES:
        shown = [*declared, *(v for v in shown if v not in declared)]
    cut = [
        Counts(
            {v: counts.of(v) for v in shown}
            | {OTHER: counts.known - sum(counts.of(v) for v in shown)}
        )
        for counts in regions
    ]
    values = [*shown, OTHER] if any(counts.of(OTHER) for counts in cut) else shown
    return cut[0], cut[1], cut[2], values


def _names(attribute: Attribute) -> dict[str, str]:
    language = "zh" if in_chinese() else "en"
    return {value["code"]: value[language] for value in attribute.values} | {
        "true": _("yes"),
        "false": _("no"),
        OTHER: _("all others"),
    }
