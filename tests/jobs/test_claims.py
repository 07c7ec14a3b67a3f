"""Leases and tokens: one holder at a time, on the database's clock."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from common.errors import DomainError
from jobs.errors import LeaseLost
from jobs.models import Run, State, Step
from jobs.services import claim, fail, finish, release

pytestmark = pytest.mark.django_db(transaction=True)


def expire(run: Run) -> None:
    """Let the lease of the run's held step run out, on the database's clock."""
    run.steps.filter(state=State.RUNNING).update(lease_until=Now() - timedelta(seconds=1))


def test_one_of_many_gets_the_step(run: Run) -> None:
    def take(_: int) -> bool:
        try:
            return claim(run) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(16))) == 1


def test_steps_come_in_order_and_the_last_one_finishes_the_run(run: Run) -> None:
    for name in ("first", "second"):
        held = claim(run)
        assert held.step.name == name
        assert claim(run) is None
        finish(held, {"by": name}, {"rows": 1})
    run.refresh_from_db()
    assert run.state == State.DONE
    assert run.finished_at is not None
    assert [s.output for s in run.steps.all()] == [{"by": "first"}, {"by": "second"}]


def test_an_expired_lease_is_taken_over_with_a_greater_token(run: Run) -> None:
    old = claim(run)
    expire(run)
    new = claim(run)
    assert new.token > old.token
    assert new.step.attempts == 2


def test_the_lease_is_read_on_the_database_clock(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    claim(run)
    tomorrow = timezone.now() + timedelta(days=1)
    monkeypatch.setattr(timezone, "now", lambda: tomorrow)
    monkeypatch.setattr(time, "time", tomorrow.timestamp)
    assert claim(run) is None


@pytest.mark.parametrize(
    "act", [lambda c: finish(c, {}, {}), lambda c: fail(c, ValueError()), release]
)
def test_a_holder_that_was_replaced_may_write_nothing(run: Run, act: Any) -> None:
    old = claim(run)
    expire(run)
    new = claim(run)
    with pytest.raises(LeaseLost):
        act(old)
    step = Step.objects.get(pk=new.step.pk)
    assert (step.state, step.token) == (State.RUNNING, new.token)


def test_the_fence_lets_only_the_holder_through(run: Run) -> None:
    old = claim(run)
    with transaction.atomic():
        old.fence()
    expire(run)
    claim(run)
    with pytest.raises(LeaseLost), transaction.atomic():
        old.fence()


def test_nobody_takes_over_between_fence_and_commit(run: Run) -> None:
    held = claim(run)
    expire(run)

    def take() -> bool:
        try:
            return claim(run) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            held.fence()
            other = pool.submit(take)
            time.sleep(0.3)
            assert not other.done()
        assert other.result()  # only after the commit


def test_the_heartbeat_keeps_the_lease_and_carries_the_progress(run: Run, settings: Any) -> None:
    settings.LEASE_SECONDS = 0.4
    held = claim(run)
    with held.kept():
        held.progress(3, 7)
        time.sleep(1)
        assert claim(run) is None
    step = Step.objects.get(pk=held.step.pk)
    assert (step.done_units, step.total_units) == (3, 7)


def test_the_heartbeat_tells_the_step_that_it_was_replaced(run: Run, settings: Any) -> None:
    settings.LEASE_SECONDS = 0.4
    held = claim(run)
    expire(run)
    claim(run)
    with held.kept():
        time.sleep(0.5)
        with pytest.raises(LeaseLost):
            held.progress(1, 2)


def test_a_holder_that_hangs_loses_its_lease(
    run: Run, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LEASE_SECONDS = 0.4
    monkeypatch.setattr("jobs.claims.SILENCE_SECONDS", 0)
    held = claim(run)
    with held.kept():
        time.sleep(0.8)
        assert claim(run) is not None


def test_the_lease_is_kept_during_a_long_transaction(run: Run, settings: Any) -> None:
    settings.LEASE_SECONDS = 0.4
    held = claim(run)
    with held.kept(), transaction.atomic():
        Run.objects.count()
        time.sleep(1)
        held.progress(1, 1)
        held.fence()


def test_an_unexpected_error_is_tried_again_after_a_pause(run: Run, settings: Any) -> None:
    settings.STEP_ATTEMPTS = 2
    fail(claim(run), ValueError("odd"))
    step = run.steps.first()
    assert step.state == State.WAITING
    assert step.error["message"] == "ValueError: odd"
    assert claim(run) is None  # not yet
    run.steps.update(lease_until=Now() - timedelta(seconds=1))
    fail(claim(run), ValueError("odd"))
    run.refresh_from_db()
    assert (run.state, run.steps.first().state) == (State.FAILED, State.FAILED)


def test_a_domain_error_is_final_and_kept_in_full(run: Run) -> None:
    fail(claim(run), DomainError("no_such_city", "No.", cities=["x"], day=timezone.now().date()))
    run.refresh_from_db()
    step = run.steps.first()
    assert run.state == State.FAILED
    assert (step.error["code"], step.error["extra"]["cities"]) == ("no_such_city", ["x"])
    assert claim(run) is None


def test_a_step_whose_process_always_dies_is_given_up(run: Run, settings: Any) -> None:
    settings.STEP_ATTEMPTS = 3
    for _ in range(3):
        assert claim(run) is not None
        assert claim(run) is None
        expire(run)
    assert claim(run) is None
    run.refresh_from_db()
    assert (run.state, run.steps.first().error["code"]) == (State.FAILED, "gave_up")


def test_a_step_in_its_last_attempt_is_not_given_up_while_it_is_held(
    run: Run, settings: Any
) -> None:
    settings.STEP_ATTEMPTS = 1
    held = claim(run)
    assert claim(run) is None
    finish(held, {}, {})


def test_a_released_step_is_free_at_once_and_was_not_tried(run: Run) -> None:
    release(claim(run))
    assert claim(run).step.attempts == 1
