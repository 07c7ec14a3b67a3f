"""Servers and databases for every test: made once per session, one database per worker.

Nothing is started for tests that ask for nothing. The first test that needs a database starts
PostgreSQL (or uses DATABASE_URL), migrates a template, and each worker works on a copy of it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import environ
import pytest

from deploy.places import DATABASE, Place
from deploy.postgres import Postgres
from deploy.valkey import Valkey
from tests import servers
from tests.portal.browser import browser as browser
from tests.portal.browser import live_server as live_server
from tests.portal.browser import tab as tab
from tests.portal.settings import page_settings as page_settings
from tests.rabbitmq import RabbitMQ

_DIRECTORY = pytest.StashKey[Path]()
_clones = count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Name the session's directory: made by the controller, told to its workers."""
    if hasattr(config, "workerinput"):
        config.stash[_DIRECTORY] = Path(config.workerinput["juzhen_directory"])
    else:
        config.stash[_DIRECTORY] = servers.make_session_directory()
    os.environ[servers.SESSION_VARIABLE] = str(config.stash[_DIRECTORY])
    # Sockets too, so that a killed session's go with everything else of it.
    os.environ.setdefault("JUZHEN_SOCKETS", str(config.stash[_DIRECTORY]))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["juzhen_directory"] = str(node.config.stash[_DIRECTORY])
    node.workerinput["juzhen_controller"] = os.getpid()


def pytest_unconfigure(config: pytest.Config) -> None:
    """The controller is last to leave, and clears up."""
    if not hasattr(config, "workerinput"):
        servers.remove_session_directory(config.stash[_DIRECTORY])


class Session:
    """What the workers of one test session share."""

    def __init__(self, config: pytest.Config) -> None:
        told = getattr(config, "workerinput", {})
        self.directory = config.stash[_DIRECTORY]
        self.controller: int = told.get("juzhen_controller", os.getpid())
        self.worker: str = told.get("workerid", "main")

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        with (self.directory / f"{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def keep_leashed(self) -> None:
        """Before the first server starts: what ends it if the controller is killed."""
        with self.lock("leash"):
            leashed = self.directory / servers.LEASHED
            if not leashed.exists():
                servers.leash(self.directory, self.controller)
                leashed.touch()

    def place(self) -> Place:
        """A place of this worker alone, for servers that tests may kill or empty."""
        self.keep_leashed()
        return Place(self.directory / self.worker)


@pytest.fixture(scope="session")
def test_session(request: pytest.FixtureRequest) -> Session:
    return Session(request.config)


@pytest.fixture(scope="session")
def database_server(test_session: Session) -> str:
    """URL of a database on the server that tests use: DATABASE_URL, or one of the session."""
    test_session.keep_leashed()
    if given := os.environ.get("DATABASE_URL"):
        return given
    place = Place(test_session.directory)
    Postgres(place, "test").start()
    return place.addresses(DATABASE).database_url


@pytest.fixture(scope="session")
def database_template(test_session: Session, database_server: str, django_db_blocker: Any) -> str:
    """The name of a migrated database to copy, made by the first worker that asks."""
    name = f"{servers.TEMPLATE}_{test_session.controller}"
    with test_session.lock("template"):
        done = test_session.directory / servers.TEMPLATE
        if not done.exists():
            servers.drop_database(database_server, name)
            url = servers.create_database(database_server, name)
            with django_db_blocker.unblock():
                _migrate(url)
            done.touch()
    return name


@pytest.fixture(scope="session")
def django_db_setup(
    test_session: Session, database_server: str, database_template: str, django_db_blocker: Any
) -> Iterator[None]:
    """pytest-django's hook: this worker's own copy of the template becomes the database."""
    name = f"juzhen_test_{test_session.controller}_{test_session.worker}"
    servers.drop_database(database_server, name)
    _use(servers.create_database(database_server, name, template=database_template))
    yield
    with django_db_blocker.unblock():
        _close()
    servers.drop_database(database_server, name)


@pytest.fixture
def real_database(
    test_session: Session, database_server: str, database_template: str
) -> Iterator[str]:
    """DATABASE_URL of a fresh migrated database, for subprocesses that commit and are killed."""
    name = f"juzhen_real_{test_session.controller}_{test_session.worker}_{next(_clones)}"
    yield servers.create_database(database_server, name, template=database_template)
    servers.drop_database(database_server, name)


@pytest.fixture(scope="session")
def valkey_url(test_session: Session) -> Iterator[str]:
    """BROKER_URL of an embedded Valkey of this worker alone."""
    server = Valkey(test_session.place())
    server.start()
    yield server.place.addresses().broker_url
    server.stop(at_once=True)


@pytest.fixture(scope="session")
def rabbitmq_url(test_session: Session) -> Iterator[str]:
    """BROKER_URL of a RabbitMQ of this worker alone; needs the Debian package."""
    server = RabbitMQ(test_session.place().var / "rabbitmq")
    server.start()
    yield server.url
    server.stop()


@pytest.fixture(autouse=True)
def _own_directories(settings: Any, tmp_path: Path) -> None:
    """No test writes into the checkout's `var/`."""
    settings.LAKE_DIR = tmp_path / "lake"
    settings.LANDING_DIR = tmp_path / "landing"
    settings.MODELS_DIR = tmp_path / "models"


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """Publications are remembered by number, and each test begins at number 1."""
    from touch.current import published

    published.cache_clear()


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    """Messages are asserted in the language of the source."""
    from django.utils import translation

    with translation.override("en"):
        yield


def _migrate(url: str) -> None:
    from django.core.management import call_command

    _use(url)
    call_command("migrate", verbosity=0, interactive=False)
    _close()


def _use(url: str) -> None:
    """Point Django's default connection at `url`, keeping the options of the settings."""
    from django.db import connection

    _close()
    new = environ.Env.db_url_config(url)
    options = {k: v for k, v in connection.settings_dict["OPTIONS"].items() if k != "host"}
    new["OPTIONS"] = options | new.get("OPTIONS", {})
    connection.settings_dict.update(new)


def _close() -> None:
    """Close the connection and its pool, so that the database may be copied or dropped."""
    from django.db import connection

    connection.close()
    connection.close_pool()
