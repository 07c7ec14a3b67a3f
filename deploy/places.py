"""Where the embedded servers of a checkout keep their data and listen. Standard library only."""

import fcntl
import hashlib
import os
import secrets
import shlex
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from deploy.errors import DeployError

CHECKOUT = Path(__file__).resolve().parent.parent
ROLE = DATABASE = "juzhen"

# A unix socket's path must fit in sockaddr_un.sun_path: 108 bytes with the closing zero.
LONGEST_SOCKET_PATH = 107
POSTGRES_SOCKET = ".s.PGSQL.5432"
VALKEY_SOCKET = "valkey.sock"


class Addresses(NamedTuple):
    """Where the embedded servers of a checkout would listen, whether or not they run."""

    database_url: str
    broker_url: str


@dataclass(frozen=True)
class Place:
    """One pair of embedded servers: a data directory, and socket directories named after it.

    The socket directories' names carry a hash of the data directory and the user, so that
    two checkouts, or two users of one checkout, never meet. They are in /tmp, not in the data
    directory, because a checkout's path may be longer than a socket's path may be; and not in
    XDG_RUNTIME_DIR, because a cron job and a desktop session of one user disagree about it.
    """

    var: Path

    @classmethod
    def of_checkout(cls) -> "Place":
        """The place of this checkout: JUZHEN_VAR, or `var/` at its root."""
        return cls(Path(CHECKOUT, os.environ.get("JUZHEN_VAR") or "var").resolve())

    @cached_property
    def key(self) -> str:
        """12 hexadecimal digits that differ between data directories and between users."""
        return hashlib.sha256(f"{os.geteuid()}:{self.var}".encode()).hexdigest()[:12]

    @property
    def postgres_sockets(self) -> Path:
        return self._sockets("pg")

    @property
    def valkey_sockets(self) -> Path:
        return self._sockets("vk")

    @property
    def logs(self) -> Path:
        return self.var / "log"

    @property
    def running(self) -> Path:
        """Locks and process ids: nothing here is worth keeping once everything is stopped."""
        return self.var / "run"

    def addresses(self, database: str = DATABASE) -> Addresses:
        # The host as a parameter is the one form that libpq and django-environ both read.
        host = quote(str(self.postgres_sockets))
        return Addresses(
            database_url=f"postgresql://{ROLE}@/{database}?host={host}",
            broker_url=f"redis+socket://{self.valkey_sockets / VALKEY_SOCKET}",
        )

    def make(self) -> None:
        """Make the data directory and the directories that are only ours.

        As root the data directory itself may be passed through (0711), because PostgreSQL runs
        as another user below it. Directories that exist keep their modes.
        """
        make_directory(self.var, 0o711 if os.geteuid() == 0 else 0o700)
        make_directory(self.logs, 0o700)
        make_directory(self.running, 0o700)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold this place's lock `name`; waits while another process holds it."""
        self.make()
        with (self.running / f"{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _sockets(self, suffix: str) -> Path:
        path = Path(os.environ.get("JUZHEN_SOCKETS") or "/tmp", f"juzhen-{self.key}-{suffix}")
        longest = len(os.fsencode(path / POSTGRES_SOCKET)) + len(".lock")
        if longest > LONGEST_SOCKET_PATH:
            raise DeployError(
                "socket_path_too_long",
                f"A socket's path may have {LONGEST_SOCKET_PATH} bytes; {path}/{POSTGRES_SOCKET}"
                f" needs {longest}. Set JUZHEN_SOCKETS to a shorter directory.",
            )
        return path


def make_directory(path: Path, mode: int) -> None:
    """Make `path` with exactly `mode`, whatever the umask; one that exists is left as it is."""
    if path.is_dir():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=mode, exist_ok=True)
        path.chmod(mode)
    except OSError as error:
        raise DeployError(
            "no_directory",
            f"{path} must be a directory that can be made: {error.strerror}."
            " Free the disk, or set JUZHEN_VAR to a directory that you may write.",
        ) from error


def make_private_directory(path: Path, uid: int, gid: int) -> None:
    """Make `path` (0700) for a user in one step: if we are killed, it is not there at all."""
    new = Path(tempfile.mkdtemp(prefix=f"{path.name}.", dir=path.parent))
    if uid != os.geteuid():
        os.chown(new, uid, gid)
    new.rename(path)


def make_socket_directory(path: Path, uid: int, gid: int) -> None:
    """Make `path` (0700, owned by `uid`), or check that the one which exists is exactly that.

    /tmp belongs to everybody: a directory put there by someone else under our name, or a
    link, could hand our clients to a stranger's server. Such a one is refused, never repaired.
    """
    if not os.path.lexists(path):
        make_private_directory(path, uid, gid)
    found = path.lstat()
    owned = stat.S_ISDIR(found.st_mode) and found.st_uid == uid
    if not owned or stat.S_IMODE(found.st_mode) & 0o077:
        raise DeployError(
            "socket_directory_unsafe",
            f"{path} must be a directory of user {uid} with mode 0700; it is"
            f" {stat.filemode(found.st_mode)} of user {found.st_uid}."
            f" Remove it (rm -rf {shlex.quote(str(path))}) or set JUZHEN_SOCKETS.",
        )


def remove_socket_directory(path: Path) -> None:
    """Remove it and the sockets of a server that has stopped."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)


def secret_key(place: Place | None = None) -> str:
    """SECRET_KEY, or the key of this checkout: made once, readable by its owner alone."""
    if key := os.environ.get("SECRET_KEY"):
        return key
    place = place or Place.of_checkout()
    path = place.var / "secret_key"
    if not path.exists():
        with place.lock("secret_key"):
            if not path.exists():
                _write_private(path, secrets.token_urlsafe(48))
    return path.read_text().strip()


def _write_private(path: Path, text: str) -> None:
    """Write `path` with mode 0600 in one step: a reader sees all of it or none."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
    new.rename(path)
