"""Ingesting twice does nothing; a kill leaves nothing; another input makes another partition."""

import os
import signal
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.conf import settings

from common.errors import DomainError
from customers.ingest import ingest
from customers.models import Rejection
from lake.models import Partition
from lake.partitions import DRAFTS, sweep
from tests.forks import Site

from .ingesting import DAY, HEADER, land, loaded, pinned, run

pytestmark = pytest.mark.django_db

CSV = (
    ",".join(HEADER)
    + "\n"
    + "".join(f"{n},HZ,{n % 130},1.5,yes,GT,x,20260701\n" for n in range(300))
)


def test_the_same_input_finds_the_same_partition() -> None:
    land("a.csv", CSV)
    first = run(pinned("a.csv"))
    written = first.file(0).stat().st_mtime_ns
    assert run(pinned("a.csv")) == first
    assert first.file(0).stat().st_mtime_ns == written


@pytest.mark.parametrize("change", ["content", "mapping", "catalogue", "file name", "date"])
def test_another_input_makes_another_partition(change: str) -> None:
    land("a.csv", CSV)
    first = run(pinned("a.csv"))
    day, inputs = DAY, pinned("a.csv")
    match change:
        case "content":
            land("a.csv", CSV + "x,HZ,1,1.5,yes,GT,x,20260701\n")
            inputs = pinned("a.csv")
        case "mapping":
            inputs = pinned("a.csv", null_words=[""])
        case "catalogue":
            inputs["catalogue"] = {**inputs["catalogue"], "cities": ["hangzhou"]}
        case "file name":
            inputs = pinned(land("b.csv", CSV))
        case "date":
            day = date(2026, 7, 2)
    second = run(inputs, day)
    assert second != first
    assert Partition.objects.count() == 2
    assert all(file.exists() for file in first.files)


def test_equal_input_makes_equal_files() -> None:
    land("a.csv", CSV)
    rows = []
    for day in (DAY, date(2026, 7, 2)):
        partition = run(pinned("a.csv"), day)
        rows.append((loaded(partition), pq.read_table(partition.path / "rejects.parquet")))
    assert rows[0] == rows[1]


def test_a_file_that_changed_since_it_was_pinned_is_refused() -> None:
    land("a.csv", CSV)
    inputs = pinned("a.csv")
    land("a.csv", CSV.replace("1.5", "2.5"))
    with pytest.raises(DomainError) as error:
        run(inputs)
    assert (error.value.code, error.value.status) == ("file_changed", 409)
    assert Partition.objects.count() == 0


def test_a_file_that_is_gone_is_named() -> None:
    land("a.csv", CSV)
    inputs = pinned("a.csv")
    (Path(settings.LANDING_DIR) / "a.csv").unlink()
    with pytest.raises(DomainError) as error:
        run(inputs)
    assert (error.value.code, error.value.extra) == ("file_missing", {"file": "a.csv"})


def test_progress_grows_to_its_total() -> None:
    land("a.csv", CSV)
    seen: list[tuple[int, int]] = []
    ingest(DAY, pinned("a.csv"), progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (3, 3)


def test_a_lost_lease_stops_the_ingest_and_leaves_nothing() -> None:
    class LeaseLost(Exception):
        pass

    def lose(done: int, total: int) -> None:
        raise LeaseLost

    land("a.csv", CSV)
    with pytest.raises(LeaseLost):
        ingest(DAY, pinned("a.csv"), progress=lose)
    assert Partition.objects.count() == 0
    assert not list(Path(settings.LAKE_DIR).rglob("*.parquet"))


def killed(inputs: dict[str, Any], at: int) -> None:
    """Ingest, and die at the given report of progress."""

    def die(done: int, total: int) -> None:
        if done == at:
            os.kill(os.getpid(), signal.SIGKILL)

    settings.LAKE_PARTS = 2
    ingest(DAY, inputs, progress=die)


def repeated(inputs: dict[str, Any]) -> None:
    settings.LAKE_PARTS = 2
    partition = run(inputs)
    assert partition.facts["rows_in"] == 300
    assert partition.facts["loaded"] == len(loaded(partition)) == partition.rows
    assert Rejection.objects.get().rows == partition.facts["rejected"] > 0
    sweep(older_than_seconds=0)
    assert list((Path(settings.LAKE_DIR) / DRAFTS).iterdir()) == []


@pytest.mark.parametrize("at", [1, 2, 3])
def test_after_kill_9_at_any_slice_the_next_ingest_is_whole(
    at: int, real_database: str, tmp_path: Path
) -> None:
    settings.LANDING_DIR = tmp_path / "landing"
    land("a.csv", CSV)
    inputs = pinned("a.csv")
    site = Site(real_database, tmp_path)
    assert site.run(killed, inputs, at) == -signal.SIGKILL
    assert site.run(repeated, inputs) == 0
