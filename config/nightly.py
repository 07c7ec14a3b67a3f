"""The nightly schedule: each night asks once for the day that ended; it begins when it can."""

from datetime import datetime, time, timedelta

import environ
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from common.errors import DomainError
from jobs.models import Due, Run

from .daily import KIND, run_day

BY = "schedule"
# Local time from which the day that has ended is asked for.
NIGHTLY_AT = time.fromisoformat(environ.Env()("NIGHTLY_AT", default="02:30"))
# A day whose sources have not come after so long is given up; a person can still run it.
PATIENCE = timedelta(days=7)


def ask_for_the_night(now: datetime | None = None) -> Due | None:
    """From NIGHTLY_AT on, local time, ask for yesterday; None before, or if it is asked for.

    Asking is one row per business date, so it may be repeated by any number of schedulers, and a
    night that the scheduler slept through is asked for when it wakes.
    """
    local = timezone.localtime(now)
    if local.time() < NIGHTLY_AT:
        return None
    yesterday = local.date() - timedelta(days=1)
    due, new = Due.objects.get_or_create(
        kind=KIND, business_date=yesterday, defaults={"requested_by": BY}
    )
    return due if new else None


def begin_due() -> list[Run]:
    """Begin each day that was asked for and whose sources are there; return their runs."""
    begun = []
    for due in Due.objects.filter(kind=KIND, settled_at=None):
        try:
            run, _new = run_day(due.business_date, by=due.requested_by)
        except DomainError as error:
            _note(due, error)
        else:
            begun.append(run)
            Due.objects.filter(pk=due.pk).update(tried_at=Now(), settled_at=Now(), error=None)
    return begun


def _note(due: Due, error: DomainError) -> None:
    """Keep why it doesn't begin; it goes on waiting only for what may still come (503)."""
    waits = error.status == 503
    if waits and due.created_at < timezone.now() - PATIENCE:
        waits = False
        message = _("%(message)s It was waited for %(days)d days; run the day by hand.") % {
            "message": error.message,
            "days": PATIENCE.days,
        }
    else:
        message = error.message
    told = {"code": error.code, "message": message}
    settled = {} if waits else {"settled_at": Now()}
    Due.objects.filter(pk=due.pk).update(tried_at=Now(), error=told, **settled)
