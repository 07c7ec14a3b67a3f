"""`python -m bench.figures`: what each model reaches on public data and on the planted truth.

Environment: ONLY, the beginning of the names of the figures to measure; TABLE and OUTCOME, a
table of one's own (see bench.figures.table).
"""

import json
import os
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from rich.console import Console
from rich.table import Table

from bench import figures
from bench.figures import Figure, Found


def main() -> None:
    only = os.environ.get("ONLY", "")
    table = Table(title="Figures of the models")
    for heading in ("figure", "what", "found", "95 %", "baseline", "bar", "holds", "n"):
        table.add_column(heading)
    for figure in _figures():
        if figure.name.startswith(only):
            found = figure.measure()
            print(_as_json(figure, found), flush=True)
            table.add_row(*_cells(figure, found))
    Console().print(table)


def _figures() -> Iterator[Figure]:
    for module in sorted(m.name for m in iter_modules(figures.__path__)):
        if not module.startswith("_"):
            yield from getattr(import_module(f"bench.figures.{module}"), "FIGURES", ())


def _as_json(figure: Figure, found: Found) -> str:
    told = {"name": figure.name, "figure": _short(found.figure), "bar": figure.bar}
    told |= {"holds": figure.holds(found.figure), "n": found.n}
    told |= {n: _short(getattr(found, n)) for n in ("low", "high", "baseline")}
    if found.named:
        told["named"] = list(found.named)
    return json.dumps(told)


def _short(figure: float | None) -> float | None:
    return None if figure is None else float(f"{figure:.4g}")


def _cells(figure: Figure, found: Found) -> list[str]:
    def told(value: float | None) -> str:
        return "" if value is None else f"{value:.4g}{figure.unit}"

    interval = f"{told(found.low)} – {told(found.high)}" if found.low is not None else ""
    bar = "" if figure.bar is None else f"{'≥' if figure.at_least else '≤'} {told(figure.bar)}"
    holds = {True: "yes", False: "NO", None: ""}[figure.holds(found.figure)]
    return [
        figure.name,
        ": ".join(filter(None, (figure.what, ", ".join(found.named)))),
        told(found.figure),
        interval,
        told(found.baseline),
        bar,
        holds,
        f"{found.n:,}",
    ]


if __name__ == "__main__":
    main()
