"""The tasks behind the bells: all known by name, each harmless to repeat."""

import os
import time
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from celery import current_app

from campaigns.models import Plan, Publication
from config import tasks
from jobs.services import BELL, claim, finish, start_run
from lake import partitions
from lake.models import Partition

from .runs import begin


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


def partition(dataset: str, day: date, key: str) -> Partition:
    with partitions.writing(dataset, day, key, parts=1) as draft:
        pq.write_table(pa.table({"customer_no": ["1"]}), draft.file(0))
    return draft.partition


def publish(number: int, day: date, key: str) -> None:
    named = {"date": day.isoformat(), "key": key}
    Publication.objects.create(
        id=number,
        business_date=day,
        run_number=1,
        answers_key=key,
        plan=Plan.objects.get_or_create(key="plan", defaults={"body": {}})[0],
        versions={"snapshot": named, "scores": named, "cells": named},
        customers=1,
        changed=1,
    )


@pytest.mark.django_db
def test_the_sweep_keeps_partitions_that_something_refers_to() -> None:
    long_ago, today = date(2025, 1, 1), date(2026, 7, 1)
    for dataset in ("customers", "answers"):
        for key in ("shown", "forgotten"):
            partition(dataset, long_ago, key)
    partition("customers", today, "young")
    working = partition("cells", long_ago, "being worked on")
    finish(claim(begin(today, steps=("ingest", "score"))), {"cells": working.pk}, {})
    waited_for = partition("orders", long_ago, "waited for")
    start_run(
        kind="training",
        business_date=today,
        steps=["data"],
        inputs={"orders": [waited_for.pk]},
        by="analyst",
    )
    publish(1, long_ago, "shown")
    publish(2, today, "young")
    tasks.sweep()
    kept = {(p.dataset, p.key) for p in Partition.objects.all() if p.path.is_dir()}
    assert kept == {
        ("customers", "shown"),
        ("answers", "shown"),
        ("customers", "young"),
        ("cells", "being worked on"),
        ("orders", "waited for"),
    }
