"""What is remembered of contacts, and what the province and its cities allow of them."""

from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from customers.meetings import Outcome

from .record import OPTED, Met, Record


class ContactPolicyVersionQuerySet(models.QuerySet["ContactPolicyVersion"]):
    def newest(self) -> "ContactPolicyVersionQuerySet":
        """The version that speaks for each organisation."""
        return self.order_by("organisation_id", "-id").distinct("organisation_id")

    def visible_to(self, user: User) -> "ContactPolicyVersionQuerySet":
        """Those of the own organisation, of all below it and of those above: they bind it."""
        return self.filter(organisation__in=Organisation.objects.concerning(user))


class ContactPolicyVersion(models.Model):
    """What an organisation says of contacts from this version on; the newest speaks.

    ``body``: {"limits": [...], "quiet_hours": [...]}, see ``contacts.body``. Ids ascend in the
    order in which versions come into force, so that one id names what held in every organisation.
    A trigger in the database refuses to change or delete a version: decisions name it.
    """

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="contact_policies"
    )
    number = models.PositiveIntegerField()
    body = models.JSONField()
    by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ContactPolicyVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "number"], name="contacts_policy_version"
            )
        ]
        verbose_name = _("contact policy")

    def __str__(self) -> str:
        return f"{self.organisation.code}@{self.number}"


class ContactRecord(models.Model):
    """What a request reads of one customer: ``contacts.record.Record``, folded from his events.

    There is a row for whoever was met or opted out; nobody else has one.
    """

    customer_no = models.CharField(max_length=40, primary_key=True)
    version = models.PositiveIntegerField(default=0)
    times = models.JSONField(default=dict, help_text="{key: {channel: [unix seconds]}}")
    held = models.JSONField(default=dict, help_text="{what: until, unix seconds}")
    opted_out = ArrayField(models.CharField(max_length=20), default=list)

    def __str__(self) -> str:
        return f"{self.customer_no}@{self.version}"

    @property
    def record(self) -> Record:
        return Record(self.version, self.times, self.held, frozenset(self.opted_out))


class Opting(models.TextChoices):
    OPT_OUT = "opt_out", _("opted out")
    OPT_IN = "opt_in", _("opted in again")


class ContactEvent(models.Model):
    """What happened, once and for ever: appended, pruned by age, never changed (a trigger).

    version     of the customer's record that this event made
    at          when it happened, as the touch point says
    channel     of an opt-out or opt-in the channel it is about, or "personalised"
    held_days   of an order, as the policy's version said
    decision    what it answers; none for what came by itself
    """

    customer_no = models.CharField(max_length=40)
    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=20, choices=[*Outcome.choices, *Opting.choices])
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(auto_now_add=True)
    channel = models.CharField(max_length=20)
    policy = models.CharField(max_length=20, blank=True)
    policy_version = models.PositiveIntegerField(null=True)
    campaign = models.CharField(max_length=20, blank=True)
    group = models.CharField(max_length=40, blank=True)
    held_days = models.PositiveIntegerField(default=0)
    city = models.CharField(max_length=40, blank=True)
    decision = models.UUIDField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    by = models.CharField(max_length=150)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer_no", "version"], name="contacts_event"),
            models.UniqueConstraint(
                fields=["decision", "policy", "kind"],
                condition=Q(decision__isnull=False),
                name="contacts_event_once",
            ),
        ]
        indexes = [models.Index(fields=["at"], name="contacts_event_age")]

    def __str__(self) -> str:
        return f"{self.customer_no}@{self.version} {self.kind} {self.policy}"

    @property
    def met(self) -> Met:
        return met_of(self)


def met_of(event: Any) -> Met:
    """What the record is told of an event, kept or about to be."""
    decision = "" if event.decision is None else event.decision.hex
    opted = event.kind in OPTED
    return Met(
        kind=event.kind,
        at=seconds(event.at),
        channel=event.channel,
        policy="" if opted else event.policy,
        group=event.group,
        decision=decision,
        held_days=event.held_days,
    )


def seconds(moment: datetime) -> int:
    """Whole seconds since 1970: a contact is dated to the second in which it was."""
    return int(moment.timestamp() // 1)


class Taken(models.Model):
    """How many orders of a policy there have been, for its capacity."""

    policy = models.CharField(max_length=20, primary_key=True)
    taken = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "taken"

    def __str__(self) -> str:
        return f"{self.policy}: {self.taken}"
