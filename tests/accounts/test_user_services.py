"""Creating users and giving them rights."""

import pytest

from accounts.models import Operation
from accounts.services import (
    change_rights,
    create_user,
    deactivate,
    reactivate,
    set_password,
    set_roles,
)
from common.errors import DomainError
from tests.accounts.people import PASSWORD, make_user


@pytest.fixture
def admin(province):
    return make_user("province-admin")


def create(province, by, **changes):
    values = {
        "username": "ningbo-clerk",
        "password": PASSWORD,
        "organisation": province["ningbo"],
        "roles": ["front-desk"],
    }
    return create_user(**values | changes, by=by)


def test_a_new_user_can_log_in_and_is_in_the_log(province, admin):
    user = create(province, admin)
    assert user.check_password(PASSWORD)
    line = Operation.objects.first()
    assert (line.by, line.action, line.target_label) == (str(admin), "create", "ningbo-clerk")
    assert line.after == {"organisation": "ningbo", "roles": ["front-desk"], "active": True}
    assert PASSWORD not in str(line.after)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"roles": ["emperor"]}, "unknown_role"),
        ({"roles": ["province-marketer"]}, "role_not_at_level"),
        ({"password": "short"}, "weak_password"),
        ({"password": "password123"}, "weak_password"),
    ],
)
def test_a_bad_user_is_refused(province, admin, changes, code):
    with pytest.raises(DomainError, match=code):
        create(province, admin, **changes)


def test_names_are_unique_whatever_the_case(province, admin):
    create(province, admin)
    with pytest.raises(DomainError, match="user_exists"):
        create(province, admin, username="Ningbo-Clerk")


def test_roles_are_set_and_logged_once(province, admin):
    user = create(province, admin)
    set_roles(user, roles=["auditor"], by=admin)
    set_roles(user, roles=["auditor"], by=admin)
    (line,) = Operation.objects.filter(action="change_rights")
    assert line.differences == [("roles", ["front-desk"], ["auditor"])]
    user.refresh_from_db()
    assert user.roles == ["auditor"]


@pytest.mark.parametrize("by_name", [False, True])
def test_nobody_changes_their_own_rights(province, admin, by_name):
    by = admin.username if by_name else admin
    for act in (
        lambda: set_roles(admin, roles=["province-admin", "province-marketer"], by=by),
        lambda: deactivate(admin, by=by),
    ):
        with pytest.raises(DomainError, match="own_rights"):
            act()


def test_nobody_manages_users_elsewhere(province):
    local = make_user("province-admin", "hangzhou")
    stranger = make_user("front-desk", "ningbo")
    for act in (
        lambda: create(province, local),
        lambda: set_roles(stranger, roles=["auditor"], by=local),
        lambda: deactivate(stranger, by=local),
        lambda: set_password(stranger, password=PASSWORD, by=local),
    ):
        with pytest.raises(DomainError, match="organisation_out_of_reach"):
            act()


@pytest.mark.parametrize(("home", "goal"), [("hangzhou-front", "ningbo"), ("ningbo", "hangzhou")])
def test_nobody_is_moved_out_of_reach_or_into_it(province, home, goal):
    local = make_user("province-admin", "hangzhou")
    clerk = make_user("front-desk", home)
    with pytest.raises(DomainError, match="organisation_out_of_reach"):
        change_rights(clerk, organisation=province[goal], roles=["front-desk"], by=local)


def test_deactivating_ends_the_session_at_once(province, admin, client):
    user = create(province, admin)
    client.force_login(user)
    deactivate(user, by=admin)
    user.refresh_from_db()
    assert not user.is_active
    assert client.get("/accounts/password/").status_code == 302
    reactivate(user, by=admin)
    actions = list(Operation.objects.values_list("action", flat=True)[:2])
    assert actions == ["reactivate", "deactivate"]


def test_a_new_password_is_logged_without_it(province, admin):
    user = create(province, admin)
    set_password(user, password="another good password", by=admin)
    line = Operation.objects.first()
    assert line.action == "set_password"
    assert (line.before, line.after) == (None, None)
