"""The model registry: definitions, and the versions that were trained from them."""

from django.db import models

from common.naming import Named


class Model(Named):
    """A model by definition; each of its outputs is a customer attribute of origin "score"."""

    code = models.CharField(max_length=40, primary_key=True)
    kind = models.CharField(max_length=20, help_text="value_index or movement_tree")
    definition = models.JSONField()
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.code


class ModelVersion(models.Model):
    """One fitted model. The file is read only if its signed hash fits."""

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    definition = models.JSONField(help_text="the definition it was fitted from")
    trained_on = models.CharField(max_length=80, blank=True, help_text="the snapshot, as text")
    file = models.CharField(
        max_length=200,
        blank=True,
        help_text="relative to MODELS_DIR; empty: no file needed",
    )
    signature = models.CharField(max_length=64, blank=True, help_text="HMAC-SHA256 of the file")
    metrics = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["model", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="scoring_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.model_id}@{self.number}"
