"""Filters of the customer's page: {% load touch %}."""

from django import template

from campaigns.models import Channel

register = template.Library()


@register.filter
def channel_name(code: str) -> str:
    """A channel in the reader's language."""
    return str(Channel(code).label)
