"""kill -9 anywhere: the next run or the reconciler finishes the day as if nothing had been."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

import psycopg
import pytest

from tests.daily.conftest import Undisturbed
from tests.forks import CONTEXT, Site

from .province import DAY2, ask_for, drafts, in_child, look, publications, run_through, steps

STEPS = ("ingest", "score", "assign", "match", "publish")
MOMENTS = 30
MANY_MOMENTS = 300
KILLS = 5  # of one day
PINNING_SECONDS = 0.3


# --- what children do ---


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_before(name: str) -> None:
    """Run the day, and be killed when step ``name`` has been claimed and nothing done."""
    _work(name, before=die)


def die_after(name: str) -> None:
    """Run the day, and be killed when step ``name`` is done and nothing is recorded of it."""
    _work(name, after=die)


def die_between(name: str) -> None:
    """Run the day, and be killed when step ``name`` is recorded and the next not yet claimed."""
    from config.daily import steps_of_a_day
    from jobs.models import Run, State
    from jobs.work import work_once

    ask_for(DAY2)
    run = Run.objects.first()
    while not run.steps.filter(name=name, state=State.DONE).exists():
        work_once(run, steps_of_a_day()) or time.sleep(0.1)
    die()


def _work(name: str, before: Callable[[], None] = int, after: Callable[[], None] = int) -> None:
    from config.daily import steps_of_a_day
    from jobs.models import Run
    from jobs.work import work_through

    def fatal(claim: Any, do: Any) -> Any:
        before()
        done = do(claim)
        after()
        return done

    wanted = steps_of_a_day()
    ask_for(DAY2)
    fatal_step = {name: lambda claim: fatal(claim, wanted[name])}
    work_through(Run.objects.first(), wanted | fatal_step)


def reconcile_until_done() -> None:
    """A reconciler and a worker, without anyone asking for the day again."""
    from celery import current_app

    from config.tasks import work
    from jobs import outbox, services
    from jobs.models import Run, State

    bells: list[dict[str, Any]] = []
    current_app.send_task = lambda topic, kwargs, retry: bells.append(kwargs)
    while Run.objects.first().state not in (State.DONE, State.FAILED):
        services.reconcile()
        outbox.relay()
        while bells:
            work(**bells.pop())
        time.sleep(0.1)


def sweep() -> None:
    from lake import partitions

    partitions.sweep(0)


def read_all_the_time(url: str, pipe: Any) -> None:
    from .province import _SHOWN

    seen = set()
    with psycopg.connect(url, autocommit=True) as connection:
        while not pipe.poll():
            seen.add(connection.execute(_SHOWN).fetchone())
            time.sleep(0.02)
    pipe.send(seen)


# --- tests ---


@pytest.fixture
def reader(site: Site, undisturbed: Undisturbed) -> Iterator[None]:
    """Somebody reads during the whole test; he must see the day before or the day, whole."""
    ours, theirs = CONTEXT.Pipe()
    process = site.start(read_all_the_time, site.database_url, theirs)
    yield
    ours.send("stop")
    seen = ours.recv()
    process.join()
    whole = {tuple(vars(shown).values()) for shown in (undisturbed.before, undisturbed.after)}
    assert seen <= whole


def check_finished(site: Site, undisturbed: Undisturbed) -> None:
    """The day is exactly the undisturbed one, and nothing is left over."""
    assert look(site.database_url) == undisturbed.after
    assert publications(site.database_url) == undisturbed.publications
    assert {step["state"] for step in steps(site.database_url)} == {"done"}
    in_child(site, sweep)
    assert drafts(site) == []


@pytest.mark.usefixtures("reader")
def test_killed_at_every_step_boundary_in_turn_the_day_gets_done(
    site: Site, undisturbed: Undisturbed
) -> None:
    for name in STEPS:
        for kill in (die_before, die_after, die_between):
            assert site.run(kill, name) == -signal.SIGKILL
            published = name == "publish" and kill is not die_before
            expected = undisturbed.after if published else undisturbed.before
            assert look(site.database_url) == expected
    in_child(site, run_through, DAY2)
    check_finished(site, undisturbed)


@pytest.mark.parametrize("name", STEPS)
def test_killed_with_a_step_done_and_not_recorded_the_reconciler_finishes_the_day(
    site: Site, undisturbed: Undisturbed, name: str
) -> None:
    assert site.run(die_after, name) == -signal.SIGKILL
    in_child(site, reconcile_until_done)
    check_finished(site, undisturbed)


def kill_at_random_moments(site: Site, undisturbed: Undisturbed, seed: int) -> None:
    """Kill the day again and again, each time somewhere in a random step, and let it finish."""
    random = Random(seed)
    site = replace(site, settings=site.settings | {"STEP_ATTEMPTS": 50})
    for place in sorted(random.choices(range(-1, len(STEPS)), k=KILLS)):
        started = now(site)
        victim = site.start(run_through, DAY2)
        if place < 0:  # before any step: inputs are being pinned
            time.sleep(random.uniform(0, PINNING_SECONDS))
        else:
            wait_for_step(site, STEPS[place], started)
            time.sleep(random.uniform(0, undisturbed.seconds[STEPS[place]]))
        victim.kill()
        victim.join()
        assert look(site.database_url) in (undisturbed.before, undisturbed.after)
    if seed % 2:
        in_child(site, ask_for, DAY2)  # the kills may all have come before it was asked for
        in_child(site, reconcile_until_done)
    else:
        in_child(site, run_through, DAY2)
    check_finished(site, undisturbed)


def now(site: Site) -> datetime:
    with psycopg.connect(site.database_url) as connection:
        return connection.execute("SELECT clock_timestamp()").fetchone()[0]


def wait_for_step(site: Site, name: str, since: datetime) -> None:
    """Until the step has been taken up since then, or is done already."""
    taken = """
        SELECT 1 FROM jobs_step s JOIN jobs_run r ON r.id = s.run_id
        WHERE r.business_date = %s AND s.name = %s AND (s.state = 'done' OR s.started_at > %s)
    """
    with psycopg.connect(site.database_url, autocommit=True) as connection:
        while connection.execute(taken, [DAY2, name, since]).fetchone() is None:
            time.sleep(0.005)


@pytest.mark.parametrize("seed", range(MOMENTS // KILLS))
@pytest.mark.usefixtures("reader")
def test_killed_at_random_moments_the_day_gets_done(
    site: Site, undisturbed: Undisturbed, seed: int
) -> None:
    kill_at_random_moments(site, undisturbed, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1000, 1000 + MANY_MOMENTS // KILLS))
@pytest.mark.usefixtures("reader")
def test_killed_at_many_random_moments_the_day_gets_done(
    site: Site, undisturbed: Undisturbed, seed: int
) -> None:
    kill_at_random_moments(site, undisturbed, seed)
