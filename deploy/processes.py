"""What the kernel knows about processes, read from /proc. Standard library only."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

_PROC = Path("/proc")
_POLL_SECONDS = 0.05
_LARGEST_LOG = 20 * 1024 * 1024


def is_alive(pid: int) -> bool:
    """Whether `pid` runs. A zombie does not: nobody may be there to bury it in a container."""
    fields = _stat_fields(pid)
    return bool(fields) and fields[0] != "Z"


def start_ticks(pid: int) -> int | None:
    """When `pid` started, in clock ticks since boot: with the pid, the identity of a process.

    None where there is no such process.
    """
    fields = _stat_fields(pid)
    return int(fields[19]) if fields else None


def command_name(pid: int) -> str:
    """The program's name as the kernel keeps it (at most 15 bytes); empty if it is gone."""
    try:
        return (_PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def running_in(directory: Path, names: Collection[str]) -> list[int]:
    """Live processes with one of these command names whose working directory is `directory`.

    Database servers change into their data directory, so this finds them, and what a killed
    one left behind, without believing any pid file.
    """
    return [pid for pid in _pids() if runs_in(pid, directory, names)]


def runs_in(pid: int, directory: Path, names: Collection[str]) -> bool:
    """Whether `pid` is one of the processes that `running_in` finds."""
    return command_name(pid) in names and is_alive(pid) and _works_in(pid, directory)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask `condition` until it holds or `seconds` are over; say whether it held."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def start_detached(command: Sequence[str | Path], log: Path, **options: Any) -> int:
    """Start a server that outlives us; its process id. Its words go to the end of `log`.

    It gets a session of its own (Ctrl-C at our terminal is not for it), and the shell between
    leaves at once, so that the system and not we must bury it. `options` are subprocess's.
    """
    with open_log(log) as file:
        shell = subprocess.run(
            ["sh", "-c", '"$@" >&2 & echo $!', "sh", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=file,
            start_new_session=True,
            check=True,
            **options,
        )
    return int(shell.stdout)


def open_log(path: Path) -> BinaryIO:
    """Open a log to add to; one that has grown large becomes `NAME.1` first."""
    if path.exists() and path.stat().st_size > _LARGEST_LOG:
        path.rename(path.with_name(path.name + ".1"))
    return path.open("ab")


def end_process(pid: int, *, first: signal.Signals, grace: float) -> None:
    """Ask `pid` to end with signal `first`; kill it if it still runs after `grace` seconds."""
    started = start_ticks(pid)

    def gone() -> bool:
        return not is_alive(pid) or start_ticks(pid) != started

    for number in (first, signal.SIGKILL):
        if gone():
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if wait_until(gone, grace):
            return


def tail(path: Path, lines: int = 8) -> str:
    """The last `lines` of a log, or nothing where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 16_384))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _pids() -> Iterator[int]:
    if not _PROC.is_dir():
        return
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def _stat_fields(pid: int) -> list[str]:
    """/proc/PID/stat after the command, which may itself hold spaces and brackets."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _works_in(pid: int, directory: Path) -> bool:
    try:
        return Path(os.readlink(_PROC / str(pid) / "cwd")) == directory
    except OSError:  # gone meanwhile, or another user's: then it is not ours
        return False
