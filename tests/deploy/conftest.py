"""Places for servers to start in, and a small checkout for the launcher to run."""

import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from deploy.places import CHECKOUT, Place
from deploy.postgres import Postgres
from deploy.valkey import Valkey
from tests.conftest import Session

_numbers = count(1)

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as another user")


@pytest.fixture
def directory(test_session: Session) -> Iterator[Path]:
    """An empty directory that PostgreSQL's user can enter, which pytest's own is not for root."""
    test_session.keep_leashed()
    path = test_session.directory / f"{test_session.worker} {next(_numbers)}"
    path.mkdir()
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def place(directory: Path) -> Iterator[Place]:
    """A place with nothing in it; its servers are stopped afterwards."""
    place = Place(directory / "var")
    yield place
    _clear(place)


@pytest.fixture
def other_place(directory: Path) -> Iterator[Place]:
    place = Place(directory / "other var")
    yield place
    _clear(place)


@pytest.fixture
def postgres(place: Place) -> Postgres:
    return Postgres(place, "test")


@pytest.fixture
def valkey(place: Place) -> Valkey:
    return Valkey(place)


def _clear(place: Place) -> None:
    server = Postgres(place, "test")
    home = server.home
    server.stop(at_once=True)
    Valkey(place).stop(at_once=True)
    if home != place.var:
        shutil.rmtree(home)


_MANAGE = '''\
"""Stands in for the real one: notes what it was asked, and fails or lingers when told to."""
import pathlib, signal, sys, time
var = pathlib.Path(__file__).parent / "var"
def note(text):
    with (var / "calls").open("a") as calls:
        calls.write(text + "\\n")
def end(*_):
    time.sleep(0.5)
    up = (var / "postgres/data/postmaster.pid").exists()
    note(f"ended with the database {'up' if up else 'down'}")
    sys.exit(1)
signal.signal(signal.SIGTERM, end)
note(" ".join(sys.argv[1:]))
if (var / f"slow-{sys.argv[1]}").exists():
    time.sleep(60)
sys.exit((var / f"fail-{sys.argv[1]}").exists())
'''
_CONFIG = """\
import os
from celery import Celery
from deploy import embedded
app = Celery("small", broker=os.environ.get("BROKER_URL") or embedded.addresses().broker_url)
"""
_WSGI = """\
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"small portal"]
"""


@pytest.fixture
def checkout(directory: Path) -> Iterator[Path]:
    """A checkout whose launcher is the real one and whose application is four small files."""
    path = directory / "a checkout"
    shutil.copytree(
        CHECKOUT / "deploy", path / "deploy", ignore=shutil.ignore_patterns("__pycache__")
    )
    (path / "config").mkdir()
    (path / "var").mkdir(mode=0o711)
    (path / "manage.py").write_text(_MANAGE)
    (path / "config" / "__init__.py").write_text(_CONFIG)
    (path / "config" / "wsgi.py").write_text(_WSGI)
    for name in ("Makefile", "requirements.txt"):
        shutil.copy(CHECKOUT / name, path / name)
    yield path
    _clear(Place(path / "var"))
