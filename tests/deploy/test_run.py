"""The launcher, whole: the real one, in a small checkout (see conftest), as a person uses it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deploy import processes
from deploy.errors import DeployError
from deploy.firstrun import STEPS
from deploy.places import Place
from deploy.postgres import Postgres
from deploy.run import answers, children, choose_port, is_free, portal_command
from deploy.valkey import Valkey

UNSET = ("DATABASE_URL", "BROKER_URL", "JUZHEN_VAR", "PORT")


class Run:
    """One `python -m deploy.run` and what it printed."""

    def __init__(self, checkout: Path, **environment: str) -> None:
        self.output = checkout / "var" / f"output-{time.monotonic_ns()}"
        clean = {k: v for k, v in os.environ.items() if k not in UNSET}
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.run"],
                cwd=checkout,
                env=clean | {"CUSTOMERS": "1000", "WORKERS": "1"} | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Tests in the background ignore Ctrl-C; the launcher must not inherit that.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    def wait_for(self, text: str, seconds: float = 90) -> None:
        processes.wait_until(lambda: text in self.said or self.process.poll() is not None, seconds)
        assert text in self.said, self.said

    def url(self) -> str:
        self.wait_for("Ctrl-C stops everything")
        return re.search(r"^Portal: (http://127\.0\.0\.1:\d+)$", self.said, re.M)[1]

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def run(checkout: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start(**environment: str) -> Run:
        runs.append(Run(checkout, **environment))
        return runs[-1]

    yield start
    for each in runs:
        if each.process.poll() is None:
            each.stop()


def calls(checkout: Path) -> list[str]:
    return (checkout / "var" / "calls").read_text().splitlines()


def working_below(directory: Path) -> list[str]:
    """Processes that run in a directory of this checkout, or were started with its path."""
    found = []
    for process in psutil.process_iter():
        try:
            about = [process.cwd(), *process.cmdline()]
        except psutil.Error:
            continue
        if any(str(directory) in word for word in about):
            found.append(f"{process.pid} {process.name()}")
    return found


def test_a_fresh_checkout_comes_up_and_ctrl_c_leaves_nothing(
    checkout: Path, run: Callable[..., Run]
) -> None:
    first = run()
    with socket.create_connection(("127.0.0.1", int(first.url().rpartition(":")[2]))) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert client.makefile("rb").read().endswith(b"small portal")
    done = calls(checkout)
    assert done[0].startswith("migrate")
    made = done[2 : 2 + len(STEPS)]
    assert [c.split()[0] for c in made] == [command[0] for _, command in STEPS]
    assert done[2 + len(STEPS) :] == ["demo_logins"]
    names = {process.name() for process in first.family()}
    assert len(first.family()) >= 3, names
    assert Postgres(Place(checkout / "var")).is_up()

    assert first.stop(signal.SIGINT) == 0
    assert working_below(checkout) == []
    assert not is_serving(first)


def is_serving(run: Run) -> bool:
    return answers(re.search(r"Portal: (\S+)", run.said)[1])


def test_the_second_time_is_quick_and_makes_nothing_again(
    checkout: Path, run: Callable[..., Run]
) -> None:
    first = run()
    first.url()
    first.stop()
    begun = len(calls(checkout))
    second = run()
    second.url()
    assert [c.split()[0] for c in calls(checkout)[begun:]] == ["migrate", "demo_logins"]


def test_a_second_run_beside_the_first_says_so_and_ends(
    checkout: Path, run: Callable[..., Run]
) -> None:
    first = run()
    url = first.url()
    second = run()
    assert second.process.wait(30) == 1
    assert f"already runs, as process {first.process.pid}: Portal: {url}" in second.said
    assert answers(url)


def test_stopped_in_the_middle_of_a_step_it_goes_on_there(
    checkout: Path, run: Callable[..., Run]
) -> None:
    (checkout / "var" / "slow-train_models").touch()
    first = run()
    first.wait_for("Training its models (once)")
    processes.wait_until(lambda: "train_models" in calls(checkout), 10)
    assert first.stop() == 0
    assert working_below(checkout) == []
    assert calls(checkout)[-1] == "ended with the database up"
    (checkout / "var" / "slow-train_models").unlink()
    run().url()
    names = [call.split()[0] for call in calls(checkout)]
    assert names.count("make_sample") == names.count("load_definitions") == 1
    # One of the steps that train models was begun twice.
    trainings = [command for _title, command in STEPS if command[0] == "train_models"]
    assert names.count("train_models") == len(trainings) + 1


def test_a_step_that_fails_is_named_and_nothing_is_left(
    checkout: Path, run: Callable[..., Run]
) -> None:
    (checkout / "var" / "fail-load_definitions").touch()
    first = run()
    assert first.process.wait(60) == 1
    assert "`manage.py load_definitions definitions/sample_province` must succeed" in first.said
    assert working_below(checkout) == []


def test_a_killed_launcher_is_recovered_from(checkout: Path, run: Callable[..., Run]) -> None:
    first = run()
    first.url()
    # Granian loses a SIGTERM that comes while it starts its processes; what is then left, the next
    # run ends by itself.
    log, command = Place(checkout / "var").logs / "portal.log", portal_command(0)
    started = int(command[command.index("--workers") + 1])
    assert processes.wait_until(lambda: log.read_text().count("Started worker-") >= started, 60)
    family = {p.pid: " ".join(p.cmdline()) for p in first.family()}
    first.stop(signal.SIGKILL)
    processes.wait_until(lambda: not any(map(processes.is_alive, family)), 60)
    left = [command for pid, command in family.items() if processes.is_alive(pid)]
    assert left == [], "portal, worker and beat must end with their launcher"
    second = run()
    second.url()
    assert second.stop() == 0
    assert working_below(checkout) == [], "the servers of the killed run are the second one's"


def test_a_killed_portal_and_a_killed_server_come_back(
    checkout: Path, run: Callable[..., Run]
) -> None:
    first = run()
    url = first.url()
    record = json.loads((checkout / "var" / "run" / "children.json").read_text())
    os.kill(record[0][0], signal.SIGKILL)
    first.wait_for("portal ended (killed by SIGKILL)")
    os.kill(Postgres(Place(checkout / "var")).pid(), signal.SIGKILL)
    first.wait_for("PostgreSQL had ended and was started again")
    assert processes.wait_until(lambda: answers(url), 20)


def test_servers_that_were_up_before_stay_up(checkout: Path, run: Callable[..., Run]) -> None:
    place = Place(checkout / "var")
    Postgres(place).start()
    Valkey(place).start()
    first = run()
    first.url()
    first.stop()
    assert Postgres(place).is_up()
    assert Valkey(place).is_up()


def test_given_servers_are_used_and_none_is_started(
    checkout: Path, run: Callable[..., Run], real_database: str, valkey_url: str
) -> None:
    first = run(DATABASE_URL=real_database, BROKER_URL=valkey_url)
    first.url()
    assert "in use already: no sample province" in first.said
    done = [call.split()[0] for call in calls(checkout)]
    assert done == ["migrate", "collectstatic"], "nothing is made in others' data"
    assert not (checkout / "var" / "postgres").exists()
    assert not (checkout / "var" / "valkey").exists()


def test_where_people_have_logins_of_their_own_it_warns_and_goes_on(
    checkout: Path, run: Callable[..., Run]
) -> None:
    (checkout / "var" / "fail-demo_logins").touch()
    first = run()
    assert answers(first.url())
    assert "Warning: there are no demonstration logins" in first.said


def test_the_portal_takes_the_given_port_or_says_it_is_taken(
    checkout: Path, run: Callable[..., Run]
) -> None:
    first = run()
    port = first.url().rpartition(":")[2]
    first.stop()
    second = run(PORT=port)
    assert second.url().endswith(f":{port}")
    assert not is_free(int(port))


def test_models_are_trained_after_everybody_else_on_one_core(place: Place) -> None:
    """In what the trainer's command puts its process; the day's worker goes on as it is."""
    commands = {child.name: child.command for child in children(place, 8000)}
    trainer, worker = commands["trainer"], commands["worker"]
    begin = trainer.index(sys.executable)
    look = "import os; print(os.nice(0), os.environ['OMP_NUM_THREADS'])"
    told = subprocess.check_output([*trainer[:begin], sys.executable, "-c", look], text=True)
    assert told.split() == [str(min(19, os.nice(0) + 15)), "1"]
    assert trainer[trainer.index("--concurrency") + 1] == "1"
    assert trainer[trainer.index("--queues") + 1] == "training"
    assert worker[0] == sys.executable
    assert "--queues" not in worker


def test_a_taken_port_is_refused_and_the_next_free_one_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PORT", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert choose_port() != port
        monkeypatch.setenv("PORT", str(port))
        with pytest.raises(DeployError) as refused:
            choose_port()
    assert refused.value.code == "port_taken"
