"""Writes of jobs: a run is started, its steps are claimed, finished or failed, bells are rung.

Every change is one conditional UPDATE on the database's clock, so any number of workers,
schedulers and reconcilers may do these at once.
"""

import json
import logging
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.services import By, log
from common.errors import DomainError
from common.keys import key_of

from .claims import Claim, lease
from .errors import LeaseLost
from .memory import peak_mib
from .models import Run, State, Step
from .outbox import ring

# The tasks that do the next step of a run; config.tasks defines them. Kinds of runs that may take
# hours have a bell of their own, heard by workers of their own: the day never waits behind them.
BELL = "jobs.work"
SLOW_BELL = "jobs.work_slowly"

# Between attempts; doubled each time.
FIRST_PAUSE_SECONDS = 2.0

logger = logging.getLogger(__name__)

__all__ = [
    "BELL",
    "SLOW_BELL",
    "Claim",
    "cancel",
    "claim",
    "fail",
    "finish",
    "reconcile",
    "release",
    "ring",
    "ring_run",
    "start_run",
]


def start_run(
    *, kind: str, business_date: date, steps: Sequence[str], inputs: dict[str, Any], by: By
) -> tuple[Run, bool]:
    """Return the run over these inputs and whether this call set it going.

    The date's latest run is the answer if its inputs are equal: finished, it stays as it is;
    failed, it takes up where it stopped. Otherwise the next number begins, and its bell is rung.
    """
    key = key_of(inputs)
    while True:
        latest = Run.objects.filter(kind=kind, business_date=business_date).first()
        if latest is not None and latest.key == key:
            return latest, _resume(latest, by)
        number = latest.number + 1 if latest else 1
        wanted = {"key": key, "inputs": inputs, "requested_by": str(by)}
        with transaction.atomic():
            run, ours = Run.objects.get_or_create(
                kind=kind, business_date=business_date, number=number, defaults=wanted
            )
            if ours:
                rows = [Step(run=run, position=i, name=name) for i, name in enumerate(steps)]
                Step.objects.bulk_create(rows)
                log(by=by, action="start_run", target=_target(run), after={"key": key})
                ring_run(run)
                return run, True


@transaction.atomic
def _resume(run: Run, by: By) -> bool:
    """Give a failed run new attempts; False if it hasn't failed."""
    failed = Run.objects.filter(pk=run.pk, state=State.FAILED)
    if not failed.update(state=State.WAITING, finished_at=None):
        return False
    run.steps.filter(state=State.FAILED).update(state=State.WAITING, attempts=0, lease_until=None)
    log(by=by, action="resume_run", target=_target(run))
    ring_run(run)
    run.refresh_from_db()
    return True


def claim(run: Run) -> Claim | None:
    """Take the run's next step if it is free; None if it is held, not due yet, or there is none.

    A step whose attempts are used up, its last holder gone without a word, fails here.
    """
    step = run.steps.exclude(state=State.DONE).order_by("position").first()
    if step is None:
        return None
    free = Step.objects.free().filter(pk=step.pk, token=step.token)
    if step.attempts >= settings.STEP_ATTEMPTS:
        _give_up(run, step)
        return None
    with transaction.atomic():
        taken = free.update(
            state=State.RUNNING,
            token=F("token") + 1,
            attempts=F("attempts") + 1,
            lease_until=Now() + lease(),
            started_at=Now(),
            done_units=0,
            total_units=0,
        )
        if not taken:
            return None
        Run.objects.filter(pk=run.pk, state=State.WAITING).update(state=State.RUNNING)
    token = step.token + 1  # not what the row says by now: it may have been taken over already
    step.refresh_from_db()
    return Claim(step, run, token)


@transaction.atomic
def finish(claim: Claim, output: dict[str, Any], counts: dict[str, Any]) -> None:
    """Record what the step made, and ring for the next; the last step finishes the run.

    Raises LeaseLost, and records nothing, if another holder took over.
    """
    done, total = claim.units
    _leave(
        claim,
        state=State.DONE,
        output=output,
        counts=counts,
        error=None,
        done_units=total or done,
        total_units=total,
        finished_at=Now(),
        peak_mib=peak_mib(),
    )
    if claim.run.steps.exclude(state=State.DONE).exists():
        ring_run(claim.run)
    else:
        Run.objects.filter(pk=claim.run.pk).update(state=State.DONE, finished_at=Now())


@transaction.atomic
def fail(claim: Claim, error: Exception) -> None:
    """Record the failure. A DomainError is final: nothing but a change of the inputs mends it.

    Any other error is tried again, after 2, 4, 8, … seconds, up to STEP_ATTEMPTS times in all.
    Raises LeaseLost if another holder took over.
    """
    attempts = claim.step.attempts
    told = _told(error)
    if isinstance(error, DomainError) or attempts >= settings.STEP_ATTEMPTS:
        _leave(claim, state=State.FAILED, error=told, finished_at=Now())
        Run.objects.filter(pk=claim.run.pk).update(state=State.FAILED, finished_at=Now())
    else:
        pause = timedelta(seconds=FIRST_PAUSE_SECONDS * 2 ** (attempts - 1))
        _leave(claim, state=State.WAITING, error=told, lease_until=Now() + pause)


def _told(error: Exception) -> dict[str, Any]:
    """The error as plain JSON: what isn't JSON by itself becomes text."""
    if isinstance(error, DomainError):
        told = {"code": error.code, "message": error.message, "extra": error.extra}
    else:
        told = {"code": "unexpected", "message": f"{type(error).__name__}: {error}", "extra": {}}
    return json.loads(json.dumps(told, default=str))


@transaction.atomic
def release(claim: Claim) -> None:
    """Give an interrupted step back as if it had not been tried; raises LeaseLost if it is gone."""
    _leave(claim, state=State.WAITING, attempts=F("attempts") - 1)
    ring_run(claim.run)


@transaction.atomic
def cancel(run: Run, *, by: By) -> bool:
    """End an unfinished run at its next step's next sign of life; False if it had ended.

    The present step fails with code ``cancelled`` and its holder loses the lease. Asking for the
    same run again takes it up where it stood.
    """
    ended = Run.objects.unfinished().filter(pk=run.pk)
    if not ended.update(state=State.FAILED, finished_at=Now()):
        return False
    step = run.steps.exclude(state=State.DONE).order_by("position").first()
    error = {
        "code": "cancelled",
        "message": _("Cancelled by %s.") % by,
        "extra": {},
    }
    Step.objects.filter(pk=step.pk).exclude(state=State.DONE).update(
        state=State.FAILED,
        token=F("token") + 1,
        lease_until=None,
        error=error,
        finished_at=Now(),
    )
    log(by=by, action="cancel_run", target=_target(run))
    run.refresh_from_db()
    return True


def _leave(claim: Claim, **values: Any) -> None:
    values = {"lease_until": None} | values
    if not Step.objects.held_by(claim.step.pk, claim.token).update(**values):
        raise LeaseLost(str(claim.step))


@transaction.atomic
def _give_up(run: Run, step: Step) -> None:
    message = _(
        "“%(step)s” was begun %(attempts)d times and its process ended each time without a word: "
        "killed, or out of memory. Look into the worker's and the system's log, then run the "
        "day again."
    ) % {"step": step.name, "attempts": step.attempts}
    error = {"code": "gave_up", "message": message, "extra": {"attempts": step.attempts}}
    free = Step.objects.free().filter(pk=step.pk, token=step.token)
    if free.update(state=State.FAILED, error=error, lease_until=None, finished_at=Now()):
        Run.objects.filter(pk=run.pk).update(state=State.FAILED, finished_at=Now())


def ring_run(run: Run) -> None:
    """Ring for the run's next step, inside the transaction that made it due."""
    Run.objects.filter(pk=run.pk).update(rung_at=Now())
    ring(SLOW_BELL if run.kind in settings.SLOW_KINDS else BELL, {"run_id": run.pk})


def reconcile() -> int:
    """Ring again for every unfinished run that nobody works on; return how many.

    This alone brings back what a lost bell, an emptied broker or a killed worker left behind. A
    bell is given a quarter of a lease to be heard.
    """
    held = Step.objects.filter(run=OuterRef("pk"), lease_until__gt=Now())
    quiet = Run.objects.unfinished().filter(~Exists(held), rung_at__lt=Now() - lease() / 4)
    rung = 0
    for run in quiet:
        with transaction.atomic():
            if Run.objects.filter(pk=run.pk, rung_at=run.rung_at).update(rung_at=Now()):
                ring_run(run)
                rung += 1
    if rung:
        logger.warning("rang again for %d run(s) that nobody was working on", rung)
    return rung


def _target(run: Run) -> tuple[str, str, str]:
    return ("run", str(run.pk), str(run))
