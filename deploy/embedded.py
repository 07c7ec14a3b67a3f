"""The embedded PostgreSQL and Valkey of a checkout, as one pair. Standard library only.

`DATABASE_URL` and `BROKER_URL` name servers of your own; the embedded ones stand in for each
that is unset. Nothing here starts by being imported, and `addresses` starts nothing either.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from deploy.places import Addresses, Place, secret_key
from deploy.postgres import Postgres
from deploy.valkey import Valkey

__all__ = [
    "Addresses",
    "Place",
    "ServerState",
    "addresses",
    "is_up",
    "secret_key",
    "start",
    "status",
    "stop",
]

_STANDS_IN_FOR = {"DATABASE_URL": Postgres, "BROKER_URL": Valkey}


class ServerState(NamedTuple):
    """One line of `status`."""

    name: str
    up: bool
    pid: int | None
    url: str


def addresses() -> Addresses:
    """Where this checkout's embedded servers listen when they run. Starts nothing."""
    return Place.of_checkout().addresses()


def needed(place: Place) -> Iterator[Postgres | Valkey]:
    """The servers that stand in for an unset DATABASE_URL or BROKER_URL."""
    for variable, server in _STANDS_IN_FOR.items():
        if not os.environ.get(variable):
            yield server(place)


def start(place: Place | None = None) -> list[str]:
    """Start what is needed and not up; the names of those that this call started."""
    return [server.name for server in needed(place or Place.of_checkout()) if server.start()]


def stop(place: Place | None = None) -> list[str]:
    """Stop both, broker first; the names of those that ran."""
    place = place or Place.of_checkout()
    mark_of_run(place).unlink(missing_ok=True)
    return [server.name for server in (Valkey(place), Postgres(place)) if server.stop()]


def mark_of_run(place: Place) -> Path:
    """A file that is there while servers run which `make run` started, and must stop."""
    return place.running / "servers-of-run"


def is_up(place: Place | None = None) -> bool:
    """Whether every needed server answers."""
    return all(server.is_up() for server in needed(place or Place.of_checkout()))


def status(place: Place | None = None) -> list[ServerState]:
    """The state of both servers, needed or not."""
    place = place or Place.of_checkout()
    postgres, valkey = Postgres(place), Valkey(place)
    urls = place.addresses()
    return [
        ServerState(postgres.name, postgres.is_up(), postgres.pid(), urls.database_url),
        ServerState(valkey.name, valkey.is_up(), valkey.pid(), urls.broker_url),
    ]
