"""One small province for all tests: three blocks, the last one not full, and three days."""

from datetime import date
from pathlib import Path

import pytest

from sample.days import Province
from sample.make import make
from tests.sample.landing import Landing

PROVINCE = Province(customers=150_000, first_day=date(2026, 7, 1), days=3, seed=7)


@pytest.fixture(scope="session")
def province() -> Province:
    return PROVINCE


@pytest.fixture(scope="session")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Landing:
    folder = tmp_path_factory.mktemp("province")
    make(PROVINCE, folder, workers=1, report=lambda done: None)
    return Landing(folder)


@pytest.fixture
def tiny(tmp_path: Path) -> tuple[Province, Path]:
    return Province(
        customers=2_000, first_day=date(2026, 7, 1), days=2, seed=7
    ), tmp_path / "sample"
