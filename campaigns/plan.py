"""Compiling the plan: what the two matrices say on one day, frozen under a content key.

The body carries no date. On two days on which the same campaigns run and the same policies hold it
is the same plan, and an answer that did not change need not be written again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import DomainError
from common.keys import key_of
from segmentation.audiences.in_use import member_column
from segmentation.audiences.sets import AUDIENCE
from segmentation.cells import CellBoxes
from segmentation.models import Matrix, MatrixVersion

from .matching.ranking import MOST_OFFERS
from .models import Campaign, HoldOut, MarketingRow, Offer, Plan, PolicyVersion, PriorityRule
from .plan_attributes import attributes_of
from .planned import (
    CellSet,
    IdleOffer,
    Planned,
    PlannedMatrix,
    PlannedOffer,
    PlannedPriority,
    Ranges,
)


def compile_plan(business_date: date, matrix_versions: Sequence[MatrixVersion]) -> Plan:
    """Return the plan of the day: campaigns that run, policies that hold, matrices as given.

    Raises DomainError ``stale_marketing_row`` (409) where the marketing matrix names a matrix,
    dimension or band that is there no more: left out, the row would reach other customers than its
    author chose. ``stale_rule`` (409) where a rule no longer fits the attribute catalogue.
    """
    cells = _Cells(matrix_versions)
    said = _Said()
    drafts = _drafts(business_date, cells, said)
    with transaction.atomic():
        offers = _offers(drafts, _strategies(matrix_versions))
    if len(offers) > MOST_OFFERS:
        raise DomainError(
            "too_many_offers",
            _("A plan holds at most %(most)d offers (campaign × policy); this day has %(n)d.")
            % {"most": MOST_OFFERS, "n": len(offers)},
            status=409,
        )
    priority = tuple(_priority(rule) for rule in PriorityRule.objects.all())
    profile, attributes = attributes_of(offers, priority, matrix_versions)
    codes = {offer.campaign for offer in offers}
    idle = tuple(_idle(drafts, cells, said))
    body = Planned(
        matrices=tuple(PlannedMatrix(v.matrix_id, v.pk, v.number) for v in matrix_versions),
        cell_sets=tuple(cells.sets),
        offers=offers,
        priority=priority,
        profile=profile,
        attributes=attributes,
        campaigns={
            code: _campaign(campaign)
            for code, campaign in said.campaigns.items()
            if code in codes | {offer.campaign for offer in idle}
        },
        idle=idle,
        hold_out=_hold_out(),
    ).to_json()
    return Plan.objects.get_or_create(key=key_of("plan", 1, body), defaults={"body": body})[0]


# --- offers ---


@dataclass
class _Draft:
    """An offer on its way: the rows of one campaign that name one policy."""

    campaign: Campaign
    version: PolicyVersion
    cities: tuple[str, ...]
    matrices: set[str] = field(default_factory=set)
    sets: set[int] = field(default_factory=set)


class _Said:
    """All that is defined of campaigns, policies and the marketing matrix, read once."""

    def __init__(self) -> None:
        self.campaigns = {c.code: c for c in Campaign.objects.select_related("organisation")}
        self.policies = {v.policy_id: v for v in PolicyVersion.objects.newest()}
        self.rows = list(MarketingRow.objects.all())


def _drafts(business_date: date, cells: "_Cells", said: _Said) -> list[_Draft]:
    """One draft per campaign and policy, in the order that breaks ties: policy, campaign."""
    drafts: dict[tuple[str, str], _Draft] = {}
    for row in said.rows:
        campaign, version = said.campaigns[row.campaign_id], said.policies[row.policy_id]
        if not (campaign.runs_on(business_date) and version.valid_on(business_date)):
            continue
        cities = _common_cities(campaign, version)
        if cities is None:
            continue
        key = (row.policy_id, row.campaign_id)
        draft = drafts.setdefault(key, _Draft(campaign, version, cities))
        draft.matrices.add(row.matrix)
        draft.sets.add(cells.index_of(row))
    return [drafts[key] for key in sorted(drafts)]


def _idle(drafts: Sequence[_Draft], cells: "_Cells", said: _Said) -> Iterator[IdleOffer]:
    """What is defined and not offered on the day, by policy and campaign."""
    offered = {(d.version.policy_id, d.campaign.code) for d in drafts}
    rows: dict[tuple[str, str], list[MarketingRow]] = {(p, ""): [] for p in said.policies}
    for row in said.rows:
        rows.setdefault((row.policy_id, row.campaign_id), []).append(row)
        rows.pop((row.policy_id, ""), None)
    for policy, code in sorted(rows.keys() - offered):
        version = said.policies[policy]
        if not code:
            yield IdleOffer(policy, version.number)
            continue
        campaign = said.campaigns[code]
        first = max(campaign.starts_on, version.valid_from)
        last = min(campaign.ends_on, version.valid_to)
        meet = first <= last
        yield IdleOffer(
            policy=policy,
            version=version.number,
            campaign=code,
            first=first.isoformat() if meet else None,
            last=last.isoformat() if meet else None,
            cities=_common_cities(campaign, version) or (),
            cell_sets=tuple(sorted(cells.known_of(rows[policy, code]))),
        )


def _campaign(campaign: Campaign) -> dict[str, Any]:
    return {
        "zh": campaign.name_zh,
        "en": campaign.name_en,
        "starts_on": campaign.starts_on.isoformat(),
        "ends_on": campaign.ends_on.isoformat(),
        "control": campaign.control,
    }


def _hold_out() -> dict[str, Any]:
    held = HoldOut.objects.first()
    return {"key": held.key, "buckets": held.buckets} if held else {}


def _common_cities(campaign: Campaign, version: PolicyVersion) -> tuple[str, ...] | None:
    """Where both hold, () for everywhere, None for nowhere: a city's campaign stays in the city."""
    reached, sold = campaign.organisation.cities, version.cities
    if reached is None:
        return tuple(sorted(sold))
    if not sold:
        return tuple(sorted(reached))
    return tuple(sorted(reached.intersection(sold))) or None


def _offers(drafts: Sequence[_Draft], strategies: Mapping[str, str]) -> tuple[PlannedOffer, ...]:
    ids = _offer_ids(drafts)
    return tuple(
        PlannedOffer(
            id=ids[d.campaign.code, d.version.pk],
            campaign=d.campaign.code,
            policy=d.version.policy_id,
            version=d.version.number,
            strategies=tuple(sorted({strategies[matrix] for matrix in d.matrices})),
            lever=d.campaign.lever,
            margin=float(d.version.margin),
            take_up=d.version.take_up,
            eligibility=_eligibility(d),
            exclusivity_group=d.version.exclusivity_group,
            cities=d.cities,
            cell_sets=tuple(sorted(d.sets)),
            capacity=d.version.capacity,
            held_days=d.version.held_days,
        )
        for d in drafts
    )


def _eligibility(draft: _Draft) -> str:
    """Who may have the offer: the campaign's audience, and of it who the policy is for."""
    audience, own = draft.campaign.audience_id, draft.version.eligibility
    named = member_column((AUDIENCE, audience)) if audience else ""
    return f"{named} and ({own})" if named and own else named or own


def _offer_ids(drafts: Sequence[_Draft]) -> dict[tuple[str, int], int]:
    """The id of each offer; one that was never made before is added, and keeps it for ever."""
    known = _known_offer_ids(drafts)
    missing = [
        Offer(campaign=d.campaign, policy_version=d.version)
        for d in drafts
        if (d.campaign.code, d.version.pk) not in known
    ]
    if not missing:
        return known
    # A conflict is a compiler that runs at the same time: its row serves as well.
    Offer.objects.bulk_create(missing, ignore_conflicts=True)
    return _known_offer_ids(drafts)


def _known_offer_ids(drafts: Sequence[_Draft]) -> dict[tuple[str, int], int]:
    rows = Offer.objects.filter(
        campaign__in={d.campaign.code for d in drafts},
        policy_version__in={d.version.pk for d in drafts},
    )
    return {(o.campaign_id, o.policy_version_id): o.pk for o in rows}


def _strategies(versions: Sequence[MatrixVersion]) -> dict[str, str]:
    codes = [version.matrix_id for version in versions]
    return dict(Matrix.objects.filter(code__in=codes).values_list("code", "strategy_id"))


def _priority(rule: PriorityRule) -> PlannedPriority:
    return PlannedPriority(rule.position, rule.name_zh, rule.name_en, rule.condition, rule.prefer)


# --- cells ---


class _Cells:
    """The cells of the day's matrices, and the distinct sets that marketing rows select."""

    def __init__(self, versions: Sequence[MatrixVersion]) -> None:
        self.sets: list[CellSet] = []
        self._index: dict[str, int] = {}
        self._versions = {version.matrix_id: version for version in versions}
        self._loaded: dict[str, CellBoxes] = {}

    def index_of(self, row: MarketingRow) -> int:
        """The place in ``sets`` of the row's cells, which are added if they are new."""
        box = row.box
        key = key_of(row.matrix, box)
        if key not in self._index:
            cells = _ranges(self._inside(row, box))
            self._index[key] = len(self.sets)
            self.sets.append(CellSet(row.matrix, box, cells))
        return self._index[key]

    def known_of(self, rows: Iterable[MarketingRow]) -> set[int]:
        """The places of the rows' cells; a row that no longer fits stops no day: it is idle."""
        found = set()
        for row in rows:
            with suppress(DomainError):
                found.add(self.index_of(row))
        return found

    def _inside(self, row: MarketingRow, box: Mapping[str, list[str]]) -> np.ndarray:
        if row.matrix not in self._versions:
            raise _stale(row, _("matrix %s is not among the day's matrices") % row.matrix)
        try:
            return self._cells(row.matrix).inside(box)
        except DomainError as error:
            raise _stale(row, error.message) from error

    def _cells(self, matrix: str) -> CellBoxes:
        if matrix not in self._loaded:
            self._loaded[matrix] = CellBoxes.of_version(self._versions[matrix])
        return self._loaded[matrix]


def _ranges(numbers: np.ndarray) -> Ranges:
    if not len(numbers):
        return ()
    breaks = np.flatnonzero(np.diff(numbers) != 1)
    firsts = numbers[np.concatenate(([0], breaks + 1))]
    lasts = numbers[np.concatenate((breaks, [len(numbers) - 1]))]
    return tuple((int(first), int(last)) for first, last in zip(firsts, lasts, strict=True))


def _stale(row: MarketingRow, what: str) -> DomainError:
    return DomainError(
        "stale_marketing_row",
        _(
            "Row %(position)d of the marketing matrix (%(row)s) no longer fits: %(what)s. "
            "Change the row or publish a matrix that has it."
        )
        % {"position": row.position, "row": row, "what": what},
        status=409,
        row=row.position,
    )
