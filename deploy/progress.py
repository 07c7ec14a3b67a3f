"""Progress on the terminal, before anything is installed that could draw it. Standard library."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self, TextIO

_WIDTH = 30
_FRAME_SECONDS = 0.2


class Progress:
    """One task's line: a bar where the whole is known, a moving mark where it is not.

    On a terminal the line is redrawn in place; elsewhere only its end is printed, so that a
    log holds one line per task.
    """

    def __init__(self, title: str, total: int | None = None, out: TextIO = sys.stdout) -> None:
        self.title = title
        self.total = total
        self.done = 0
        self.detail = ""
        self._out = out
        self._started = time.monotonic()
        self._over = threading.Event()
        self._drawing = threading.Thread(target=self._draw_often, daemon=True)

    def __enter__(self) -> Self:
        if self._out.isatty():
            self._drawing.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        if self._drawing.is_alive():
            self._drawing.join()
        seconds = time.monotonic() - self._started
        end = f"done in {seconds:.1f} s" if kind is None else "stopped"
        self._write(f"  {self.title}: {end}", "\n")

    def line(self) -> str:
        """What the terminal shows now."""
        if self.total:
            filled = _WIDTH * min(self.done, self.total) // self.total
            bar = "#" * filled + "-" * (_WIDTH - filled)
            counts = f" {self.done}/{self.total}"
        else:
            place = int((time.monotonic() - self._started) / _FRAME_SECONDS) % _WIDTH
            bar, counts = "-" * place + "#" + "-" * (_WIDTH - place - 1), ""
        return f"  {self.title} [{bar}]{counts} {self.detail}"

    def _draw_often(self) -> None:
        while not self._over.wait(_FRAME_SECONDS):
            self._write(self.line()[:110], "")

    def _write(self, text: str, end: str) -> None:
        back, clear = ("\r", "\x1b[K") if self._out.isatty() else ("", "")
        with suppress(OSError):  # the terminal may have gone; the work goes on
            self._out.write(f"{back}{text}{clear}{end}")
            self._out.flush()


@contextmanager
def waiting(title: str) -> Iterator[Progress]:
    """Show that `title` goes on, for how long nobody knows."""
    with Progress(title) as progress:
        yield progress
