"""The virtual environment, built from a lock file with pip alone. Standard library only."""

import fcntl
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

from deploy.errors import DeployError
from deploy.places import CHECKOUT
from deploy.processes import tail
from deploy.progress import Progress, waiting

VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"

# A lock that holds all of another one's packages at the same versions.
_INCLUDES = {"requirements-dev.txt": ("requirements.txt",)}


def ensure(*locks: str) -> None:
    """Have `.venv` hold the packages of these lock files; does nothing where it does.

    Whoever comes second waits for the first: `make run` and `make test` may begin together.
    """
    with (CHECKOUT / "requirements.txt").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _usable():
            _build()
        for name in locks:
            if _stamps().get(name) != _fingerprint(name):
                _install(name)
                _stamp(name, *_INCLUDES.get(name, ()))


def _usable() -> bool:
    """Whether `.venv` exists and its Python still runs, as the version it was made for."""
    question = "import sys; print(*sys.version_info[:2])"
    try:
        done = subprocess.run([PYTHON, "-c", question], capture_output=True, text=True)
    except OSError:
        return False
    return done.stdout.split() == [str(part) for part in sys.version_info[:2]]


def _build() -> None:
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise DeployError(
                "no_venv",
                f"Python must have its module {module}; {sys.executable} has not."
                " Install it: apt-get install python3-venv",
            )
    with waiting("Making .venv"):
        _check_call([sys.executable, "-m", "venv", "--clear", str(VENV)])


def _install(name: str) -> None:
    """Install exactly what the lock says, each file checked against its hash."""
    log = VENV / "install.log"
    packages = (CHECKOUT / name).read_text().count("==")
    command: list[str | Path] = [PYTHON, "-m", "pip", "install", "--require-hashes", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar=off", "-r", name]
    with (
        Progress(f"Installing {name}", packages) as progress,
        log.open("w") as record,
        subprocess.Popen(
            command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as pip,
    ):
        assert pip.stdout is not None
        for line in pip.stdout:
            record.write(line)
            _follow(progress, line.split())
    if pip.returncode != 0:
        raise DeployError(
            "install_failed",
            f"pip must install {name}; it ended with {pip.returncode}. Its log is {log}:\n"
            + tail(log, 15),
        )


def _follow(progress: Progress, words: list[str]) -> None:
    """Read pip's own words: one `Collecting` or `already satisfied` per package."""
    if words[:1] == ["Collecting"] or words[:3] == ["Requirement", "already", "satisfied:"]:
        progress.done += 1
        progress.detail = words[-1] if words[0] == "Collecting" else words[3]
    elif words[:2] == ["Installing", "collected"]:
        progress.detail = "unpacking"


def _check_call(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise DeployError(
            "venv_failed",
            f"{' '.join(command)} must work; it said:\n{done.stdout}{done.stderr}"
            "If a package is missing: apt-get install python3-venv",
        )


def _fingerprint(name: str) -> str:
    return hashlib.sha256((CHECKOUT / name).read_bytes()).hexdigest()


def _stamps() -> dict[str, str]:
    """What `.venv` holds: the fingerprint of each lock file installed into it."""
    try:
        stamps: dict[str, str] = json.loads((VENV / "locks.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return stamps


def _stamp(*names: str) -> None:
    stamps = _stamps() | {name: _fingerprint(name) for name in names}
    new = VENV / f"locks.json.{os.getpid()}"
    new.write_text(json.dumps(stamps, indent=1))
    new.rename(VENV / "locks.json")
