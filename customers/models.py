"""What is known of customers, as definitions; the customers themselves are in the lake."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from common.naming import Named


class Category(models.TextChoices):
    """The seven categories of attributes (S2)."""

    BASIC = "basic", _("basic")
    BEARER = "bearer", _("bearer")
    CHANNEL = "channel", _("channel")
    SERVICE = "service", _("service")
    CONTENT = "content", _("content")
    INDUSTRY = "industry", _("industry contact")
    RELATIVE = "relative", _("relative indicator")


class Type(models.TextChoices):
    INTEGER = "integer", _("whole number")
    NUMBER = "number", _("number")
    BOOLEAN = "boolean", _("yes or no")
    CATEGORY = "category", _("category")
    TEXT = "text", _("text")
    DATE = "date", _("date")


class Sensitivity(models.TextChoices):
    PUBLIC = "public", _("public")
    INTERNAL = "internal", _("internal")
    SENSITIVE = "sensitive", _("sensitive")


class Origin(models.TextChoices):
    SOURCE = "source", _("read from a source")
    SCORE = "score", _("computed by a model")
    LABEL = "label", _("an outcome known afterwards, for training only")


class Attribute(Named):
    """One attribute of a customer. ``values`` of a category: [{"code", "zh", "en"}, ...]."""

    code = models.CharField(max_length=60, primary_key=True)
    category = models.CharField(max_length=10, choices=Category)
    type = models.CharField(max_length=10, choices=Type)
    unit_zh = models.CharField(max_length=20, blank=True)
    unit_en = models.CharField(max_length=20, blank=True)
    minimum = models.FloatField(null=True)
    maximum = models.FloatField(null=True)
    values = models.JSONField(default=list)
    sensitivity = models.CharField(max_length=10, choices=Sensitivity, default=Sensitivity.INTERNAL)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.SOURCE)
    front_desk = models.BooleanField(default=False, help_text="shown at touch points")
    description_zh = models.CharField(max_length=300, blank=True)
    description_en = models.CharField(max_length=300, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.code


class Source(models.Model):
    """Where one table of the day comes from, and the mapping that reads it (see docs/ingest.md)."""

    code = models.CharField(max_length=40, primary_key=True)
    table = models.CharField(max_length=20, help_text="customers, orders or contacts")
    mapping = models.JSONField()
    active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.code


class Rejection(models.Model):
    """One ingest that refused rows: how many, why, and where they lie.

    ``file`` is relative to LAKE_DIR: beside the partition, or among the refused where so many rows
    were rejected that no partition was made.
    """

    partition_key = models.CharField(max_length=40)
    source = models.CharField(max_length=40)
    business_date = models.DateField()
    rows = models.BigIntegerField()
    reasons = models.JSONField(default=dict, help_text="reason → rows")
    columns = ArrayField(models.CharField(max_length=200), default=list)
    file = models.CharField(max_length=400)

    class Meta:
        ordering = ["-business_date", "source"]
        constraints = [
            models.UniqueConstraint(
                fields=["business_date", "partition_key"], name="customers_rejection_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.business_date}: {self.rows}"
