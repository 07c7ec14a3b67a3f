"""manage.py demo_logins."""

import json
import stat

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command

from accounts.admission import admit
from accounts.client_services import close_client, reopen_client, revoke_key
from accounts.clients import OPERATIONS
from accounts.models import ClientKey, Operation, SystemClient, User
from accounts.roles import ROLES
from accounts.services import deactivate, set_password
from common.errors import DomainError
from tests.accounts.people import make_user


@pytest.fixture(autouse=True)
def var(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    return tmp_path


def passwords(var):
    return json.loads((var / "demo_logins.json").read_text())


def test_there_is_one_login_per_role_and_each_one_works(province, var, rf):
    call_command("demo_logins")
    known = passwords(var)
    key = known.pop("crm-client")
    users = [authenticate(rf.post("/"), username=n, password=p) for n, p in known.items()]
    assert sorted(user.roles[0] for user in users) == sorted(ROLES)
    assert "hangzhou-marketer" in known
    assert admit(key).operations == set(OPERATIONS)


def test_the_file_is_for_its_owner_alone(province, var):
    call_command("demo_logins")
    assert stat.S_IMODE((var / "demo_logins.json").stat().st_mode) == 0o600


def test_a_second_call_changes_nothing_and_shows_the_same(province, var, capsys):
    call_command("demo_logins")
    first, lines = capsys.readouterr().out, Operation.objects.count()
    make_user("auditor", "ningbo")
    call_command("demo_logins")
    assert capsys.readouterr().out == first
    assert Operation.objects.count() == lines
    assert passwords(var)["front-desk"] in first


def test_what_its_owner_changed_or_an_administrator_closed_stays_so(province, var, capsys):
    call_command("demo_logins")
    analyst, auditor = (User.objects.get(username=n) for n in ("analyst", "auditor"))
    set_password(analyst, password="a password of my own", by=analyst)
    deactivate(auditor, by="test")
    make_user("auditor", "ningbo")
    call_command("demo_logins")
    analyst.refresh_from_db()
    auditor.refresh_from_db()
    assert analyst.check_password("a password of my own")
    assert not auditor.is_active
    last = capsys.readouterr().out.rsplit("province-admin", 1)[1]
    assert passwords(var)["analyst"] not in last
    assert passwords(var)["crm-client"] in last


def test_a_key_that_was_revoked_and_a_client_that_was_closed_stay_so(province, var, capsys):
    call_command("demo_logins")
    client = SystemClient.objects.get()
    close_client(client, by="test")
    call_command("demo_logins")
    reopen_client(client, by="test")
    revoke_key(client.keys.get(), by="test")
    call_command("demo_logins")
    assert capsys.readouterr().out.count(passwords(var)["crm-client"]) == 1
    assert ClientKey.objects.get().revoked_at


@pytest.mark.parametrize("times", [1, 3])
def test_a_lost_key_is_replaced_and_ends(province, var, times):
    call_command("demo_logins")
    lost = passwords(var)["crm-client"]
    for _ in range(times):
        (var / "demo_logins.json").unlink()
        call_command("demo_logins")
    assert admit(passwords(var)["crm-client"])
    with pytest.raises(DomainError, match="key_revoked"):
        admit(lost)


def test_a_new_database_gets_a_key_of_its_own(province, var):
    stranger = "jz_00000000_" + "x" * 43
    (var / "demo_logins.json").write_text(json.dumps({"crm-client": stranger}))
    call_command("demo_logins")
    assert admit(passwords(var)["crm-client"])


def test_a_new_database_gets_the_logins_of_the_file(province, var):
    (var / "demo_logins.json").write_text('{"analyst": "kept from before"}')
    call_command("demo_logins")
    assert User.objects.get(username="analyst").check_password("kept from before")


def test_a_lost_file_means_new_passwords(province, var):
    call_command("demo_logins")
    before = passwords(var)
    (var / "demo_logins.json").unlink()
    call_command("demo_logins")
    after = passwords(var)
    assert before.keys() == after.keys()
    assert User.objects.get(username="analyst").check_password(after["analyst"])
    assert not set(before.values()) & set(after.values())


def test_among_other_users_it_is_refused_unless_forced(province, var):
    make_user("auditor", "ningbo", username="someone")
    with pytest.raises(CommandError, match="users_exist"):
        call_command("demo_logins")
    assert not (var / "demo_logins.json").exists()
    call_command("demo_logins", force=True)
    assert len(passwords(var)) == len(ROLES) + 1


def test_without_an_organisation_it_says_what_to_do(db):
    with pytest.raises(CommandError, match="load_definitions"):
        call_command("demo_logins")
