"""``make_sample`` writes under LANDING_DIR, says what it did, and refuses what can't be."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from sample.management.commands.make_sample import Command


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(Command(), *arguments, stdout=out)
    return out.getvalue()


def test_files_are_where_the_sources_look(settings: object) -> None:
    run("--customers", "500", "--days", "1", "--workers", "1")
    folder = Path(settings.LANDING_DIR) / "sample"
    for day in ("2026-06-01", "2026-07-01"):
        for table in ("customers", "orders", "contacts"):
            assert (folder / day / f"{table}.parquet").is_file()
    assert (folder / "truth" / "truth.json").is_file()


def test_a_second_run_finds_everything_there() -> None:
    arguments = ("--customers", "500", "--days", "1", "--workers", "1")
    first, second = run(*arguments), run(*arguments)
    assert first.splitlines()[0].startswith("2 ")
    assert second.splitlines()[0].startswith("0 ")


@pytest.mark.parametrize("wrong", [("--customers", "0"), ("--days", "40"), ("--workers", "0")])
def test_what_cannot_be_is_refused(wrong: tuple[str, str]) -> None:
    with pytest.raises(CommandError):
        run(*wrong)
