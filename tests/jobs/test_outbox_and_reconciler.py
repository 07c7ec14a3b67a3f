"""Bells: written with the change, rung after it, and rung again when nobody came."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.db import connection, transaction
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from jobs.models import OutboxMessage, Run, State
from jobs.outbox import forget_rung, relay, ring
from jobs.services import claim, fail, finish, reconcile

from .conftest import Bell, begin

pytestmark = pytest.mark.django_db(transaction=True)


def make_quiet(run: Run) -> None:
    """As if the last bell had been rung a while ago."""
    Run.objects.filter(pk=run.pk).update(rung_at=Now() - timedelta(minutes=1))


def test_a_bell_is_rung_after_the_commit_and_only_then(bells: list[Bell]) -> None:
    with transaction.atomic():
        ring("a", {"x": 1})
        assert bells == []
    assert bells == [("a", {"x": 1})]


def test_a_change_that_is_undone_rings_nothing(bells: list[Bell]) -> None:
    with transaction.atomic():
        ring("a", {})
        transaction.set_rollback(True)
    assert relay() == 0
    assert bells == []


def test_without_a_broker_bells_wait(bells: list[Bell], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OperationalError("no broker")

    with monkeypatch.context() as patch:
        patch.setattr(current_app, "send_task", refuse)
        with transaction.atomic():
            ring("a", {})
    assert OutboxMessage.objects.get().sent_at is None
    assert relay() == 1
    assert [topic for topic, _ in bells] == ["a"]
    assert relay() == 0


def test_two_relays_at_once_ring_each_bell_once(bells: list[Bell]) -> None:
    OutboxMessage.objects.bulk_create([OutboxMessage(topic=str(i)) for i in range(100)])

    def run_relay(_: int) -> int:
        try:
            return relay(limit=30)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run_relay, range(12)))
    assert sorted(int(topic) for topic, _ in bells) == list(range(100))


def test_rung_bells_are_forgotten_after_a_day(run: Run) -> None:
    assert forget_rung() == 0
    OutboxMessage.objects.update(sent_at=Now() - timedelta(days=2))
    assert forget_rung() == 1


def test_finishing_a_step_rings_for_the_next_and_the_last_does_not(
    run: Run, bells: list[Bell]
) -> None:
    finish(claim(run), {}, {})
    assert len(bells) == 2
    finish(claim(run), {}, {})
    assert len(bells) == 2


def test_a_run_that_nobody_came_for_is_rung_again(run: Run, bells: list[Bell]) -> None:
    bells.clear()
    assert reconcile() == 0
    make_quiet(run)
    assert reconcile() == 1
    assert bells == [("jobs.work", {"run_id": run.pk})]


def test_a_run_whose_holder_died_is_rung_again(run: Run) -> None:
    claim(run)
    make_quiet(run)
    assert reconcile() == 0  # the lease lasts
    run.steps.filter(state=State.RUNNING).update(lease_until=Now() - timedelta(seconds=1))
    assert reconcile() == 1


def test_a_step_that_pauses_before_its_next_attempt_is_left_alone(run: Run) -> None:
    fail(claim(run), ValueError())
    make_quiet(run)
    assert reconcile() == 0
    run.steps.update(lease_until=Now() - timedelta(seconds=1))
    assert reconcile() == 1


def test_finished_and_failed_runs_stay_quiet() -> None:
    done, failed = begin(day=1, steps=("only",)), begin(day=2)
    finish(claim(done), {}, {})
    Run.objects.filter(pk=failed.pk).update(state=State.FAILED)
    for run in (done, failed):
        make_quiet(run)
    assert reconcile() == 0


def test_two_reconcilers_at_once_ring_once(bells: list[Bell]) -> None:
    runs = [begin(day=day) for day in range(1, 9)]
    for run in runs:
        make_quiet(run)
    bells.clear()

    def run_reconciler(_: int) -> int:
        try:
            return reconcile()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run_reconciler, range(4))) == len(runs)
    assert sorted(body["run_id"] for _, body in bells) == [run.pk for run in runs]
