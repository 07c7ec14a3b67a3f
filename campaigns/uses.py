"""What campaigns use a mark or an audience for, as the room below asks before it retires one."""

from collections.abc import Iterator

from accounts.models import User
from rules.lexer import Sort, scan
from segmentation.audiences.in_use import member_column
from segmentation.audiences.services import Use
from segmentation.audiences.sets import AUDIENCE, Ref

from .models import Campaign, PolicyVersion, PriorityRule


def uses(ref: Ref, user: User | None) -> Iterator[Use]:
    """Campaigns of the audience, and policies and priorities whose rule names it.

    None: all of them; of a user those that he may see.
    """
    kind, code = ref
    if kind == AUDIENCE:
        campaigns = Campaign.objects.filter(audience=code)
        for campaign in campaigns if user is None else campaigns.visible_to(user):
            yield Use(f"{campaign.code} {campaign.name}", "")
    name = member_column(ref)
    for version in PolicyVersion.objects.newest():
        if name in _names(version.eligibility) | _names(version.take_up):
            yield Use(f"{version.policy_id} {version.name}", "")
    for rule in PriorityRule.objects.filter(condition__contains=name):
        if name in _names(rule.condition):
            yield Use(rule.name, "")


def _names(rule: str) -> set[str]:
    """What the rule names; a text in quotes names nothing."""
    return {word.text for word in scan(rule) if word.sort is Sort.NAME}
