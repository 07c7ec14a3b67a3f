"""Processes side by side: reports arrive, a death is noticed, nobody outlives the parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sample.workers import WorkerDied, share_out

pytestmark = pytest.mark.timeout(90)  # a guard that is missing shows as waiting

Report = Callable[[int], None]
PIDS = "WORKER_PIDS"


def die(report: Report) -> None:
    report(1)
    os.kill(os.getpid(), signal.SIGKILL)


def count_to_three(report: Report) -> None:
    for _ in range(3):
        report(1)


def go_on(report: Report) -> None:
    (Path(os.environ[PIDS]) / str(os.getpid())).touch()
    for _ in range(3_000):
        report(1)
        time.sleep(0.02)


def test_reports_of_all_workers_arrive() -> None:
    heard: list[int] = []
    share_out([count_to_three] * 3, 2, heard.append)
    assert sum(heard) == 9


def test_a_worker_that_dies_is_noticed() -> None:
    with pytest.raises(WorkerDied, match="-9"):
        share_out([die, count_to_three], 2, lambda done: None)


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = "from tests.sample.test_workers import *; share_out([go_on] * 2, 2, lambda done: None)"
    parent = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {PIDS: str(tmp_path)})
    try:
        wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    finally:
        parent.kill()
        parent.wait()
    wait_until(lambda: not any(is_running(int(pid.name)) for pid in tmp_path.iterdir()))


def is_running(pid: int) -> bool:
    """A process that has ended but was not yet waited for does not count."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)
