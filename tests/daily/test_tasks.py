"""The tasks behind the bells: all known by name, each harmless to repeat."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from celery import current_app

from config import tasks
from jobs.services import BELL


def test_every_bell_is_known_to_the_workers() -> None:
    current_app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in current_app.conf.beat_schedule.values()}
    assert {BELL} | scheduled <= set(current_app.tasks)


def test_a_bell_for_a_run_that_is_gone_is_ignored(db: None) -> None:
    tasks.work(run_id=0)


@pytest.mark.django_db
def test_the_sweep_removes_what_dead_writers_left_and_spares_the_living(settings: Any) -> None:
    drafts = Path(settings.LAKE_DIR) / ".drafts"
    old, new = drafts / "old", drafts / "new"
    for folder in (old, new):
        folder.mkdir(parents=True)
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    tasks.sweep()
    assert list(drafts.iterdir()) == [new]
