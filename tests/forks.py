"""Processes for tests that kill: forked from one that has imported everything already.

A child works on a real database and a lake of its own, commits, and may be killed at any moment.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.preloaded"])


@dataclass(frozen=True)
class Site:
    """Where a child works: its database, its directories, and settings that differ."""

    database_url: str
    directory: Path
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def database(self) -> str:
        return urlsplit(self.database_url).path.removeprefix("/")

    def start(self, target: Callable[..., Any], *args: Any) -> ForkServerProcess:
        process = CONTEXT.Process(target=_enter, args=(self, target, args), daemon=True)
        process.start()
        return process

    def run(self, target: Callable[..., Any], *args: Any, seconds: float = 120) -> int | None:
        """Start it, wait for it, and return its exit code."""
        process = self.start(target, *args)
        process.join(seconds)
        if process.is_alive():
            process.kill()
            raise TimeoutError(f"{target.__name__} took longer than {seconds} s")
        return process.exitcode

    def use(self) -> None:
        """Point this process's Django at the site."""
        from celery import current_app
        from django.conf import settings
        from django.db import connection

        connection.close()
        wanted = environ.Env.db_url_config(self.database_url)
        wanted["OPTIONS"] = {"application_name": "juzhen-test"} | wanted.get("OPTIONS", {})
        connection.settings_dict.update(wanted)
        settings.LAKE_DIR = self.directory / "lake"
        settings.LANDING_DIR = self.directory / "landing"
        settings.MODELS_DIR = self.directory / "models"
        for name, value in self.settings.items():
            setattr(settings, name, value)
        current_app.conf.broker_url = "memory://"


def write_to(file: Path) -> None:
    """Let whatever this process says, on either stream, go to the end of ``file``."""
    with file.open("ab") as opened:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(opened.fileno(), stream.fileno())


def _enter(site: Site, target: Callable[..., Any], args: tuple[Any, ...]) -> None:
    os.setpgid(0, 0)  # Ctrl-C at the test's terminal is the test's to handle
    site.use()
    target(*args)
