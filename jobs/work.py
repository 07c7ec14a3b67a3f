"""Doing a run's steps: what a worker does at a bell, and what a command does until the end."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from common.errors import DomainError

from . import memory, services
from .claims import Claim
from .errors import LeaseLost
from .models import Run, State

PAUSE_SECONDS = 0.5

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Done:
    """What a step made: ``output`` is what later steps read, ``counts`` what people read."""

    output: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)


Steps = Mapping[str, Callable[[Claim], Done]]


def work_once(run: Run, steps: Steps) -> bool:
    """Do the run's next step if it is free; False if there was nothing to take.

    A step that fails is recorded as failed, not raised. An interruption (Ctrl-C, a worker's
    shutdown) gives the step back and goes on upwards.
    """
    claim = services.claim(run)
    if claim is None:
        return False
    try:
        _do(claim, steps)
    except LeaseLost:
        logger.warning("%s was taken over by another worker", claim.step)
    return True


def work_through(run: Run, steps: Steps) -> Run:
    """Work until the run is done or failed, by whoever: what others hold is waited for."""
    while True:
        worked = work_once(run, steps)
        run.refresh_from_db()
        if run.state in (State.DONE, State.FAILED):
            return run
        if not worked:
            time.sleep(PAUSE_SECONDS)


def _do(claim: Claim, steps: Steps) -> None:
    memory.reset_peak()
    try:
        with claim.kept():
            done = steps[claim.step.name](claim)
    except LeaseLost:
        raise
    except Exception as error:
        expected = isinstance(error, DomainError)
        logger.warning("%s failed: %s", claim.step, error, exc_info=not expected)
        services.fail(claim, error)
    except BaseException:
        services.release(claim)
        raise
    else:
        services.finish(claim, done.output, done.counts)
