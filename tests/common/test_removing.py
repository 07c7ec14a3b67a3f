"""What is old is removed a few rows at a time."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import removing
from common.removing import remove
from jobs.models import OutboxMessage

pytestmark = pytest.mark.django_db
START = datetime(2026, 7, 1, tzinfo=UTC)


def make(count: int) -> None:
    OutboxMessage.objects.bulk_create(
        OutboxMessage(topic=str(n), body={}, sent_at=START + timedelta(days=n))
        for n in range(count)
    )


@pytest.mark.parametrize(("rows", "statements"), [(0, 1), (2, 1), (3, 2), (7, 3)])
def test_a_statement_removes_no_more_than_a_batch(
    rows: int, statements: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removing, "BATCH", 3)
    make(rows + 1)
    old = OutboxMessage.objects.filter(sent_at__lt=START + timedelta(days=rows)).order_by("sent_at")
    with CaptureQueriesContext(connection) as queries:
        assert remove(old) == rows
    assert len([q for q in queries if q["sql"].startswith("DELETE")]) == statements
    assert [row.topic for row in OutboxMessage.objects.all()] == [str(rows)]


@pytest.mark.django_db(transaction=True)
def test_it_can_stop_half_way_with_the_oldest_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removing, "BATCH", 3)
    make(7)
    done = 0

    def dies(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        nonlocal done
        done += 1
        if done > 1:
            raise RuntimeError("killed")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(dies), pytest.raises(RuntimeError):
        remove(OutboxMessage.objects.order_by("sent_at"))
    assert {row.topic for row in OutboxMessage.objects.all()} == {"3", "4", "5", "6"}
