"""How a version fared day by day, for a page: alerts in words, drift by feature."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from .alerts import OpenAlert
from .charts import Chart, spark
from .figures import percent, short
from .models import Acknowledgement, ModelDay
from .names import Names
from .performance import performance_alerts

ALERTS = {
    "feature_absent": gettext_noop("%(attribute)s is lacking in the day's data"),
    "type_changed": gettext_noop("%(attribute)s came in another type than in training"),
    "missing_more": gettext_noop(
        "%(attribute)s is unknown of %(share)s of the customers, the limit is %(limit_share)s"
    ),
    "feature_shifted": gettext_noop(
        "%(attribute)s is distributed otherwise than in training: PSI %(figure)s, the limit is "
        "%(limit)s"
    ),
    "unseen_values": gettext_noop(
        "%(share)s of the customers have a value of %(attribute)s that training had not seen, the "
        "limit is %(limit_share)s"
    ),
    "score_shifted": gettext_noop(
        "the score is distributed otherwise than in training: PSI %(figure)s, the limit is "
        "%(limit)s"
    ),
    "performance_fell": gettext_noop(
        "it separates worse than it did: AUC %(figure)s, held out of training it had %(limit)s"
    ),
    "level_shifted": gettext_noop(
        "the outcome came of %(share)s of the customers, %(limit_share)s was to be expected"
    ),
    "uplift_fell": gettext_noop(
        "it finds those whom a contact moves worse than it did: Qini %(figure)s, held out of "
        "training it had %(limit)s"
    ),
    "stale": gettext_noop("too much was unknown to score: the scores of %(since)s stand"),
}
VERDICTS = {
    "better": gettext_noop("better than at training"),
    "worse": gettext_noop("worse than at training"),
    "no difference shown": gettext_noop("no difference to training is shown"),
}
GRADES = {
    "stable": gettext_noop("stable"),
    "watch": gettext_noop("to be watched"),
    "shifted": gettext_noop("shifted"),
}


@dataclass(frozen=True)
class Day:
    """One day: whom it scored, how far the score has moved, what somebody should look at."""

    business_date: date
    stale_since: date | None
    scored: int | None
    mean: float | None
    psi: float | None
    grade: str
    alerts: list[str]


@dataclass(frozen=True)
class Feature:
    """One feature (or the score, ``name`` empty) over the days: the last, the worst, the line."""

    name: str
    psi: float | None
    grade: str
    worst: float | None
    missing: float | None
    missing_at_training: float | None
    unseen: float | None
    line: str


@dataclass(frozen=True)
class Shown:
    """An open alert in words; ``seen``: who has looked at it, and what he found."""

    code: str
    attribute: str
    text: str
    business_date: date
    seen: Acknowledgement | None


@dataclass(frozen=True)
class Measured:
    """One scored day whose outcomes are known; ``told``: figures now and at training."""

    business_date: date
    told: dict[str, Any]
    verdict: str
    alerts: list[str]

    @property
    def by_trial(self) -> bool:
        """Whether it was a trial that told it: what a contact adds."""
        return "qini" in self.told["now"]


def alerts(day: ModelDay, names: Names) -> list[str]:
    return [_alert(one, names) for one in [*day.alerts, *performance_alerts(day.performance)]]


def shown(found: Sequence[OpenAlert], names: Names) -> list[Shown]:
    """Those that nobody has looked at come first."""
    told = [
        Shown(a.code, a.attribute, _alert(a.told, names), a.business_date, a.acknowledged)
        for a in found
    ]
    return sorted(told, key=lambda one: one.seen is not None)


def measured(days: Sequence[ModelDay], names: Names) -> list[Measured]:
    """The days whose outcomes are known, newest first."""
    return [
        Measured(
            day.business_date,
            day.performance,
            _(VERDICTS[day.performance["verdict"]]) if day.performance["verdict"] else "",
            [_alert(one, names) for one in performance_alerts(day.performance)],
        )
        for day in days
    ]


def measured_chart(days: Sequence[Measured]) -> Chart | None:
    """AUC by day with its interval, beside that on the rows held out of training; of a contact's
    uplift the Qini.
    """
    if days and days[0].by_trial:
        return _by_day(days, "qini", _("Qini by day"), _("Qini"), 0.0)
    return _by_day(days, "auc", _("AUC by day"), _("AUC"), 0.5, 1.0)


def _by_day(
    days: Sequence[Measured], figure: str, label: str, name: str, *ends: float
) -> Chart | None:
    """``ends``: what the axis holds at least. None where no day's figure is known."""
    known = [day for day in reversed(days) if day.told["now"][figure]["value"] is not None]
    if not known:
        return None
    then = known[0].told["then"][figure]["value"]
    found = [day.told["now"][figure] for day in known]
    held = [*ends, *(f[end] for f in found for end in ("low", "high"))]
    held += [then] if then is not None else []
    axis = (min(held), max(held))
    chart = Chart(label, _("business date"), name, (0, len(known)), axis)
    if then is not None:
        chart.line([(0, then), (len(known), then)], guide=True)
    for place, one in enumerate(found):
        chart.dot(place + 0.5, one["value"], one["low"], one["high"])
    chart.name_steps([f"{day.business_date:%m-%d}" for day in known], most=6)
    return chart


def watched(days: Sequence[ModelDay], names: Names) -> list[Day]:
    """The days, newest first."""
    return [_day(day, names) for day in days]


def features(days: Sequence[ModelDay], names: Names) -> list[Feature]:
    """The score and the features of the newest day that scored, the furthest moved first."""
    scored = [day.facts for day in days if day.facts.get("features")]
    if not scored:
        return []
    found = [_feature(code, scored, names) for code in scored[0]["features"]]
    found.sort(key=lambda f: (-(f.psi or 0.0), f.name))
    return [_score(scored), *found]


def _day(day: ModelDay, names: Names) -> Day:
    score = day.facts.get("score", {})
    return Day(
        business_date=day.business_date,
        stale_since=day.stale_since,
        scored=day.facts.get("scored"),
        mean=day.facts.get("mean"),
        psi=score.get("psi"),
        grade=_grade(score),
        alerts=alerts(day, names),
    )


def _feature(code: str, scored: list[dict[str, Any]], names: Names) -> Feature:
    told = [facts["features"].get(code, {}) for facts in scored]
    missing = scored[0].get("missing", {}).get(code, told[0].get("missing"))
    trained = scored[0].get("missing_at_training", {}).get(code)
    return _line(names.attribute(code), told, missing, trained)


def _score(scored: list[dict[str, Any]]) -> Feature:
    told = [facts.get("score", {}) for facts in scored]
    return _line("", told, told[0].get("missing"), None)


def _line(
    name: str, told: list[dict[str, Any]], missing: float | None, trained: float | None
) -> Feature:
    """``told``: the feature's drift on each day, newest first; the line goes forward in time."""
    psi = [one.get("psi") for one in told]
    known = [value for value in psi if value is not None]
    return Feature(
        name=name,
        psi=psi[0],
        grade=_grade(told[0]),
        worst=max(known, default=None),
        missing=missing,
        missing_at_training=trained,
        unseen=told[0].get("unseen"),
        line=spark(psi[::-1]),
    )


def _grade(told: dict[str, Any]) -> str:
    grade = told.get("grade")
    return _(GRADES[grade]) if grade else ""


def _alert(told: dict[str, Any], names: Names) -> str:
    figure, limit = told.get("figure"), told.get("limit")
    return _(ALERTS[told["code"]]) % {
        "attribute": names.attribute(told.get("attribute", "")),
        "since": told.get("since", ""),
        "figure": short(figure),
        "limit": short(limit),
        "share": percent(figure),
        "limit_share": percent(limit),
    }
