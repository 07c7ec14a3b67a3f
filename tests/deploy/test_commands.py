import ast
import os
import re
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import pytest

from deploy import commands
from deploy.places import CHECKOUT, Place
from tests.deploy.test_run import UNSET


def test_an_old_python_can_read_that_it_is_too_old() -> None:
    source = (CHECKOUT / "deploy" / "__main__.py").read_text()
    ast.parse(source, feature_version=(3, 4))
    before, after = source.split("sys.version_info < (3, 11)")
    assert "import deploy" not in before
    assert "from deploy" not in before
    assert "apt-get install python3.11" in after


def test_the_launcher_needs_nothing_installed() -> None:
    """What runs before `.venv` exists imports the standard library and `deploy` alone."""
    code = (
        "import deploy.commands, sys;"
        "print(*{name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) <= {"deploy", "__main__"}


def test_up_status_and_down(place: Place) -> None:
    environment = os.environ | {"JUZHEN_VAR": str(place.var)}
    for variable in ("DATABASE_URL", "BROKER_URL"):
        environment.pop(variable, None)

    def deploy(command: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "deploy", command],
            cwd=CHECKOUT,
            env=environment,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout

    assert deploy("status")[0] == 3
    assert deploy("start-servers")[1].startswith("Started: PostgreSQL, Valkey")
    assert deploy("start-servers")[1].startswith("Started: nothing")
    code, said = deploy("status")
    assert code == 0
    assert said.count("up (process") == 2
    assert deploy("down")[1] == "Stopped: Valkey, PostgreSQL\n"
    assert deploy("down")[1] == "Stopped: nothing, all was down\n"


def test_an_unknown_command_lists_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["fly"]) == 2
    assert "python -m deploy run " in capsys.readouterr().out


def test_make_alone_lists_every_target() -> None:
    # Not as a child of the `make test` that runs this: that one would say where it enters.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    said = subprocess.run(
        ["make"], cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    makefile = (CHECKOUT / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: (.*)$", makefile, re.M)[1].split()) - {"python"}
    assert {line.split()[1] for line in said.splitlines()} == targets


def test_make_says_what_to_install_where_there_is_no_python() -> None:
    done = subprocess.run(
        ["make", "run", "PYTHON=python-that-is-not-there"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "apt-get install python3.11" in done.stderr


def test_make_runs_and_a_signal_to_make_stops_everything(checkout: Path) -> None:
    """Through make, as people start it: its child must get the signal and clear up."""
    (checkout / ".venv").symlink_to(CHECKOUT / ".venv")
    environment = {k: v for k, v in os.environ.items() if k not in UNSET}
    with subprocess.Popen(
        ["make", "-s", "run", "CUSTOMERS=1000"],
        cwd=checkout,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        before = list(takewhile(lambda line: not line.startswith("Ctrl-C"), run.stdout))
        run.terminate()
        after = run.stdout.read()
    assert any(line.startswith("Portal: http://127.0.0.1:") for line in before)
    assert "Everything this run started has stopped." in after
