"""Control groups: who gets nothing, so that it can be told what the others' offers did.

Each customer has one bucket, 0 to 9,999, per campaign, and one for the hold-out of the province. A
bucket depends on the key, the campaign and the customer's number alone: it is the same every day,
on every machine and in every engine (the MD5 of a text), and the buckets of two campaigns have
nothing to do with each other.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.utils.translation import gettext as _

from common.errors import DomainError

BUCKETS = 10_000
# 13 hex digits are a whole number that BIGINT and double hold exactly.
DIGITS = 13
# No campaign has this code: codes have no blank.
UNIVERSAL = "hold out"

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Control:
    """Buckets that are left alone. ``name``: the campaign's code, or UNIVERSAL."""

    name: str
    key: str
    buckets: Ranges

    def bucket_of(self, customer_no: str) -> int:
        return bucket_of(self.key, self.name, customer_no)

    def holds(self, customer_no: str) -> bool:
        """Whether the customer is in control. Nobody is where there are no buckets."""
        if not self.buckets:
            return False
        bucket = self.bucket_of(customer_no)
        return any(first <= bucket <= last for first, last in self.buckets)


def bucket_of(key: str, name: str, customer_no: str) -> int:
    """0 to 9,999; uneven by less than 3e-12, since 16^13 is no multiple of 10,000."""
    text = f"{key}\t{name}\t{customer_no}"
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return int(digest[:DIGITS], 16) % BUCKETS


def ranges(pairs: Iterable[Sequence[int]]) -> Ranges:
    """Ranges as JSON or YAML writes them."""
    return tuple((first, last) for first, last in pairs)


def check_ranges(buckets: Ranges, *where: str) -> None:
    """Each range ascends within 0 to 9,999, and no two meet; else DomainError ``bad_buckets``."""
    for index, (first, last) in enumerate(buckets):
        if not 0 <= first <= last < BUCKETS:
            raise _bad(_("a range goes from a lower to a higher bucket"), buckets, *where, index)
    ordered = sorted(range(len(buckets)), key=lambda i: buckets[i])
    for one, other in pairwise(ordered):
        if buckets[other][0] <= buckets[one][1]:
            raise _bad(_("no bucket may be in two ranges"), buckets, *where, other)


def _bad(what: str, buckets: Ranges, *where: str | int) -> DomainError:
    return DomainError(
        "bad_buckets",
        _("Buckets are 0 to 9,999, and %(what)s; these are %(buckets)s.")
        % {"what": what, "buckets": ", ".join(f"{a}–{b}" for a, b in buckets)},
        where=list(where),
    )
