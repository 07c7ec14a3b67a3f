"""Walls (law 8): fetching a thing and asking whether it may be touched is one act."""

from typing import Any, Protocol, TypeVar

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import models
from django.http import Http404

from common.permissions import Permission

from .models import User

Row = TypeVar("Row", bound=models.Model)


class Scoped(Protocol[Row]):
    """A QuerySet or manager whose rows have a scope."""

    def visible_to(self, user: User) -> "models.QuerySet[Row]": ...


def fetch(queryset: Scoped[Row], user: User, permission: Permission, **lookup: Any) -> Row:
    """Return the one row: 404 outside the user's scope, 403 inside it without the permission.

    ``lookup`` names fields in code, never a user's dictionary; a value that can't be one of the
    field's (letters for a number) finds nothing.
    """
    try:
        row = queryset.visible_to(user).get(**lookup)
    except (ObjectDoesNotExist, ValueError) as error:
        raise Http404 from error
    if not user.can(permission):
        raise PermissionDenied
    return row
