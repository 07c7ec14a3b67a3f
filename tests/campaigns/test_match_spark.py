"""One computation, any engine: Spark gives the answers that DuckDB gives, to the last letter."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from campaigns.planned import Planned
from lake.spark import Spark

from .matching import matched, run
from .strategies import TODAY, customers, plans

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    from django.conf import settings

    before, settings.LAKE_DIR = settings.LAKE_DIR, Path(tmp_path_factory.mktemp("lake"))
    try:
        with Spark(memory="1GiB", threads=2) as engine:
            yield engine
    finally:
        settings.LAKE_DIR = before


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(planned=plans(), people=customers(least=1))
def test_spark_agrees(spark: Spark, planned: Planned, people: list[dict[str, Any]]) -> None:
    assert run(spark, planned, people, TODAY) == matched(planned, people, TODAY)
