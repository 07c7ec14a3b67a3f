"""What a user may do is the roles'; where, the organisation's."""

import pytest

from accounts.models import Organisation, User
from accounts.roles import ROLES
from common.permissions import Permission
from tests.accounts.people import make_user


def test_at_the_province_every_city_is_seen(province):
    user = make_user("province-marketer")
    assert user.cities is None
    assert user.sees_city("ningbo")


@pytest.mark.parametrize("place", ["hangzhou", "hangzhou-front"])
def test_a_city_and_its_teams_see_their_city_alone(province, place):
    user = make_user("city-marketer", place)
    assert user.cities == {"hangzhou"}
    assert not user.sees_city("ningbo")


def test_without_an_organisation_nothing_is_seen(province):
    user = User.objects.create(username="nowhere", roles=["province-admin"])
    assert user.cities == frozenset()
    assert not any(user.can(p) for p in Permission)
    assert not Organisation.objects.visible_to(user).exists()


def test_without_a_role_nothing_is_seen(province):
    user = User.objects.create(username="nobody", organisation=province["zhejiang"])
    assert user.cities == frozenset()
    assert not User.objects.visible_to(user).exists()


def test_a_role_that_is_no_more_grants_nothing(province):
    user = make_user("court-jester")
    assert not any(user.can(p) for p in Permission)
    assert user.cities == frozenset()


def test_a_deactivated_user_can_nothing(province):
    user = make_user("province-admin")
    user.is_active = False
    assert not user.can(Permission.MANAGE_USERS)
    assert user.cities == frozenset()


@pytest.mark.parametrize("role", ROLES.values(), ids=lambda role: role.code)
def test_each_role_can_what_it_says_and_no_more(province, role):
    user = make_user(role.code)
    assert {p for p in Permission if user.can(p)} == role.permissions


def test_users_and_organisations_below_are_visible_and_no_others(province):
    user = make_user("city-marketer", "hangzhou")
    make_user("front-desk", "hangzhou-front")
    make_user("city-marketer", "ningbo")
    make_user("province-admin")
    organisations = Organisation.objects.visible_to(user).values_list("code", flat=True)
    assert set(organisations) == {"hangzhou", "hangzhou-front"}
    assert {u.organisation.code for u in User.objects.visible_to(user)} == set(organisations)


def test_every_permission_has_a_holder_and_a_label():
    held = set().union(*(role.permissions for role in ROLES.values()))
    # Exporting full lists waits for its approval, and only systems ask as systems.
    assert held == set(Permission) - {Permission.EXPORT_CUSTOMERS, Permission.RECOMMEND}
    assert all(str(p.label) for p in Permission)
