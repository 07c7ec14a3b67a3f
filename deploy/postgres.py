"""PostgreSQL inside a checkout: its data, its start and its stop. Standard library only.

The server listens on one unix socket, in a directory that only its user may enter, and on no
TCP port. It is found by what the kernel says (a `postgres` whose working directory is our data
directory), so a stale pid file after a crash misleads nobody.
"""

import os
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from uuid import uuid4

from deploy import processes
from deploy.accounts import Account
from deploy.binaries import PostgresBinaries, find_postgres
from deploy.errors import DeployError
from deploy.places import (
    DATABASE,
    POSTGRES_SOCKET,
    ROLE,
    Place,
    make_directory,
    make_socket_directory,
    remove_socket_directory,
)

# Where data go when the server's user cannot enter the checkout.
_SYSTEM_HOME = Path("/var/lib/juzhen")
_ADMINISTRATOR = "postgres"
_NAMES = {"postgres"}

# Recovery after a crash replays up to max_wal_size of log; a slow disk needs minutes for it.
_START_SECONDS = 600
_STOP_SECONDS = 120

_COMMON: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    # One machine, local disk: an index read costs little more than a sequential one.
    "random_page_cost": "1.1",
    "work_mem": "32MB",
}
PROFILES: Mapping[str, Mapping[str, str]] = {
    # Publishing writes millions of rows at once: few, long checkpoints. Fully durable.
    "bulk": {
        "shared_buffers": "256MB",
        "maintenance_work_mem": "256MB",
        "effective_cache_size": "1GB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "wal_compression": "on",
    },
    # For data that nobody misses: a test run's.
    "test": {
        "shared_buffers": "128MB",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "1h",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "autovacuum_naptime": "10min",
    },
}


class Postgres:
    """The PostgreSQL of one place; `profile` names one of PROFILES."""

    name = "PostgreSQL"

    def __init__(self, place: Place, profile: str = "bulk") -> None:
        self.place = place
        self.profile = profile

    @cached_property
    def home(self) -> Path:
        """The directory that holds the data directory, and copied programs.

        `var/` where the server's user can enter it; else a directory of the system. The file
        `postgres.location` in `var/` remembers a home elsewhere, also when `var/` has moved.
        """
        if self._pointer.is_file():
            return Path(self._pointer.read_text().strip())
        self.place.make()
        inside = (self.place.var / "postgres").is_dir()
        if inside or self._new_account.can_enter(self.place.var):
            return self.place.var
        return _SYSTEM_HOME / self.place.key

    @property
    def data(self) -> Path:
        return self.home / "postgres" / "data"

    @property
    def log(self) -> Path:
        return self.place.logs / "postgres.log"

    @property
    def socket(self) -> Path:
        return self.place.postgres_sockets / POSTGRES_SOCKET

    @cached_property
    def account(self) -> Account:
        """Who serves: the owner of the data, or whom new data will belong to."""
        if not self.data.parent.is_dir():
            return self._new_account
        owner = self.data.parent.stat().st_uid
        if owner == 0 or os.geteuid() not in (0, owner):
            raise DeployError(
                "wrong_owner",
                f"{self.data.parent} must belong to the user who serves it; it belongs to user"
                f" {owner} and you are user {os.geteuid()}. Run as its owner, or set JUZHEN_VAR"
                " to a directory of your own.",
            )
        return Account.numbered(owner)

    @cached_property
    def binaries(self) -> PostgresBinaries:
        """The programs, where the server's user can run them."""
        found = find_postgres(self.data_major())
        if self.account.can_run(found.directory / "postgres"):
            return found
        if found.from_wheel:
            return found.copied_to(self.home)
        raise DeployError(
            "programs_out_of_reach",
            f"User {self.account.name} must be able to run {found.directory}/postgres, and is"
            " not. Put PostgreSQL where every user may read it, or set JUZHEN_POSTGRES_BIN=wheel.",
        )

    @cached_property
    def _new_account(self) -> Account:
        return Account.for_postgres()

    @property
    def _pointer(self) -> Path:
        return self.place.var / "postgres.location"

    def data_major(self) -> int | None:
        """The major version that made the data; None where there are none yet."""
        version = self.data / "PG_VERSION"
        if version.is_file():
            return int(version.read_text())
        if self.data.is_dir() and list(self.data.iterdir()):
            raise DeployError(
                "data_damaged",
                f"{self.data} must hold PG_VERSION, and holds other things without it. Restore it"
                " from a backup, or remove it to begin with an empty database.",
            )
        return None

    def pid(self) -> int | None:
        """The running server's process id; None if it is down. Believes no pid file alone."""
        pid = self._recorded_pid()
        if pid is not None and processes.runs_in(pid, self.data, _NAMES):
            return pid
        return None

    def is_up(self) -> bool:
        """Whether it accepts connections: started, recovered, and behind our socket."""
        return self.pid() is not None and self._state() == "ready" and self._answers()

    def start(self) -> bool:
        """Start it, making the data first if there are none. False if it was up already."""
        with self.place.lock("postgres"):
            if self.is_up():
                return False
            self._check_reach()
            self._end_leftovers()
            if self.data_major() is None:
                self._make_data()
            make_socket_directory(self.place.postgres_sockets, self.account.uid, self.account.gid)
            self._serve()
            return True

    def stop(self, *, at_once: bool = False) -> bool:
        """Stop it, rolling back what runs. False if it was down already.

        `at_once` does without the closing checkpoint: for data that are thrown away.
        """
        with self.place.lock("postgres"):
            pid = self.pid()
            if pid is not None:
                number = signal.SIGQUIT if at_once else signal.SIGINT
                processes.end_process(pid, first=number, grace=_STOP_SECONDS)
            remove_socket_directory(self.place.postgres_sockets)
            return pid is not None

    def _recorded_pid(self) -> int | None:
        lines = self._pid_file_lines()
        return int(lines[0]) if lines and lines[0].isdigit() else None

    def _state(self) -> str:
        """`starting`, `ready`, `stopping` or nothing: the eighth line of its pid file."""
        lines = self._pid_file_lines()
        return lines[7].strip() if len(lines) > 7 else ""

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, PermissionError):
            return []

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            try:
                client.connect(str(self.socket))
            except BlockingIOError:  # so many wait that the queue is full: it is up
                return True
            except OSError:
                return False
            return True

    def _check_reach(self) -> None:
        """The account must reach the home; a server under another socket must not use it."""
        account = self.account
        if self.home == self.place.var and not account.can_enter(self.home):
            raise DeployError(
                "data_out_of_reach",
                f"User {account.name}, who serves {self.data}, must be able to enter {self.home},"
                " and is not: a directory on the way has been closed. Open it to that user again"
                " (chmod o+x).",
            )
        pid = self.pid()
        if pid is not None and self._state() == "ready":
            raise DeployError(
                "data_in_use",
                f"{self.data} must have one server; process {pid} serves it under another"
                f" address. Stop it (kill -INT {pid}); if {self.place.var} is a copy of another"
                f" checkout's, remove {self._pointer} and start anew.",
            )

    def _end_leftovers(self) -> None:
        """After a kill, wait for the orphans and remove what would look like a live server."""
        if (pid := self.pid()) is not None:  # starting, stopping, or behind another socket
            processes.end_process(pid, first=signal.SIGINT, grace=_STOP_SECONDS)
        # Backends leave by themselves when their postmaster is gone.
        processes.wait_until(lambda: not processes.running_in(self.data, _NAMES), 10)
        for orphan in processes.running_in(self.data, _NAMES):
            processes.end_process(orphan, first=signal.SIGQUIT, grace=5)
        for path in (
            self.data / "postmaster.pid",
            self.socket,
            self.socket.with_name(POSTGRES_SOCKET + ".lock"),
        ):
            path.unlink(missing_ok=True)

    def _make_data(self) -> None:
        """Make the data directory beside its final name, then rename: half a one never counts."""
        if self.home != self.place.var:
            make_directory(_SYSTEM_HOME, 0o711)
            make_directory(self.home, 0o711)
            self._pointer.write_text(f"{self.home}\n")
        parent, account = self.data.parent, self.account
        if not parent.is_dir():
            account.make_directory(parent)
        new = parent / "data.new"
        if new.exists():
            # A killed maker's own children may still write there: out of the way with it first.
            new.rename(parent / f"data.gone.{uuid4().hex}")
        for gone in parent.glob("data.gone.*"):
            shutil.rmtree(gone, ignore_errors=True)
        self._run(self._initdb(new))
        self._run(
            [self.binaries.directory / "postgres", "--single", "-D", new, "postgres"],
            # Not a superuser, so that row-level security binds it; CREATEDB is for the tests.
            text=f"CREATE ROLE {ROLE} LOGIN CREATEDB\nCREATE DATABASE {DATABASE} OWNER {ROLE}\n",
        )
        new.rename(self.data)

    def _initdb(self, data: Path) -> list[str | Path]:
        locales = subprocess.run(["locale", "-a"], capture_output=True, text=True).stdout.lower()
        locale = "C.UTF-8" if "c.utf" in locales else "C"
        command: list[str | Path] = [self.binaries.directory / "initdb", "--pgdata", data]
        command += [f"--username={_ADMINISTRATOR}", "--encoding=UTF8", f"--locale={locale}"]
        # Anyone who can enter the socket directory may be anyone: it is 0700.
        command += ["--auth=trust", "--no-instructions"]
        return command + (["--no-sync"] if self.profile == "test" else ["--data-checksums"])

    def _run(self, command: list[str | Path], text: str | None = None) -> None:
        done = self.account.run(command, text=text)
        said = done.stderr + done.stdout
        # The single-user server goes on after an error and ends well.
        if done.returncode != 0 or "ERROR:" in said:
            raise self._failure(f"{command[0]} failed", said.strip())

    def _serve(self) -> None:
        settings = {
            **_COMMON,
            **PROFILES[self.profile],
            "unix_socket_directories": str(self.place.postgres_sockets),
        }
        command: list[str | Path] = [self.binaries.directory / "postgres", "-D", self.data]
        command += [f"--{name}={value}" for name, value in settings.items()]
        server = processes.start_detached(command, self.log, **self.account.popen_options())
        processes.wait_until(
            lambda: self.is_up() or not processes.is_alive(server), seconds=_START_SECONDS
        )
        if not self.is_up():
            raise self._failure("PostgreSQL did not start", processes.tail(self.log))

    def _failure(self, what: str, said: str) -> DeployError:
        unknown = ("", "postgres_failed", f"Its log is {self.log}.")
        _, code, remedy = next((known for known in _REMEDIES if known[0] in said), unknown)
        where = shlex.quote(str(self.data))
        return DeployError(code, f"{what} (data: {where}). {remedy} It said:\n{said}")


# What the server's own words mean, and what to do: (sign, code, remedy).
_REMEDIES = (
    ("No space left on device", "disk_full", "The disk is full: free some space and start again."),
    (
        "error while loading shared libraries",
        "missing_library",
        "Install the Debian package that holds the missing library, or set"
        " JUZHEN_POSTGRES_BIN=wheel.",
    ),
    (
        "could not map anonymous shared memory",
        "no_memory",
        "There is too little memory: PostgreSQL needs about 300 MB.",
    ),
    (
        "is not compatible with this version",
        "other_postgres_major",
        "Install the PostgreSQL version that made the data.",
    ),
)
