"""Celery's own worker and beat, as processes that tests may kill."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy import processes
from deploy.places import CHECKOUT
from tests.forks import Site


@dataclass
class Celery:
    """Workers and schedulers on one site and one broker."""

    site: Site
    broker_url: str
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def worker(self) -> subprocess.Popen[bytes]:
        options = ["--concurrency=1", "--without-gossip", "--without-mingle", "--loglevel=WARNING"]
        return self._start("worker", *options, f"--hostname=w{len(self.running)}@juzhen-test")

    def beat(self) -> subprocess.Popen[bytes]:
        schedule = self.site.directory / f"beat{len(self.running)}"
        return self._start("beat", f"--schedule={schedule}", "--pidfile=", "--loglevel=WARNING")

    @property
    def log(self) -> Path:
        return self.site.directory / "celery.log"

    def has_died(self) -> bool:
        """Whether a process ended that no test has killed."""
        return any(process.poll() not in (None, -signal.SIGKILL) for process in self.running)

    def stop(self) -> None:
        for process in self.running:
            kill(process)

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "config", *command],
                cwd=CHECKOUT,
                env=self.site.environment(self.broker_url),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running.append(process)
        return process


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9 the process and its children: the whole machine goes at once."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def tail(celery: Celery) -> str:
    return processes.tail(celery.log, 30)
