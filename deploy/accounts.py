"""Which user PostgreSQL runs as, and what that user can reach. Standard library only."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from deploy.errors import DeployError
from deploy.places import make_private_directory

# PostgreSQL refuses to run as root; a Debian system has the second of these, if not the first.
_UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """The operating system's user that a server runs as."""

    name: str
    uid: int
    gid: int

    @classmethod
    def for_postgres(cls) -> Self:
        """Ourselves; as root the first unprivileged user that exists. Never adds one."""
        if os.geteuid() != 0:
            return cls.numbered(os.geteuid())
        for name in _UNPRIVILEGED:
            try:
                return cls._of(pwd.getpwnam(name))
            except KeyError:
                continue
        raise DeployError(
            "no_unprivileged_user",
            "As root, PostgreSQL must run as another user: neither postgres nor nobody exists."
            " Run as an ordinary user, or set DATABASE_URL to a server of your own.",
        )

    @classmethod
    def numbered(cls, uid: int) -> Self:
        try:
            return cls._of(pwd.getpwuid(uid))
        except KeyError:
            raise DeployError(
                "user_without_name",
                f"PostgreSQL must know its user's name; user {uid} is not in /etc/passwd."
                " Run as a user who is, or set DATABASE_URL to a server of your own.",
            ) from None

    @classmethod
    def _of(cls, entry: pwd.struct_passwd) -> Self:
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()

    def popen_options(self) -> dict[str, Any]:
        """Keywords for subprocess that make a program run as this user, in a neutral place."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        options: dict[str, Any] = {"cwd": "/", "env": environment, "umask": 0o077}
        if not self.is_ours:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options

    def can_enter(self, path: Path) -> bool:
        """Whether this user gets to `path`: asked of the kernel, which knows every rule."""
        return self._test("-x", path)

    def can_run(self, program: Path) -> bool:
        return self._test("-r", program) and self._test("-x", program)

    def run(
        self, command: Sequence[str | Path], *, text: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `command` to its end as this user, with `text` as its input."""
        return subprocess.run(
            command, input=text or "", capture_output=True, text=True, **self.popen_options()
        )

    def make_directory(self, path: Path) -> None:
        """Make `path` (0700) for this user, below a directory that we may write."""
        make_private_directory(path, self.uid, self.gid)

    def _test(self, what: str, path: Path) -> bool:
        return self.run(["test", what, path]).returncode == 0
