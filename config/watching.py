"""Following a run in the terminal, whoever works on it: its step rows say all there is to say."""

import threading
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from django.db import connection
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from jobs.models import Run, State, Step

POLL_SECONDS = 0.25
# A step gets a bar when it takes longer than a person waits without wondering.
BAR_AFTER = timedelta(seconds=2)


class Watch:
    """Prints a line for each step that ends, and shows a bar while a long one runs.

    It reads on a thread of its own, so that the caller may work on the very steps it shows.
    """

    def __init__(self, run: Run, console: Console) -> None:
        self.run = run
        self.console = console
        self.bars = Progress(
            TextColumn("  {task.description:<10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._told = set(run.steps.filter(state=State.DONE).values_list("pk", flat=True))
        self._bar: tuple[int, int] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True, name=f"watch {run}")

    def __enter__(self) -> Self:
        self.bars.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.bars.stop()

    def _follow(self) -> None:
        try:
            while not self._stop.wait(POLL_SECONDS):
                self._look()
            self._look()
        finally:
            connection.close()

    def _look(self) -> None:
        for step in self.run.steps.annotate(now=Now()).order_by("position"):
            if step.state == State.DONE and step.pk not in self._told:
                self._told.add(step.pk)
                self._drop_bar()
                self.console.print(f"  {step.name:<10} {rows(step):>14} {seconds(step):>8}")
            elif step.state == State.RUNNING and step.now - step.started_at > BAR_AFTER:
                self._show_bar(step)

    def _show_bar(self, step: Step) -> None:
        total = step.total_units or None
        if self._bar is None or self._bar[0] != step.pk:
            self._drop_bar()
            self._bar = (step.pk, self.bars.add_task(step.name, total=total))
        self.bars.update(self._bar[1], completed=step.done_units, total=total)

    def _drop_bar(self) -> None:
        if self._bar is not None:
            self.bars.remove_task(self._bar[1])
            self._bar = None


def summary(run: Run) -> Table:
    """The closing table: what each step did, its proof, its time and its peak memory."""
    table = Table(title=f"{run.business_date} #{run.number}", title_justify="left")
    table.add_column(_("step"))
    for name in (_("rows"), _("time"), _("peak MiB")):
        table.add_column(name, justify="right")
    table.add_column(_("proof"))
    for step in run.steps.order_by("position"):
        peak = f"{step.peak_mib:,}" if step.peak_mib is not None else ""
        table.add_row(step.name, rows(step), seconds(step), peak, proof(step))
    return table


def rows(step: Step) -> str:
    found = step.counts.get("rows")
    return f"{found:,}" if found is not None else ""


def seconds(step: Step) -> str:
    if step.started_at is None or step.finished_at is None:
        return ""
    return f"{(step.finished_at - step.started_at).total_seconds():.1f} s"


def proof(step: Step) -> str:
    """What shows that the step is whole, in the words of its counts."""
    counts = step.counts
    if step.state == State.FAILED and step.error:
        return _("failed: %s") % step.error["code"]
    if "tables" in counts:
        return "\n".join(
            _rows_proof(table, found) for table, found in _in_reading_order(counts["tables"])
        )
    if "matrices" in counts:
        return "\n".join(_cells_proof(found) for found in counts["matrices"])
    if "content_hash" in counts:
        return _("version %(publication)d, content %(content_hash)s") % counts
    return ""


def _in_reading_order(tables: dict[str, Any]) -> list[tuple[str, Any]]:
    """Customers first; the database keeps no order of the names."""
    return sorted(tables.items(), key=lambda item: (item[0] != "customers", item[0]))


def _rows_proof(table: str, found: dict[str, Any]) -> str:
    return _("%(table)s: %(rows_in)s in = %(loaded)s loaded + %(rejected)s rejected") % {
        "table": table,
        **{name: f"{found[name]:,}" for name in ("rows_in", "loaded", "rejected")},
    }


def _cells_proof(found: dict[str, Any]) -> str:
    return _(
        "%(matrix)s: %(customers)s customers, %(unassigned)s unassigned, "
        "%(doubly_assigned)s doubly assigned"
    ) % {
        "matrix": found["matrix"],
        **{name: f"{found[name]:,}" for name in ("customers", "unassigned", "doubly_assigned")},
    }
