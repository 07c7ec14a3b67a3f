"""Celery's own worker and beat, as processes that tests may kill."""

import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from deploy import processes
from tests.forks import Site, write_to


@dataclass
class Celery:
    """Workers and schedulers on one site and one broker."""

    site: Site
    broker_url: str
    running: list[ForkServerProcess] = field(default_factory=list)

    def worker(self) -> ForkServerProcess:
        options = ["--concurrency=1", "--without-gossip", "--without-mingle", "--loglevel=WARNING"]
        return self._start("worker", *options, f"--hostname=w{len(self.running)}@juzhen-test")

    def beat(self) -> ForkServerProcess:
        schedule = self.site.directory / f"beat{len(self.running)}"
        return self._start("beat", f"--schedule={schedule}", "--pidfile=", "--loglevel=WARNING")

    @property
    def log(self) -> Path:
        return self.site.directory / "celery.log"

    def tail(self) -> str:
        return processes.tail(self.log, 30)

    def has_died(self) -> bool:
        """Whether a process ended that no test has killed."""
        return any(process.exitcode not in (None, -signal.SIGKILL) for process in self.running)

    def stop(self) -> None:
        for process in self.running:
            kill(process)

    def _start(self, *command: str) -> ForkServerProcess:
        process = self.site.start(_celery, self.broker_url, self.log, command)
        self.running.append(process)
        return process


def kill(process: ForkServerProcess) -> None:
    """kill -9 the process and its children: the whole machine goes at once."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.join()


def _celery(broker_url: str, log: Path, command: tuple[str, ...]) -> None:
    """What `celery -A config …` does."""
    from celery import current_app
    from celery.__main__ import main

    write_to(log)
    current_app.conf.broker_url = broker_url
    sys.argv = ["celery", "-A", "config", *command]
    main()
