"""One computation, any engine: Spark gives the answers that DuckDB gives, to the last letter."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings

from campaigns.planned import Planned
from lake.spark import Spark

from .matching import matched, run
from .strategies import TODAY, customers, plans

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    with (
        override_settings(LAKE_DIR=tmp_path_factory.mktemp("lake")),
        Spark(memory="1GiB", threads=2) as engine,
    ):
        yield engine


@hypothesis_settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # shrinking takes minutes on Spark
)
@given(planned=plans(), people=customers(least=1))
def test_spark_agrees(spark: Spark, planned: Planned, people: list[dict[str, Any]]) -> None:
    assert run(spark, planned, people, TODAY) == matched(planned, people, TODAY)
