"""`python -m bench`: the table of measured promises, each row as a JSON line too.

Environment: ONLY, the beginning of the names of the rows to run; CUSTOMERS, the size.
"""

import os
import shutil
from importlib import import_module
from pathlib import Path
from types import ModuleType
from uuid import uuid4

from rich.console import Console
from rich.table import Table

from bench.measure import Result, Row, as_json, measured, prepared

MODULES = (
    "assign",
    "segmentation",
    "segmentation_flows",
    "segmentation_audiences",
    "day",
    "touch",
    "association",
    "propensity",
    "scoring",
)
CUSTOMERS = 10_000_000
VAR = Path(os.environ.get("JUZHEN_VAR", "var"))


def main() -> None:
    only, customers = os.environ.get("ONLY", ""), int(os.environ.get("CUSTOMERS", CUSTOMERS))
    table = Table(title=f"{customers:,} customers, {os.cpu_count()} cores")
    for heading in ("row", "what", "figure", "bar", "holds", "peak MiB"):
        table.add_column(heading)
    for name in MODULES:
        module = _module(name)
        rows = [row for row in module.ROWS if row.name.startswith(only)]
        if rows:
            most = getattr(module, "MOST_CUSTOMERS", customers)
            _measure(module.__name__, rows, min(customers, most), table)
    Console().print(table)


def _module(name: str) -> ModuleType:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    return import_module(f"bench.{name}")


def _measure(module: str, rows: list[Row], customers: int, table: Table) -> None:
    work = (VAR / "bench" / uuid4().hex).resolve()
    work.mkdir(parents=True)
    try:
        prepared(module, work, customers)
        for row in rows:
            result = measured(module, row, work, customers)
            print(as_json(result), flush=True)
            table.add_row(*_cells(row, result))
    finally:
        shutil.rmtree(work)


def _cells(row: Row, result: Result) -> list[str]:
    bar = "" if row.bar is None else f"{'≥' if row.at_least else '≤'} {row.bar:g} {row.unit}"
    holds = {True: "yes", False: "NO", None: ""}[result.holds]
    figure = f"{result.figure:g} {row.unit}"
    return [row.name, row.what, figure, bar, holds, str(result.peak_mib)]


if __name__ == "__main__":
    main()
