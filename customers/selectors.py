"""Reads: which attributes a user may see, how a number is shown, what was rejected."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from accounts.models import User
from common.permissions import Permission

from .ingest import rejects
from .models import Attribute, Origin, Rejection, Sensitivity


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


def rejected_rows(rejection: Rejection, *, limit: int, offset: int = 0) -> list[dict[str, Any]]:
    """Return rows of a rejection: file, row, column, value, reason, in the order of the file."""
    return rejects.read(Path(settings.LAKE_DIR) / rejection.file, limit=limit, offset=offset)
