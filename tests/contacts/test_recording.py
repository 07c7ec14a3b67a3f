"""What customers did is written once, whole, and obeyed by the next request."""

import random
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import DomainError
from contacts.models import ContactEvent, ContactRecord, Opting, Taken
from contacts.record import OPTED, Kind, Record
from contacts.recording import lock_records
from contacts.services import (
    NewEvent,
    Recorded,
    prune_events,
    record_at,
    record_events,
    set_opt_outs,
)
from customers.meetings import Outcome

from .test_limits import day, moment

pytestmark = pytest.mark.django_db
HE, SHE = "00000000001", "00000000002"


def event(**more: Any) -> NewEvent:
    says = {
        "customer_no": HE,
        "kind": "shown",
        "at": moment(day(0)),
        "channel": "sms",
        "policy": "P1",
    }
    return NewEvent(**says | more)


def write(*events: NewEvent) -> Recorded:
    with transaction.atomic():
        return record_events(events, by="crm")


def record(customer_no: str = HE) -> Record:
    return ContactRecord.objects.get(pk=customer_no).record


def test_an_event_is_kept_with_all_it_says_and_changes_the_record() -> None:
    decision = uuid4()
    told = event(
        kind="ordered",
        policy_version=3,
        campaign="C1",
        group="g",
        held_days=30,
        city="ningbo",
        decision=decision,
        reason="cheap",
    )
    [kept] = write(told).recorded
    kept = ContactEvent.objects.get(pk=kept.pk)
    assert {name: getattr(kept, name) for name in vars(told)} == vars(told)
    assert (kept.version, kept.by) == (1, "crm")
    times = {key: {"sms": [day(0)]} for key in ("contacts", "contacts:policy:P1")}
    times |= {"contacts:group:g": {"sms": [day(0)]}}
    assert record() == Record(1, times, {"group:g": day(30), "policy:P1": day(30)})


def test_what_was_recorded_is_left_out_and_reported() -> None:
    a, b = uuid4(), uuid4()
    first = write(event(decision=a), event(decision=b), event(decision=a))
    assert (len(first.recorded), first.repeated) == (2, (2,))
    again = write(event(decision=b), event(decision=b, kind="accepted"), event(), event())
    assert (len(again.recorded), again.repeated) == (3, (0,))
    assert record().version == ContactEvent.objects.count() == 5
    assert record().times["contacts"]["sms"] == [day(0)] * 4


def test_a_decision_told_of_in_many_posts_is_one_contact() -> None:
    decision = uuid4()
    write(event(decision=decision, policy="P1"), event(decision=decision, policy="P2"))
    write(event(decision=decision, policy="P1", kind="declined", at=moment(day(1))))
    assert record().times == {
        "contacts": {"sms": [day(0)]},
        "contacts:policy:P1": {"sms": [day(0)]},
        "contacts:policy:P2": {"sms": [day(0)]},
        "declined": {"sms": [day(1)]},
        "declined:policy:P1": {"sms": [day(1)]},
    }


def test_each_customers_events_are_taken_in_the_order_of_their_times() -> None:
    decision = uuid4()
    write(
        event(decision=decision, kind="accepted", at=moment(day(2))),
        event(customer_no=SHE),
        event(decision=decision, at=moment(day(1))),
    )
    assert record().times["contacts"]["sms"] == [day(1)]
    assert record(SHE).version == 1


def test_orders_are_counted_by_policy() -> None:
    write(*(event(kind="ordered", policy=policy) for policy in ("P2", "P1", "P2")), event())
    write(event(kind="ordered", policy="P2"))
    assert dict(Taken.objects.values_list("policy", "taken")) == {"P1": 1, "P2": 3}


@pytest.mark.django_db(transaction=True)
def test_events_are_told_inside_the_transaction_of_what_they_tell_of_only() -> None:
    with pytest.raises(RuntimeError):
        record_events([event()], by="crm")
    assert write() == Recorded((), ())
    assert not ContactRecord.objects.exists()


def test_a_batch_of_a_thousand_takes_as_many_statements_as_one_of_two() -> None:
    def batch(size: int) -> int:
        events = [
            event(
                customer_no=f"{size}-{n % (size // 2)}",
                decision=uuid4(),
                kind="ordered",
                policy=f"P{n % 50}",
            )
            for n in range(size)
        ]
        with CaptureQueriesContext(connection) as queries:
            assert len(write(*events).recorded) == size
        return sum("SAVEPOINT" not in query["sql"] for query in queries)

    assert batch(2) == batch(1000) == 6


def test_an_event_is_never_changed() -> None:
    write(event())
    with pytest.raises(DatabaseError, match="kept as it was written"), transaction.atomic():
        ContactEvent.objects.update(kind="declined")


# --- opt-outs ---


def opt(*codes: str, city: str = "ningbo") -> Record:
    return set_opt_outs(customer_no=HE, opted_out=codes, city=city, by="crm")


def opt_events() -> list[tuple[str, str]]:
    return list(ContactEvent.objects.order_by("version").values_list("kind", "channel"))


def test_opt_outs_are_set_as_a_whole_and_the_same_again_changes_nothing() -> None:
    assert opt("sms", "personalised").opted_out == {"sms", "personalised"}
    assert opt("personalised", "sms") == record()
    assert opt("sms", "app").opted_out == record().opted_out == {"sms", "app"}
    assert opt().opted_out == frozenset()
    assert opt_events() == [
        ("opt_out", "personalised"),
        ("opt_out", "sms"),
        ("opt_out", "app"),
        ("opt_in", "personalised"),
        ("opt_in", "app"),
        ("opt_in", "sms"),
    ]
    assert record().times == {}


def test_an_opt_out_of_nothing_there_is_is_refused() -> None:
    with pytest.raises(DomainError) as refusal:
        opt("fax")
    assert refusal.value.code == "unknown_channel"
    assert not ContactEvent.objects.exists()


# --- replay and retention ---

# A decision is made for one customer.
VISITS = [(who, None) for who in (HE, SHE)] * 2
VISITS += [(HE, UUID(int=1)), (HE, UUID(int=2)), (SHE, UUID(int=3))]


@st.composite
def batches(draw: st.DrawFn) -> list[list[NewEvent]]:
    one = st.builds(
        lambda visit, **says: event(customer_no=visit[0], decision=visit[1], **says),
        visit=st.sampled_from(VISITS),
        kind=st.sampled_from(("shown", "accepted", "declined", "ordered", "complained")),
        at=st.integers(0, 60).map(lambda n: moment(day(n / 2))),
        channel=st.sampled_from(("sms", "app")),
        policy=st.sampled_from(("P1", "P2")),
        group=st.sampled_from(("", "g")),
        held_days=st.integers(0, 3),
    )
    return draw(st.lists(st.lists(one, max_size=8), max_size=5))


@given(batches(), st.sets(st.sampled_from(("sms", "personalised"))))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_folding_the_events_up_to_a_version_gives_the_record_of_that_time(
    posts: list[list[NewEvent]], opted_out: set[str]
) -> None:
    with transaction.atomic():
        states = [Record()]
        for post in posts:
            record_events(post, by="crm")
            states += [row.record for row in ContactRecord.objects.filter(pk=HE)]
        states.append(opt(*opted_out))
        for state in states:
            assert record_at(HE, state.version) == state
        transaction.set_rollback(True)


def test_what_is_old_is_pruned_but_orders_and_opt_outs() -> None:
    now = timezone.now()
    old, young = now - timedelta(days=801), now - timedelta(days=799)
    kinds = ("shown", "accepted", "declined", "complained", "ordered")
    write(*(event(kind=kind, at=at) for kind in kinds for at in (old, young)))
    opt("sms")
    version = record().version
    assert prune_events(800) == 4
    assert prune_events(800) == 0
    left = ContactEvent.objects.filter(at__lt=now - timedelta(days=800))
    assert [one.kind for one in left] == ["ordered"]
    assert record_at(HE, version).opted_out == {"sms"}


# --- many at once ---


def at_once(works: list[Callable[[], None]]) -> list[BaseException]:
    """Do all of them in threads of their own; return what went wrong."""
    errors: list[BaseException] = []
    ready = threading.Barrier(len(works))

    def run(work: Callable[[], None]) -> None:
        try:
            ready.wait(20)
            work()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return errors


POLICIES = [f"P{n}" for n in range(10)]


def shuffled(things: list[str], draw: random.Random) -> list[str]:
    return draw.sample(things, len(things))


@pytest.mark.django_db(transaction=True)
def test_twenty_that_record_for_the_same_customers_lose_nothing_and_never_deadlock() -> None:
    rounds = [[f"{turn}-{n}" for n in range(30)] for turn in range(3)]

    def work(seed: int) -> Callable[[], None]:
        def posts() -> None:
            draw = random.Random(seed)
            for customers in rounds:
                write(*(event(customer_no=number) for number in shuffled(customers, draw)))
                write(*(event(customer_no=number) for number in shuffled(customers, draw)))

        return posts

    assert at_once([work(seed) for seed in range(20)]) == []
    assert ContactRecord.objects.count() == 90
    assert set(ContactRecord.objects.values_list("version", flat=True)) == {40}
    assert ContactEvent.objects.count() == 90 * 40
    assert record("0-0") == record_at("0-0", 40)


@pytest.mark.django_db(transaction=True)
def test_records_of_new_customers_are_made_in_one_order() -> None:
    customers = [f"{n:011d}" for n in range(3000)]

    def work(seed: int) -> Callable[[], None]:
        def make() -> None:
            mine = shuffled(customers, random.Random(seed))
            with transaction.atomic():
                assert len(lock_records(mine)) == len(customers)

        return make

    assert at_once([work(seed) for seed in range(4)]) == []


@pytest.mark.django_db(transaction=True)
def test_twenty_that_count_the_same_policies_lose_nothing_and_never_deadlock() -> None:
    def work(seed: int) -> Callable[[], None]:
        def posts() -> None:
            draw = random.Random(seed)
            for turn in range(5):
                orders = enumerate(shuffled(POLICIES, draw))
                told = {"kind": "ordered", "at": moment(day(turn))}
                write(*(event(customer_no=f"{seed}-{n}", policy=p, **told) for n, p in orders))

        return posts

    assert at_once([work(seed) for seed in range(20)]) == []
    assert dict(Taken.objects.values_list("policy", "taken")) == dict.fromkeys(POLICIES, 100)


@pytest.mark.django_db(transaction=True)
def test_of_many_posts_of_the_same_exactly_one_has_an_effect() -> None:
    told = [event(decision=uuid4(), kind="ordered", policy=f"P{n}") for n in range(3)]
    assert at_once([lambda: bool(write(*told)) or None] * 20) == []
    assert record().version == ContactEvent.objects.count() == 3
    assert set(Taken.objects.values_list("taken", flat=True)) == {1}


def test_the_record_knows_every_kind_that_is_kept() -> None:
    assert list(get_args(Kind)) == [*Outcome.values, *Opting.values]
    assert list(OPTED) == Opting.values
