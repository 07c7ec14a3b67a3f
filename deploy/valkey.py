"""Valkey inside a checkout: the broker where there is no other. Standard library only.

It listens on one unix socket, in a directory that only its user may enter, and on no TCP port.
"""

import contextlib
import os
import signal
import socket
from functools import cached_property
from pathlib import Path

from deploy import processes
from deploy.binaries import find_valkey, valkey_version
from deploy.errors import DeployError
from deploy.places import (
    VALKEY_SOCKET,
    Place,
    make_directory,
    make_socket_directory,
    remove_socket_directory,
)

_START_SECONDS = 120
_STOP_SECONDS = 30
# The kernel keeps a program's name; Debian's Redis and the wheel's Valkey call themselves so.
_NAMES = {"valkey-server", "redis-server"}


class Valkey:
    """The Valkey of one place."""

    name = "Valkey"

    def __init__(self, place: Place) -> None:
        self.place = place

    @cached_property
    def program(self) -> Path:
        return find_valkey()

    @cached_property
    def data(self) -> Path:
        """By family and major version, which cannot read each other's files.

        What a change of version leaves behind is not missed: the broker is only a doorbell.
        """
        return self._home / valkey_version(self.program)

    @property
    def _home(self) -> Path:
        return self.place.var / "valkey"

    @property
    def _directories(self) -> list[Path]:
        """The data directories of every version that has served here."""
        return list(self._home.iterdir()) if self._home.is_dir() else []

    @property
    def _pid_file(self) -> Path:
        return self.place.running / "valkey.pid"

    @property
    def log(self) -> Path:
        return self.place.logs / "valkey.log"

    @property
    def socket(self) -> Path:
        return self.place.valkey_sockets / VALKEY_SOCKET

    def pid(self) -> int | None:
        """The running server's process id; None if it is down."""
        try:
            pid = int(self._pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return None
        # A pid file survives a kill: believe it only if the kernel agrees.
        return pid if any(processes.runs_in(pid, d, _NAMES) for d in self._directories) else None

    def is_up(self) -> bool:
        """Whether it answers, with its data loaded."""
        return self.pid() is not None and self._answers()

    def start(self) -> bool:
        """Start it. False if it was up already."""
        with self.place.lock("valkey"):
            if self.is_up():
                return False
            self._end_leftovers()
            make_directory(self._home, 0o700)
            make_directory(self.data, 0o700)
            make_socket_directory(self.place.valkey_sockets, os.geteuid(), os.getegid())
            self._serve()
            return True

    def stop(self, *, at_once: bool = False) -> bool:
        """Stop it; what it was told is on disk. False if it was down already."""
        with self.place.lock("valkey"):
            pid = self.pid()
            if pid is not None:
                number = signal.SIGKILL if at_once else signal.SIGTERM
                processes.end_process(pid, first=number, grace=_STOP_SECONDS)
            remove_socket_directory(self.place.valkey_sockets)
            return pid is not None

    def _end_leftovers(self) -> None:
        """End one that hangs, or that serves our data behind another socket."""
        for directory in self._directories:
            for pid in processes.running_in(directory, _NAMES):
                processes.end_process(pid, first=signal.SIGTERM, grace=_STOP_SECONDS)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
            client.settimeout(5)
            client.connect(str(self.socket))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        return False

    def _settings(self) -> str:
        """Its configuration: durable to the second, and never dropping what it holds."""
        return "\n".join(
            (
                "port 0",
                f'unixsocket "{self.socket}"',
                "unixsocketperm 700",
                f'dir "{self.data}"',
                "daemonize no",
                f'pidfile "{self._pid_file}"',
                "appendonly yes",
                "appendfsync everysec",
                'save ""',
                "maxmemory-policy noeviction",
                "",
            )
        )

    def _serve(self) -> None:
        settings = self.place.running / "valkey.conf"
        settings.write_text(self._settings())
        command = [self.program, settings]
        server = processes.start_detached(command, self.log, cwd="/")
        processes.wait_until(
            lambda: self.is_up() or not processes.is_alive(server), seconds=_START_SECONDS
        )
        if not self.is_up():
            raise DeployError(
                "valkey_failed",
                f"Valkey did not start (data: {self.data}). If its files are damaged, remove that"
                " directory: nothing is lost, jobs are rung again from the database. It said:\n"
                + processes.tail(self.log),
            )
