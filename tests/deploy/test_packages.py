import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from deploy import packages
from deploy.errors import DeployError

WANTED = {"chromium": "the browser", "rabbitmq-server": "the broker"}


class Machine:
    """Stands in for Debian: which packages and programs it has, and what it was told to run."""

    def __init__(self, installed: Sequence[str], programs: Sequence[str], user: int) -> None:
        self.installed = installed
        self.programs = programs
        self.user = user
        self.commands: list[str] = []
        self.fails = False

    def which(self, program: str) -> str | None:
        return f"/usr/bin/{program}" if program in self.programs else None

    def run(self, command: Sequence[Any], **_: Any) -> subprocess.CompletedProcess[str]:
        words = " ".join(str(word) for word in command)
        if words.startswith("dpkg-query"):
            state = "installed" if command[-1] in self.installed else ""
            return subprocess.CompletedProcess(words, 0, stdout=state)
        self.commands.append(words)
        return subprocess.CompletedProcess(words, int(self.fails))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(["chromium"], ["dpkg-query", "apt-get", "sudo"], 0)
    monkeypatch.setattr(packages.shutil, "which", machine.which)
    monkeypatch.setattr(packages.subprocess, "run", machine.run)
    monkeypatch.setattr(packages.os, "geteuid", lambda: machine.user)
    monkeypatch.delenv("SKIP_APT", raising=False)
    return machine


def apt_lines(machine: Machine) -> list[str]:
    return [line for line in machine.commands if "apt-get" in line]


def test_only_what_is_missing_is_installed_and_said(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    packages.ensure(WANTED)
    assert apt_lines(machine)[-1].endswith("--no-install-recommends rabbitmq-server")
    assert "needed: rabbitmq-server (the broker)" in capsys.readouterr().out


def test_where_all_is_there_nothing_is_done(machine: Machine) -> None:
    packages.ensure({"chromium": "the browser"})
    assert machine.commands == []


def test_an_ordinary_user_goes_through_sudo(machine: Machine) -> None:
    machine.user = 1000
    packages.ensure(WANTED)
    assert all(line.startswith("sudo ") for line in machine.commands)


def test_no_service_is_started_by_being_installed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(packages, "_POLICY", tmp_path / "policy-rc.d")
    packages.ensure(WANTED)
    first, *between, last = machine.commands
    assert first == f"install -m 755 /dev/stdin {tmp_path}/policy-rc.d"
    assert between == apt_lines(machine)
    assert last == f"rm -f {tmp_path}/policy-rc.d"


def test_a_policy_that_is_there_already_is_left_alone(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(packages, "_POLICY", tmp_path)
    packages.ensure(WANTED)
    assert machine.commands == apt_lines(machine)


@pytest.mark.parametrize("programs", [["dpkg-query"], ["dpkg-query", "apt-get"]])
def test_where_apt_cannot_be_used_the_line_is_named(machine: Machine, programs: list[str]) -> None:
    machine.user, machine.programs = 1000, programs
    with pytest.raises(DeployError) as refused:
        packages.ensure(WANTED)
    assert "rabbitmq-server" in refused.value.message
    assert machine.commands == []


def test_where_apt_fails_the_line_is_named(machine: Machine) -> None:
    machine.fails = True
    with pytest.raises(DeployError) as refused:
        packages.ensure(WANTED)
    assert refused.value.code == "apt_failed"


def test_one_can_go_on_without(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKIP_APT", "1")
    packages.ensure(WANTED)
    assert machine.commands == []
