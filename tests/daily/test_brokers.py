"""The broker is a doorbell: what it forgets costs time, and nothing else."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess

import kombu
import psycopg
import pytest
from kombu.exceptions import ChannelError

from tests.daily.conftest import Undisturbed
from tests.forks import Site

from .celery_processes import Celery, kill
from .province import DAY2, drafts, in_child, look, publications, steps

SECONDS = 150
QUEUE = "celery"


@dataclass
class Broker:
    """A broker that can be emptied."""

    url: str

    def waiting(self) -> int:
        """Messages in the queue; a wiped Valkey doesn't even know that there was one."""
        with kombu.Connection(self.url) as connection:
            try:
                return connection.default_channel.queue_declare(QUEUE, passive=True).message_count
            except ChannelError:
                return 0

    def wipe(self) -> None:
        """Forget every message, delivered or not."""
        with kombu.Connection(self.url) as connection:
            if self.url.startswith("amqp"):
                connection.default_channel.queue_purge(QUEUE)
            else:
                connection.default_channel.client.flushall()


@pytest.fixture(params=["valkey", "rabbitmq"])
def broker(request: pytest.FixtureRequest) -> Broker:
    found = Broker(request.getfixturevalue(f"{request.param}_url"))
    with kombu.Connection(found.url) as connection:
        connection.SimpleQueue(QUEUE).close()  # declared
    found.wipe()
    return found


@pytest.fixture
def celery(site: Site, broker: Broker) -> Iterator[Celery]:
    found = Celery(site, broker.url)
    yield found
    found.stop()


def ask_through(broker_url: str) -> None:
    """What `manage.py run_day --no-wait` does, with the bell going to this broker."""
    from celery import current_app

    from .province import ask_for

    current_app.conf.broker_url = broker_url
    ask_for(DAY2)


def wait_for(what: Callable[[], bool], celery: Celery) -> None:
    end = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < end, celery.tail()
        assert not celery.has_died(), celery.tail()
        time.sleep(0.05)


def done(site: Site) -> list[str]:
    return [step["name"] for step in steps(site.database_url) if step["state"] == "done"]


def finished(site: Site) -> bool:
    return steps(site.database_url)[0]["run"] in ("done", "failed")


def caught_in_the_act(worker: ForkServerProcess, site: Site) -> bool:
    """Freeze the worker; if it isn't in the middle of a step just then, let it go on."""
    os.killpg(worker.pid, signal.SIGSTOP)
    if any(step["state"] == "running" for step in steps(site.database_url)):
        return True
    os.killpg(worker.pid, signal.SIGCONT)
    return False


def check_finished(site: Site, undisturbed: Undisturbed) -> None:
    assert [step["error"] for step in steps(site.database_url)] == [None] * 5
    assert look(site.database_url) == undisturbed.after
    assert publications(site.database_url) == undisturbed.publications


def test_workers_do_the_day_when_the_bell_rings(
    site: Site, celery: Celery, broker: Broker, undisturbed: Undisturbed
) -> None:
    celery.worker()
    in_child(site, ask_through, broker.url)
    wait_for(lambda: finished(site), celery)
    check_finished(site, undisturbed)


def test_with_every_message_wiped_the_day_still_finishes(
    site: Site, celery: Celery, broker: Broker, undisturbed: Undisturbed
) -> None:
    in_child(site, ask_through, broker.url)
    assert broker.waiting() == 1
    broker.wipe()
    assert broker.waiting() == 0
    celery.worker()
    celery.beat()
    wait_for(lambda: "score" in done(site), celery)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        broker.wipe()
    wait_for(lambda: finished(site), celery)
    check_finished(site, undisturbed)


@pytest.mark.parametrize("broker", ["valkey"], indirect=True)
def test_two_workers_and_two_beats_do_no_harm(
    site: Site, celery: Celery, broker: Broker, undisturbed: Undisturbed
) -> None:
    for _ in range(2):
        celery.worker()
        celery.beat()
    in_child(site, ask_through, broker.url)
    wait_for(lambda: finished(site), celery)
    check_finished(site, undisturbed)
    assert [step["attempts"] for step in steps(site.database_url)] == [1] * 5


def test_a_worker_killed_in_the_middle_of_a_step_is_replaced(
    site: Site, celery: Celery, broker: Broker, undisturbed: Undisturbed
) -> None:
    victim = celery.worker()
    in_child(site, ask_through, broker.url)
    wait_for(lambda: caught_in_the_act(victim, site), celery)
    kill(victim)
    celery.worker()
    celery.beat()
    wait_for(lambda: finished(site), celery)
    check_finished(site, undisturbed)
    assert max(step["attempts"] for step in steps(site.database_url)) == 2


def test_no_broker_at_all_only_delays(
    site: Site, valkey_url: str, undisturbed: Undisturbed
) -> None:
    in_child(site, ask_through, "redis+socket:///nowhere/at/all.sock")
    with psycopg.connect(site.database_url) as connection:
        [unsent] = connection.execute(
            "SELECT count(*) FROM jobs_outboxmessage WHERE sent_at IS NULL"
        ).fetchone()
    assert unsent == 1
    celery = Celery(site, valkey_url)
    try:
        celery.worker()
        celery.beat()
        wait_for(lambda: finished(site), celery)
    finally:
        celery.stop()
    check_finished(site, undisturbed)
    assert drafts(site) == []
