"""Old partitions go, except those that somebody still refers to."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import settings

from lake.models import Partition
from lake.partitions import refused, writing
from lake.services import prune

TODAY = date(2026, 7, 31)
OLD, NEW = date(2026, 6, 1), date(2026, 7, 30)

pytestmark = pytest.mark.django_db


def write(day: date, key: str) -> Partition:
    with writing("things", day, key, parts=1) as draft:
        pq.write_table(pa.table({"n": [1]}), draft.file(0))
    return draft.partition


def test_only_old_partitions_go_with_row_and_folder() -> None:
    old, new = write(OLD, "a"), write(NEW, "a")
    assert prune(keep_days=30, today=TODAY, protected=[]) == [("things", OLD, "a")]
    assert not old.path.exists()
    assert new.path.exists()
    assert list(Partition.objects.all()) == [new]


def test_the_last_day_kept_is_kept() -> None:
    write(date(2026, 7, 1), "a")
    assert prune(keep_days=30, today=TODAY, protected=[]) == []
    assert prune(keep_days=29, today=TODAY, protected=[]) == [("things", date(2026, 7, 1), "a")]


def test_a_protected_partition_stays_however_old() -> None:
    kept, gone = write(OLD, "kept"), write(OLD, "gone")
    prune(keep_days=30, today=TODAY, protected=[("things", OLD, "kept")])
    assert kept.path.exists()
    assert not gone.path.exists()
    assert list(Partition.objects.all()) == [kept]


def test_a_folder_whose_row_is_gone_already_goes_too() -> None:
    """What a pruning that was killed in between left behind."""
    left = write(OLD, "a")
    Partition.objects.all().delete()
    prune(keep_days=30, today=TODAY, protected=[])
    assert not left.path.exists()


def test_evidence_of_refused_partitions_goes_with_its_day() -> None:
    old, new = refused("things", OLD, "a"), refused("things", NEW, "a")
    for folder in (old, new):
        folder.mkdir(parents=True)
    prune(keep_days=30, today=TODAY, protected=[])
    assert not old.exists()
    assert new.exists()


def test_nothing_is_left_of_what_was_pruned() -> None:
    write(OLD, "a")
    prune(keep_days=30, today=TODAY, protected=[])
    assert [f for f in Path(settings.LAKE_DIR).rglob("*") if f.is_file()] == []
