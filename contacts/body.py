"""What an organisation says of contacts, as JSON or YAML writes it, and as limits and quiet hours.

    limits:
    - {code: sms_week, name: {zh: ..., en: ...}, per: channel, counts: contacts, channels: [sms],
       most: 2, days: 7, rest: 0}
    quiet_hours:
    - {channels: [sms, outbound_call], start: "21:00", end: "09:00"}

``channels`` left out: all; ``rest`` left out: 0.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any

from django.utils.translation import gettext as _

from common.definitions import CODE, NAME, object_of, refuse_twice
from common.errors import DomainError, at, did_you_mean
from customers.meetings import Channel

from .limits import PERS, Limit, QuietHours
from .record import COUNTS, KEPT, MOST_DAYS
from .words import limit_in_words

Body = Mapping[str, Any]
MOST_RULES = 50
NAME_LENGTH = 120
CLOCK = re.compile("([01][0-9]|2[0-3]):[0-5][0-9]")

_CHANNELS = {"type": "array", "items": {"enum": Channel.values}, "uniqueItems": True}
_CLOCK = {"type": "string", "pattern": f"^{CLOCK.pattern}$"}
LIMIT = object_of(
    {
        "code": CODE,
        "name": NAME,
        "per": {"enum": list(PERS)},
        "counts": {"enum": list(COUNTS)},
        "channels": _CHANNELS,
        "most": {"type": "integer", "minimum": 1, "maximum": KEPT},
        "days": {"type": "integer", "minimum": 1, "maximum": MOST_DAYS},
        "rest": {"type": "integer", "minimum": 0, "maximum": MOST_DAYS},
    },
    ["code", "name", "per", "counts", "most", "days"],
)
QUIET = object_of({"channels": _CHANNELS, "start": _CLOCK, "end": _CLOCK}, ["start", "end"])


@dataclass(frozen=True)
class Said:
    """What one organisation says."""

    limits: tuple[Limit, ...] = ()
    quiet_hours: tuple[QuietHours, ...] = ()

    @classmethod
    def read(cls, body: Body) -> "Said":
        """Raise DomainError with ``where`` for what can be no limit and no quiet time."""
        limits, quiet = body.get("limits", []), body.get("quiet_hours", [])
        for name, items in (("limits", limits), ("quiet_hours", quiet)):
            if len(items) > MOST_RULES:
                values = {"most": MOST_RULES, "n": len(items)}
                text = _("There may be %(most)d at most; these are %(n)d.") % values
                raise DomainError("too_many", text, where=[name])
        with at("limits"):
            refuse_twice([item["code"] for item in limits], "code")
            read = tuple(_at(index, _limit, item) for index, item in enumerate(limits))
        with at("quiet_hours"):
            hours = tuple(_at(index, _quiet, item) for index, item in enumerate(quiet))
        return cls(read, hours)

    def plain(self) -> dict[str, Any]:
        """The one way to write it: what is as usual is left out, channels in their order."""
        return {
            "limits": [_plain_limit(limit) for limit in self.limits],
            "quiet_hours": [
                {
                    "start": f"{quiet.start:%H:%M}",
                    "end": f"{quiet.end:%H:%M}",
                    **({"channels": list(quiet.channels)} if quiet.channels else {}),
                }
                for quiet in self.quiet_hours
            ],
        }

    def refuse_looser(self, province: "Said") -> None:
        """A city's limit on what the province limits is tighter than that in something and looser
        in nothing; else DomainError ``city_loosens``, for all limits hold and it would say nothing.
        """
        for index, limit in enumerate(self.limits):
            alike = [p for p in province.limits if _about(p) == _about(limit)]
            if alike and not any(_tightens(limit, p) for p in alike):
                raise DomainError(
                    "city_loosens",
                    _(
                        "The province says: %(province)s. A city's limit on the same must be "
                        "tighter in the number, the days or the rest, and looser in none."
                    )
                    % {"province": "; ".join(limit_in_words(p) for p in alike)},
                    where=["limits", index],
                    province=[{"most": p.most, "days": p.days, "rest": p.rest} for p in alike],
                )


def _about(limit: Limit) -> tuple[str, str, frozenset[str]]:
    return limit.per, limit.counts, frozenset(limit.channels)


def _tightens(limit: Limit, other: Limit) -> bool:
    """Fewer, within more days, with a longer rest: each stops whatever the other stops, and more"""
    mine = (-limit.most, limit.days, limit.rest)
    theirs = (-other.most, other.days, other.rest)
    return mine != theirs and all(m >= t for m, t in zip(mine, theirs, strict=True))


def _at(index: int, read: Any, item: Mapping[str, Any]) -> Any:
    with at(index):
        return read(item)


def _limit(item: Mapping[str, Any]) -> Limit:
    limit = Limit(
        code=_code(item["code"]),
        name_zh=_name(item["name"], "zh"),
        name_en=_name(item["name"], "en"),
        per=_one_of("per", item["per"], PERS),
        counts=_one_of("counts", item["counts"], COUNTS),
        most=_whole("most", item["most"], 1, KEPT),
        days=_whole("days", item["days"], 1, MOST_DAYS),
        channels=_channels(item.get("channels", ())),
        rest=_whole("rest", item.get("rest", 0), 0, MOST_DAYS),
    )
    if limit.rest > limit.longest_rest:
        values = {"most": limit.most, "days": limit.days, "longest": limit.longest_rest}
        raise DomainError(
            "rest_too_long",
            _(
                "With %(most)d in %(days)d days the rest may be %(longest)d days at most: of each "
                "customer the last 20 contacts are kept. Choose a shorter rest, or fewer in more "
                "days."
            )
            % values,
            where=["rest"],
            longest=limit.longest_rest,
        )
    return limit


def _quiet(item: Mapping[str, Any]) -> QuietHours:
    start, end = _clock("start", item["start"]), _clock("end", item["end"])
    if start == end:
        text = _("Quiet hours must end at another time than they begin; both are %s.")
        raise DomainError("empty_quiet_hours", text % f"{start:%H:%M}", where=["end"])
    return QuietHours(start, end, _channels(item.get("channels", ())))


def _plain_limit(limit: Limit) -> dict[str, Any]:
    return {
        "code": limit.code,
        "name": {"zh": limit.name_zh, "en": limit.name_en},
        "per": limit.per,
        "counts": limit.counts,
        "most": limit.most,
        "days": limit.days,
        **({"channels": list(limit.channels)} if limit.channels else {}),
        **({"rest": limit.rest} if limit.rest else {}),
    }


# --- one value each ---


def _code(code: Any) -> str:
    if isinstance(code, str) and re.fullmatch(CODE["pattern"].strip("^$"), code):
        return code
    text = _(
        "A code is 1 to 40 lower-case letters, digits, - and _, beginning with a letter; “%s” "
        "is none."
    )
    raise DomainError("bad_code", text % code, where=["code"])


def _name(names: Mapping[str, Any], language: str) -> str:
    name = str(names[language]).strip()
    if 1 <= len(name) <= NAME_LENGTH:
        return name
    text = _("A name is 1 to %(most)d characters; this one is %(n)d.")
    values = {"most": NAME_LENGTH, "n": len(name)}
    raise DomainError("bad_name", text % values, where=["name", language])


def _one_of(field: str, value: Any, known: Sequence[Any]) -> Any:
    if value in known:
        return value
    text = _("“%(value)s” is none of %(known)s.") % {"value": value, "known": ", ".join(known)}
    raise DomainError("unknown_value", text, where=[field])


def _whole(field: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    text = _("This must be a whole number from %(least)d to %(most)d; it is %(value)s.")
    values = {"least": least, "most": most, "value": value}
    raise DomainError("out_of_range", text % values, where=[field])


def _channels(channels: Sequence[str]) -> tuple[str, ...]:
    """In the order of ``Channel``; all of them: (), as though none was named."""
    for index, channel in enumerate(channels):
        check_channel(channel, "channels", index)
    if len(set(channels)) == len(Channel):
        return ()
    return tuple(channel for channel in Channel.values if channel in channels)


def check_channel(channel: str, *where: str | int) -> None:
    if channel in Channel.values:
        return
    near = [known for known in Channel.values if known[:2] == str(channel)[:2]]
    text = _("There is no channel “%(channel)s”; the channels are %(known)s.")
    values = {"channel": channel, "known": ", ".join(Channel.values)}
    raise DomainError("unknown_channel", text % values + did_you_mean(near), where=list(where))


def _clock(field: str, text: Any) -> time:
    if isinstance(text, str) and CLOCK.fullmatch(text):
        return time.fromisoformat(text)
    message = _("A time of day is written 00:00 to 23:59; “%s” is none.")
    raise DomainError("bad_time", message % text, where=[field])
