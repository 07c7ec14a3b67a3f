"""Filters of the customer's page: {% load touch %}."""

from django import template
from django.utils.functional import Promise

from campaigns.models import Channel
from contacts.models import Kind
from touch.forms import OUTCOMES, REASONS

register = template.Library()

_TONES = {
    Kind.ACCEPTED: "bg-success-lt",
    Kind.ORDERED: "bg-success-lt",
    Kind.OPT_IN: "bg-success-lt",
    Kind.DECLINED: "bg-warning-lt",
    Kind.COMPLAINED: "bg-danger-lt",
    Kind.OPT_OUT: "bg-danger-lt",
}


@register.filter
def channel_name(code: str) -> str:
    """A channel in the reader's language."""
    return str(Channel(code).label)


@register.filter
def tone(kind: str) -> str:
    """The colour of a badge that names a kind of event."""
    return _TONES.get(Kind(kind), "bg-secondary-lt")


@register.simple_tag
def outcomes() -> list[tuple[str, str | Promise]]:
    """{% outcomes as all %}: what a button reports; a refusal needs a reason, and a form."""
    return [(code, label) for code, label in OUTCOMES if code != Kind.DECLINED]


@register.simple_tag
def reasons() -> tuple[str | Promise, ...]:
    """{% reasons as all %}: what customers say most often."""
    return REASONS
