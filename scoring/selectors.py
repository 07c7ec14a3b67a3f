"""Reads of the model registry."""

from .models import Model, ModelVersion


def current_versions() -> list[ModelVersion]:
    """Return each model's newest published version, in the models' order."""
    newest = (
        ModelVersion.objects.filter(published_at__isnull=False)
        .order_by("model_id", "-number")
        .distinct("model_id")
    )
    by_model = {version.model_id: version for version in newest.select_related("model")}
    return [by_model[m.code] for m in Model.objects.all() if m.code in by_model]
