"""Asking for a run: once for equal inputs, the next number for others."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from django.db import connection

from accounts.models import Operation
from common.errors import DomainError
from jobs.models import Run, State
from jobs.services import claim, fail, finish

from .conftest import Bell, begin

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_has_its_steps_in_order_and_rings_once(bells: list[Bell]) -> None:
    run = begin(steps=("first", "second"))
    assert [s.name for s in run.steps.all()] == ["first", "second"]
    assert bells == [("jobs.work", {"run_id": run.pk})]
    assert Operation.objects.get().action == "start_run"


def test_equal_inputs_find_the_same_run() -> None:
    assert begin(a=1, b=[2]) == begin(b=[2], a=1)
    assert Run.objects.count() == 1


def test_other_inputs_make_the_next_number() -> None:
    assert [begin(a=1).number, begin(a=2).number, begin(day=2, a=2).number] == [1, 2, 1]


def test_inputs_taken_back_make_a_new_number_too() -> None:
    assert [begin(a=1).number, begin(a=2).number, begin(a=1).number] == [1, 2, 3]


def test_asking_at_once_makes_one_run_per_input() -> None:
    def ask(i: int) -> int:
        try:
            return begin(a=i % 2).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(16)))
    numbers = list(Run.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    runs = Run.objects.order_by("number")
    assert all(a.key != b.key for a, b in pairwise(runs))
    assert all(r.steps.count() == 2 for r in runs)


def test_a_failed_run_takes_up_where_it_stopped() -> None:
    run = begin()
    finish(claim(run), {"made": 1}, {})
    fail(claim(run), DomainError("bad", "Bad."))
    assert begin() == run
    run.refresh_from_db()
    assert (run.state, run.finished_at) == (State.WAITING, None)
    assert [s.state for s in run.steps.all()] == [State.DONE, State.WAITING]
    assert claim(run).step.attempts == 1


def test_a_finished_run_stays_as_it_is(bells: list[Bell]) -> None:
    run = begin(steps=("only",))
    finish(claim(run), {}, {})
    heard = len(bells)
    assert begin(steps=("only",)) == run
    run.refresh_from_db()
    assert run.state == State.DONE
    assert len(bells) == heard
