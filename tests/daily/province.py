"""A small province to run days on: made once, copied for each test."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests import servers
from tests.forks import Site

CUSTOMERS = 2_000
DAY1, DAY2, DAY3 = (date(2026, 7, day) for day in (1, 2, 3))
TRAINING_DAY = DAY1 - timedelta(days=30)
# Those that the matrices read, and one of each way to learn.
# What the sample's matrices, marks and policies read, and groups.
MODELS = ["value_index", "movement_index", "easyown_group", "second_sim", "low_price_card"]
DEFINITIONS = servers.CHECKOUT / "definitions" / "sample_province"

# Leases run out and bells are missed soon, so that tests needn't wait.
QUICK = {"LAKE_PARTS": 2, "LEASE_SECONDS": 1, "ENGINE_MEMORY": "512MiB"}


@dataclass(frozen=True)
class Province:
    """A site nobody works on any more, that others are copied from."""

    server: str
    site: Site

    def copy(self, name: str, directory: Path) -> Site:
        """A site with the same database and lake; the landing files and models are shared."""
        servers.drop_database(self.server, name)
        url = servers.create_database(self.server, name, template=self.site.database)
        if (lake := self.site.directory / "lake").exists():
            shutil.copytree(lake, directory / "lake", dirs_exist_ok=True)
        return replace(self.site, database_url=url, directory=directory)

    def drop(self) -> None:
        servers.drop_database(self.server, self.site.database)


# --- what children do ---


def prepare() -> None:
    """Sample files, definitions, models."""
    from django.core.management import call_command

    quiet = partial(call_command, stdout=StringIO())
    quiet("make_sample", customers=CUSTOMERS, days=3, first_day=DAY1, workers=1)
    quiet("load_definitions", DEFINITIONS)
    quiet("train_models", date=TRAINING_DAY, model=MODELS, publish=True)


def run_through(business_date: date) -> None:
    """What `manage.py run_day` does."""
    from config.daily import run_day, steps_of_a_day
    from jobs.models import State
    from jobs.work import work_through

    run, _ = run_day(business_date, by="operations")
    run = work_through(run, steps_of_a_day())
    if run.state != State.DONE:
        raise SystemExit(str(list(run.steps.values("name", "state", "error"))))


def ask_for(business_date: date) -> None:
    """What `manage.py run_day --no-wait` does."""
    from config.daily import run_day

    run_day(business_date, by="operations")


def in_child(site: Site, target: Callable[..., Any], *args: Any) -> None:
    assert site.run(target, *args) == 0, f"{target.__name__}{args} failed"


# --- what is seen from outside ---

# The pointer, and everything that its publication shows, as one digest: in one statement.
_SHOWN = """
    SELECT (SELECT publication_id FROM campaigns_currentpublication) AS publication,
           count(*) AS customers, md5(string_agg(row, '|' ORDER BY customer_no)) AS digest
    FROM (
        SELECT DISTINCT ON (customer_no) customer_no, departed,
               concat_ws('~', customer_no, city, profile, cells, offers, tiers, take_ups, worths)
               AS row
        FROM campaigns_answer
        WHERE publication_id <= (SELECT publication_id FROM campaigns_currentpublication)
        ORDER BY customer_no, publication_id DESC
    ) AS current WHERE NOT departed
"""


@dataclass(frozen=True)
class Shown:
    """What readers see."""

    publication: int | None
    customers: int
    digest: str | None


def look(url: str) -> Shown:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return Shown(**connection.execute(_SHOWN).fetchone())


def publications(url: str) -> list[dict[str, Any]]:
    """All publications, oldest first, without what differs from one run to the next."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(
            "SELECT id, business_date, run_number, answers_key, content_hash, customers, changed"
            " FROM campaigns_publication ORDER BY id"
        ).fetchall()


def steps(url: str) -> list[dict[str, Any]]:
    """The steps of the latest run."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(
            "SELECT s.name, s.state, s.attempts, s.token, s.output, s.error, r.state AS run"
            " FROM jobs_step s JOIN jobs_run r ON r.id = s.run_id"
            " WHERE r.id = (SELECT max(id) FROM jobs_run) ORDER BY s.position"
        ).fetchall()


def seconds(url: str) -> dict[str, float]:
    """What each step of the latest run took."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT name, extract(epoch FROM finished_at - started_at)::float8 FROM jobs_step"
            " WHERE run_id = (SELECT max(id) FROM jobs_run)"
        )
        return dict(rows.fetchall())


def drafts(site: Site) -> list[Path]:
    return list((site.directory / "lake" / ".drafts").glob("*"))
