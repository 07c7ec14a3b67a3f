"""A province made once per test process, and what an undisturbed second day gives on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests import servers
from tests.forks import Site

from .province import (
    DAY1,
    DAY2,
    QUICK,
    Province,
    Shown,
    in_child,
    look,
    prepare,
    publications,
    run_through,
    seconds,
)

_copies = count(1)


@dataclass(frozen=True)
class Undisturbed:
    """The second day, run once without disturbance."""

    before: Shown
    after: Shown
    publications: list[dict[str, Any]]
    seconds: dict[str, float]


@pytest.fixture(scope="session")
def _names(test_session: Any) -> str:
    return f"juzhen_day_{test_session.controller}_{test_session.worker}"


@pytest.fixture(scope="session")
def prepared(
    database_server: str,
    database_template: str,
    _names: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Province]:
    """Definitions loaded, models trained, files landed; no day run yet."""
    directory = tmp_path_factory.mktemp("province")
    url = servers.create_database(database_server, f"{_names}_0", template=database_template)
    shared = {"LANDING_DIR": directory / "landing", "MODELS_DIR": directory / "models"}
    province = Province(database_server, Site(url, directory, QUICK | shared))
    in_child(province.site, prepare)
    yield province
    province.drop()


@pytest.fixture(scope="session")
def first_day(
    prepared: Province, _names: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Province]:
    """The first day is published."""
    site = prepared.copy(f"{_names}_1", tmp_path_factory.mktemp("first_day"))
    in_child(site, run_through, DAY1)
    province = Province(prepared.server, site)
    yield province
    province.drop()


@pytest.fixture(scope="session")
def undisturbed(
    first_day: Province, _names: str, tmp_path_factory: pytest.TempPathFactory
) -> Undisturbed:
    site = first_day.copy(f"{_names}_2", tmp_path_factory.mktemp("undisturbed"))
    before = look(site.database_url)
    in_child(site, run_through, DAY2)
    after = look(site.database_url)
    assert before != after
    found = Undisturbed(before, after, publications(site.database_url), seconds(site.database_url))
    Province(first_day.server, site).drop()
    return found


@pytest.fixture
def site(first_day: Province, _names: str, tmp_path: Path) -> Iterator[Site]:
    """A copy of the province with the first day published, for this test to disturb."""
    site = first_day.copy(f"{_names}_test{next(_copies)}", tmp_path)
    yield site
    Province(first_day.server, site).drop()
