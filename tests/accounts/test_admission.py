"""Who is let in by key, who is not, and how often."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from pytest_django import DjangoAssertNumQueries

from accounts.admission import ADMISSION, WIDTH, admit, admitted, key_hash, parameters
from accounts.client_services import add_key, change_client, close_client, reopen_client, revoke_key
from accounts.clients import OPERATIONS, Client
from accounts.models import ClientBucket, ClientKey, Organisation, SystemClient
from common.errors import DomainError
from common.permissions import Permission
from tests.accounts.clients import make_client, make_key
from tests.accounts.people import make_province

UNKNOWN = "jz_00000000_" + "x" * 43


def refusal(key: str, cost: int = 1) -> DomainError:
    with pytest.raises(DomainError) as caught:
        admit(key, cost=cost)
    return caught.value


def age(key: str, **spans: timedelta) -> None:
    """Put times of a key so far into the past."""
    rows = ClientKey.objects.filter(prefix=key[3:11])
    assert rows.update(**{name: Now() - span for name, span in spans.items()})


def rest(seconds: float) -> None:
    """As if the last call had been so long ago."""
    ClientBucket.objects.update(at=F("at") - timedelta(seconds=seconds))


def test_an_admitted_client_knows_what_it_may_do_and_where(province: Any) -> None:
    client = admit(make_key(operations=("recommend", "view_sensitive")))
    assert client.can(Permission.RECOMMEND)
    assert not client.can(Permission.SEND_FEEDBACK)
    assert (str(client), client.organisation.code) == ("client:crm", "zhejiang")
    assert client.cities is None
    assert client.sees_city("ningbo")


@pytest.mark.parametrize("place", ["zhejiang", "hangzhou", "hangzhou-front"])
def test_it_belongs_where_a_user_of_the_same_organisation_does(province: Any, place: str) -> None:
    client, organisation = admit(make_key(organisation=place)), province[place]
    assert client.cities == organisation.cities
    seen = Organisation.objects.visible_to(client)  # type: ignore[arg-type]
    assert set(seen) == set(Organisation.objects.filter(path__startswith=organisation.path))


def test_one_statement_admits_and_one_refuses(
    province: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    key = make_key(burst=1, rate=0.001)
    with django_assert_num_queries(1):
        admit(key)
    with django_assert_num_queries(1):
        refusal(key)
    with django_assert_num_queries(1):
        refusal(UNKNOWN)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "no_key"),
        ("password", "unknown_key"),
        (UNKNOWN + "\n", "unknown_key"),
        ("jz_00000000_' OR 1=1", "unknown_key"),
        ("jz_é", "unknown_key"),
    ],
)
def test_what_cannot_be_a_key_is_refused_without_a_statement(key: str, code: str) -> None:
    error = refusal(key)
    assert (error.code, error.status) == (code, 401)


def test_a_key_that_is_not_known_is_refused(province: Any) -> None:
    key = make_key()
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    other_prefix = "jz_00000000" + key[11:]
    assert {refusal(wrong).code, refusal(other_prefix).code} == {"unknown_key"}


def test_an_expired_a_revoked_and_a_closed_one_are_told_apart_and_take_no_token(
    province: Any,
) -> None:
    expired, revoked, closed = (make_key(code) for code in ("old", "lost", "shut"))
    age(expired, expires_at=timedelta(0))
    revoke_key(ClientKey.objects.get(prefix=revoked[3:11]), by="test")
    close_client(SystemClient.objects.get(code="shut"), by="test")
    errors = [refusal(key) for key in (expired, revoked, closed)]
    assert [e.code for e in errors] == ["key_expired", "key_revoked", "client_closed"]
    assert {e.status for e in errors} == {401}
    assert not ClientBucket.objects.exists()
    assert not ClientKey.objects.exclude(last_used_at=None).exists()


def test_what_an_administrator_does_holds_for_the_very_next_call(province: Any) -> None:
    key = make_key()
    client = SystemClient.objects.get()
    assert admit(key).can(Permission.SEND_FEEDBACK)
    values = {"name_zh": "z", "name_en": "e", "rate": 5, "burst": 3, "by": "test"}
    change_client(client, organisation=province["ningbo"], operations=["recommend"], **values)
    changed = admit(key, cost=3)
    assert (changed.operations, changed.cities) == ({"recommend"}, {"ningbo"})
    assert refusal(key).code == "rate_limited"
    close_client(client, by="test")
    assert refusal(key).code == "client_closed"
    reopen_client(client, by="test")
    rest(10)
    assert admit(key)
    revoke_key(client.keys.get(), by="test")
    assert refusal(key).code == "key_revoked"


def test_two_keys_of_a_client_are_good_at_once_and_share_its_bucket(province: Any) -> None:
    client = make_client(burst=2, rate=0.001)
    first, second = add_key(client, by="test"), add_key(client, by="test")
    assert {admit(first).code, admit(second).code} == {"crm"}
    assert refusal(first).code == "rate_limited"
    revoke_key(client.keys.get(prefix=first[3:11]), by="test")
    rest(10_000)
    assert admit(second).key == second[3:11]


def test_whatever_stands_in_the_row_no_client_does_peoples_work(province: Any) -> None:
    key = make_key()
    SystemClient.objects.update(operations=["recommend", "manage_users", "gone"])
    assert admit(key).operations == {"recommend"}
    assert set(OPERATIONS).isdisjoint({Permission.MANAGE_USERS, Permission.VIEW_CUSTOMERS})


def test_a_rest_refills_the_bucket_at_the_rate_and_no_further_than_the_burst(
    province: Any,
) -> None:
    key = make_key(rate=0.5, burst=2)
    admit(key, cost=2)
    rest(1)  # half a token
    error = refusal(key)
    assert (error.code, error.status) == ("rate_limited", 429)
    assert error.extra == {"retry_after": 1}
    rest(1)
    admit(key)
    rest(1_000_000)
    admit(key)
    admit(key)
    assert refusal(key).extra == {"retry_after": 2}


def test_a_refused_call_takes_no_token(province: Any) -> None:
    key = make_key(rate=0.01, burst=1)
    admit(key)
    for _ in range(5):
        refusal(key)
    rest(100)
    admit(key)


def test_a_call_that_costs_more_than_a_bucket_waits_for_a_full_one_and_leaves_a_debt(
    province: Any,
) -> None:
    key = make_key(rate=1, burst=10)
    admit(key, cost=500)
    assert refusal(key).extra["retry_after"] in (490, 491)
    rest(495)
    admit(key)
    assert refusal(key, cost=500).code == "rate_limited"
    rest(100)
    admit(key, cost=500)


def test_a_call_that_began_before_the_last_one_turns_no_clock_back(province: Any) -> None:
    key = make_key(rate=0.001, burst=1)
    admit(key)
    rest(-5)
    later = ClientBucket.objects.get().at
    refusal(key)
    assert ClientBucket.objects.get().at == later


def test_a_bucket_that_a_crash_took_is_a_full_one(province: Any) -> None:
    key = make_key(rate=0.001, burst=1)
    admit(key)
    ClientBucket.objects.all().delete()
    admit(key)
    assert refusal(key).code == "rate_limited"


def test_the_bucket_is_unlogged_and_has_room_to_change_in_place(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relpersistence, reloptions FROM pg_class WHERE relname = %s",
            [ClientBucket._meta.db_table],
        )
        assert cursor.fetchone() == ("u", ["fillfactor=10"])


def test_the_last_use_is_noted_to_the_minute(province: Any) -> None:
    key = make_key()
    admit(key)
    first = ClientKey.objects.get().last_used_at
    admit(key)
    assert ClientKey.objects.get().last_used_at == first
    age(key, last_used_at=timedelta(seconds=61))
    admit(key)
    assert ClientKey.objects.get().last_used_at > first


def test_the_clock_is_the_databases(province: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    key = make_key(rate=0.001, burst=1)
    admit(key)
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert refusal(key).code == "rate_limited"
    rest(1000)
    admit(key)


def test_a_view_reads_its_own_columns_in_the_same_statement(province: Any) -> None:
    key = make_key()
    sql = f"WITH {ADMISSION} SELECT admission.*, %(mine)s FROM admission"
    with connection.cursor() as cursor:
        row = cursor.execute(sql, parameters(key_hash(key)) | {"mine": "x"}).fetchone()
    assert isinstance(admitted(row), Client)
    assert row[WIDTH:] == ("x",)


@pytest.mark.django_db(transaction=True)
def test_of_twenty_at_once_no_more_are_admitted_than_the_bucket_holds() -> None:
    make_province()
    key = make_key(rate=0.001, burst=7)

    def calls(_number: int) -> list[str]:
        try:
            return [attempt() for _ in range(5)]
        finally:
            connection.close()

    def attempt() -> str:
        try:
            return admit(key).code
        except DomainError as error:
            return error.code

    with ThreadPoolExecutor(20) as pool:
        results = [code for codes in pool.map(calls, range(20)) for code in codes]
    assert results.count("crm") == 7
    assert results.count("rate_limited") == 93


@pytest.mark.django_db(transaction=True)
def test_a_revocation_that_is_not_committed_yet_holds_back_nobody() -> None:
    make_province()
    key = make_key()
    with transaction.atomic():
        revoke_key(ClientKey.objects.get(), by="test")
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(_admit_elsewhere, key).result(timeout=10) == "crm"
    assert refusal(key).code == "key_revoked"


def _admit_elsewhere(key: str) -> str:
    try:
        return admit(key).code
    finally:
        connection.close()
