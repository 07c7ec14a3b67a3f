"""Contact rules in words, in the reader's language."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from common.naming import in_chinese
from customers.meetings import Channel

from .limits import Limit, QuietHours, Stop
from .record import PERSONALISED

CHANNEL_NAMES: dict[str, str | Promise] = dict(Channel.choices)
OPTED_OUT_NAMES = CHANNEL_NAMES | {PERSONALISED: gettext_lazy("all personalised marketing")}
PER_NAMES: dict[str, str | Promise] = {
    "customer": gettext_lazy("each customer"),
    "channel": gettext_lazy("each channel"),
    "policy": gettext_lazy("each policy"),
    "exclusivity_group": gettext_lazy("each exclusivity group"),
}
COUNTS_NAMES: dict[str, str | Promise] = {
    "contacts": gettext_lazy("number of contacts"),
    "declined": gettext_lazy("number of refusals"),
    "complained": gettext_lazy("number of complaints"),
}


def limit_in_words(limit: Limit) -> str:
    """One sentence without a full stop: per what, how many in how many days, how long a rest."""
    values = {
        "per": str(PER_NAMES[limit.per]),
        "times": _counted(limit),
        "days": _days(limit.days),
    }
    if limit.counts == "contacts":
        text = _("%(per)s: at most %(times)s in any %(days)s") % values
    else:
        text = _("%(per)s: no contact after %(times)s within %(days)s") % values
    if limit.rest:
        values = {"limit": text, "rest": _days(limit.rest)}
        text = _("%(limit)s; once reached, none for %(rest)s") % values
    return _by(text, limit.channels)


def quiet_in_words(quiet: QuietHours) -> str:
    values = {"start": f"{quiet.start:%H:%M}", "end": f"{quiet.end:%H:%M}"}
    return _by(_("no contact from %(start)s to %(end)s") % values, quiet.channels)


def stop_in_words(stop: Stop) -> str:
    """Which rule stops, how much there has been, and until when."""
    until = f"{_whole_minute(timezone.localtime(stop.until)):%Y-%m-%d %H:%M}"
    if isinstance(stop.rule, QuietHours):
        values = {"rule": quiet_in_words(stop.rule), "until": until}
        return _("%(rule)s; not before %(until)s") % values
    values = {"rule": limit_in_words(stop.rule), "seen": str(stop.seen), "until": until}
    return _("%(rule)s; there were %(seen)s, so not before %(until)s") % values


def channels_in_words(channels: Sequence[str]) -> str:
    return ("、" if in_chinese() else ", ").join(
        str(CHANNEL_NAMES.get(code, code)) for code in channels
    )


def _by(text: str, channels: Sequence[str]) -> str:
    if not channels:
        return text
    return _("%(text)s (%(channels)s)") % {"text": text, "channels": channels_in_words(channels)}


def _counted(limit: Limit) -> str:
    if limit.counts == "contacts":
        text = ngettext("%(n)d contact", "%(n)d contacts", limit.most)
    elif limit.counts == "declined":
        text = ngettext("%(n)d refusal", "%(n)d refusals", limit.most)
    else:
        text = ngettext("%(n)d complaint", "%(n)d complaints", limit.most)
    return text % {"n": limit.most}


def _days(days: int) -> str:
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}


def _whole_minute(moment: datetime) -> datetime:
    """Not earlier than the moment: a minute begun is the next one."""
    return moment + timedelta(seconds=(60 - moment.second) % 60)
