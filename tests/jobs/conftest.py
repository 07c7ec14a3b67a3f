"""Bells that the tests hear instead of a broker."""

from datetime import date
from typing import Any

import pytest
from celery import current_app

from jobs.models import Run
from jobs.services import start_run

Bell = tuple[str, dict[str, Any]]


@pytest.fixture(autouse=True)
def bells(monkeypatch: pytest.MonkeyPatch) -> list[Bell]:
    """What was rung, in order."""
    heard: list[Bell] = []

    def hear(topic: str, kwargs: dict[str, Any], retry: bool) -> None:
        heard.append((topic, kwargs))

    monkeypatch.setattr(current_app, "send_task", hear)
    return heard


@pytest.fixture
def run(transactional_db: None) -> Run:
    """A run of two steps, just started."""
    return begin()


def begin(day: int = 1, steps: tuple[str, ...] = ("first", "second"), **inputs: Any) -> Run:
    return start_run(
        kind="test", business_date=date(2026, 7, day), steps=steps, inputs=inputs, by="operations"
    )[0]
