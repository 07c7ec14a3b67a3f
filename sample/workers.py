"""Tasks side by side in fresh processes, which report progress and end with their parent."""

import multiprocessing as mp
import os
import queue
import signal
from collections.abc import Callable, Sequence
from multiprocessing.queues import Queue

Task = Callable[[Callable[[int], None]], None]
PATIENCE = 1.0  # seconds between two looks at whether everybody is alive


class WorkerDied(RuntimeError):
    """A process ended before its tasks were done."""


def share_out(tasks: Sequence[Task], workers: int, report: Callable[[int], None]) -> None:
    """Run ``tasks`` (picklable, about equally long) in ``workers`` processes; pass reports on."""
    context = mp.get_context("spawn")
    reports = context.Queue()
    processes = [
        context.Process(target=_work, args=(tasks[n::workers], reports), daemon=True)
        for n in range(min(workers, len(tasks)))
    ]
    for process in processes:
        process.start()
    try:
        _listen(processes, reports, report)
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _listen(processes: Sequence[mp.Process], reports: Queue, report: Callable[[int], None]) -> None:
    """Pass reports on until every process has said None, its last word."""
    working = len(processes)
    while working:
        try:
            said = reports.get(timeout=PATIENCE)
        except queue.Empty:
            _look_for_dead(processes)
            continue
        if said is None:
            working -= 1
        else:
            report(said)


def _look_for_dead(processes: Sequence[mp.Process]) -> None:
    for process in processes:
        if process.exitcode:
            raise WorkerDied(f"a process that made files ended with code {process.exitcode}")


def _work(tasks: Sequence[Task], reports: Queue) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who ends us
    for task in tasks:
        task(lambda done: _tell(reports, done))
    reports.put(None)


def _tell(reports: Queue, done: int) -> None:
    parent = mp.parent_process()
    if parent is not None and not parent.is_alive():
        os._exit(1)  # nobody is left to listen: an orderly exit would wait for the queue to empty
    reports.put(done)
