"""Which attributes a plan needs: those that touch points show and those that its rules read."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.utils.translation import gettext as _

from common.errors import DomainError
from customers.catalogue import CITY, compiled
from customers.models import Attribute, Origin
from rules import Attribute as RuleAttribute
from rules import Catalogue, Rule, compile_condition, compile_number
from segmentation.audiences.in_use import member_attributes
from segmentation.definition import MatrixDefinition
from segmentation.dimensions import AttributeDimension
from segmentation.keys import rules_of
from segmentation.models import MatrixVersion

from .catalogue import campaign_catalogue, read_by_sets
from .planned import PlannedAttribute, PlannedOffer, PlannedPriority


def attributes_of(
    offers: Iterable[PlannedOffer],
    priority: Iterable[PlannedPriority],
    versions: Iterable[MatrixVersion],
) -> tuple[tuple[str, ...], tuple[PlannedAttribute, ...]]:
    """The profile's codes, and every attribute that the profile or a rule of the plan reads."""
    catalogue = campaign_catalogue()
    take_ups: set[str] = set()
    shown: set[str] = set()
    for text in {offer.take_up for offer in offers}:
        take_ups.update(_read_by(compile_number, text, catalogue))
    conditions = {o.eligibility for o in offers if o.eligibility} | {p.condition for p in priority}
    for text in conditions:
        shown.update(_read_by(compile_condition, text, catalogue))
    for version in versions:
        shown |= _attributes_of_matrix(version, catalogue)
    known = list(Attribute.objects.exclude(origin=Origin.LABEL))
    sets = [a for a in member_attributes() if a.code in shown | take_ups]
    profile = tuple(a.code for a in known if a.front_desk or a.code in shown)
    profile += tuple(a.code for a in sets if a.code in shown)
    used = {*profile, *take_ups}
    planned = [_planned(a) for a in known if a.code in used]
    planned += _planned_sets(sets)
    if CITY in catalogue:
        planned.append(_city(catalogue))
    return profile, tuple(planned)


def _read_by(
    compile_: Callable[[str, Catalogue], Rule], text: str, catalogue: Catalogue
) -> tuple[str, ...]:
    """The attributes of a rule that was right when it was written: the catalogue may have moved."""
    try:
        return compiled(compile_, text, catalogue).attributes
    except DomainError as error:
        raise DomainError(
            "stale_rule",
            _(
                "The rule “%(rule)s” no longer fits the attribute catalogue (%(why)s). "
                "Change the policy, priority or matrix that says it, or the catalogue."
            )
            % {"rule": text, "why": error.message},
            status=409,
            rule=text,
            **error.extra,
        ) from error


def _attributes_of_matrix(version: MatrixVersion, catalogue: Catalogue) -> set[str]:
    definition = MatrixDefinition.from_json(version.body)
    found = {d.attribute for d in definition.dimensions if isinstance(d, AttributeDimension)}
    for text in rules_of(definition):
        found.update(_read_by(compile_condition, text, catalogue))
    return found


def _planned(a: Attribute) -> PlannedAttribute:
    return PlannedAttribute(
        code=a.code,
        type=a.type,
        name_zh=a.name_zh,
        name_en=a.name_en,
        source="scores" if a.origin == Origin.SCORE else "customers",
        values=tuple((v["code"], v["zh"], v["en"]) for v in a.values),
        unit_zh=a.unit_zh,
        unit_en=a.unit_en,
        category=a.category,
        front_desk=a.front_desk,
    )


def _planned_sets(sets: Sequence[RuleAttribute]) -> list[PlannedAttribute]:
    """Marks and audiences that a rule of the plan reads."""
    reads = read_by_sets() if sets else {}
    return [
        PlannedAttribute(
            code=a.code,
            type=a.type,
            name_zh=a.name_zh,
            name_en=a.name_en,
            source="members",
            reads=reads[a.code],
        )
        for a in sets
    ]


def _city(catalogue: Catalogue) -> PlannedAttribute:
    """The customer's city, which rules may name like an attribute."""
    city: Any = catalogue[CITY]
    return PlannedAttribute(
        code=CITY,
        type=city.type,
        name_zh=city.name_zh,
        name_en=city.name_en,
        source="customers",
        values=city.values,
    )
