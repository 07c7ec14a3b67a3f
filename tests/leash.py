"""Ends what a killed test session leaves behind: `python -m tests.leash CONTROLLER DIRECTORY`.

Waits until process CONTROLLER is gone, or has removed DIRECTORY itself; then ends every process
that works below DIRECTORY and removes it.
"""

import os
import signal
import sys
import time
from pathlib import Path

import psutil

from deploy.processes import start_ticks
from tests.servers import remove_session_directory


def main(controller: int, directory: Path) -> None:
    started = start_ticks(controller)
    while directory.is_dir() and started is not None and start_ticks(controller) == started:
        time.sleep(0.5)
    if directory.is_dir():
        remove_session_directory(directory)
    for process in _working_below(directory):
        process.send_signal(signal.SIGKILL)


def _working_below(directory: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            place = Path(process.cwd().removesuffix(" (deleted)"))
        except (psutil.Error, FileNotFoundError):
            continue
        if place.is_relative_to(directory) and process.pid != os.getpid():
            found.append(process)
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
