"""The three dimensions in which a segment is seen (S3): demographics, behaviour, value.

The catalogue sorts attributes by where they come from (seven categories); people who look at a
group ask who it is, what it does and what it is worth. Money and scores tell the worth, whatever
category they stand in; of the rest the basic information says who somebody is, and everything that
he uses, visits, orders or contacts is behaviour.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Attribute, Category, Origin

YUAN = frozenset({"yuan", "元", "CNY"})


class Facet(models.TextChoices):
    DEMOGRAPHICS = "demographics", _("demographics")
    BEHAVIOUR = "behaviour", _("behaviour")
    VALUE = "value", _("value")


OF_CATEGORY: dict[str, Facet] = {
    Category.BASIC: Facet.DEMOGRAPHICS,
    Category.BEARER: Facet.BEHAVIOUR,
    Category.CHANNEL: Facet.BEHAVIOUR,
    Category.SERVICE: Facet.BEHAVIOUR,
    Category.CONTENT: Facet.BEHAVIOUR,
    Category.INDUSTRY: Facet.BEHAVIOUR,
    Category.RELATIVE: Facet.BEHAVIOUR,
}


def facet_of(attribute: Attribute) -> Facet:
    """Return the dimension of the three that the attribute belongs to."""
    if attribute.origin == Origin.SCORE or {attribute.unit_en, attribute.unit_zh} & YUAN:
        return Facet.VALUE
    return OF_CATEGORY[attribute.category]
