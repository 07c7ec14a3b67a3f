"""Outside the scope: 404. Inside, without the permission: 403."""

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from accounts.access import fetch
from accounts.models import Organisation
from common.permissions import Permission
from tests.accounts.people import make_user


def get(user, permission=Permission.MANAGE_ORGANISATION, **lookup):
    return fetch(Organisation.objects, user, permission, **lookup)


def test_inside_with_the_permission_the_row_comes(province):
    assert get(make_user("province-admin"), code="ningbo") == province["ningbo"]


def test_inside_without_the_permission_is_forbidden(province):
    with pytest.raises(PermissionDenied):
        get(make_user("city-marketer", "hangzhou"), code="hangzhou")


def test_outside_is_not_found_with_or_without_the_permission(province):
    user = make_user("city-marketer", "hangzhou")
    for permission in (Permission.MANAGE_ORGANISATION, Permission.VIEW_CUSTOMERS):
        with pytest.raises(Http404):
            get(user, permission, code="ningbo")


def test_what_is_not_there_is_not_found(province):
    with pytest.raises(Http404):
        get(make_user("province-admin"), code="atlantis")


def test_a_value_that_is_no_number_is_not_found(province):
    with pytest.raises(Http404):
        get(make_user("province-admin"), pk="one")
