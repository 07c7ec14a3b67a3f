"""Publishing among real processes: readers, rivals, zombies and kills."""

import json
import os
import signal
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest

from campaigns import publish as publishing_module
from common.errors import DomainError
from jobs.models import Run, State
from jobs.services import claim, start_run
from jobs.work import Done, work_once
from tests.forks import CONTEXT, Site

from .publishing import Answers, Row, publish_rows

CUSTOMERS = 400
FIRST = date(2026, 7, 1)


@pytest.fixture
def site(real_database: str, tmp_path: Path) -> Site:
    return Site(real_database, tmp_path, {"LAKE_PARTS": 2, "LEASE_SECONDS": 1})


def answers_of(day: int, customers: int = CUSTOMERS) -> Answers:
    """Everybody's answer tells the day; one customer is new each day and one has left."""
    numbers = range(day, customers + day)
    return {f"{number:011d}": Row(profile={"day": day}) for number in numbers}


def date_of(day: int) -> date:
    return FIRST + timedelta(days=day)


# --- what the children do ---


def publish_day(day: int, customers: int = CUSTOMERS) -> None:
    publish_rows(date_of(day), answers_of(day, customers), key=f"day{day}")


def publish_days(days: list[int]) -> None:
    for day in days:
        publish_day(day)


def try_day(day: int) -> None:
    """Publish, or be refused because a later day is published."""
    try:
        publish_day(day)
    except DomainError as error:
        if error.code != "older_than_published":
            raise


def publish_and_freeze(day: int, pipe: Any) -> None:
    """Stand still for ever inside the transaction, as a frozen machine does."""
    publishing_module.IDLE_TIMEOUT = "1s"

    def freeze() -> None:
        pipe.send("inside")
        time.sleep(3600)

    publish_rows(date_of(day), answers_of(day), key=f"day{day}", fence=freeze)


def die_on_the_last_line(day: int) -> None:
    """Everything is written and the pointer moved; only the commit is missing."""

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    publish_rows(date_of(day), answers_of(day), key=f"day{day}", fence=die)


def hold_then_publish(pipe: Any) -> None:
    """Claim the step, freeze until told, then publish with the old token."""
    held = claim(Run.objects.get())
    pipe.send(held.token)
    pipe.recv()
    try:
        publish_rows(date_of(1), answers_of(1), key="zombie", fence=held.fence)
    except Exception as error:
        pipe.send(type(error).__name__)
    else:
        pipe.send("published")


def take_over() -> None:
    held = claim(Run.objects.get())
    assert held is not None


def begin_run() -> None:
    start_run(kind="test", business_date=FIRST, steps=["publish"], inputs={}, by="operations")


def work_at_publishing() -> None:
    def publish(held: Any) -> Done:
        publish_rows(date_of(2), answers_of(2), key="day2", fence=held.fence)
        return Done()

    run = Run.objects.get()
    while run.state not in (State.DONE, State.FAILED):
        work_once(run, {"publish": publish})
        time.sleep(0.1)
        run.refresh_from_db()


# --- what a reader sees ---


READ = """
    SELECT (SELECT p.business_date FROM campaigns_currentpublication c
            JOIN campaigns_publication p ON p.id = c.publication_id),
           array_agg(DISTINCT profile ->> 'day'), count(*)
    FROM (
        SELECT DISTINCT ON (customer_no) customer_no, departed, profile
        FROM campaigns_answer
        WHERE publication_id <= (SELECT publication_id FROM campaigns_currentpublication)
        ORDER BY customer_no, publication_id DESC
    ) AS current WHERE NOT departed
"""


def read_all_the_time(url: str, pipe: Any) -> None:
    """Poll the current answers, one statement each time, until told to stop; tell what it saw."""
    seen: set[tuple[str, str, int]] = set()
    polls = 0
    with psycopg.connect(url, autocommit=True) as connection:
        while not pipe.poll():
            day, days, customers = connection.execute(READ).fetchone()
            seen.add((str(day), json.dumps(days), customers))
            polls += 1
            time.sleep(0.002)
    pipe.send((polls, seen))


@pytest.fixture
def reader(site: Site) -> Iterator[Any]:
    """A process that reads while the test publishes; call it to stop and hear what it saw."""
    ours, theirs = CONTEXT.Pipe()
    process = site.start(read_all_the_time, site.database_url, theirs)

    def stop() -> tuple[int, set[tuple[str, str, int]]]:
        ours.send("stop")
        return ours.recv()

    yield stop
    process.kill()


def consistent(seen: set[tuple[str, str, int]]) -> set[str]:
    """The days that were seen, each whole: every customer's answer is of the pointer's day."""
    for day, days, customers in seen:
        if day != "None":
            number = (date.fromisoformat(day) - FIRST).days
            assert (days, customers) == (json.dumps([str(number)]), CUSTOMERS)
    return {day for day, _, _ in seen if day != "None"}


def current(site: Site) -> tuple[Any, ...]:
    with psycopg.connect(site.database_url) as connection:
        return connection.execute(READ).fetchone()


# --- tests ---


def test_a_reader_never_sees_two_days_mixed(site: Site, reader: Any) -> None:
    assert site.run(publish_days, list(range(1, 8))) == 0
    polls, seen = reader()
    assert len(consistent(seen)) >= 3, f"too little seen in {polls} polls"


def test_kills_during_publishing_leave_the_day_before_or_the_day_itself(
    site: Site, reader: Any
) -> None:
    random = Random(7)
    started = time.monotonic()
    assert site.run(publish_day, 1) == 0
    took = time.monotonic() - started
    for day in range(2, 10):
        victim = site.start(publish_day, day)
        time.sleep(random.uniform(0, took))
        victim.kill()
        victim.join()
        found = current(site)
        assert found[0] in (date_of(day - 1), date_of(day))
        assert site.run(publish_day, day) == 0
        assert current(site) == (date_of(day), [str(day)], CUSTOMERS)
    consistent(reader()[1])


def test_killed_before_the_commit_nothing_has_happened(site: Site) -> None:
    assert site.run(publish_day, 1) == 0
    assert site.run(die_on_the_last_line, 2) == -signal.SIGKILL
    assert current(site) == (date_of(1), ["1"], CUSTOMERS)
    assert site.run(publish_day, 3) == 0
    assert current(site) == (date_of(3), ["3"], CUSTOMERS)


def test_rivals_publish_one_after_the_other(site: Site, reader: Any) -> None:
    rivals = [site.start(try_day, day) for day in (3, 1, 2, 4, 4, 2)]
    for rival in rivals:
        rival.join()
    assert [rival.exitcode for rival in rivals] == [0] * len(rivals)
    assert current(site) == (date_of(4), ["4"], CUSTOMERS)
    consistent(reader()[1])


def test_a_zombie_with_an_old_token_cannot_publish(site: Site) -> None:
    assert site.run(begin_run) == 0
    ours, theirs = CONTEXT.Pipe()
    zombie = site.start(hold_then_publish, theirs)
    assert ours.recv() == 1
    os.kill(zombie.pid, signal.SIGSTOP)
    time.sleep(1.5)  # the lease runs out
    assert site.run(take_over) == 0
    os.kill(zombie.pid, signal.SIGCONT)
    ours.send("go on")
    assert ours.recv() == "LeaseLost"
    zombie.join()
    assert current(site) == (None, None, 0)


def test_a_publisher_that_freezes_is_let_go_of_and_the_day_goes_on(site: Site) -> None:
    assert site.run(publish_day, 1) == 0
    assert site.run(begin_run) == 0
    ours, theirs = CONTEXT.Pipe()
    frozen = site.start(publish_and_freeze, 2, theirs)
    assert ours.recv() == "inside"
    os.kill(frozen.pid, signal.SIGSTOP)
    assert site.run(work_at_publishing, seconds=30) == 0
    assert current(site) == (date_of(2), ["2"], CUSTOMERS)
    frozen.kill()
