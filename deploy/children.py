"""The processes that `make run` keeps alive: started, watched, restarted, stopped in order."""

import ctypes
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy import processes

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_LONGEST_PAUSE = 60.0
# One that has run so long has recovered: its next failure starts at a short pause again.
_STEADY_SECONDS = 60.0


@dataclass
class Child:
    """One program in a process group of its own. `grace`: seconds to end its work when told to."""

    name: str
    command: Sequence[str | Path]
    log: Path
    grace: float = 10.0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    started: float = 0.0
    failures: int = 0

    def start(self, cwd: Path) -> None:
        self.process = spawn(self.command, cwd, self.log)
        self.started = time.monotonic()

    def has_died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def pause(self) -> float:
        """Seconds until the next attempt: 1, 2, 4 … 60."""
        return float(min(2.0 ** (self.failures - 1), _LONGEST_PAUSE))


class Supervisor:
    """Keeps children running; `say` prints one line for the person at the terminal.

    Their process ids are kept in `record`, so that the next launcher can end what a killed
    one left behind.
    """

    def __init__(self, cwd: Path, record: Path, say: Callable[[str], None]) -> None:
        self.cwd = cwd
        self.record = record
        self.say = say
        self.children: list[Child] = []
        self._due: dict[str, float] = {}

    def start(self, child: Child) -> None:
        self.children.append(child)
        child.start(self.cwd)
        self._write_record()

    def watch_once(self) -> None:
        """Restart those whose pause is over; report those that died since the last look."""
        now = time.monotonic()
        for child in self.children:
            if child.name in self._due:
                if now >= self._due[child.name]:
                    del self._due[child.name]
                    child.start(self.cwd)
                    self._write_record()
            elif child.has_died():
                self._report(child, now)

    def stop(self) -> None:
        """Stop all, the last started first; each has its grace, then its group is killed."""
        for child in reversed(self.children):
            if child.process is not None:
                end_group(child.process, child.grace)
        self.children.clear()
        self.record.unlink(missing_ok=True)

    def end_leftovers(self, grace: float = 10) -> None:
        """End what a killed launcher left running; a process id used again is left alone."""
        if not self.record.exists():
            return
        for pid, ticks in json.loads(self.record.read_text()):
            if processes.start_ticks(pid) == ticks:
                processes.end_process(pid, first=signal.SIGTERM, grace=grace)
        self.record.unlink()

    def _report(self, child: Child, now: float) -> None:
        assert child.process is not None
        end_group(child.process, grace=0)  # what it may have left of its group
        steady = now - child.started > _STEADY_SECONDS
        child.failures = 1 if steady else child.failures + 1
        self._due[child.name] = now + child.pause()
        self.say(
            f"{child.name} ended ({_how(child.process.returncode)}); it starts again in"
            f" {child.pause():.0f} s. Its log is {child.log}:\n{processes.tail(child.log)}"
        )

    def _write_record(self) -> None:
        pids = [child.process.pid for child in self.children if child.process]
        new = self.record.with_suffix(".new")
        new.write_text(json.dumps([(pid, processes.start_ticks(pid)) for pid in pids]))
        new.rename(self.record)


def spawn(command: Sequence[str | Path], cwd: Path, log: Path | None) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own: Ctrl-C is for the launcher, who tells it.

    If the launcher is killed outright, the kernel tells it to end. Without a `log` it speaks
    to our terminal.
    """
    launcher = os.getpid()

    def end_with_launcher() -> None:
        # The launcher's own handler would take the signal, and be gone with it at exec.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != launcher:  # gone before the kernel was asked
            os.kill(os.getpid(), signal.SIGTERM)

    output = processes.open_log(log) if log else None
    try:
        return subprocess.Popen(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            start_new_session=True,
            preexec_fn=end_with_launcher,
        )
    finally:
        if output:
            output.close()


def end_group(process: subprocess.Popen[bytes], grace: float) -> None:
    """Tell the process to end, wait, then kill all of its group that is left."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _kill_group(process)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:  # all gone by themselves: the usual case
        return
    process.wait()


def _how(returncode: int) -> str:
    if returncode < 0:
        return f"killed by {signal.Signals(-returncode).name}"
    return f"exit code {returncode}"
