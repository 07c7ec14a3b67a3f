"""Writes: policies, campaigns, the marketing matrix and the priority matrix.

Each checks, writes and logs itself in one transaction. ``by`` is the user who acts, who must reach
the organisation concerned, or the plain name of what acts on nobody's behalf (a command).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import connection, models, transaction
from django.utils.translation import gettext as _

from accounts.models import Level, Organisation
from accounts.services import By, log, reaches
from common.errors import DomainError, at

from . import checks
from .checks import Known
from .controls import Ranges, check_ranges
from .models import Campaign, HoldOut, MarketingRow, Policy, PolicyVersion, PriorityRule
from .terms import CampaignTerms, MarketingLine, PolicyTerms, PriorityLine

# --- policies ---


@transaction.atomic
def create_policy(
    *, number: str, terms: PolicyTerms, by: By, known: Known | None = None
) -> PolicyVersion:
    """Add a policy with its first version."""
    checks.check_policy(terms, known or Known())
    policy, new = Policy.objects.get_or_create(number=number)
    if not new:
        raise DomainError(
            "policy_exists",
            _("There is a policy %s already; choose another number or edit that one.") % number,
            status=409,
            where=["number"],
        )
    version = PolicyVersion.objects.create(policy=policy, number=1, **terms.values())
    log(by=by, action="create_policy", target=_policy(version), after=terms.plain())
    return version


@transaction.atomic
def edit_policy(
    policy: Policy, *, terms: PolicyTerms, by: By, known: Known | None = None
) -> PolicyVersion:
    """Write the next version of a policy; the newest one stays if it says the same already."""
    checks.check_policy(terms, known or Known())
    Policy.objects.select_for_update().get(pk=policy.pk)
    newest = policy.versions.first()
    before = PolicyTerms.of(newest)
    if before == terms:
        return newest
    version = PolicyVersion.objects.create(
        policy=policy, number=newest.number + 1, **terms.values()
    )
    log(
        by=by,
        action="edit_policy",
        target=_policy(version),
        before=before.plain(),
        after=terms.plain(),
    )
    return version


def _policy(version: PolicyVersion) -> tuple[str, str, str]:
    return ("policy", version.policy_id, f"{version} {version.name_zh} {version.name_en}")


# --- campaigns ---


@transaction.atomic
def create_campaign(
    *, code: str, terms: CampaignTerms, by: By, known: Known | None = None
) -> Campaign:
    checks.check_campaign(terms, known or Known())
    organisation = Organisation.objects.get(code=terms.organisation)
    _check_reach(by, organisation)
    if Campaign.objects.filter(pk=code).exists():
        raise DomainError(
            "campaign_exists",
            _("There is a campaign %s already; choose another code or edit that one.") % code,
            status=409,
            where=["code"],
        )
    campaign = Campaign.objects.create(code=code, **_fields(terms, organisation))
    log(by=by, action="create_campaign", target=_campaign(campaign), after=terms.plain())
    return campaign


@transaction.atomic
def edit_campaign(
    campaign: Campaign, *, terms: CampaignTerms, by: By, known: Known | None = None
) -> Campaign:
    """Change a campaign in place; nothing happens if it says the same already."""
    checks.check_campaign(terms, known or Known())
    campaign = Campaign.objects.select_for_update(of=["self"]).get(pk=campaign.pk)
    before = CampaignTerms.of(campaign)
    if before == terms:
        return campaign
    organisation = Organisation.objects.get(code=terms.organisation)
    _check_reach(by, campaign.organisation)
    _check_reach(by, organisation)
    for name, value in _fields(terms, organisation).items():
        setattr(campaign, name, value)
    campaign.save()
    log(
        by=by,
        action="edit_campaign",
        target=_campaign(campaign),
        before=before.plain(),
        after=terms.plain(),
    )
    return campaign


def _fields(terms: CampaignTerms, organisation: Organisation) -> dict[str, Any]:
    """The fields of a Campaign."""
    fields = {
        **vars(terms),
        "organisation": organisation,
        "audience_id": terms.audience or None,
        "control": _lists(terms.control),
    }
    del fields["audience"]
    return fields


def _lists(buckets: Ranges) -> list[list[int]]:
    return [list(pair) for pair in buckets]


@transaction.atomic
def set_hold_out(*, key: str, buckets: Ranges, by: By) -> HoldOut:
    """Say which buckets of the whole province get no offer; from the next publication on.

    It reaches every city, so only someone of the province may. Another ``key`` draws every control
    group anew, which makes all that they measured worthless: refused once one is set.
    """
    check_ranges(buckets, "buckets")
    for province in Organisation.objects.filter(level=Level.PROVINCE):
        _check_reach(by, province)
    held, new = HoldOut.objects.select_for_update().get_or_create(defaults={"key": key})
    if held.key != key:
        raise DomainError(
            "control_key_kept",
            _("The key of the control groups stays %s: another one would draw all groups anew.")
            % held.key,
            status=409,
            where=["key"],
        )
    before = None if new else {"buckets": held.buckets}
    if new or held.buckets != _lists(buckets):
        held.buckets = _lists(buckets)
        held.save(update_fields=["buckets"])
        after = {"buckets": held.buckets}
        target = ("hold_out", "hold_out", "hold_out")
        log(by=by, action="set_hold_out", target=target, before=before, after=after)
    return held


def _campaign(campaign: Campaign) -> tuple[str, str, str]:
    return ("campaign", campaign.code, f"{campaign.code} {campaign.name_zh} {campaign.name_en}")


def _check_reach(by: By, organisation: Organisation) -> None:
    """A city's marketer reads the province's campaigns and writes only the city's own: so 403."""
    if not reaches(by, organisation):
        raise DomainError(
            "campaign_out_of_reach",
            _("%(by)s may change campaigns of the own organisation and below it, not of %(code)s.")
            % {"by": by, "code": organisation.code},
            status=403,
        )


# --- the two matrices ---

Line = TypeVar("Line", MarketingLine, PriorityLine)


@dataclass(frozen=True)
class Replacement(Generic[Line]):
    """A matrix as it was and as it is now."""

    before: list[Line]
    after: list[Line]

    @property
    def added(self) -> list[Line]:
        return _without(self.after, self.before)

    @property
    def removed(self) -> list[Line]:
        return _without(self.before, self.after)

    @property
    def moved(self) -> list[Line]:
        """Lines that stand elsewhere among those that were there before."""
        old = _without(self.before, self.removed)
        new = _without(self.after, self.added)
        return [now for was, now in zip(old, new, strict=True) if was != now]


@transaction.atomic
def replace_marketing(lines: Sequence[MarketingLine], *, by: By) -> Replacement[MarketingLine]:
    """Make ``lines``, in this order, the whole marketing matrix."""
    known = Known()
    _each(lines, lambda line: checks.check_marketing(line, known))
    checks.check_no_repeats(lines)
    lock_table(MarketingRow)
    rows = MarketingRow.objects.all()
    replacement = Replacement([MarketingLine.of(row) for row in rows], list(lines))
    for campaign in {line.campaign for line in replacement.added + replacement.removed}:
        _check_reach(by, known.campaigns[campaign].organisation)
    if replacement.before != replacement.after:
        rows.delete()
        MarketingRow.objects.bulk_create(
            MarketingRow(
                campaign_id=line.campaign,
                policy_id=line.policy,
                matrix=line.matrix,
                cells=line.box,
                position=position,
            )
            for position, line in enumerate(lines, 1)
        )
        _log_replaced("marketing", replacement, by)
    return replacement


@transaction.atomic
def replace_priority(lines: Sequence[PriorityLine], *, by: By) -> Replacement[PriorityLine]:
    """Make ``lines``, in this order, the whole priority matrix.

    It orders the offers of every city, so only someone of the province may.
    """
    known = Known()
    checks.check_priority_size(lines)
    _each(lines, lambda line: checks.check_priority(line, known))
    checks.check_no_repeats(lines)
    for province in Organisation.objects.filter(level=Level.PROVINCE):
        _check_reach(by, province)
    lock_table(PriorityRule)
    rows = PriorityRule.objects.all()
    replacement = Replacement([PriorityLine.of(rule) for rule in rows], list(lines))
    if replacement.before != replacement.after:
        rows.delete()
        PriorityRule.objects.bulk_create(
            PriorityRule(**{**vars(line), "prefer": line.preferred}, position=position)
            for position, line in enumerate(lines, 1)
        )
        _log_replaced("priority", replacement, by)
    return replacement


def _each(lines: Sequence[Line], check: Callable[[Line], None]) -> None:
    """Check every line; put its index before the ``where`` of what is wrong in it."""
    for index, line in enumerate(lines):
        with at(index):
            check(line)


def lock_table(model: type[models.Model]) -> None:
    """Let nobody else write the table until the end: the second of two replacers sees the first."""
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(model._meta.db_table)
        cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")


def _without(lines: Sequence[Line], others: Sequence[Line]) -> list[Line]:
    known = set(others)
    return [line for line in lines if line not in known]


def _log_replaced(name: str, replacement: Replacement[Any], by: By) -> None:
    log(
        by=by,
        action=f"replace_{name}",
        target=(f"{name}_matrix", name, name),
        before={
            "rows": len(replacement.before),
            "removed": [line.plain() for line in replacement.removed],
        },
        after={
            "rows": len(replacement.after),
            "added": [line.plain() for line in replacement.added],
            "moved": [str(line) for line in replacement.moved],
        },
    )
