"""A province of generated definitions in a directory of its own: run for some days, then served.

It has a PostgreSQL of its own, which runs while it is made and while it is ``up``.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from deploy.places import Place
from deploy.postgres import Postgres
from sample.bench_definitions import write_definitions

CAMPAIGNS, CELLS = 20, 8_000
TRAINING = date(2026, 6, 1)
DAYS = (date(2026, 7, 1), date(2026, 7, 2))
# The models learn on a province of this size: training isn't what is measured.
LEARNERS = 100_000


class Province:
    """``parts``: of its lake. Each costs the planning of a match: a minute, at 2,000 policies."""

    def __init__(self, home: Path, parts: int = 16) -> None:
        self.home = home
        self.parts = parts
        self.place = Place(home / "var")

    @property
    def url(self) -> str:
        return self.place.addresses().database_url

    @contextmanager
    def up(self) -> Iterator[None]:
        server = Postgres(self.place)
        server.start()
        try:
            yield
        finally:
            server.stop()

    def make(self, customers: int, policies: int, days: Sequence[date]) -> None:
        """Load definitions of that many policies and run the days; the server must be up."""
        write_definitions(self.home / "definitions", policies, CAMPAIGNS, CELLS)
        self.manage("migrate", "--verbosity", "0")
        self.manage("load_definitions", str(self.home / "definitions"))
        learners = str(min(customers, LEARNERS))
        self.manage("make_sample", "--customers", learners, landing="learners")
        self.manage(
            "train_models",
            "--date",
            TRAINING.isoformat(),
            "--publish",
            "--where-possible",
            landing="learners",
        )
        self.manage("make_sample", "--customers", str(customers), "--days", str(len(days)))
        for day in days:
            self.manage("run_day", "--date", day.isoformat())

    def manage(self, *command: str, landing: str = "landing") -> None:
        environment = self.environment | {"LANDING_DIR": str(self.home / landing)}
        subprocess.run(
            [sys.executable, "manage.py", *command], env=environment, stdout=sys.stderr, check=True
        )

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "DATABASE_URL": self.url,
            "BROKER_URL": "memory://",  # commands work by themselves; bells ring for nobody
            "LAKE_DIR": str(self.home / "lake"),
            "LAKE_PARTS": str(self.parts),
            "MODELS_DIR": str(self.home / "models"),
        }
