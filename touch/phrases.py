"""A plan's words as one kind of reader sees them: in one language, with the same things hidden.

What does not depend on the customer is put together once and kept; per customer there is only to
fill in his values. What a reader may not see is said nowhere: not in a rule, not by a band.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from campaigns.planned import PlannedAttribute, PlannedOffer
from common.masking import mask_number, mask_numbers
from common.naming import in_chinese
from customers.models import Type
from rules import RuleError, compile_condition
from rules.kinds import Language
from scoring.conditions import BETWEEN, DOWN, UP, parts_of
from segmentation.definition import band_codes

from .answers import BandInWords, CellInWords, Fact, Item, Ranking, Reason
from .current import Current
from .words import Words

KEPT_TEXTS = 20_000


# What a reason does to the score.
ARROWS = {UP: "▲", DOWN: "▼"}


class _Offered(NamedTuple):
    """What an item says of its offer, whoever the customer is."""

    name: str
    campaign_name: str
    clauses: list[str]
    talking_points: list[str]
    channels: list[str]


def phrases_of(words: Words, now: Current, *, numbers: bool) -> "Phrases":
    """The phrases of the customer's plan for his reader, in the language that is active.

    ``numbers``: whether the reader may see telephone numbers in full. They are kept with the plan,
    and forgotten with it.
    """
    reader = (language(), now.hidden, numbers)
    return words.phrases.get(reader) or words.phrases.setdefault(reader, Phrases(words, *reader))


def language() -> Language:
    return "zh-hans" if in_chinese() else "en"


class Phrases:
    """``hidden``: codes of the attributes whose values the reader may not see."""

    def __init__(
        self, words: Words, language: Language, hidden: frozenset[str], numbers: bool
    ) -> None:
        self.words = words
        self._language, self._hidden, self._numbers = language, hidden, numbers
        seen = [a for a in words.front_desk if a.code not in hidden]
        self._facts = [(a.code, self._name(a), a.category, self._shower(a)) for a in seen]
        self._reasoned = frozenset(a.code for a in seen if _is_reasons(a))
        self._reason = lru_cache(KEPT_TEXTS)(self._make_reason)
        self._matrix_of = {m.code: place for place, m in enumerate(words.planned.matrices)}
        self._bands = lru_cache(KEPT_TEXTS)(self._make_bands)
        self._cell = lru_cache(KEPT_TEXTS)(self._make_cell)
        self._asked = lru_cache(KEPT_TEXTS)(self._make_asked)
        self._offered = lru_cache(KEPT_TEXTS)(self._make_offered)

    def sees(self, codes: Iterable[str]) -> bool:
        """Whether all of these attributes; a mark or audience is what decides it."""
        if not self._hidden:
            return True
        decided_by = self.words.decided_by
        read = (one for code in codes for one in decided_by.get(code, (code,)))
        return not any(code in self._hidden for code in read)

    def number(self, text: str) -> str:
        return text if self._numbers else mask_number(text)

    def text(self, value: Any) -> Any:
        """A value as it may be shown: whatever looks like a telephone number is masked."""
        if isinstance(value, str) and not self._numbers:
            return mask_numbers(value)
        return value

    # --- the customer ---

    def profile(self, now: Current) -> list[Fact]:
        facts, known = [], now.profile
        for code, name, category, shower in self._facts:
            value = known.get(code)
            if isinstance(value, str):
                value = self.text(value)
                if value and code in self._reasoned:
                    facts.append(Fact(code, name, category, *self._why(value)))
                    continue
            facts.append(Fact(code, name, category, value, shower(value)))
        return facts

    def cells(self, now: Current) -> list[CellInWords]:
        """The customer's cells; a matrix whose scope leaves him out has none."""
        return [self._cell(i, number) for i, number in enumerate(now.cells) if number is not None]

    def _name(self, attribute: PlannedAttribute) -> str:
        return attribute.name_zh if self._language == "zh-hans" else attribute.name_en

    def _shower(self, attribute: PlannedAttribute) -> Callable[[Any], str]:
        """How a value is shown to a person: labels, units, yes and no."""
        chinese = self._language == "zh-hans"
        unknown, yes, no = _("unknown"), _("yes"), _("no")
        unit = attribute.unit_zh if chinese else attribute.unit_en
        labels = {code: zh if chinese else en for code, zh, en in attribute.values}
        category = attribute.type == Type.CATEGORY
        numeric = attribute.type in (Type.INTEGER, Type.NUMBER)

        def shown(value: Any) -> str:
            if value is None:
                return unknown
            if isinstance(value, bool):
                return yes if value else no
            if category:
                return labels.get(value, value)
            return f"{amount(value)} {unit}".strip() if numeric else str(value)

        return shown

    def _why(self, text: str) -> tuple[str, str]:
        """A score's reasons: as conditions, and in words. What the reader may not see is left out.

        There are as many texts as ways to have three reasons, and few conditions.
        """
        told = [self._reason(*part) for part in parts_of(text)]
        return BETWEEN.join(kept for kept, _said in told if kept), "\n".join(s for _kept, s in told)

    def _make_reason(self, sign: str, condition: str) -> tuple[str, str]:
        """A condition on an attribute that is there no more stands as it was written."""
        arrow = ARROWS[sign]
        try:
            rule = compile_condition(condition, self.words.attributes)
        except RuleError:
            return sign + condition, f"{arrow} {condition}"
        if not self.sees(rule.attributes):
            return "", f"{arrow} " + _("A condition on attributes that you may not see")
        return sign + condition, f"{arrow} {rule.explain(self._language)}"

    def _make_cell(self, place: int, number: int) -> CellInWords:
        matrix = self.words.planned.matrices[place]
        return CellInWords(
            matrix=matrix.code,
            name=self.words.matrices[matrix.code].name.in_language(self._language),
            version=matrix.number,
            number=number,
            bands=[BandInWords(*named) for named in self._bands(matrix.code, number).values()],
        )

    def _make_bands(self, matrix: str, number: int) -> dict[str, tuple[str, str]]:
        """Dimension code → (its name, the band's name), in the matrix's order.

        A band that would tell what the reader may not see is named as hidden.
        """
        said, bands = {}, self.words.bands[number]
        for dimension in self.words.matrices[matrix].dimensions:
            if dimension.code not in bands:
                continue
            codes = band_codes(bands[dimension.code])
            named = (
                b.name.in_language(self._language) for b in dimension.all_bands if b.code in codes
            )
            if names := list(named):
                seen = self.sees(self.words.read_by[matrix, dimension.code])
                name = _(" or ").join(names) if seen else _("not shown")
                said[dimension.code] = (dimension.name.in_language(self._language), name)
        return said

    # --- an offer ---

    def item(self, now: Current, offer: PlannedOffer, place: int | None, rank: int) -> Item:
        """``place``: of the offer in the published answer; None for one that is everybody's."""
        offered = self._offered(offer.id)
        return Item(
            rank=rank,
            policy=offer.policy,
            version=offer.version,
            name=offered.name,
            campaign=offer.campaign,
            campaign_name=offered.campaign_name,
            clauses=offered.clauses,
            talking_points=offered.talking_points,
            channels=offered.channels,
            take_up=None if place is None else now.take_ups[place],
            worth=None if place is None else now.worths[place],
            valid_until=self.words.last_days[offer.id],
            reasons=list(self._reasons(now, offer, place)),
            ranking=None,
        )

    def _make_offered(self, offer: int) -> _Offered:
        planned = self.words.planned.by_id[offer]
        policy = self.words.policy(planned)
        campaign = self.words.planned.campaigns[planned.campaign]
        return _Offered(
            policy.name,
            campaign["zh" if self._language == "zh-hans" else "en"],
            policy.clauses,
            policy.talking_points,
            policy.channels,
        )

    def _reasons(self, now: Current, offer: PlannedOffer, place: int | None) -> Iterator[Reason]:
        """The cells that met the policy, the rule with his values, and what ranked it."""
        if place is None:
            yield Reason("general", _("Offered to everybody, whoever they are"))
            return
        for text in dict.fromkeys(self._met(now, offer)):
            yield Reason("cell", text)
        if offer.eligibility:
            yield Reason("eligibility", self.rule(offer.eligibility, now))
        yield Reason("priority", self.tier(now.tiers[place], now))

    def _met(self, now: Current, offer: PlannedOffer) -> Iterator[str]:
        """Of each row that led to the offer, the bands that it asks for."""
        sets = self.words.planned.cell_sets
        for index in offer.cell_sets:
            number = now.cells[self._matrix_of[sets[index].matrix]]
            if number is not None and (text := self._asked(index, number)):
                yield text

    def _make_asked(self, index: int, number: int) -> str:
        """Empty: the cell is none of the set's."""
        cells = self.words.planned.cell_sets[index]
        if not cells.holds(number):
            return ""
        matrix = self.words.matrices[cells.matrix].name.in_language(self._language)
        named = self._bands(cells.matrix, number)
        bands = [f"{named[code][0]}: {named[code][1]}" for code in named if code in cells.bands]
        if not bands:
            return _("Offered to every cell of %(matrix)s") % {"matrix": matrix}
        return f"{matrix}: " + "; ".join(bands)

    def rule(self, text: str, now: Current) -> str:
        """The rule with this customer's values."""
        rule = self.words.rules[text]
        if not self.sees(rule.attributes):
            return _("A condition on attributes that you may not see holds")
        row = self.words.row(rule.attributes, now)
        if not self._numbers:
            row = {code: self.text(value) for code, value in row.items()}
        return rule.explain_with(row, self._language)

    def tier(self, tier: int, now: Current) -> str:
        """The priority rule that gave the tier, and why it holds; by worth where none did."""
        priority = self.words.tiers.get(tier)
        if priority is None:
            return _("No priority rule names it: ranked by expected value")
        return _("Ranked by the priority “%(name)s”: %(why)s") % {
            "name": priority.name_zh if self._language == "zh-hans" else priority.name_en,
            "why": self.rule(priority.condition, now),
        }

    def ranking(self, now: Current, offer: PlannedOffer, place: int | None) -> Ranking | None:
        """How the published rank came about; None for an offer that is everybody's."""
        if place is None:
            return None
        tier, take_up, worth = now.tiers[place], now.take_ups[place], now.worths[place]
        text = _(
            "%(tier)s. Expected value %(worth)s yuan: take-up %(take_up)s × margin %(margin)s yuan "
            "× lever %(lever)s. Equal values stand in the order of policy and campaign."
        ) % {
            "tier": self.tier(tier, now),
            "worth": amount(worth),
            "take_up": f"{take_up:.2%}",
            "margin": amount(offer.margin),
            "lever": amount(offer.lever),
        }
        return Ranking(tier, take_up, offer.margin, offer.lever, worth, text)


def amount(value: float) -> str:
    """At most two decimals: 1,234.5."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def _is_reasons(attribute: PlannedAttribute) -> bool:
    """The only text that a model writes is its reasons."""
    return attribute.source == "scores" and attribute.type == Type.TEXT
