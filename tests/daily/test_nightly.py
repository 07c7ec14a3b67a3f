"""The nightly schedule: asked for once, begun when the sources are there."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection

from common.errors import DomainError
from config import nightly
from jobs.models import Due

from .runs import begin

pytestmark = pytest.mark.django_db

YESTERDAY = date(2026, 7, 1)


@pytest.fixture(autouse=True)
def _shanghai(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TIME_ZONE = "Asia/Shanghai"
    monkeypatch.setattr(nightly, "NIGHTLY_AT", time(2, 30))


def at(hour: int, minute: int) -> datetime:
    """A moment of 2 July 2026, Shanghai time (UTC+8)."""
    return datetime(2026, 7, 2, hour, minute, tzinfo=UTC) - timedelta(hours=8)


def answer(monkeypatch: pytest.MonkeyPatch, error: DomainError | None) -> list[date]:
    """Let the day begin, or be refused with ``error``; the dates that were tried."""
    tried: list[date] = []

    def run_day(business_date: date, *, by: str) -> tuple[Any, bool]:
        tried.append(business_date)
        if error is not None:
            raise error
        return begin(business_date), True

    monkeypatch.setattr(nightly, "run_day", run_day)
    return tried


MISSING = DomainError("source_missing", "Not yet.", status=503)


def test_the_night_asks_for_the_local_day_that_has_ended() -> None:
    assert nightly.ask_for_the_night(at(2, 29)) is None
    due = nightly.ask_for_the_night(at(2, 30))
    assert due is not None
    assert due.business_date == YESTERDAY


def test_a_night_slept_through_is_asked_for_late_and_only_once() -> None:
    assert nightly.ask_for_the_night(at(23, 0)) is not None
    assert nightly.ask_for_the_night(at(23, 1)) is None
    assert Due.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_at_once_ask_once() -> None:
    def ask(_: int) -> bool:
        try:
            return nightly.ask_for_the_night(at(3, 0)) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(ask, range(8))) == 1


def test_a_day_begins_once_its_sources_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    nightly.ask_for_the_night(at(3, 0))
    answer(monkeypatch, MISSING)
    assert nightly.begin_due() == []
    waiting = Due.objects.get()
    assert (waiting.settled_at, waiting.error["code"]) == (None, "source_missing")
    tried = answer(monkeypatch, None)
    assert [run.business_date for run in nightly.begin_due()] == [YESTERDAY]
    assert nightly.begin_due() == []
    assert tried == [YESTERDAY]
    assert Due.objects.get().error is None


def test_a_day_that_is_refused_is_settled_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    nightly.ask_for_the_night(at(3, 0))
    answer(monkeypatch, DomainError("older_than_published", "Too old.", status=409))
    nightly.begin_due()
    due = Due.objects.get()
    assert due.settled_at is not None
    assert due.error == {"code": "older_than_published", "message": "Too old."}


def test_a_day_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    due = nightly.ask_for_the_night(at(3, 0))
    Due.objects.filter(pk=due.pk).update(created_at=at(3, 0) - timedelta(days=400))
    answer(monkeypatch, MISSING)
    nightly.begin_due()
    assert Due.objects.get().settled_at is not None
