"""What touch points were answered, and the requests that must not count twice."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models

from common.uuid7 import time_of


class Decision(models.Model):
    """One answer to one question about one customer: what it was decided from, and what it said.

    Written once, never changed. ``id`` is in the order of time. Together with the versions that it
    names (docs/decisions.md) it gives the same answer again.

    at               the moment that was asked about
    contact_policy   the newest contact policy version then; 0: none
    contact_version  of the customer's contact record; 0: never met
    sold_out         policies whose capacity was used up
    offers           ids of the offers, best first
    personalised     False: the customer opted out, and got what everybody gets
    """

    id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    expires_at = models.DateTimeField()
    by = models.CharField(max_length=160)
    customer_no = models.CharField(max_length=40)
    city = models.CharField(max_length=40)
    channel = models.CharField(max_length=20, blank=True)
    most = models.PositiveSmallIntegerField()
    publication_id = models.BigIntegerField()
    contact_policy = models.BigIntegerField()
    contact_version = models.IntegerField()
    sold_out = ArrayField(models.CharField(max_length=20))
    offers = ArrayField(models.BigIntegerField())
    personalised = models.BooleanField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["customer_no", "-id"], name="touch_decision_customer")]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def made_at(self) -> datetime:
        return time_of(self.id)


class KeptReply(models.Model):
    """The reply to a request that has effects: the same request again gets it again.

    ``digest``: SHA-256 of the request's body. ``reply`` is null only inside the transaction that
    is doing the work.
    """

    caller = models.CharField(max_length=160)
    key = models.CharField(max_length=100)
    digest = models.CharField(max_length=64)
    reply = models.JSONField(null=True)
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="touch_reply_once")]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"
