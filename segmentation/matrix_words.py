"""What a matrix says, in the reader's language: bands as sentences, boxes and edits by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import inf

from django.utils.translation import gettext as _

from common.errors import DomainError
from common.naming import in_chinese
from customers.catalogue import rule_catalogue
from rules import Attribute, Catalogue, RuleError, compile_condition

from .definition import Bands, Edit, MatrixDefinition, Merge, band_codes
from .dimensions import (
    AttributeDimension,
    Band,
    BooleanBand,
    CategoryBand,
    Dimension,
    Name,
    QuantileBand,
    RuleBand,
    ThresholdBand,
)


def spoken(name: Name) -> str:
    return name.zh if in_chinese() else name.en


@dataclass(frozen=True)
class Part:
    """One dimension of a cell: its name, the names of its bands there, and their rules."""

    code: str
    dimension: str
    bands: str
    rule: str


@dataclass(frozen=True)
class MatrixWords:
    """The words of one definition. ``catalogue``: the names and units of its attributes."""

    definition: MatrixDefinition
    catalogue: Catalogue

    @classmethod
    def of(cls, definition: MatrixDefinition) -> "MatrixWords":
        return cls(definition, rule_catalogue())

    @cached_property
    def by_code(self) -> dict[str, Dimension]:
        return {dimension.code: dimension for dimension in self.definition.dimensions}

    @cached_property
    def _rules(self) -> dict[tuple[str, str], str]:
        return {
            (d.code, band.code): band_rule(d, band, self.catalogue)
            for d in self.definition.dimensions
            for band in d.all_bands
        }

    def scope(self) -> str:
        """Whom the matrix is for, by its scope and its strategic group; "": every customer."""
        said = [
            text if wanted else _("not: %(rule)s") % {"rule": text}
            for rule, wanted in self.definition.bounds
            for text in [_sentence(rule, self.catalogue)]
        ]
        return ("；" if in_chinese() else "; ").join(said)

    def parts(self, bands: Bands) -> list[Part]:
        """The dimensions that the cell or box is narrowed in, in the matrix's order."""
        return [
            self._part(dimension, band_codes(bands[dimension.code]))
            for dimension in self.definition.dimensions
            if dimension.code in bands
        ]

    def _part(self, dimension: Dimension, codes: Iterable[str]) -> Part:
        wanted = [band for band in dimension.all_bands if band.code in set(codes)]
        return Part(
            code=dimension.code,
            dimension=spoken(dimension.name),
            bands=_(" or ").join(spoken(band.name) for band in wanted),
            rule=_(" or ").join(self._rules[dimension.code, band.code] for band in wanted),
        )

    def names(self, bands: Bands) -> str:
        """The cell or box in one line by the names of its bands: "low, on campus"."""
        parts = [part.bands for part in self.parts(bands)]
        return ("、" if in_chinese() else ", ").join(parts) or _("everybody")

    def rule(self, bands: Bands) -> str:
        """Who is in the cell or box: the rules of its bands, joined."""
        parts = [part.rule for part in self.parts(bands)]
        return ("；" if in_chinese() else "; ").join(parts) or _("everybody")

    def edit(self, edit: Edit) -> str:
        """The edit as a sentence."""
        where = self.names(edit.box)
        if isinstance(edit, Merge):
            return _("%(box)s: merged into one cell") % {"box": where}
        by = self.by_code.get(edit.by)
        return _("%(box)s: split by %(by)s") % {
            "box": where,
            "by": spoken(by.name) if by else edit.by,
        }

    def band_rule(self, dimension: Dimension, band: Band) -> str:
        return self._rules[dimension.code, band.code]


def edit_of_other(edit: Edit, before: MatrixDefinition) -> str:
    """An edit that the draft has no longer, in the words of the definition that had it."""
    try:
        return MatrixWords.of(before).edit(edit)
    except (DomainError, KeyError):
        return str(edit.to_json())


def band_rule(dimension: Dimension, band: Band, catalogue: Catalogue) -> str:
    """Who is in the band, as a sentence; the codes where the catalogue has no words."""
    if isinstance(band, RuleBand):
        return _("all others") if band.rest else _sentence(band.rule, catalogue)
    assert isinstance(dimension, AttributeDimension)
    attribute = catalogue.get(dimension.attribute)
    name = _attribute_name(attribute) if attribute else dimension.attribute
    match band:
        case ThresholdBand():
            return _between(name, band, attribute)
        case QuantileBand():
            return _share(name, dimension, band)
        case CategoryBand():
            return _values(name, band, attribute)
        case BooleanBand():
            return f"{name}: {_('yes') if band.value else _('no')}"
    return _("%(name)s is unknown") % {"name": name}


def _attribute_name(attribute: Attribute) -> str:
    return attribute.name_zh if in_chinese() else attribute.name_en


def _sentence(rule: str, catalogue: Catalogue) -> str:
    """The rule in words; as it is written where it no longer fits the catalogue."""
    try:
        return compile_condition(rule, catalogue).explain("zh-hans" if in_chinese() else "en")
    except RuleError:
        return rule


def number(value: float) -> str:
    """1234567.5 → 1,234,567.5"""
    return f"{value:,.10f}".rstrip("0").rstrip(".") if value != int(value) else f"{int(value):,}"


def _between(name: str, band: ThresholdBand, attribute: Attribute | None) -> str:
    unit = (attribute.unit_zh if in_chinese() else attribute.unit_en) if attribute else ""
    says = {"name": name, "low": number(band.low) if band.low != -inf else "", "unit": unit}
    says["high"] = number(band.high) if band.high != inf else ""
    if band.low == -inf and band.high == inf:
        return _("%(name)s is known") % says
    if band.low == -inf:
        text = _("%(name)s < %(high)s %(unit)s") % says
    elif band.high == inf:
        text = _("%(name)s ≥ %(low)s %(unit)s") % says
    else:
        text = _("%(low)s ≤ %(name)s < %(high)s %(unit)s") % says
    return text.strip()


def _share(name: str, dimension: AttributeDimension, band: QuantileBand) -> str:
    before = 0.0
    for other in dimension.bands:
        if other.code == band.code:
            break
        before += other.share
    says = {
        "name": name,
        "from": number(round(100 * before, 6)),
        "to": number(round(100 * (before + band.share), 6)),
    }
    return _("%(name)s: ranks %(from)s–%(to)s %% from the top") % says


def _values(name: str, band: CategoryBand, attribute: Attribute | None) -> str:
    labels: Mapping[str, str] = {}
    if attribute:
        labels = {code: zh if in_chinese() else en for code, zh, en in attribute.values}
    said = [labels.get(value, value) for value in band.values]
    if band.other:
        said.append(_("any other value"))
    return f"{name}: {_(' or ').join(said)}"
