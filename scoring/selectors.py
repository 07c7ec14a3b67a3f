"""Reads of the model registry."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import date

from jobs.models import Run
from lake.models import Partition

from .alerts import OpenAlert, open_alerts
from .kinds import KINDS
from .models import Model, ModelDay, ModelVersion, VersionState
from .training import KIND

DAYS_SHOWN = 30
DAYS_OFFERED = 31


def current_versions() -> list[ModelVersion]:
    """Return the version in use of each model that scores, in the models' order."""
    published = ModelVersion.objects.published().select_related("model")
    versions = published.order_by("model__position", "model_id")
    return [v for v in versions if KINDS[v.model.kind].writes(v.definition)]


@dataclass(frozen=True)
class Line:
    """One model in a list: what is in use, what waits, how the last day went."""

    model: Model
    kind: str
    outputs: list[str]
    champion: ModelVersion | None
    proposed: list[ModelVersion]
    day: ModelDay | None
    alerts: list[OpenAlert]

    @property
    def health(self) -> str:
        """unused, scoreless, unknown (no day yet), stale, alert, seen or well."""
        if self.champion is None:
            return "unused"
        if not self.outputs:
            return "scoreless"
        if self.day is None:
            return "unknown"
        loud = [alert.code for alert in self.alerts if alert.loud]
        if loud:
            return "stale" if "stale" in loud else "alert"
        return "seen" if self.alerts else "well"

    @property
    def loud(self) -> list[OpenAlert]:
        """What somebody should look at."""
        return [alert for alert in self.alerts if alert.loud]


def lines() -> list[Line]:
    """Every model in its order; few queries, however many there are."""
    open_ = ModelVersion.objects.filter(state__in=[VersionState.PUBLISHED, VersionState.PROPOSED])
    versions = list(open_.defer("report", "profile"))
    champions = {v.model_id: v for v in versions if v.state == VersionState.PUBLISHED}
    last = ModelDay.objects.filter(version__in=champions.values())
    days = {
        d.version_id: d
        for d in last.order_by("version_id", "-business_date").distinct("version_id")
    }
    alerts = open_alerts(champions.values(), days)
    return [
        Line(
            model=model,
            kind=str(KINDS[model.kind].name),
            outputs=[o.attribute for o, _ in KINDS[model.kind].writes(model.definition)],
            champion=champions.get(model.code),
            proposed=[
                v for v in versions if v.model_id == model.code and v.state == VersionState.PROPOSED
            ],
            day=days.get(champions[model.code].pk) if model.code in champions else None,
            alerts=alerts[champions[model.code].pk] if model.code in champions else [],
        )
        for model in Model.objects.all()
    ]


def models_to_look_at() -> list[Line]:
    """The models in use of which an alert is open that nobody has looked at."""
    return [line for line in lines() if line.loud]


def alerted_on(business_date: date, versions: Container[tuple[str, int]]) -> list[ModelDay]:
    """How these versions (code, number) fared on a day, where there was something to look at."""
    days = ModelDay.objects.filter(business_date=business_date)
    days = days.exclude(alerts=[], performance={})
    days = days.select_related("version__model")
    days = days.order_by("version__model__position", "version__model")
    return [day for day in days if (day.version.model_id, day.version.number) in versions]


def days_of(version: ModelVersion) -> list[ModelDay]:
    """The last days on which the version scored, newest first."""
    return list(version.days.all()[:DAYS_SHOWN])


def measured_days(version: ModelVersion) -> list[ModelDay]:
    """The last days whose outcomes are known, newest first."""
    return list(version.days.exclude(performance={})[:DAYS_SHOWN])


def alerts_of_version(version: ModelVersion) -> list[OpenAlert]:
    """What holds of a version by its last day."""
    last = version.days.first()
    return open_alerts([version], {version.pk: last} if last else {})[version.pk]


def latest_training(model: Model) -> Run | None:
    runs = Run.objects.filter(kind=KIND, inputs__model=model.code)
    return runs.order_by("-created_at").first()


def training_days() -> list[date]:
    """The latest days whose customers the lake holds, newest first."""
    days = Partition.objects.filter(dataset="customers").order_by("-business_date")
    return list(days.values_list("business_date", flat=True).distinct()[:DAYS_OFFERED])
