"""The attribute catalogue as the rule language reads it."""

from collections.abc import Callable

from django.utils.translation import gettext as _

from accounts.models import Level, Organisation
from common.errors import DomainError
from common.keys import key_of
from common.naming import in_chinese
from rules import Attribute as RuleAttribute
from rules import Catalogue, Rule, RuleError

from .models import Attribute, Origin

CITY = "city"


def rule_catalogue() -> Catalogue:
    """Return every attribute that a rule may name: all but labels, and the customer's city.

    Labels are known only after the fact; a rule on one would be a leak.
    """
    attributes = [
        RuleAttribute(
            code=a.code,
            type=a.type,
            name_zh=a.name_zh,
            name_en=a.name_en,
            values=tuple((v["code"], v["zh"], v["en"]) for v in a.values),
            unit_zh=a.unit_zh,
            unit_en=a.unit_en,
        )
        for a in Attribute.objects.exclude(origin=Origin.LABEL)
    ]
    cities = Organisation.objects.filter(level=Level.CITY).order_by("code")
    values = tuple((c.code, c.name_zh, c.name_en) for c in cities)
    if values:
        city = RuleAttribute(CITY, "category", name_zh="地市", name_en="city", values=values)
        attributes.append(city)
    return Catalogue(attributes)


def catalogue_key() -> str:
    """Return a key that changes when any attribute or city does."""
    return key_of(
        list(Attribute.objects.order_by("code").values()),
        list(
            Organisation.objects.filter(level=Level.CITY)
            .order_by("code")
            .values_list("code", flat=True)
        ),
    )


def compiled(
    compile_: Callable[[str, Catalogue], Rule], text: str, catalogue: Catalogue, *where: str | int
) -> Rule:
    """The rule, or DomainError ``bad_rule`` that says where in the text what is wrong."""
    try:
        return compile_(text, catalogue)
    except RuleError as error:
        message = _("line %(line)d, column %(column)d: %(text)s") % {
            "line": error.line,
            "column": error.column,
            "text": error.render("zh-hans" if in_chinese() else "en"),
        }
        raise DomainError(
            "bad_rule", message, where=list(where), rule_code=error.code, **error.extra()
        ) from error
