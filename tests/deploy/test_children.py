import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy import processes
from deploy.children import Child, Supervisor
from deploy.places import CHECKOUT


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path, tmp_path / "children.json", said.append)
    yield supervisor
    supervisor.stop()


def shell(name: str, script: str, directory: Path, grace: float = 5) -> Child:
    return Child(name, ["sh", "-c", script], directory / f"{name}.log", grace)


def watch_until(supervisor: Supervisor, condition: object) -> None:
    def look() -> bool:
        supervisor.watch_once()
        return condition()

    assert processes.wait_until(look, 15)


def test_a_child_that_dies_is_named_with_its_last_words_and_restarted(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    child = shell("portal", "echo last words; sleep 60", tmp_path)
    supervisor.start(child)
    first = child.process.pid
    processes.wait_until(lambda: "last words" in processes.tail(child.log), 5)
    child.process.kill()
    watch_until(supervisor, lambda: child.process.pid != first and not child.has_died())
    assert len(said) == 1
    assert said[0].startswith("portal ended (killed by SIGKILL); it starts again in 1 s.")
    assert "last words" in said[0]


def test_each_failure_in_a_row_doubles_the_pause_up_to_a_minute(tmp_path: Path) -> None:
    child = shell("worker", "exit 1", tmp_path)
    pauses = []
    for child.failures in range(1, 10):
        pauses.append(child.pause())
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_what_a_dead_child_left_of_its_group_is_ended(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    child = shell("worker", "sleep 61 & echo $!; wait", tmp_path)
    supervisor.start(child)
    processes.wait_until(lambda: processes.tail(child.log) != "", 5)
    orphan = int(processes.tail(child.log))
    child.process.kill()
    watch_until(supervisor, lambda: said)
    assert processes.wait_until(lambda: not processes.is_alive(orphan), 5)


def test_they_stop_the_last_started_first(supervisor: Supervisor, tmp_path: Path) -> None:
    order = tmp_path / "order"
    for name in ("portal", "worker", "beat"):
        script = f"trap 'echo {name} >>{order}; exit' TERM; echo up; while :; do sleep 0.05; done"
        supervisor.start(shell(name, script, tmp_path))
        processes.wait_until(lambda n=name: processes.tail(tmp_path / f"{n}.log") == "up", 5)
    supervisor.stop()
    assert order.read_text().split() == ["beat", "worker", "portal"]
    assert not supervisor.record.exists()


def test_a_child_that_will_not_end_is_killed_after_its_grace(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    child = shell("worker", "trap '' TERM; echo up; while :; do sleep 0.1; done", tmp_path, 0.3)
    supervisor.start(child)
    processes.wait_until(lambda: processes.tail(child.log) == "up", 5)
    pid = child.process.pid
    supervisor.stop()
    assert not processes.is_alive(pid)


def test_a_large_log_is_put_aside_at_the_next_start(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_LARGEST_LOG", 10)
    child = shell("portal", "echo new; sleep 60", tmp_path)
    child.log.write_text("long ago\n" * 10)
    supervisor.start(child)
    assert processes.wait_until(lambda: child.log.read_text() == "new\n", 5)
    assert (tmp_path / "portal.log.1").read_text().startswith("long ago")


_KILLED_LAUNCHER = """\
import pathlib, sys, time
from deploy.children import Child, Supervisor
here = pathlib.Path(sys.argv[1])
supervisor = Supervisor(here, here / "children.json", print)
supervisor.start(Child("child", ["sh", "-c", sys.argv[2]], here / "log"))
print(supervisor.children[0].process.pid, flush=True)
time.sleep(60)
"""


def start_launcher(directory: Path, script: str) -> tuple[subprocess.Popen[str], int]:
    launcher = subprocess.Popen(
        [sys.executable, "-c", _KILLED_LAUNCHER, str(directory), script],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
    )
    return launcher, int(launcher.stdout.readline())


def kill(launcher: subprocess.Popen[str]) -> None:
    launcher.kill()
    launcher.communicate()


def test_children_end_when_their_launcher_is_killed(tmp_path: Path) -> None:
    launcher, pid = start_launcher(tmp_path, "exec sleep 62")
    kill(launcher)
    assert processes.wait_until(lambda: not processes.is_alive(pid), 5)


def test_the_next_launcher_ends_what_still_runs(supervisor: Supervisor, tmp_path: Path) -> None:
    deaf = "trap '' TERM; while :; do sleep 0.1; done"
    launcher, pid = start_launcher(tmp_path, deaf)
    processes.wait_until(lambda: bool(psutil.Process(pid).children()), 5)
    kill(launcher)
    assert processes.is_alive(pid)
    supervisor.end_leftovers(grace=0.2)
    assert not processes.is_alive(pid)
    assert not supervisor.record.exists()


def test_a_process_id_used_again_is_left_alone(supervisor: Supervisor) -> None:
    supervisor.record.write_text(f"[[{os.getpid()}, 1]]")
    supervisor.end_leftovers()
    assert not supervisor.record.exists()
