"""The launcher's commands. Standard library only: they run before anything is installed."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from deploy import embedded, environment, packages
from deploy.errors import DeployError
from deploy.places import CHECKOUT

_RUNTIME, _DEVELOPMENT, _SPARK = (
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-spark.txt",
)


def main(arguments: Sequence[str]) -> int:
    name = arguments[0] if arguments else "help"
    command = COMMANDS.get(name, help_)
    try:
        return command(arguments[1:])
    except DeployError as error:
        print(f"\n{error.message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run(_: Sequence[str]) -> int:
    """everything, until Ctrl-C: environment, servers, sample province, portal"""
    environment.ensure(_RUNTIME)
    return _become("-m", "deploy.run")


def up(_: Sequence[str]) -> int:
    """start the embedded PostgreSQL and Valkey, and leave them running"""
    environment.ensure(_RUNTIME)
    return _become("-m", "deploy", "start-servers")


def start_servers(_: Sequence[str]) -> int:
    """the part of `up` that needs .venv"""
    started = embedded.start()
    print(f"Started: {', '.join(started) or 'nothing, all was up'}")
    return status([])


def down(_: Sequence[str]) -> int:
    """stop the embedded servers"""
    stopped = embedded.stop()
    print(f"Stopped: {', '.join(stopped) or 'nothing, all was down'}")
    return 0


def status(_: Sequence[str]) -> int:
    """say whether the embedded servers run, and where; exit 3 if one is down"""
    states = embedded.status()
    for server in states:
        state = f"up (process {server.pid})" if server.up else "down"
        print(f"{server.name:10}  {state:22}  {server.url}")
    return 0 if all(server.up for server in states) else 3


def venv(_: Sequence[str]) -> int:
    """make .venv with what tests and checks need"""
    environment.ensure(_DEVELOPMENT)
    return 0


def test(arguments: Sequence[str]) -> int:
    """install what the tests need, then run all but the long ones"""
    packages.ensure(packages.FOR_TESTS)
    environment.ensure(_DEVELOPMENT)
    return _become("-m", "pytest", "-q", "-n", "2", "-m", "not long", *arguments)


def test_long(arguments: Sequence[str]) -> int:
    """install what the long tests need, Java and Spark included, then run them"""
    packages.ensure(packages.FOR_TESTS | packages.FOR_LONG_TESTS)
    environment.ensure(_DEVELOPMENT, _SPARK)
    return _become("-m", "pytest", "-q", "-m", "long", "--timeout", "3600", *arguments)


def help_(_: Sequence[str]) -> int:
    """this list"""
    for name, command in COMMANDS.items():
        print(f"python -m deploy {name:14} {command.__doc__}")
    return 2


COMMANDS: Mapping[str, Callable[[Sequence[str]], int]] = {
    "run": run,
    "up": up,
    "start-servers": start_servers,
    "down": down,
    "status": status,
    "venv": venv,
    "test": test,
    "test-long": test_long,
    "help": help_,
}


def _become(*arguments: str) -> int:
    """Go on as .venv's Python: same process, so signals and the exit code need no passing on."""
    sys.stdout.flush()
    os.chdir(CHECKOUT)
    os.execv(environment.PYTHON, [str(environment.PYTHON), *arguments])
