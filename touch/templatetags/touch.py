"""Filters of the customer's page: {% load touch %}."""

from django import template
from django.utils.functional import Promise

from accounts.models import User
from common.masking import mask_numbers
from common.permissions import Permission
from contacts.models import Opting
from customers.meetings import Channel, Outcome
from touch.forms import REASONS

register = template.Library()

_TONES = {
    Outcome.ACCEPTED: "bg-success-lt",
    Outcome.ORDERED: "bg-success-lt",
    Opting.OPT_IN: "bg-success-lt",
    Outcome.DECLINED: "bg-warning-lt",
    Outcome.COMPLAINED: "bg-danger-lt",
    Opting.OPT_OUT: "bg-danger-lt",
}


@register.filter
def channel_name(code: str) -> str:
    """A channel in the reader's language."""
    return str(Channel(code).label)


@register.filter
def tone(kind: str) -> str:
    """The colour of a badge that names a kind of event."""
    return _TONES.get(kind, "bg-secondary-lt")


@register.filter
def as_seen_by(text: str, reader: User) -> str:
    """What somebody wrote, for a reader: the numbers in it are masked as everywhere else."""
    return text if reader.can(Permission.VIEW_SENSITIVE) else mask_numbers(text)


@register.simple_tag
def outcomes() -> list[tuple[str, str | Promise]]:
    """{% outcomes as all %}: what a button reports; a refusal needs a reason, and a form."""
    return [(code, label) for code, label in Outcome.choices if code != Outcome.DECLINED]


@register.simple_tag
def reasons() -> tuple[str | Promise, ...]:
    """{% reasons as all %}: what customers say most often."""
    return REASONS
