"""A partition is there whole or not at all, whatever kills its writer."""

import os
import signal
import time
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import settings

from lake import partitions
from lake.models import Partition
from lake.partitions import DRAFTS, Draft, find, sweep, writing
from tests.forks import Site

DAY = date(2026, 7, 1)

pytestmark = pytest.mark.django_db


def fill(draft: Draft, value: int = 1) -> None:
    for part in range(draft.parts):
        pq.write_table(pa.table({"n": [value] * (part + 1)}), draft.file(part))
    draft.facts["value"] = value


def write(key: str = "k", value: int = 1) -> Partition:
    with writing("things", DAY, key, parts=2) as draft:
        fill(draft, value)
    return draft.partition


def lake_files() -> list[Path]:
    return [f for f in Path(settings.LAKE_DIR).rglob("*") if f.is_file()]


def test_a_partition_says_what_is_in_it() -> None:
    partition = write()
    assert (partition.parts, partition.rows, partition.facts) == (2, 3, {"value": 1})
    assert partition.size == sum(file.stat().st_size for file in partition.files)
    assert find("things", DAY, "k") == partition


def test_nothing_is_found_that_was_not_written() -> None:
    write()
    assert find("things", DAY, "other") is None
    assert find("things", date(2026, 7, 2), "k") is None


def test_an_error_while_writing_leaves_nothing() -> None:
    def fail() -> None:
        with writing("things", DAY, "k", parts=2) as draft:
            fill(draft)
            (draft.scratch / "notes").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert lake_files() == []
    assert find("things", DAY, "k") is None


def test_a_missing_part_is_an_error_and_leaves_nothing() -> None:
    with pytest.raises(FileNotFoundError), writing("things", DAY, "k", parts=2) as draft:
        pq.write_table(pa.table({"n": [1]}), draft.file(0))
    assert lake_files() == []


def test_scratch_does_not_outlive_the_writing() -> None:
    with writing("things", DAY, "k", parts=2) as draft:
        fill(draft)
        (draft.scratch / "notes").write_text("x")
    assert {file.name for file in lake_files()} == {
        "part-0000.parquet",
        "part-0001.parquet",
        "manifest.json",
    }


def test_of_two_writers_of_one_key_the_first_to_finish_counts() -> None:
    with writing("things", DAY, "k", parts=2) as late:
        fill(late, value=2)
        first = write(value=1)
    assert late.partition == first
    assert late.partition.facts == {"value": 1}
    assert pq.read_table(first.file(0)).to_pylist() == [{"n": 1}]
    assert Partition.objects.count() == 1


def test_a_second_writer_takes_the_first_ones_facts_even_before_there_is_a_row() -> None:
    """The first was killed between its rename and its row; folder and row must still agree."""
    write(value=1)
    Partition.objects.all().delete()
    assert write(value=2).facts == {"value": 1}


def test_a_folder_in_the_way_that_is_no_partition_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "lake/things/2026-07-01").mkdir(parents=True)
    (tmp_path / "lake/things/2026-07-01/k").write_text("a file")
    with pytest.raises(NotADirectoryError):
        write()


def test_a_complete_folder_without_a_row_is_adopted() -> None:
    before = write()
    Partition.objects.all().delete()
    found = find("things", DAY, "k")
    assert (found.rows, found.size, found.facts) == (before.rows, before.size, before.facts)


def test_sweeping_removes_old_drafts_and_spilled_data_only() -> None:
    write()
    lake = Path(settings.LAKE_DIR)
    for name in ("old", "young"):
        for place in (lake / DRAFTS / name, lake / ".spill" / name):
            place.mkdir(parents=True)
            (place / "data").write_text("x")
    long_ago = time.time() - 10_000
    for place in (lake / DRAFTS / "old", lake / ".spill" / "old"):
        for path in (place / "data", place):
            os.utime(path, (long_ago, long_ago))

    assert sweep(older_than_seconds=5_000) == 2

    assert {p.name for p in (lake / DRAFTS).iterdir()} == {"young"}
    assert {p.name for p in (lake / ".spill").iterdir()} == {"young"}
    assert find("things", DAY, "k") is not None


def test_a_draft_whose_writer_still_fills_it_is_not_swept() -> None:
    with writing("things", DAY, "k", parts=2) as draft:
        fill(draft)
        long_ago = time.time() - 10_000
        os.utime(draft.path, (long_ago, long_ago))
        os.utime(draft.file(0), (long_ago, long_ago))
        assert sweep(older_than_seconds=5_000) == 0
    assert draft.partition.rows == 3


def killed_while_writing() -> None:
    with writing("things", DAY, "k", parts=2) as draft:
        fill(draft)
        os.kill(os.getpid(), signal.SIGKILL)


def killed_before_the_row() -> None:
    def kill(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    partitions._record = kill
    with writing("things", DAY, "k", parts=2) as draft:
        fill(draft)


@pytest.mark.parametrize("target", [killed_while_writing, killed_before_the_row])
def test_after_kill_9_the_next_writer_gets_a_whole_partition(
    real_database: str, tmp_path: Path, target: object
) -> None:
    site = Site(real_database, tmp_path)
    assert site.run(target) == -signal.SIGKILL
    assert site.run(write_and_check) == 0


def write_and_check() -> None:
    partition = find("things", DAY, "k") or write()
    assert partition.rows == 3
    assert [len(pq.read_table(file)) for file in partition.files] == [1, 2]
    sweep(older_than_seconds=0)
    assert not any((Path(settings.LAKE_DIR) / DRAFTS).iterdir())
