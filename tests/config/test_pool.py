"""Connections are pooled in web servers, and nowhere else."""

import os
import subprocess
import sys

import pytest

POOLED = "from django.db import connection; print(bool(connection.pool))"


@pytest.mark.parametrize(
    ("start", "pooled"),
    [("import config.wsgi", "True"), ("import config.celery, django; django.setup()", "False")],
)
def test_a_web_server_pools_its_connections_and_a_worker_does_not(start: str, pooled: str) -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    environment.pop("DATABASE_POOL", None)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"{start}; {POOLED}"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[-1] == pooled
