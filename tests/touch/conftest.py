"""Touch points are asked during office hours of the day that the small province publishes."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

NOON = datetime(2026, 7, 2, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """What the clock says: offers end, and some hours are quiet."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOON)
    return NOON
