"""The process's peak memory over a stretch of work, as the Linux kernel counts it."""

import resource
from contextlib import suppress
from pathlib import Path

_SELF = Path("/proc/self")


def reset_peak() -> None:
    """Begin a new stretch. Where /proc can't be written, the peak is the process's whole life's."""
    with suppress(OSError):
        (_SELF / "clear_refs").write_text("5")


def peak_mib() -> int:
    """Return the highest resident memory since ``reset_peak``, in MiB."""
    try:
        status = (_SELF / "status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024
