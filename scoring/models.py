"""The model registry: definitions, the versions trained from them, how they fare day by day."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from common.naming import Named


class Model(Named):
    """A model by definition; each of its outputs is a customer attribute of origin "score"."""

    code = models.CharField(max_length=40, primary_key=True)
    kind = models.CharField(max_length=40, help_text="a code of scoring.kinds.KINDS")
    definition = models.JSONField()
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.code


class VersionState(models.TextChoices):
    TRAINED = "trained", _("trained")
    PROPOSED = "proposed", _("waits for approval")
    PUBLISHED = "published", _("in use")
    REPLACED = "replaced", _("replaced")
    REFUSED = "refused", _("refused")


class VersionQuerySet(models.QuerySet["ModelVersion"]):
    def published(self) -> "VersionQuerySet":
        return self.filter(state=VersionState.PUBLISHED)


class ModelVersion(models.Model):
    """One fitted model. The file is read only if its signed hash fits.

    ``report`` is what the report page shows, ``metrics`` the few figures that a list shows;
    ``profile`` what the day is held against: how the features and the score were distributed.
    """

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=VersionState, default=VersionState.TRAINED)
    definition = models.JSONField(help_text="the definition it was fitted from")
    trained_on = models.CharField(max_length=200, blank=True, help_text="the snapshots, as text")
    as_of = models.DateField(null=True, help_text="the last day that its features know of")
    file = models.CharField(
        max_length=200,
        blank=True,
        help_text="relative to MODELS_DIR; empty: no file needed",
    )
    signature = models.CharField(max_length=64, blank=True, help_text="HMAC-SHA256 of the file")
    metrics = models.JSONField(default=dict)
    report = models.JSONField(default=dict)
    profile = models.JSONField(default=dict)
    stages = models.JSONField(default=list, help_text="CRISP-DM: [{stage, seconds, facts}]")
    code_version = models.CharField(max_length=40, blank=True)
    run = models.BigIntegerField(null=True, unique=True, help_text="the training run that made it")
    trained_by = models.CharField(max_length=150, blank=True)
    proposed_by = models.CharField(max_length=150, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    note = models.CharField(max_length=300, blank=True, help_text="why it was refused or replaced")
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["model", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="scoring_version_once"),
            models.UniqueConstraint(
                fields=["model"],
                condition=models.Q(state=VersionState.PUBLISHED),
                name="scoring_one_champion",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_id}@{self.number}"


class ModelDay(models.Model):
    """How a version fared on one day: what it met, how far that is from what it learnt from.

    ``facts``: {"scored", "features": {attribute: {"psi", "missing", "unseen"}}, "score": {...}}.
    ``stale_since``: the day whose scores stand, where this day's could not be made; null: its own.
    """

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="days")
    business_date = models.DateField()
    stale_since = models.DateField(null=True)
    scores = models.BigIntegerField(null=True, help_text="the partition that it wrote")
    facts = models.JSONField(default=dict)
    alerts = models.JSONField(default=list, help_text="[{code, attribute, figure, limit}]")
    performance = models.JSONField(
        default=dict, help_text="once outcomes are known; see scoring.performance"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-business_date"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "business_date"], name="scoring_model_day_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.version} {self.business_date}"


class Acknowledgement(models.Model):
    """Somebody has looked at an alert of a version: it is silent until it ends, or grows.

    ``ended_on``: the first day without that alert; should it come back, it is told anew.
    """

    version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="acknowledgements"
    )
    code = models.CharField(max_length=40)
    attribute = models.CharField(max_length=60, blank=True)
    figure = models.FloatField(null=True, help_text="as it was when it was looked at")
    note = models.CharField(max_length=300)
    by = models.CharField(max_length=150)
    business_date = models.DateField(help_text="the day whose alert it was")
    ended_on = models.DateField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "code", "attribute"],
                condition=models.Q(ended_on=None),
                name="scoring_acknowledged_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.version} {self.code} {self.attribute}".strip()


class Judgement(models.Model):
    """What one expert holds of the indicators below one node of a hierarchy, pair by pair.

    ``pairs``: {"arpu": {"tenure": 3.0}}: arpu counts three times as much as tenure (Saaty's scale).
    """

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="judgements")
    expert = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="judgements"
    )
    node = models.CharField(max_length=60)
    pairs: Any = models.JSONField(default=dict)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["model", "node", "expert"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "node", "expert"], name="scoring_judgement_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.model_id} {self.node} {self.expert_id}"
