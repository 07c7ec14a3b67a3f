import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from deploy import environment
from deploy.errors import DeployError


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in a path with spaces whose lock files name no package: pip needs no network."""
    path = tmp_path / "a check out"
    path.mkdir()
    for name in ("requirements.txt", "requirements-dev.txt"):
        (path / name).write_text("# nothing\n")
    monkeypatch.setattr(environment, "CHECKOUT", path)
    monkeypatch.setattr(environment, "VENV", path / ".venv")
    monkeypatch.setattr(environment, "PYTHON", path / ".venv" / "bin" / "python")
    return path


@pytest.fixture
def installed(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked to be installed, into an environment that needs no building."""
    names: list[str] = []
    (checkout / ".venv").mkdir()
    monkeypatch.setattr(environment, "_usable", lambda: True)
    monkeypatch.setattr(environment, "_install", names.append)
    return names


def test_an_environment_is_built_where_there_is_none(checkout: Path) -> None:
    environment.ensure("requirements.txt")
    done = subprocess.run(
        [checkout / ".venv" / "bin" / "python", "-c", "import sys; print(sys.prefix)"],
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == str(checkout / ".venv")


def test_an_environment_whose_python_is_gone_is_built_anew(checkout: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")
    environment.ensure("requirements.txt")
    assert environment._usable()


def test_a_lock_is_installed_once(installed: list[str]) -> None:
    environment.ensure("requirements.txt")
    environment.ensure("requirements.txt")
    assert installed == ["requirements.txt"]


def test_a_changed_lock_is_installed_again(checkout: Path, installed: list[str]) -> None:
    environment.ensure("requirements.txt")
    (checkout / "requirements.txt").write_text("# something\n")
    environment.ensure("requirements.txt")
    assert installed == ["requirements.txt"] * 2


def test_what_developers_have_is_enough_to_run(installed: list[str]) -> None:
    environment.ensure("requirements-dev.txt")
    environment.ensure("requirements.txt")
    assert installed == ["requirements-dev.txt"]


def test_an_interrupted_installation_is_done_again(
    installed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(environment, "_install", interrupted)
        with pytest.raises(KeyboardInterrupt):
            environment.ensure("requirements.txt")
    environment.ensure("requirements.txt")
    assert installed == ["requirements.txt"]


@pytest.mark.parametrize("hash_", ["", f" --hash=sha256:{'0' * 64}"])
def test_a_file_that_the_lock_does_not_vouch_for_is_refused(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, hash_: str
) -> None:
    (checkout / ".venv").mkdir()
    monkeypatch.setattr(environment, "PYTHON", Path(sys.executable))
    wheel = checkout / "small-1-py3-none-any.whl"
    wheel.write_bytes(b"not what was locked")
    (checkout / "requirements.txt").write_text(f"small @ {wheel.as_uri()}{hash_}\n")
    with pytest.raises(DeployError) as refused:
        environment.ensure("requirements.txt")
    assert refused.value.code == "install_failed"
    assert "HASH" in refused.value.message.upper()


def test_a_python_without_venv_is_told_the_package(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DeployError) as refused:
        environment.ensure("requirements.txt")
    assert "apt-get install python3-venv" in refused.value.message


def test_pips_words_move_the_bar() -> None:
    progress = environment.Progress("Installing", total=2, out=sys.stdout)
    for line in (
        "Collecting amqp==5.4.2 (from -r requirements.txt (line 1))",
        "  Downloading amqp-5.4.2.whl (50 kB)",
        "Requirement already satisfied: vine in ./lib (5.1.0)",
        "Installing collected packages: amqp",
    ):
        environment._follow(progress, line.split())
    assert (progress.done, progress.detail) == (2, "unpacking")
    assert progress.line() == "  Installing [" + "#" * 30 + "] 2/2 unpacking"


def test_two_who_begin_together_install_once(
    installed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def install_slowly(name: str) -> None:
        time.sleep(0.3)
        installed.append(name)

    monkeypatch.setattr(environment, "_install", install_slowly)
    racers = [threading.Thread(target=environment.ensure, args=["requirements.txt"]) for _ in "ab"]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert installed == ["requirements.txt"]
