"""The outbox: a bell is written with the change that needs it, and rung once that is committed.

A bell is a task of Celery by name, with its arguments. It may be rung twice, late or, when the
broker forgets, not at all: it only says that there may be something to do in the database.
"""

import logging
from datetime import timedelta
from typing import Any

from celery import current_app
from django.db import connection, transaction
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from .models import OutboxMessage

KEEP = timedelta(days=1)

logger = logging.getLogger(__name__)


def ring(topic: str, body: dict[str, Any]) -> None:
    """Write a bell into the transaction of the change; it is rung right after the commit."""
    if not connection.in_atomic_block:
        raise RuntimeError("ring() belongs inside the transaction of the change that needs it")
    OutboxMessage.objects.create(topic=topic, body=body)
    transaction.on_commit(relay, robust=True)


@transaction.atomic
def relay(limit: int = 200) -> int:
    """Ring the oldest unrung bells; return how many.

    Rows are locked while they are rung and those that another relay holds are passed over. A kill
    between ringing and commit rings again. Without a broker the bells stay for the next relay.
    """
    waiting = OutboxMessage.objects.filter(sent_at=None).order_by("id")
    rung = []
    for bell in waiting.select_for_update(skip_locked=True)[:limit]:
        try:
            current_app.send_task(bell.topic, kwargs=bell.body, retry=False)
        except OperationalError as error:
            logger.warning("the broker is out of reach, bells wait in the outbox: %s", error)
            break
        rung.append(bell.pk)
    if rung:
        OutboxMessage.objects.filter(pk__in=rung).update(sent_at=Now())
    return len(rung)


def forget_rung() -> int:
    """Remove bells rung more than a day ago; return how many."""
    return OutboxMessage.objects.filter(sent_at__lt=Now() - KEEP).delete()[0]
