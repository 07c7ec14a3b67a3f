"""Working through a run: in order, with earlier outputs, through failures and interruptions."""

import threading
from typing import Any

import pytest
from django.db import connection

from common.errors import DomainError
from jobs.claims import Claim
from jobs.models import Run, State
from jobs.work import Done, work_once, work_through

pytestmark = pytest.mark.django_db(transaction=True)


def test_all_steps_are_done_in_order(run: Run) -> None:
    seen: list[str] = []

    def do(claim: Claim) -> Done:
        seen.append(claim.step.name)
        claim.progress(2, 2)
        return Done({"n": len(seen)}, {"rows": 5})

    assert work_through(run, {"first": do, "second": do}).state == State.DONE
    assert seen == ["first", "second"]
    step = run.steps.last()
    assert (step.output, step.counts) == ({"n": 2}, {"rows": 5})
    assert (step.done_units, step.total_units) == (2, 2)
    assert step.peak_mib > 0


def test_a_domain_error_stops_the_run_with_its_words(run: Run) -> None:
    def refuse(claim: Claim) -> Done:
        raise DomainError("empty", "There is nothing.")

    assert work_through(run, {"first": refuse}).state == State.FAILED
    assert run.steps.first().error["message"] == "There is nothing."


def test_an_error_is_tried_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.services.FIRST_PAUSE_SECONDS", 0.01)
    tries = iter([ValueError("once"), OSError("twice")])

    def stumble(claim: Claim) -> Done:
        for error in tries:
            raise error
        return Done()

    assert work_through(run, {"first": stumble, "second": stumble}).state == State.DONE
    assert run.steps.first().attempts == 3
    assert run.steps.first().error is None


def test_an_interrupted_step_is_given_back(run: Run) -> None:
    def interrupt(claim: Claim) -> Done:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work_once(run, {"first": interrupt})
    step = run.steps.first()
    assert (step.state, step.lease_until, step.attempts) == (State.WAITING, None, 0)


def test_two_workers_share_a_run_without_doing_anything_twice(run: Run) -> None:
    done: list[str] = []

    def do(claim: Claim) -> Done:
        done.append(claim.step.name)
        return Done()

    def work(results: list[Any]) -> None:
        try:
            results.append(work_through(Run.objects.get(pk=run.pk), {"first": do, "second": do}))
        finally:
            connection.close()

    results: list[Run] = []
    threads = [threading.Thread(target=work, args=[results]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [r.state for r in results] == [State.DONE] * 4
    assert done == ["first", "second"]


def test_a_run_with_nothing_free_takes_nothing(run: Run) -> None:
    work_once(run, {"first": lambda claim: Done()})
    work_once(run, {"second": lambda claim: Done()})
    assert work_once(run, {}) is False
