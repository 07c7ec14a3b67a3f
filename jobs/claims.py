"""Holding a step: a lease that is kept alive, a token that proves who holds it."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import Error, connection
from django.db.models.functions import Now

from .errors import LeaseLost
from .models import Run, Step

# A holder that reports nothing for so long hangs; its lease is no longer renewed.
SILENCE_SECONDS = 3600
SLOWEST_BEAT_SECONDS = 1.0

logger = logging.getLogger(__name__)


def lease() -> timedelta:
    return timedelta(seconds=settings.LEASE_SECONDS)


class Claim:
    """One step, held by the caller under ``token``.

    The step's own thread never writes to the row: inside a long transaction that would lock out
    the very renewal that keeps the lease. It tells ``progress``; a heartbeat with a connection of
    its own carries the figures to the row and the lease forward.
    """

    def __init__(self, step: Step, run: Run, token: int) -> None:
        self.run = run
        self.step = step
        self.token = token
        self.lost = False
        self.units = (0, 0)
        self._heard_at = time.monotonic()

    def progress(self, done: int, total: int) -> None:
        """Tell that ``done`` of ``total`` units are done. Raises LeaseLost if others took over."""
        if self.lost:
            raise LeaseLost(str(self.step))
        self.units = (done, total)
        self._heard_at = time.monotonic()

    def fence(self) -> None:
        """Inside a transaction, right before its commit: raise LeaseLost unless still the holder.

        The row stays locked until the commit, so nobody can take over in between.
        """
        if not connection.in_atomic_block:
            raise RuntimeError("fence() protects a transaction and must be called inside it")
        held = Step.objects.held_by(self.step.pk, self.token).select_for_update()
        if held.values_list("pk").first() is None:
            raise LeaseLost(str(self.step))

    def renew(self) -> bool:
        """Carry the lease and the figures on by one row update; False if others took over."""
        done, total = self.units
        kept = Step.objects.held_by(self.step.pk, self.token).update(
            lease_until=Now() + lease(), done_units=done, total_units=total
        )
        self.lost = self.lost or not kept
        return not self.lost

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the lease alive while the body computes."""
        stop = threading.Event()
        heart = threading.Thread(target=self._beat, args=[stop], name=f"lease {self.step}")
        heart.daemon = True
        heart.start()
        try:
            yield
        finally:
            stop.set()
            heart.join()

    def _beat(self, stop: threading.Event) -> None:
        pause = min(SLOWEST_BEAT_SECONDS, settings.LEASE_SECONDS / 4)
        try:
            while not stop.wait(pause):
                if time.monotonic() - self._heard_at > SILENCE_SECONDS:
                    logger.error("%s has been silent for an hour; its lease runs out", self.step)
                    return
                if not self._renewed():
                    return
        finally:
            connection.close()

    def _renewed(self) -> bool:
        try:
            return self.renew()
        except Error as error:  # the lease outlasts a short absence of the database
            logger.warning("the lease of %s could not be renewed: %s", self.step, error)
            connection.close()
            return True
