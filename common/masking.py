"""Numbers of customers as they may be shown to anybody: with their middle hidden."""

import re
from collections.abc import MutableMapping
from typing import Any

HEAD, TAIL = 3, 4
# Where an address of the product holds a customer's number.
_ADDRESSED = re.compile(r"(/customers/|[?&]q=)([^/?&\s'\"]+)")
# Seven digits or more, with or without a country code: what a telephone number looks like; and the
# eleven of a mobile one as people write them, in three groups.
_TELEPHONE = re.compile(r"(?<!\d)(?:\+?\d{7,15}|\+?(?:86[- ]?)?1\d{2}[- ]\d{4}[- ]\d{4})(?!\d)")


def mask_number(number: str) -> str:
    """Return a number with its middle hidden: 13812341234 → 138****1234.

    A longer one shows as much and no more. A shorter one shows about a quarter before and a third
    after, enough for its owner to tell it; below four characters nothing is shown.
    """
    if len(number) < 4:
        return "*" * len(number)
    head = min(HEAD, (len(number) + 1) // 4)
    tail = min(TAIL, (len(number) + 1) // 3)
    return number[:head] + "*" * (len(number) - head - tail) + number[-tail:]


def mask_numbers(text: str) -> str:
    """The text with everything masked in it that looks like a telephone number."""
    return _TELEPHONE.sub(lambda found: mask_number(found[0]), text)


def mask_addresses(text: str) -> str:
    """The text with the number of every customer's address masked."""
    return _ADDRESSED.sub(lambda found: found[1] + mask_number(found[2]), text)


def mask_log(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A step of the log: no line tells a customer's whole number, whoever wrote it."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = mask_addresses(value)
    return event
