"""The command: a day from its sources to its readers, asked for once, twice, or wrongly."""

import shutil
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import psycopg
import pytest
from django.core.management import execute_from_command_line
from django.utils import translation

from tests.forks import Site, write_to

from .province import (
    DAY1,
    DAY2,
    DAY3,
    Shown,
    in_child,
    look,
    publications,
    run_through,
)


@dataclass(frozen=True)
class Told:
    """How the command ended, and all that it said."""

    returncode: int | None
    text: str


def run_day(site: Site, *options: str) -> Told:
    log = site.directory / "run_day.log"
    log.unlink(missing_ok=True)
    returncode = site.run(manage, log, "run_day", *options)
    return Told(returncode, log.read_text())


def manage(log: Path, *command: str) -> None:
    """What `manage.py …` does, in English."""
    write_to(log)
    translation.activate("en")
    execute_from_command_line(["manage.py", *command])


def raise_code() -> None:
    """As if a step had been changed: all inputs are equal but the code."""
    from config import daily

    daily.CODE += 1
    run_through(DAY2)


def lose_movements() -> None:
    """As if what is told beside the work of the day could not be counted."""
    from config import daily

    def refuse(*_: object, **__: object) -> None:
        raise ValueError("no such column")

    daily.group_movements = refuse
    run_through(DAY2)


def test_a_figure_beside_the_work_costs_no_day(site: Site) -> None:
    in_child(site, lose_movements)
    assert publications(site.database_url)[-1]["business_date"] == DAY2
    with psycopg.connect(site.database_url) as connection:
        [(output, counts)] = connection.execute(
            "SELECT s.output, s.counts FROM jobs_step s JOIN jobs_run r ON r.id = s.run_id"
            " WHERE r.kind = 'day' AND r.business_date = %s AND s.name = 'assign'",
            [DAY2],
        ).fetchall()
    assert sorted(output) == ["cells", "flows", "members"]
    assert counts["movements_not_counted"] == 1


def test_a_day_is_shown_step_by_step_and_summed_up(site: Site) -> None:
    told = run_day(site, "--date", DAY2.isoformat())
    assert told.returncode == 0, told.text
    for word in ("ingest", "score", "assign", "match", "publish", "0 rejected", "0 unassigned"):
        assert word in told.text
    [_, published] = publications(site.database_url)
    assert published["content_hash"] in told.text.replace("\n", "")
    assert published["business_date"] == DAY2


def test_a_day_twice_changes_nothing_and_says_so(site: Site) -> None:
    before = look(site.database_url), publications(site.database_url)
    told = run_day(site, "--date", DAY1.isoformat())
    assert told.returncode == 0, told.text
    assert "nothing has changed" in told.text
    assert (look(site.database_url), publications(site.database_url)) == before


def test_changed_inputs_make_a_new_version_and_keep_the_old(site: Site) -> None:
    in_child(site, run_through, DAY2)
    old = look(site.database_url)
    in_child(site, raise_code)
    numbers = [(p["business_date"], p["run_number"]) for p in publications(site.database_url)]
    assert numbers == [(DAY1, 1), (DAY2, 1), (DAY2, 2)]
    assert look(site.database_url) == Shown(3, old.customers, old.digest)
    in_child(site, run_through, DAY2)  # taken back: published anew
    assert publications(site.database_url)[-1]["run_number"] == 3


def test_a_date_before_the_published_one_is_refused(site: Site) -> None:
    in_child(site, run_through, DAY2)
    told = run_day(site, "--date", DAY1.isoformat())
    assert told.returncode == 1
    assert "older_than_published" in told.text
    assert "Traceback" not in told.text


def test_a_date_whose_sources_are_missing_is_refused(site: Site) -> None:
    told = run_day(site, "--date", date(2031, 1, 1).isoformat())
    assert told.returncode == 1
    assert "source_missing" in told.text


def test_a_failed_step_ends_with_its_reason_and_is_taken_up_when_that_is_mended(
    site: Site, tmp_path: Path
) -> None:
    landing = tmp_path / "landing"
    shutil.copytree(site.settings["LANDING_DIR"], landing)
    site = replace(site, settings=site.settings | {"LANDING_DIR": landing})
    file = landing / "sample" / DAY2.isoformat() / "customers.parquet"
    sound = file.read_bytes()
    file.write_bytes(sound[:1000])
    before = look(site.database_url)
    told = run_day(site, "--date", DAY2.isoformat())
    assert told.returncode == 1
    assert "ingest" in told.text
    assert "Traceback" not in told.text
    assert look(site.database_url) == before
    file.write_bytes(sound)
    assert run_day(site, "--date", DAY2.isoformat()).returncode == 0


def test_without_waiting_the_work_is_left_to_the_workers(site: Site) -> None:
    told = run_day(site, "--date", DAY2.isoformat(), "--no-wait")
    assert told.returncode == 0, told.text
    assert len(publications(site.database_url)) == 1
    with psycopg.connect(site.database_url) as connection:
        states = connection.execute(
            "SELECT DISTINCT s.state FROM jobs_step s JOIN jobs_run r ON r.id = s.run_id"
            " WHERE r.kind = 'day' AND r.business_date = %s",
            [DAY2],
        )
        assert states.fetchall() == [("waiting",)]


@pytest.mark.parametrize("later", [DAY2, DAY3])
def test_days_may_be_left_out(site: Site, later: date) -> None:
    in_child(site, run_through, later)
    assert publications(site.database_url)[-1]["business_date"] == later
