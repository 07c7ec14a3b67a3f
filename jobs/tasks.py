"""What beat rings for by itself."""

from celery import shared_task

from . import outbox, services


@shared_task(name="jobs.reconcile")
def reconcile() -> None:
    services.reconcile()
    outbox.relay()
