"""Reads: which attributes a user may see, how a number is shown, what was rejected."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from accounts.models import User
from common.permissions import Permission

from .ingest import rejects
from .models import Attribute, Origin, Rejection, Sensitivity

HEAD, TAIL = 3, 4


def attributes_for(user: User) -> QuerySet[Attribute]:
    """Return the attributes whose values the user may see, in the catalogue's order.

    None without VIEW_CUSTOMERS or RECOMMEND; sensitive ones only with VIEW_SENSITIVE; labels never:
    they are for training.
    """
    if not (user.can(Permission.VIEW_CUSTOMERS) or user.can(Permission.RECOMMEND)):
        return Attribute.objects.none()
    known = Attribute.objects.exclude(origin=Origin.LABEL)
    if user.can(Permission.VIEW_SENSITIVE):
        return known
    return known.exclude(sensitivity=Sensitivity.SENSITIVE)


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


def rejected_rows(rejection: Rejection, *, limit: int, offset: int = 0) -> list[dict[str, Any]]:
    """Return rows of a rejection: file, row, column, value, reason, in the order of the file."""
    return rejects.read(Path(settings.LAKE_DIR) / rejection.file, limit=limit, offset=offset)
