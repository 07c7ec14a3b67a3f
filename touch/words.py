"""A plan's answers in words: attributes, cells, rules and priorities as a reader sees them.

A plan never changes, nor do the policy versions and matrices that it names, so a process keeps its
words by the plan's key. What a caller may not see is said nowhere: not in a rule, not by a band.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from campaigns.models import Plan, PolicyVersion
from campaigns.planned import Planned, PlannedAttribute, PlannedOffer, PlannedPriority
from common.naming import in_chinese
from customers.catalogue import CITY
from customers.models import Type
from customers.selectors import mask_number
from rules import Catalogue, Rule, compile_condition
from rules.kinds import Language
from segmentation.definition import MatrixDefinition, band_codes
from segmentation.dimensions import AttributeDimension, Dimension
from segmentation.models import MatrixVersion

from .current import Current

KEPT_PLANS = 4
# Seven digits or more, with or without a country code: what a telephone number looks like.
_TELEPHONE = re.compile(r"\+?\d{7,15}")


@dataclass(frozen=True)
class Words:
    """matrices: the definitions by code; rules: by text; tiers: the priority rules by tier."""

    planned: Planned
    policies: dict[tuple[str, int], PolicyVersion]
    matrices: dict[str, MatrixDefinition]
    rules: dict[str, Rule]
    tiers: dict[int, PlannedPriority]
    read_by: dict[tuple[str, str], frozenset[str]]

    def policy(self, offer: PlannedOffer) -> PolicyVersion:
        return self.policies[offer.policy, offer.version]


@lru_cache(maxsize=KEPT_PLANS)
def words_of(plan: str) -> Words:
    """Return the words of the plan with this key."""
    planned = Planned.from_json(Plan.objects.get(pk=plan).body)
    wanted = {(o.policy, o.version) for o in planned.offers}
    versions = PolicyVersion.objects.filter(policy__in={policy for policy, _number in wanted})
    bodies = MatrixVersion.objects.in_bulk([m.version for m in planned.matrices])
    matrices = {
        m.code: MatrixDefinition.from_json(bodies[m.version].body) for m in planned.matrices
    }
    conditions = {o.eligibility for o in planned.offers} | {p.condition for p in planned.priority}
    return Words(
        planned=planned,
        policies={
            (v.policy_id, v.number): v for v in versions if (v.policy_id, v.number) in wanted
        },
        matrices=matrices,
        rules={text: compile_condition(text, planned.catalogue) for text in conditions if text},
        tiers={p.position: p for p in planned.priority},
        read_by={
            (code, dimension.code): _attributes_of(dimension, planned.catalogue)
            for code, matrix in matrices.items()
            for dimension in matrix.dimensions
        },
    )


def _attributes_of(dimension: Dimension, catalogue: Catalogue) -> frozenset[str]:
    """The attributes that decide a customer's band."""
    if isinstance(dimension, AttributeDimension):
        return frozenset({dimension.attribute})
    texts = (band.rule for band in dimension.bands if band.rule)
    return frozenset(
        code for text in texts for code in compile_condition(text, catalogue).attributes
    )


def language() -> Language:
    return "zh-hans" if in_chinese() else "en"


@dataclass(frozen=True)
class Reader:
    """What the caller may see: ``visible`` attributes, and ``numbers`` of telephones in full.

    ``decided_by``: a mark or audience is seen by who sees all attributes that decide it.
    """

    visible: Collection[str]
    numbers: bool
    decided_by: Mapping[str, Collection[str]] = field(default_factory=dict)

    def sees(self, codes: Iterable[str]) -> bool:
        read = (one for code in codes for one in self.decided_by.get(code, (code,)))
        return all(code == CITY or code in self.visible for code in read)

    def number(self, text: str) -> str:
        return text if self.numbers else mask_number(text)

    def text(self, value: Any) -> Any:
        """A value as it may be shown: whatever looks like a telephone number is masked."""
        if isinstance(value, str) and not self.numbers and _TELEPHONE.fullmatch(value):
            return mask_number(value)
        return value


# --- values ---


def shown(attribute: PlannedAttribute, value: Any) -> str:
    """The value for a person: labels, units, yes and no."""
    chinese = in_chinese()
    if value is None:
        return _("unknown")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if attribute.type == Type.CATEGORY:
        labels = {code: zh if chinese else en for code, zh, en in attribute.values}
        return labels.get(value, value)
    if attribute.type in (Type.INTEGER, Type.NUMBER):
        unit = attribute.unit_zh if chinese else attribute.unit_en
        number = f"{value:,.2f}".rstrip("0").rstrip(".")
        return f"{number} {unit}".strip()
    return str(value)


# --- reasons ---


def bands_in_words(
    words: Words, matrix: str, number: int, now: Current, reader: Reader
) -> dict[str, tuple[str, str]]:
    """Dimension code → (its name, the band's name), in the matrix's order.

    A band that would tell what the caller may not see is named as hidden.
    """
    said, bands = {}, now.bands[number]
    for dimension in words.matrices[matrix].dimensions:
        if dimension.code not in bands:
            continue
        codes = band_codes(bands[dimension.code])
        names = [b.name.in_language(language()) for b in dimension.all_bands if b.code in codes]
        if not names:
            continue
        seen = reader.sees(words.read_by[matrix, dimension.code])
        name = _(" or ").join(names) if seen else _("not shown")
        said[dimension.code] = (dimension.name.in_language(language()), name)
    return said


def rule_in_words(words: Words, text: str, now: Current, reader: Reader) -> str:
    """The rule with this customer's values."""
    rule = words.rules[text]
    if not reader.sees(rule.attributes):
        return _("A condition on attributes that you may not see holds")
    row = {code: reader.text(_value(words, code, now)) for code in rule.attributes}
    return rule.explain_with(row, language())


def _value(words: Words, code: str, now: Current) -> Any:
    """The customer's value as rules read it: JSON has no dates."""
    if code == CITY:
        return now.city
    value = now.profile.get(code)
    if words.planned.by_code[code].type == Type.DATE and value is not None:
        return date.fromisoformat(value)
    return value


def tier_in_words(words: Words, tier: int, now: Current, reader: Reader) -> str:
    """The priority rule that gave the tier, and why it holds; by worth alone where none did."""
    priority = words.tiers.get(tier)
    if priority is None:
        return _("No priority rule names it: ranked by expected value")
    return _("Ranked by the priority “%(name)s”: %(why)s") % {
        "name": priority.name_zh if in_chinese() else priority.name_en,
        "why": rule_in_words(words, priority.condition, now, reader),
    }
