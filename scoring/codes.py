"""Codes of a category that a version writes: those the catalogue lacks, those that end with it.

A rule on a code that nobody has any more holds for nobody, and says nothing. So a version is not
put to use while something still names a code that ends with it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from common.errors import DomainError
from customers.catalogue import rule_catalogue
from customers.models import Attribute
from rules import Catalogue, RuleError, compile_condition

from .kinds import KINDS
from .kinds.groups import GroupsKind, codes_of
from .models import Model, ModelVersion


@dataclass(frozen=True)
class Place:
    """Something that names a code, as pages and refusals name it; ``url`` "": it has no page."""

    label: str
    url: str = ""


@dataclass(frozen=True)
class Ended:
    """A code that the version in use may write and the one after it does not, and who names it."""

    attribute: Attribute
    code: str
    places: list[Place]


# Rooms above put their question here, as this room may not import theirs: what of yours can be read
# by a catalogue as it is, and no longer when it has become less?
Less = Callable[[Catalogue], Catalogue]
named_elsewhere: list[Callable[[Less], Iterable[Place]]] = []


def check_codes(version: ModelVersion) -> None:
    """Raise DomainError ``code_not_in_catalogue`` or ``code_still_named`` (both 409)."""
    for attribute, codes in _codes(version).items():
        known = [value["code"] for value in Attribute.objects.get(pk=attribute).values]
        missing = [code for code in codes if code not in known]
        if missing:
            raise DomainError(
                "code_not_in_catalogue",
                _(
                    "%(version)s writes %(codes)s, which are no values of %(attribute)s: add them "
                    "to attributes.yaml, then put it to use."
                )
                % {"version": version, "codes": ", ".join(missing), "attribute": attribute},
                status=409,
                missing=missing,
            )
    named = [one for one in ended_codes(version) if one.places]
    if named:
        told = [f"{one.code}: {', '.join(p.label for p in one.places)}" for one in named]
        raise DomainError(
            "code_still_named",
            _(
                "With %(version)s end codes that are still named: %(places)s. Their rules would "
                "hold for nobody: change them first."
            )
            % {"version": version, "places": "; ".join(told)},
            status=409,
            codes=[one.code for one in named],
        )


def ended_codes(version: ModelVersion) -> list[Ended]:
    """The codes that end when this version takes the place of the one in use."""
    before = version.model.versions.published().exclude(pk=version.pk).first()
    if before is None:
        return []
    now, found = _codes(version), []
    for name, codes in _codes(before).items():
        attribute = Attribute.objects.filter(pk=name).first()
        gone = [code for code in codes if code not in now.get(name, codes)]
        if attribute is not None:
            found += [Ended(attribute, code, list(_places(name, code))) for code in gone]
    return found


def without(catalogue: Catalogue, attribute: str, code: str) -> Catalogue:
    """The catalogue without the code; without the attribute, where it has no other."""
    left = []
    for one in catalogue.values():
        values = tuple(value for value in one.values if value[0] != code)
        if one.code != attribute:
            left.append(one)
        elif values:
            left.append(replace(one, values=values))
    return Catalogue(left)


def reads(text: str, catalogue: Catalogue) -> bool:
    """Whether the condition compiles by this catalogue."""
    try:
        compile_condition(text, catalogue)
    except RuleError:
        return False
    return True


def _codes(version: ModelVersion) -> dict[str, tuple[str, ...]]:
    """Attribute → the codes that the version may write; of those that are known beforehand."""
    definition = version.definition
    if version.model.kind == GroupsKind.code:
        definition = {"codes": codes_of(version)} | definition
    written = KINDS[version.model.kind].writes(definition)
    return {output.attribute: output.codes for output, _place in written if output.codes}


def naming(version: ModelVersion) -> list[Place]:
    """Who names an attribute that the version writes, and could not be computed without it."""
    written = {o.attribute for o, _place in KINDS[version.model.kind].writes(version.definition)}

    def less(catalogue: Catalogue) -> Catalogue:
        return Catalogue([one for one in catalogue.values() if one.code not in written])

    return list(_named(less))


def _places(attribute: str, code: str) -> Iterator[Place]:
    def less(catalogue: Catalogue) -> Catalogue:
        return without(catalogue, attribute, code)

    yield from _named(less)


def _named(less: Less) -> Iterator[Place]:
    whole = rule_catalogue()
    reduced = less(whole)
    for name, text in sorted(_populations()):
        if reads(text, whole) and not reads(text, reduced):
            yield Place(_("model %s") % name)
    for ask in named_elsewhere:
        yield from ask(less)


def _populations() -> set[tuple[str, str]]:
    """Name and population of each model, as it is written and as it is in use."""
    used = ModelVersion.objects.published().select_related("model").defer("report", "profile")
    asked = [(model.name, model.definition) for model in Model.objects.all()]
    asked += [(version.model.name, version.definition) for version in used]
    return {(name, one["population"]) for name, one in asked if one.get("population")}
