"""The servers and databases that tests/conftest.py gives to every test."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import psycopg
import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from deploy import processes
from deploy.places import CHECKOUT


@pytest.mark.django_db
def test_a_worker_has_a_migrated_database_of_its_own(test_session: object) -> None:
    executor = MigrationExecutor(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        assert test_session.worker in cursor.fetchone()[0]


@pytest.mark.parametrize("time", ["first", "second"])
def test_a_real_database_is_fresh_migrated_and_open_to_others(
    real_database: str, time: str
) -> None:
    code = (
        "import sys, psycopg\n"
        "with psycopg.connect(sys.argv[1]) as other: other.execute('CREATE TABLE t ()')"
    )
    subprocess.run([sys.executable, "-c", code, real_database], check=True)
    with psycopg.connect(real_database) as direct:
        tables = {row[0] for row in direct.execute("SELECT tablename FROM pg_tables")}
    assert {"t", "django_migrations"} <= tables


def test_no_test_writes_into_the_checkout(settings: object) -> None:
    for path in (settings.LAKE_DIR, settings.LANDING_DIR, settings.MODELS_DIR):
        assert not Path(path).is_relative_to(CHECKOUT)


def test_a_killed_session_leaves_nothing(directory: Path) -> None:
    (directory / "test_hangs.py").write_text(
        textwrap.dedent(
            """
            import time
            def test_hangs(database_server, valkey_url, test_session, capsys):
                assert valkey_url.startswith("redis+socket:")
                with capsys.disabled():
                    print("in", test_session.directory, flush=True)
                time.sleep(600)
            """
        )
    )
    with hanging_session(directory) as session:
        line = next(line for line in session.stdout if line.startswith("in "))
        temporary = Path(line.split()[1])
        assert len(working_below(temporary)) >= 2
        session.send_signal(signal.SIGKILL)
    assert processes.wait_until(lambda: not temporary.exists(), 30)
    assert processes.wait_until(lambda: not working_below(temporary), 30)


def working_below(directory: Path) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd().removesuffix(" (deleted)")).is_relative_to(directory):
                found.append(process.pid)
        except (psutil.Error, FileNotFoundError):
            continue
    return found


def test_a_killed_session_leaves_no_database_on_a_given_server(
    directory: Path, database_server: str
) -> None:
    (directory / "test_hangs.py").write_text(
        textwrap.dedent(
            """
            import time
            def test_hangs(real_database, capsys):
                with capsys.disabled():
                    print("in", real_database, flush=True)
                time.sleep(600)
            """
        )
    )
    with hanging_session(directory, DATABASE_URL=database_server) as session:
        next(line for line in session.stdout if line.startswith("in "))
        assert len(databases_of(session.pid, database_server)) == 2, "a template and its copy"
        session.send_signal(signal.SIGKILL)
    assert processes.wait_until(lambda: not databases_of(session.pid, database_server), 30)


def databases_of(controller: int, url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        names = [name for (name,) in connection.execute("SELECT datname FROM pg_database")]
    return [name for name in names if str(controller) in name.split("_")]


def hanging_session(directory: Path, **given: str) -> subprocess.Popen[str]:
    """A pytest of its own on test_hangs.py, with the fixtures of tests/conftest.py."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "JUZHEN"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += ["-c", str(CHECKOUT / "pyproject.toml"), "--rootdir", str(CHECKOUT)]
    command += ["-p", "tests.conftest", str(directory / "test_hangs.py")]
    return subprocess.Popen(
        command, cwd=CHECKOUT, env=environment | given, stdout=subprocess.PIPE, text=True
    )
