"""What the first `make run` does once: the sample province, its definitions, three days."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from deploy.errors import DeployError

DEFAULT_CUSTOMERS = 200_000
# One of the sample province's, in Hangzhou, where the front desk of the demonstration sits.
SAMPLE_CUSTOMER = "12889862172"

# (what a person reads, the command of manage.py). Each finished line leaves a mark, and an
# interrupted first run goes on behind the last mark, so each must bear being repeated. The dates
# are fixed: the definitions' policies are valid then, and everybody sees the same province. The
# models learn from the month before the first day.
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Making the sample province",
        ("make_sample", "--customers", "{customers}", "--first-day", "2026-07-01", "--days", "3"),
    ),
    ("Loading its definitions", ("load_definitions", "definitions/sample_province")),
    (
        "Training its models",
        ("train_models", "--date", "2026-06-01", "--publish", "--where-possible"),
    ),
    ("Running the first day", ("run_day", "--date", "2026-07-01")),
    (
        "Training what learns from the first day's trials and orders",
        (
            *("train_models", "--date", "2026-07-01", "--publish", "--where-possible"),
            *("--model", "retention_response", "--model", "data_pack_response"),
            *("--model", "data_pack_propensity", "--model", "ringback_propensity"),
        ),
    ),
    ("Running the second day", ("run_day", "--date", "2026-07-02")),
    ("Running the third day", ("run_day", "--date", "2026-07-03")),
    (
        "Counting what the channels brought in the three days",
        (
            *("train_models", "--date", "2026-07-03", "--publish", "--where-possible"),
            *("--model", "channel_profitability"),
        ),
    ),
)


class Database(NamedTuple):
    """`identity` tells one database from every other; `is_empty`: it has no table yet."""

    identity: str
    is_empty: bool


class FirstRun:
    """The marks of one database: kept in `path`, dropped when the database is another one.

    Made before the database is migrated. One that holds something already, and that we have
    no marks of, is somebody's: nothing is made in it.
    """

    def __init__(self, path: Path, database: Database) -> None:
        self.path = path
        marks = _read(path)
        if marks.get("database") != database.identity:
            marks = {
                "database": database.identity,
                "sample": database.is_empty,
                "customers": _customers(),
                "done": [],
            }
            _write(path, marks)
        self._marks = marks

    @property
    def has_sample(self) -> bool:
        """Whether the database has, or will have, the sample province."""
        return bool(self._marks["sample"])

    @property
    def customers(self) -> int:
        """How many the sample province has, or will have."""
        return int(self._marks["customers"])

    def remaining(self) -> list[tuple[str, Sequence[str]]]:
        """The steps still to do, with their values filled in."""
        return [
            (title, [word.format(customers=self.customers) for word in command])
            for title, command in STEPS
            if self.has_sample and title not in self._marks["done"]
        ]

    def run(self, execute: Callable[[str, Sequence[str]], None]) -> None:
        """Have every remaining step executed; marks each as it ends."""
        for title, command in self.remaining():
            execute(title, command)
            self._marks["done"].append(title)
            _write(self.path, self._marks)


def look_at(database_url: str) -> Database:
    """Known by its cluster's own number and its name; where that is not told, by its address."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = connection.info.dbname
        tables = connection.execute("SELECT FROM pg_tables WHERE schemaname = 'public' LIMIT 1")
        is_empty = tables.fetchone() is None
        try:
            row = connection.execute("SELECT system_identifier FROM pg_control_system()")
            cluster = str((row.fetchone() or ("",))[0])
        except psycopg.errors.InsufficientPrivilege:
            cluster = f"{connection.info.host}:{connection.info.port}"
    identity = hashlib.sha256(f"{cluster}/{name}".encode()).hexdigest()[:16]
    return Database(identity, is_empty)


def _customers() -> int:
    """CUSTOMERS; kept with the marks, so that a resumed run keeps to it."""
    text = os.environ.get("CUSTOMERS") or str(DEFAULT_CUSTOMERS)
    if not text.isdigit() or int(text) < 1:
        raise DeployError(
            "bad_customers", f"CUSTOMERS must be a whole number above 0; it is {text!r}."
        )
    return int(text)


def _read(path: Path) -> dict[str, Any]:
    try:
        marks: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return marks


def _write(path: Path, marks: dict[str, Any]) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(marks, indent=1))
    new.rename(path)
