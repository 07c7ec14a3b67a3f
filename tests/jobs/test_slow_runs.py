"""Runs that may take hours wait in a queue of their own, and can be ended by who asked."""

from datetime import date
from typing import Any

import pytest
from celery import current_app

from accounts.models import Operation
from jobs.claims import Claim
from jobs.errors import LeaseLost
from jobs.models import Run, State
from jobs.services import BELL, SLOW_BELL, cancel, claim, finish, start_run
from jobs.work import Done, work_once, work_through

from .conftest import Bell

pytestmark = pytest.mark.django_db(transaction=True)
STEPS = ("first", "second")


def slow(**inputs: Any) -> Run:
    return start_run(
        kind="training", business_date=date(2026, 7, 1), steps=STEPS, inputs=inputs, by="ann"
    )[0]


def test_a_training_rings_a_bell_that_the_day_s_workers_do_not_hear(
    run: Run, bells: list[Bell]
) -> None:
    training = slow()
    assert [topic for topic, _ in bells] == [BELL, SLOW_BELL]
    held = claim(training)
    assert held is not None
    finish(held, {}, {})
    assert bells[-1][0] == SLOW_BELL


def test_the_slow_bell_goes_to_the_trainer_s_queue_and_the_other_does_not() -> None:
    route = current_app.amqp.router.route
    assert route({}, SLOW_BELL)["queue"].name == "training"
    assert route({}, BELL).get("queue", current_app.amqp.queues["celery"]).name == "celery"


def test_a_cancelled_run_stops_at_its_next_sign_of_life() -> None:
    training = slow()

    def do(held: Claim) -> Done:
        assert cancel(training, by="ann")
        held.renew()
        held.progress(1, 2)
        raise AssertionError("it goes on after it was cancelled")

    assert work_once(training, {"first": do})
    training.refresh_from_db()
    step = training.steps.first()
    assert (training.state, step.state) == (State.FAILED, State.FAILED)
    assert step.error["code"] == "cancelled"
    assert "ann" in step.error["message"]
    assert Operation.objects.filter(action="cancel_run").count() == 1


def test_what_a_cancelled_holder_made_is_not_recorded() -> None:
    training = slow()
    held = claim(training)
    assert held is not None
    cancel(training, by="ann")
    with pytest.raises(LeaseLost):
        finish(held, {"made": 1}, {})
    assert training.steps.first().output == {}


def test_to_cancel_what_has_ended_changes_nothing() -> None:
    training = slow()
    work_through(training, dict.fromkeys(STEPS, lambda held: Done()))
    assert not cancel(training, by="ann")
    training.refresh_from_db()
    assert training.state == State.DONE


def test_asked_for_again_a_cancelled_run_goes_on_where_it_stood() -> None:
    training = slow()
    work_once(training, {"first": lambda held: Done({"made": 1})})
    cancel(training, by="ann")
    assert slow() == training
    seen: list[str] = []

    def do(held: Claim) -> Done:
        seen.append(held.step.name)
        return Done()

    assert work_through(training, {"first": do, "second": do}).state == State.DONE
    assert seen == ["second"]
