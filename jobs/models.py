"""Work as rows: PostgreSQL is the truth, the broker only rings the bell."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")


class RunQuerySet(models.QuerySet["Run"]):
    def unfinished(self) -> "RunQuerySet":
        return self.filter(state__in=[State.WAITING, State.RUNNING])


class Run(models.Model):
    """One run of a list of steps (kind "day") over inputs pinned when it was asked for.

    ``key`` is the content key of ``inputs``. Asking again with the inputs of the date's latest run
    finds that run; with other inputs, even those of a run before it, makes the next ``number``:
    what is taken back must be published anew.
    """

    kind = models.CharField(max_length=20)
    business_date = models.DateField()
    number = models.PositiveIntegerField()
    key = models.CharField(max_length=40)
    inputs = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    requested_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    rung_at = models.DateTimeField(db_default=Now(), help_text="when its bell was last written")
    finished_at = models.DateTimeField(null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-business_date", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "business_date", "number"], name="jobs_run_number"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.business_date} #{self.number}"


class Due(models.Model):
    """A business date that shall be run as soon as its sources are there; asked for once."""

    kind = models.CharField(max_length=20)
    business_date = models.DateField()
    requested_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    tried_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True, help_text="started, or refused for good")
    error = models.JSONField(null=True, help_text="why it waits, or why it was refused")

    class Meta:
        ordering = ["business_date"]
        verbose_name_plural = "due"
        constraints = [
            models.UniqueConstraint(fields=["kind", "business_date"], name="jobs_due_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.business_date}"


class StepQuerySet(models.QuerySet["Step"]):
    def held_by(self, pk: int, token: int) -> "StepQuerySet":
        """The step, if ``token`` is still the one that holds it; empty otherwise."""
        return self.filter(pk=pk, token=token, state=State.RUNNING)

    def free(self) -> "StepQuerySet":
        """Steps that may be taken now: on the database's clock, whatever clock the caller has."""
        return self.filter(
            models.Q(lease_until=None) | models.Q(lease_until__lt=Now()),
            state__in=[State.WAITING, State.RUNNING],
        )


class Step(models.Model):
    """One step of a run. It is held by whoever has its ``token`` while ``lease_until`` lasts.

    The token only grows: a holder that was thought dead and comes back finds a greater one and may
    write nothing (fencing). Leases are read on the database's clock alone. Of a waiting step,
    ``lease_until`` is the moment before which it isn't tried again.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=40)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    token = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    done_units = models.PositiveIntegerField(default=0)
    total_units = models.PositiveIntegerField(default=0)
    output = models.JSONField(
        default=dict, help_text="what later steps read: partition ids, version numbers"
    )
    counts = models.JSONField(default=dict, help_text="what people read: counts and proofs")
    error = models.JSONField(null=True, help_text="code, message, extra of the last failure")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    peak_mib = models.PositiveIntegerField(null=True)

    objects = StepQuerySet.as_manager()

    class Meta:
        ordering = ["run", "position"]
        constraints = [models.UniqueConstraint(fields=["run", "position"], name="jobs_step_once")]

    def __str__(self) -> str:
        return f"{self.run} {self.name}"


class OutboxMessage(models.Model):
    """A bell to ring, written in the transaction that made it necessary."""

    topic = models.CharField(max_length=60)
    body = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=models.Q(sent_at=None), name="jobs_outbox_unsent")
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.body}"
