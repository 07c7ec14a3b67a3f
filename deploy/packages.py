"""Debian packages that the tests need. Standard library only."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.errors import DeployError

# What it is for stands beside each: `make test` prints it.
FOR_TESTS = {
    "chromium": "the browser of the page tests",
    "fonts-noto-cjk": "Chinese letters in that browser",
    "rabbitmq-server": "the broker of production, started by the tests",
}
FOR_LONG_TESTS = {"openjdk-17-jre-headless": "Java for Spark, the second engine"}

_POLICY = Path("/usr/sbin/policy-rc.d")


def ensure(packages: dict[str, str]) -> None:
    """Install those of `packages` that are missing, saying which; nothing if there are none.

    SKIP_APT=1 goes on without: the tests that need one then say so themselves.
    """
    missing = [name for name in packages if not _installed(name)]
    if not missing:
        return
    line = f"apt-get install --no-install-recommends {' '.join(missing)}"
    for name in missing:
        print(f"  needed: {name} ({packages[name]})")
    if os.environ.get("SKIP_APT"):
        print(f"  SKIP_APT is set; to install them: {line}")
        return
    root = _as_root(line)
    with _no_services(root):
        _apt(root, "update", "-q")
        _apt(root, "install", "-q", "-y", "--no-install-recommends", *missing)


def _installed(package: str) -> bool:
    if shutil.which("dpkg-query") is None:
        return False
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status}", package]
    return subprocess.run(query, capture_output=True, text=True).stdout == "installed"


def _apt(root: Sequence[str], *arguments: str) -> None:
    line = f"apt-get {' '.join(arguments)}"
    print(f"  {line}", flush=True)
    command = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *arguments]
    if subprocess.run(command, stdin=subprocess.DEVNULL).returncode != 0:
        raise DeployError(
            "apt_failed",
            f"`{line}` must succeed: run it as root and see what is wrong, or set SKIP_APT=1 to"
            " go on without these packages.",
        )


def _as_root(line: str) -> Sequence[str]:
    """The words before a command that make it root's."""
    if shutil.which("apt-get") is None:
        raise DeployError(
            "no_apt",
            f"This is not Debian: install what corresponds to `{line}`, then set SKIP_APT=1.",
        )
    if os.geteuid() == 0:
        return ()
    if shutil.which("sudo") is None:
        raise DeployError("not_root", f"Run `{line}` as root, or set SKIP_APT=1.")
    return ("sudo",)


@contextmanager
def _no_services(root: Sequence[str]) -> Iterator[None]:
    """Keep Debian from starting what it installs: the tests run RabbitMQ themselves.

    policy-rc.d is Debian's own switch for that. One that is there already is left as it is.
    """
    if _POLICY.exists():
        yield
        return
    script = "#!/bin/sh\nexit 101\n"
    subprocess.run([*root, "install", "-m", "755", "/dev/stdin", _POLICY], input=script, text=True)
    try:
        yield
    finally:
        subprocess.run([*root, "rm", "-f", _POLICY], check=True)
