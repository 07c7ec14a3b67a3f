"""The harness: rows of the table, each measured in a process of its own, side by side in one run.

A module of benchmarks has ``prepare(work, customers)``, which makes its input under ``work`` once,
and ``ROWS``. A row's function gets the same two arguments and returns a figure. Times that are
compared are taken in turns (``in_turns``), so that a busy machine slows both sides alike.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

Measure = Callable[[Path, int], float]


@dataclass(frozen=True)
class Row:
    """One promise: ``measure`` must stay at most, or at least, at the bar; None: only told."""

    name: str
    what: str
    measure: Measure
    bar: float | None
    unit: str = "×"
    at_least: bool = False

    def holds(self, figure: float) -> bool | None:
        if self.bar is None:
            return None
        return figure >= self.bar if self.at_least else figure <= self.bar


@dataclass(frozen=True)
class Result:
    """What is printed as a JSON line; ``n`` customers, ``peak_mib`` of the measuring process."""

    name: str
    figure: float
    bar: float | None
    holds: bool | None
    n: int
    peak_mib: int


def measured(module: str, row: Row, work: Path, customers: int) -> Result:
    """Measure a row in a fresh process; its peak memory is its own."""
    answer = _in_process(module, row.name, work, customers)
    figure = float(f"{answer['figure']:.4g}")
    return Result(row.name, figure, row.bar, row.holds(figure), customers, answer["peak_mib"])


def prepared(module: str, work: Path, customers: int) -> None:
    """Make a module's input, in a process of its own too: its memory is not the rows'."""
    _in_process(module, "", work, customers)


def in_turns(rounds: int, *runs: Callable[[], object]) -> list[float]:
    """Return the least seconds of each run, the runs taking turns ``rounds`` times."""
    least = [float("inf")] * len(runs)
    for _ in range(rounds):
        for place, run in enumerate(runs):
            started = time.perf_counter()
            run()
            least[place] = min(least[place], time.perf_counter() - started)
    return least


def _in_process(module: str, row: str, work: Path, customers: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.measure", module, row, str(work), str(customers)]
    # The product's files go to the work folder, so that a benchmark leaves nothing behind.
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LAKE_DIR": str(work / "lake"),
        "LANDING_DIR": str(work / "landing"),
    }
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _main(module: str, name: str, work: Path, customers: int) -> None:
    import django

    django.setup()
    benchmarks = import_module(module)
    figure = 0.0
    if name:
        row = next(row for row in benchmarks.ROWS if row.name == name)
        figure = row.measure(work, customers)
    else:
        benchmarks.prepare(work, customers)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"figure": figure, "peak_mib": peak}))


def as_json(result: Result) -> str:
    return json.dumps(asdict(result))


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
