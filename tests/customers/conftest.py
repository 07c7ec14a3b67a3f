from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _few_parts(settings: Any) -> None:
    """Two parts show everything that sixteen do, in less time."""
    settings.LAKE_PARTS = 2
