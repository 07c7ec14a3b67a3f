"""Same seed, same province: whatever the processes, the blocks at a time, or what went before."""

import fcntl
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sample import files, make
from sample.days import Province


def content(folder: Path) -> dict[str, pa.Table]:
    found = {str(f.relative_to(folder)): pq.read_table(f) for f in folder.rglob("*.parquet")}
    return {name: table.replace_schema_metadata(None) for name, table in found.items()}


def make_all(province: Province, folder: Path, workers: int = 1) -> list[make.Day]:
    return make.make(province, folder, workers=workers, report=lambda done: None)


def test_same_seed_gives_the_same_bytes(tiny: tuple[Province, Path], tmp_path: Path) -> None:
    province, folder = tiny
    make_all(province, folder)
    make_all(province, tmp_path / "again")
    for file in folder.rglob("*.parquet"):
        again = tmp_path / "again" / file.relative_to(folder)
        assert file.read_bytes() == again.read_bytes(), file


def test_another_seed_gives_another_province(tiny: tuple[Province, Path], tmp_path: Path) -> None:
    province, folder = tiny
    make_all(province, folder)
    make_all(Province(2_000, date(2026, 7, 1), 2, 8), tmp_path / "other")
    mine, other = content(folder), content(tmp_path / "other")
    name = "2026-07-01/customers.parquet"
    assert not mine[name]["ARPU"].equals(other[name]["ARPU"])


def test_processes_and_row_groups_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    province = Province(140_000, date(2026, 7, 1), 1, 7)
    make_all(province, tmp_path / "one")
    monkeypatch.setattr(make, "WORTH_A_PROCESS", 0)
    monkeypatch.setattr(files, "ROW_GROUP", 1)
    make_all(province, tmp_path / "two", workers=2)
    one, two = content(tmp_path / "one"), content(tmp_path / "two")
    assert one.keys() == two.keys()
    for name, table in one.items():
        assert table.equals(two[name]), name


def test_more_days_leave_the_earlier_ones_as_they_are(tiny: tuple[Province, Path]) -> None:
    province, folder = tiny
    make_all(province, folder)
    before = content(folder)
    longer = Province(province.customers, province.first_day, 3, province.seed)
    made = make_all(longer, folder)
    assert [day.date for day in made] == [date(2026, 7, 3)]
    after = content(folder)
    assert all(after[name].equals(table) for name, table in before.items())


def test_only_what_is_missing_or_damaged_is_made(tiny: tuple[Province, Path]) -> None:
    province, folder = tiny
    make_all(province, folder)
    before = content(folder)
    assert make_all(province, folder) == []
    (folder / "2026-07-02" / "orders.parquet").unlink()
    (folder / "2026-07-01" / "contacts.parquet").write_bytes(b"PAR1 broken off")
    made = make_all(province, folder)
    assert [day.date for day in made] == [date(2026, 7, 1), date(2026, 7, 2)]
    assert all(content(folder)[name].equals(table) for name, table in before.items())


def test_other_figures_replace_the_files(tiny: tuple[Province, Path]) -> None:
    province, folder = tiny
    make_all(province, folder)
    smaller = Province(1_000, province.first_day, province.days, province.seed)
    assert len(make_all(smaller, folder)) == 3
    assert len(content(folder)["2026-07-01/customers.parquet"]) == 1_000


def test_a_failure_leaves_no_file_behind(tiny: tuple[Province, Path]) -> None:
    province, folder = tiny
    day = make.Day(province, 0, folder)

    def fail(done: int) -> None:
        assert not any(day.path(name).exists() for name in day.schemas), "not complete yet"
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        day.make(fail)
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_two_makers_do_not_share_a_folder(tiny: tuple[Province, Path]) -> None:
    province, folder = tiny
    folder.mkdir()
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RuntimeError, match="another process"):
            make_all(province, folder)
