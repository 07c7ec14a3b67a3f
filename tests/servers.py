"""The servers of one test session: started when first asked for, gone when it ends.

All of them live below one temporary directory, which the pytest controller names and every
xdist worker shares. `tests.leash` watches the controller and clears up if it is killed.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from deploy import processes
from deploy.places import CHECKOUT, Place
from deploy.postgres import Postgres

TEMPLATE = "juzhen_template"
LEASHED = "leashed"
SESSION_VARIABLE = "JUZHEN_TEST_SESSION"  # the session's directory, for all its processes
_DATABASE_NOTE = "database."
_END_CLIENTS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = %s AND backend_type = 'client backend'
"""


def make_session_directory() -> Path:
    """A temporary directory that PostgreSQL's user may pass through when we are root."""
    path = Path(tempfile.mkdtemp(prefix="juzhen-tests-"))
    if os.geteuid() == 0:
        path.chmod(0o711)
    return path


def leash(directory: Path, controller: int) -> None:
    """Have everything below `directory` ended when `controller` has."""
    command = [sys.executable, "-m", "tests.leash", str(controller), str(directory)]
    processes.start_detached(command, directory / "leash.log", cwd=CHECKOUT)


def remove_session_directory(directory: Path) -> None:
    """Drop what the session made on a given server; stop its own; remove its directory."""
    os.environ[SESSION_VARIABLE] = str(directory)
    if given := os.environ.get("DATABASE_URL"):
        for note in directory.glob(f"{_DATABASE_NOTE}*"):
            drop_database(given, note.name.removeprefix(_DATABASE_NOTE))
    if (directory / LEASHED).exists():
        server = Postgres(Place(directory), "test")
        server.stop(at_once=True)
        if server.home != directory:
            shutil.rmtree(server.home, ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)


def with_database(url: str, database: str) -> str:
    """`url`, naming another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def create_database(url: str, name: str, *, template: str = "template0") -> str:
    """A new database on the server of `url`, copied from `template`; returns its URL.

    It is noted in the session's directory, so that a killed session's databases go as well.
    """
    _note(name).touch()
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
    return with_database(url, name)


def drop_database(url: str, name: str) -> None:
    """Drop it, whoever is still connected; nothing if there is none.

    Not by WITH (FORCE): that asks for the right to end every process in it, and an autovacuum
    worker that happens to be there is not ours to end. A plain DROP sends it away by itself.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        database = sql.Identifier(name)
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            connection.execute(
                sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false").format(database)
            )
            connection.execute(_END_CLIENTS, (name,))
            connection.execute(sql.SQL("DROP DATABASE {}").format(database))
    _note(name).unlink(missing_ok=True)


def _note(name: str) -> Path:
    return Path(os.environ[SESSION_VARIABLE], f"{_DATABASE_NOTE}{name}")
