import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.errors import DeployError
from deploy.firstrun import STEPS, Database, FirstRun, look_at
from tests import servers


class Recorder:
    """Stands in for manage.py: notes each command, and fails at the one named."""

    def __init__(self, fail_at: str = "") -> None:
        self.commands: list[list[str]] = []
        self.fail_at = fail_at

    def __call__(self, title: str, command: Sequence[str]) -> None:
        if command[0] == self.fail_at:
            raise InterruptedError(title)
        self.commands.append(list(command))


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    return tmp_path / "first_run.json"


def test_every_step_runs_once_in_order(marks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOMERS", "1234")
    first, second = Recorder(), Recorder()
    FirstRun(marks, Database("database", is_empty=True)).run(first)
    FirstRun(marks, Database("database", is_empty=True)).run(second)
    assert [command[0] for command in first.commands] == [command[0] for _, command in STEPS]
    assert first.commands[0][:3] == ["make_sample", "--customers", "1234"]
    assert second.commands == []


def test_three_days_in_a_row_are_run(marks: Path) -> None:
    recorder = Recorder()
    FirstRun(marks, Database("database", is_empty=True)).run(recorder)
    days = [dt.date.fromisoformat(c[2]) for c in recorder.commands if c[0] == "run_day"]
    assert [day - days[0] for day in days] == [dt.timedelta(n) for n in range(3)]


def test_an_interrupted_run_goes_on_with_the_values_it_began_with(
    marks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOMERS", "1234")
    first, second = Recorder(fail_at="train_models"), Recorder()
    with pytest.raises(InterruptedError):
        FirstRun(marks, Database("database", is_empty=True)).run(first)
    monkeypatch.setenv("CUSTOMERS", "99")
    assert FirstRun(marks, Database("database", is_empty=True)).customers == 1234
    FirstRun(marks, Database("database", is_empty=True)).run(second)
    assert [c[0] for c in first.commands + second.commands] == [c[0] for _, c in STEPS]


def test_another_database_begins_anew(marks: Path) -> None:
    FirstRun(marks, Database("one", is_empty=True)).run(Recorder())
    other = Recorder()
    FirstRun(marks, Database("other", is_empty=True)).run(other)
    assert len(other.commands) == len(STEPS)


@pytest.mark.parametrize("customers", ["0", "-5", "many", "1e6"])
def test_a_number_of_customers_that_is_none_is_refused(
    marks: Path, monkeypatch: pytest.MonkeyPatch, customers: str
) -> None:
    monkeypatch.setenv("CUSTOMERS", customers)
    with pytest.raises(DeployError) as refused:
        FirstRun(marks, Database("database", is_empty=True))
    assert refused.value.code == "bad_customers"


def test_a_database_in_use_gets_no_sample_province(marks: Path) -> None:
    for _ in range(2):
        recorder = Recorder()
        FirstRun(marks, Database("somebody's", is_empty=False)).run(recorder)
        assert recorder.commands == []


def test_a_first_run_killed_before_its_first_step_is_still_the_first(marks: Path) -> None:
    FirstRun(marks, Database("ours", is_empty=True))
    recorder = Recorder()
    FirstRun(marks, Database("ours", is_empty=False)).run(recorder)  # migrated meanwhile
    assert len(recorder.commands) == len(STEPS)


def test_databases_of_one_server_are_told_apart(database_server: str) -> None:
    other = servers.with_database(database_server, "template1")
    assert look_at(database_server).identity == look_at(database_server).identity
    assert look_at(database_server).identity != look_at(other).identity


def test_a_migrated_database_is_not_empty(database_server: str, real_database: str) -> None:
    assert look_at(servers.with_database(database_server, "template1")).is_empty
    assert not look_at(real_database).is_empty
