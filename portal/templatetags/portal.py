"""Tags and filters of every page: {% load portal %}."""

import json
from datetime import date, timedelta
from typing import Any

from django import template
from django.template.context import RequestContext
from django.template.loader_tags import BLOCK_CONTEXT_KEY, BlockContext
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.naming import in_chinese
from portal.menu import menu_for

register = template.Library()
UNKNOWN = "–"


def _unknown(value: object) -> bool:
    """None, or what a template makes of a figure that is not there at all."""
    return value is None or value == ""


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """{% icon "home" %}: an icon of the vendored sprite; scripts/vendor_static.sh names them."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" fill="none" stroke="currentColor" '
        'stroke-linecap="round" stroke-linejoin="round"><use href="{}#{}"></use></svg>',
        classes,
        static("vendor/icons.svg"),
        name,
    )


@register.inclusion_tag("components/menu.html", takes_context=True)
def menu(context: RequestContext) -> dict[str, Any]:
    request = context["request"]
    match = request.resolver_match
    return {"groups": list(menu_for(request.user)), "current": match.url_name if match else ""}


@register.simple_tag(takes_context=True)
def again(context: RequestContext, name: str) -> SafeString:
    """{% again "title" %}: what the page put into a block, a second time."""
    blocks: BlockContext = context.render_context[BLOCK_CONTEXT_KEY]
    return blocks.get_block(name).nodelist.render(context)


@register.filter
def thousands(value: float | None) -> str:
    """1234567 → 1,234,567; an unknown figure is a dash, never 0."""
    return UNKNOWN if _unknown(value) else f"{value:,}"


@register.filter
def percent(value: float | None, digits: int = 1) -> str:
    """0.0234 → 2.3 %."""
    return UNKNOWN if _unknown(value) else f"{value:,.{digits}%}".replace("%", "\u202f%")


@register.filter
def duration(value: timedelta | None) -> str:
    """A time span for people: 0.4 s, 12 s, 3 min 20 s, 1 h 4 min."""
    if _unknown(value):
        return UNKNOWN
    seconds = value.total_seconds()
    if seconds < 10:
        return _("%(n).1f s") % {"n": seconds}
    if seconds < 60:
        return _("%(n)d s") % {"n": seconds}
    minutes, seconds = divmod(int(seconds), 60)
    if minutes < 60 and not seconds:
        return _("%(m)d min") % {"m": minutes}
    if minutes < 60:
        return _("%(m)d min %(s)d s") % {"m": minutes, "s": seconds}
    return _("%(h)d h %(m)d min") % {"h": minutes // 60, "m": minutes % 60}


@register.filter
def age(value: date | None) -> str:
    """How old a business date is, counted in days of the product's time zone."""
    if _unknown(value):
        return UNKNOWN
    days = (timezone.localdate() - value).days
    if days == 0:
        return _("today")
    if days < 0:
        return ngettext("%(n)d day ahead", "%(n)d days ahead", -days) % {"n": -days}
    return ngettext("%(n)d day old", "%(n)d days old", days) % {"n": days}


@register.filter
def words(code: str) -> str:
    """A stable code as words in the reader's language where the catalogue has them."""
    return _(str(code).replace("_", " "))


@register.filter
def named(line: dict[str, Any], field: str) -> str:
    """line["name_zh"] or line["name_en"], by the reader's language; else line["name"]."""
    language = "zh" if in_chinese() else "en"
    return line.get(f"{field}_{language}") or line.get(field) or UNKNOWN


@register.filter
def at(mapping: dict[str, Any], key: str) -> Any:
    """mapping[key]; the key itself where there is no such entry."""
    return mapping.get(key, key)


@register.filter
def as_json(value: Any) -> str:
    """Plain values for whoever looks closely; escaped like any text."""
    return json.dumps(value, ensure_ascii=False, indent=2)
