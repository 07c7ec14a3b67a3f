"""Alerts of versions in use that nobody has looked at yet, and what was said of the others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.fields.json import KT
from django.utils.translation import gettext as _

from accounts.services import By, log
from common.errors import DomainError

from .models import Acknowledgement, ModelDay, ModelVersion
from .performance import performance_alerts

# An alert that somebody has looked at is told again once its figure is so many times as great.
GROWN = 1.5
# Told of a day whose outcomes have become known, not of the day that has just been scored.
AFTERWARDS = ("performance_fell", "level_shifted", "uplift_fell")


@dataclass(frozen=True)
class OpenAlert:
    """What holds of a version by its last day; ``acknowledged``: who has looked at it, and why."""

    told: dict[str, Any]
    business_date: date
    acknowledged: Acknowledgement | None

    @property
    def code(self) -> str:
        return str(self.told["code"])

    @property
    def attribute(self) -> str:
        return str(self.told.get("attribute", ""))

    @property
    def loud(self) -> bool:
        return self.acknowledged is None


def open_alerts(
    versions: Iterable[ModelVersion], days: Mapping[int, ModelDay]
) -> dict[int, list[OpenAlert]]:
    """Return each version's alerts: of its last day (``days``), and of the last one measured."""
    ids = [version.pk for version in versions]
    latest = estimable_days().filter(version__in=ids)
    latest = latest.order_by("version_id", "-business_date").distinct("version_id")
    measured = {day.version_id: day for day in latest}
    looked_at = _acknowledged(ids)
    found: dict[int, list[OpenAlert]] = {}
    for pk in ids:
        told = [(alert, days[pk].business_date) for alert in days[pk].alerts] if pk in days else []
        if pk in measured:
            after = performance_alerts(measured[pk].performance)
            told += [(alert, measured[pk].business_date) for alert in after]
        found[pk] = [_open(alert, day, looked_at.get(pk, {})) for alert, day in told]
    return found


def estimable_days() -> QuerySet[ModelDay]:
    """The measured days of which something can be said: a few early labels silence nothing."""
    days = ModelDay.objects.alias(
        auc=KT("performance__now__auc__value"), qini=KT("performance__now__qini__value")
    )
    return days.filter(Q(auc__isnull=False) | Q(qini__isnull=False))


def _acknowledged(versions: list[int]) -> dict[int, dict[tuple[str, str], Acknowledgement]]:
    found: dict[int, dict[tuple[str, str], Acknowledgement]] = {}
    for row in Acknowledgement.objects.filter(version__in=versions, ended_on=None):
        found.setdefault(row.version_id, {})[row.code, row.attribute] = row
    return found


def _open(
    told: dict[str, Any], day: date, looked_at: Mapping[tuple[str, str], Acknowledgement]
) -> OpenAlert:
    row = looked_at.get(_name(told))
    return OpenAlert(told, day, None if row is None or _grown(told, row) else row)


def _name(told: dict[str, Any]) -> tuple[str, str]:
    return told["code"], told.get("attribute", "")


def _grown(told: dict[str, Any], row: Acknowledgement) -> bool:
    """Whether it is another matter by now. A performance falls: less is worse."""
    figure = _size(told)
    if figure is None or row.figure is None:
        return False
    if row.code == "level_shifted":
        # Up or down: what turned round is another matter too.
        return bool(figure * row.figure < 0 or abs(figure) > abs(row.figure) * GROWN)
    if row.code == "performance_fell":
        # Of what it had above chance by then a third is lost as well.
        return bool(figure - 0.5 < (row.figure - 0.5) / GROWN)
    return bool(figure > row.figure * GROWN)


def _size(told: dict[str, Any]) -> float | None:
    """What an alert is compared by with itself, later."""
    return told.get("size", told.get("figure"))  # type: ignore[no-any-return]


@transaction.atomic
def acknowledge(
    version: ModelVersion, *, code: str, attribute: str, note: str, by: By
) -> Acknowledgement:
    """Say that an alert was looked at, and what came of it: it is silent until it ends or grows.

    Raises DomainError ``reason_missing``; ``alert_over`` (409) where there is no such alert now;
    ``already_looked_at`` (409) where somebody else was first.
    """
    if not note.strip():
        raise DomainError(
            "reason_missing",
            _("Say what you found: whoever looks next reads that."),
            where=["note"],
        )
    version = ModelVersion.objects.select_for_update().get(pk=version.pk)
    last = version.days.first()
    days = {version.pk: last} if last else {}
    alerts = open_alerts([version], days)[version.pk]
    found = next((a for a in alerts if (a.code, a.attribute) == (code, attribute)), None)
    if found is None:
        raise DomainError(
            "alert_over", _("There is no such alert any more: look at the model again."), status=409
        )
    if found.acknowledged is not None:
        raise DomainError(
            "already_looked_at",
            _("%s has looked at it meanwhile: read what was found.") % found.acknowledged.by,
            status=409,
        )
    row, _new = Acknowledgement.objects.update_or_create(
        version=version,
        code=code,
        attribute=attribute,
        ended_on=None,
        defaults={
            "figure": _size(found.told),
            "note": note.strip()[:300],
            "by": str(by),
            "business_date": found.business_date,
        },
    )
    log(
        by=by,
        action="acknowledge_alert",
        target=("model", version.model_id, str(version)),
        after={"alert": code, "attribute": attribute, "note": row.note},
    )
    return row


def end_acknowledged(
    version: ModelVersion,
    day: date,
    alerts: list[dict[str, Any]],
    *,
    afterwards: bool = False,
) -> None:
    """End what was acknowledged and no longer holds: should it come back, it is told anew.

    ``afterwards``: these are the alerts of a performance, the only ones that are then ended.
    """
    still = {_name(told) for told in alerts}
    rows = Acknowledgement.objects.filter(version=version, ended_on=None, business_date__lt=day)
    rows = rows.filter(code__in=AFTERWARDS) if afterwards else rows.exclude(code__in=AFTERWARDS)
    over = [row.pk for row in rows if (row.code, row.attribute) not in still]
    Acknowledgement.objects.filter(pk__in=over).update(ended_on=day)
