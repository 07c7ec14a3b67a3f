"""Creating system clients, their keys, and what is kept of it."""

from typing import Any

import pytest
from django.core import serializers

from accounts.admission import admit, hashed
from accounts.client_services import (
    add_key,
    change_client,
    close_client,
    create_client,
    reopen_client,
    revoke_key,
)
from accounts.models import ClientBucket, ClientKey, Operation, SystemClient
from accounts.services import log
from common.errors import DomainError
from tests.accounts.clients import make_client, make_key
from tests.accounts.people import make_user


@pytest.fixture
def admin(province: Any) -> Any:
    return make_user("province-admin")


def create(province: Any, by: Any, **changes: Any) -> SystemClient:
    values = {
        "code": "crm",
        "name_zh": "客户系统",
        "name_en": "CRM",
        "organisation": province["ningbo"],
        "operations": ["view_sensitive", "recommend"],
        "rate": 5,
        "burst": 10,
    }
    return create_client(**values | changes, by=by)


def test_a_new_client_is_in_the_log(province: Any, admin: Any) -> None:
    create(province, admin)
    line = Operation.objects.first()
    assert (line.by, line.action, line.target_type, line.target_id) == (
        str(admin),
        "create",
        "client",
        "crm",
    )
    assert line.after["operations"] == ["recommend", "view_sensitive"]
    assert line.after["organisation"] == "ningbo"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"operations": []}, "no_operation"),
        ({"operations": ["manage_users"]}, "unknown_operation"),
        ({"rate": 0}, "rate_out_of_range"),
        ({"rate": float("inf")}, "rate_out_of_range"),
        ({"rate": float("nan")}, "rate_out_of_range"),
        ({"burst": 0}, "rate_out_of_range"),
        ({"burst": 100_001}, "rate_out_of_range"),
        ({"code": "taken"}, "client_exists"),
    ],
)
def test_a_bad_client_is_refused(
    province: Any, admin: Any, changes: dict[str, Any], code: str
) -> None:
    make_client("taken")
    with pytest.raises(DomainError, match=code):
        create(province, admin, **changes)


@pytest.mark.parametrize("days", [0, -1, 401])
def test_a_key_expires_within_400_days(province: Any, days: int) -> None:
    with pytest.raises(DomainError, match="key_days_out_of_range"):
        add_key(make_client(), days=days, by="test")


def test_nothing_kept_of_a_key_opens_anything(province: Any, admin: Any) -> None:
    key = add_key(create(province, admin), by=admin)
    admit(key)
    secret = key[12:]
    tables = (ClientKey, SystemClient, ClientBucket, Operation)
    kept = serializers.serialize("json", [row for t in tables for row in t.objects.all()])
    assert secret not in kept
    assert hashed(key) in kept
    assert hashed(key) not in str(list(Operation.objects.values()))


def test_two_keys_stand_beside_each_other_and_no_third(province: Any, admin: Any) -> None:
    client = create(province, admin)
    first, second = add_key(client, by=admin), add_key(client, by=admin)
    with pytest.raises(DomainError, match="too_many_keys"):
        add_key(client, by=admin)
    revoke_key(client.keys.get(prefix=first[3:11]), by=admin)
    third = add_key(client, by=admin)
    assert {admit(key).key for key in (second, third)} == {second[3:11], third[3:11]}


def test_a_key_is_revoked_and_logged_once(province: Any, admin: Any) -> None:
    key = make_key()
    row = ClientKey.objects.get()
    at = revoke_key(row, by=admin).revoked_at
    assert revoke_key(row, by=admin).revoked_at == at
    [line] = Operation.objects.filter(action="revoke_key")
    assert line.before["key"] == f"jz_{key[3:11]}_…"


def test_only_what_changes_is_logged(province: Any, admin: Any) -> None:
    client = create(province, admin)
    same = {"name_zh": "客户系统", "name_en": "CRM", "organisation": province["ningbo"]}
    same |= {"operations": ["recommend", "view_sensitive"], "rate": 5, "burst": 10, "by": admin}
    change_client(client, **same)
    assert not Operation.objects.filter(action="change").exists()
    change_client(client, **same | {"burst": 11})
    [line] = Operation.objects.filter(action="change")
    assert line.differences == [("burst", 10, 11)]
    for _ in range(2):
        close_client(client, by=admin)
    for _ in range(2):
        reopen_client(client, by=admin)
    actions = list(Operation.objects.values_list("action", flat=True)[:3])
    assert actions == ["reopen", "close", "change"]


def test_nobody_manages_clients_elsewhere_or_moves_them_there(province: Any) -> None:
    local = make_user("province-admin", "hangzhou")
    mine, other = make_client("mine", "hangzhou-front"), make_client("other", "ningbo")
    key = add_key(other, by="test")
    values = {"name_zh": "z", "name_en": "e", "operations": ["recommend"], "rate": 1, "burst": 1}
    for act in (
        lambda: create(province, local),
        lambda: add_key(other, by=local),
        lambda: revoke_key(other.keys.get(), by=local),
        lambda: close_client(other, by=local),
        lambda: reopen_client(other, by=local),
        lambda: change_client(other, **values, organisation=province["hangzhou"], by=local),
        lambda: change_client(mine, **values, organisation=province["ningbo"], by=local),
    ):
        with pytest.raises(DomainError, match="organisation_out_of_reach"):
            act()
    assert admit(key)
    assert change_client(mine, **values, organisation=province["hangzhou"], by=local)


def test_what_a_client_does_is_logged_as_done_at_its_organisation(province: Any) -> None:
    client = admit(make_key(organisation="ningbo"))
    line = log(by=client, action="opt_out", target=("customer", "C1", "C1"))
    assert (line.by, line.organisation) == ("client:crm", "ningbo")
