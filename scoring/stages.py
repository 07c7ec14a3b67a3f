"""The stages of CRISP-DM as a page shows them: of a training under way, of a version."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from jobs.models import Run, State, Step

from .figures import facts
from .learning.refusal import NotEstimable
from .models import Model, ModelVersion
from .names import Names
from .training import STAGES
from .words import REFUSALS, refused

STAGE_NAMES = {
    "question": gettext_noop("Question"),
    "data": gettext_noop("Data"),
    "preparation": gettext_noop("Preparation"),
    "model": gettext_noop("Modelling"),
    "evaluation": gettext_noop("Evaluation"),
    "deployment": gettext_noop("Deployment"),
}


@dataclass(frozen=True)
class Stage:
    """One stage; ``badge``: done, running, waiting or failed; ``units``: done and in all."""

    code: str
    badge: str
    state: str
    took: timedelta | None = None
    facts: list[tuple[str, str]] = field(default_factory=list)
    error: str = ""
    units: tuple[int, int] = (0, 0)

    @property
    def name(self) -> str:
        return _(STAGE_NAMES[self.code])


def stages_of_run(run: Run, model: Model, names: Names) -> list[Stage]:
    """The training's steps, and the deployment that a person decides on."""
    version = ModelVersion.objects.filter(run=run.pk).defer("report", "profile").first()
    return [*(_step(step, model, names) for step in run.steps.all()), _deployment(version)]


def stages_of_version(version: ModelVersion, names: Names) -> list[Stage]:
    """As the version keeps them; of a version without a training run there are none."""
    if not version.stages:
        return []
    done = str(State.DONE.label)
    kept = [
        Stage(
            one["stage"],
            State.DONE,
            done,
            timedelta(seconds=one["seconds"]),
            list(facts(one["facts"], names)),
        )
        for one in version.stages
        if one["stage"] in STAGES
    ]
    measured = Stage("evaluation", State.DONE, done, facts=list(facts(version.metrics, names)))
    return [*kept, measured, _deployment(version)]


def _step(step: Step, model: Model, names: Names) -> Stage:
    ended = step.state == State.DONE and step.started_at and step.finished_at
    return Stage(
        code=step.name,
        badge=step.state,
        state=step.get_state_display(),
        took=step.finished_at - step.started_at if ended else None,
        facts=list(facts(step.counts, names)),
        error=_told(step.error, model) if step.state != State.DONE else "",
        units=(step.done_units, step.total_units),
    )


def _deployment(version: ModelVersion | None) -> Stage:
    if version is None:
        return Stage("deployment", State.WAITING, _("after a person's decision"))
    badge = State.DONE if version.published_at else State.WAITING
    return Stage("deployment", badge, version.get_state_display())


def _told(error: dict[str, Any] | None, model: Model) -> str:
    """The failure in the reader's language: a refusal is worded anew from its figures."""
    if not error:
        return ""
    if error["code"] in REFUSALS:
        return refused(NotEstimable(error["code"], **error["extra"]), model.name).message
    if error["code"] == "unexpected":
        return _("It broke off because of a fault; the operation finds it in the worker's log.")
    return str(error["message"])
