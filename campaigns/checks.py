"""What must hold of policies, campaigns and the two matrices.

Each check raises DomainError with ``where``, the path of the wrong value within its item as
definitions write it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from functools import cached_property

from django.utils.translation import gettext as _

from accounts.models import Level, Organisation
from common.errors import DomainError, did_you_mean
from customers.catalogue import compiled
from rules import Catalogue, compile_condition, compile_number
from segmentation.definition import MatrixDefinition
from segmentation.models import Audience, MatrixVersion, Strategy

from .catalogue import campaign_catalogue
from .controls import check_ranges
from .models import Campaign, HoldOut, PolicyVersion
from .terms import CampaignTerms, MarketingLine, PolicyTerms, PriorityLine

Where = tuple[str | int, ...]
Codes = Collection[str]

CENT = Decimal("0.01")
# Bounds that keep expected value within what ranking can order (campaigns.matching.ranking).
GREATEST_AMOUNT = 1_000_000
GREATEST_LEVER = 100
# One number of 8 bits orders the tiers; the greatest stands for "no rule".
MOST_PRIORITY_RULES = 254


@dataclass(frozen=True)
class Known:
    """What a check may refer to, read once for a whole document."""

    @cached_property
    def catalogue(self) -> Catalogue:
        return campaign_catalogue()

    @cached_property
    def organisations(self) -> dict[str, Organisation]:
        return {o.code: o for o in Organisation.objects.all()}

    @cached_property
    def cities(self) -> frozenset[str]:
        return frozenset(c for c, o in self.organisations.items() if o.level == Level.CITY)

    @cached_property
    def audiences(self) -> dict[str, Audience]:
        return {audience.code: audience for audience in Audience.objects.active()}

    @cached_property
    def campaigns(self) -> dict[str, Campaign]:
        return {c.code: c for c in Campaign.objects.select_related("organisation")}

    @cached_property
    def policies(self) -> dict[str, PolicyVersion]:
        return {v.policy_id: v for v in PolicyVersion.objects.newest()}

    @cached_property
    def has_control_key(self) -> bool:
        return HoldOut.objects.exists()

    @cached_property
    def strategies(self) -> frozenset[str]:
        return frozenset(Strategy.objects.values_list("code", flat=True))

    @cached_property
    def matrices(self) -> dict[str, MatrixDefinition]:
        """The published definitions by matrix."""
        published = MatrixVersion.objects.published()
        return {v.matrix_id: MatrixDefinition.from_json(v.body) for v in published}

    @cached_property
    def bands(self) -> dict[str, dict[str, list[str]]]:
        """Matrix → dimension → its band codes, the null band last; of the published versions."""
        return {
            code: {d.code: [band.code for band in d.all_bands] for d in definition.dimensions}
            for code, definition in self.matrices.items()
        }


# --- policies and campaigns ---


def check_policy(terms: PolicyTerms, known: Known) -> None:
    for name in ("cost", "reward", "margin"):
        _check_amount(getattr(terms, name), name)
    _check_take_up(terms.take_up, known.catalogue)
    if terms.eligibility:
        compiled(compile_condition, terms.eligibility, known.catalogue, "eligibility")
    for index, city in enumerate(terms.cities):
        check_known(city, known.cities, "unknown_city", _("city"), "cities", index)
    _check_dates(terms.valid_from, terms.valid_to, "valid", "to")


def _check_amount(amount: Decimal, name: str) -> None:
    if abs(amount) > GREATEST_AMOUNT or amount != amount.quantize(CENT):
        raise DomainError(
            "bad_amount",
            _("An amount is yuan and fen, at most %(most)d yuan; %(name)s is %(amount)s.")
            % {"most": GREATEST_AMOUNT, "name": name, "amount": amount},
            where=[name],
        )


def _check_take_up(text: str, catalogue: Catalogue) -> None:
    """A constant can be held against 0-1 at once; of an attribute each customer's value is."""
    rule = compiled(compile_number, text, catalogue, "take_up")
    if rule.attributes:
        return
    value = rule.evaluate({}, date.min)
    if value is None or not 0 <= value <= 1:
        raise DomainError(
            "take_up_out_of_range",
            _("A take-up is a probability between 0 and 1; %(text)s is %(value)s.")
            % {"text": text, "value": value},
            where=["take_up"],
        )


def check_campaign(terms: CampaignTerms, known: Known) -> None:
    check_known(
        terms.organisation,
        known.organisations,
        "unknown_organisation",
        _("organisation"),
        "organisation",
    )
    _check_dates(terms.starts_on, terms.ends_on, "ends_on")
    check_ranges(terms.control, "control")
    if terms.control and not known.has_control_key:
        raise DomainError(
            "no_control_key",
            _("There is no control group without a key: set the hold-out first."),
            status=409,
            where=["control"],
        )
    if terms.audience:
        check_known(terms.audience, known.audiences, "unknown_audience", _("audience"), "audience")
        _check_audience_reached(terms, known)
    if not 0 < terms.lever <= GREATEST_LEVER:
        raise DomainError(
            "bad_lever",
            _("A lever multiplies expected value: above 0, at most %(most)d; this is %(lever)s.")
            % {"most": GREATEST_LEVER, "lever": terms.lever},
            where=["lever"],
        )


def _check_audience_reached(terms: CampaignTerms, known: Known) -> None:
    """A city's audience holds that city's customers: another city's campaign would reach nobody."""
    reached = known.organisations[terms.organisation].cities
    city = known.audiences[terms.audience].city
    if city and reached is not None and city not in reached:
        raise DomainError(
            "reaches_nobody",
            _("The audience %(audience)s is of %(city)s, which the campaign does not reach.")
            % {"audience": terms.audience, "city": city},
            where=["audience"],
        )


def _check_dates(first: date, last: date, *where: str) -> None:
    if last < first:
        raise DomainError(
            "dates_reversed",
            _("The last day, %(last)s, must not lie before the first, %(first)s.")
            % {"first": first, "last": last},
            where=list(where),
        )


# --- the marketing matrix and the priority matrix ---


def check_marketing(line: MarketingLine, known: Known) -> None:
    check_known(line.campaign, known.campaigns, "unknown_campaign", _("campaign"), "campaign")
    check_known(line.policy, known.policies, "unknown_policy", _("policy"), "policy")
    check_known(line.matrix, known.bands, "unknown_matrix", _("published matrix"), "matrix")
    dimensions = known.bands[line.matrix]
    for dimension, bands in line.cells:
        check_known(dimension, dimensions, "unknown_dimension", _("dimension"), "cells", dimension)
        for index, band in enumerate(bands):
            where = ("cells", dimension, index)
            check_known(band, dimensions[dimension], "unknown_band", _("band"), *where)
    _check_whole_cells(line, known.matrices[line.matrix])
    _check_reachable(line, known)


def _check_whole_cells(line: MarketingLine, definition: MatrixDefinition) -> None:
    straddling = definition.straddling(line.box)
    if straddling:
        raise DomainError(
            "cell_straddles",
            _(
                "A row names whole cells; the cell %(cell)s is only partly inside %(box)s. Name "
                "all of its bands or none."
            )
            % {
                "cell": definition.spelled(straddling[0]),
                "box": definition.spelled(definition.box(line.box)),
            },
            where=["cells"],
        )


def _check_reachable(line: MarketingLine, known: Known) -> None:
    reached = known.campaigns[line.campaign].organisation.cities
    sold = known.policies[line.policy].cities
    if reached is not None and sold and not reached.intersection(sold):
        raise DomainError(
            "reaches_nobody",
            _(
                "Campaign %(campaign)s reaches %(reached)s, and policy %(policy)s is for "
                "%(sold)s only: nobody could be offered it. Add the city to the policy."
            )
            % {
                "campaign": line.campaign,
                "reached": ", ".join(sorted(reached)),
                "policy": line.policy,
                "sold": ", ".join(sold),
            },
            where=["policy"],
        )


def check_no_repeats(lines: Sequence[MarketingLine] | Sequence[PriorityLine]) -> None:
    seen: dict[object, int] = {}
    for index, line in enumerate(lines):
        first = seen.setdefault(line.meaning, index)
        if first != index:
            raise DomainError(
                "repeated_row",
                _("Row %(row)d says the same as row %(first)d: %(line)s. Each is listed once.")
                % {"row": index + 1, "first": first + 1, "line": line},
                where=[index],
            )


def check_priority_size(lines: Sequence[PriorityLine]) -> None:
    if len(lines) > MOST_PRIORITY_RULES:
        raise DomainError(
            "too_many_priority_rules",
            _("The priority matrix holds at most %(most)d rules; these are %(n)d.")
            % {"most": MOST_PRIORITY_RULES, "n": len(lines)},
            where=[MOST_PRIORITY_RULES],
        )


def check_priority(line: PriorityLine, known: Known) -> None:
    compiled(compile_condition, line.condition, known.catalogue, "condition")
    groups = {v.exclusivity_group for v in known.policies.values() if v.exclusivity_group}
    sources: Mapping[str, tuple[Codes, str, str]] = {
        "policies": (known.policies, "unknown_policy", _("policy")),
        "campaigns": (known.campaigns, "unknown_campaign", _("campaign")),
        "exclusivity_groups": (groups, "unknown_exclusivity_group", _("exclusivity group")),
        "strategies": (known.strategies, "unknown_strategy", _("strategy")),
    }
    for kind, codes in line.prefer:
        names, error, noun = sources[kind]
        for index, code in enumerate(codes):
            check_known(code, names, error, noun, "prefer", kind, index)


# --- shared ---


def check_known(code: str, known: Codes, error: str, noun: str, *where: str | int) -> None:
    if code in known:
        return
    near = get_close_matches(code, list(known))
    message = _("There is no %(noun)s %(code)s.") % {"noun": noun, "code": code}
    raise DomainError(error, message + did_you_mean(near), where=list(where), nearest=near)
