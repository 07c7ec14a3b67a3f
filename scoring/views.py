"""Pages of the models: which there are and how they fare, training one, deciding on a version."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from common.errors import DomainError
from common.pages import require
from common.permissions import Permission
from jobs.models import Run, State
from jobs.services import cancel

from . import services
from .alerts import acknowledge
from .defined import bands, defined
from .figures import facts
from .models import Model, ModelVersion
from .names import Names
from .report import Report
from .selectors import (
    alerts_of_version,
    days_of,
    latest_training,
    lines,
    measured_days,
    training_days,
)
from .stages import stages_of_run
from .training import start_training
from .watched import features, measured, measured_chart, shown, watched

READ, TRAIN, DECIDE = Permission.VIEW_MODELS, Permission.TRAIN_MODELS, Permission.APPROVE
PER_PAGE = 20
# What a button of a version's page does, and which permission opens it.
ACTS: dict[str, tuple[Permission, Callable[[ModelVersion, str, User], ModelVersion]]] = {
    "propose": (TRAIN, lambda v, note, by: services.propose(v, by=by)),
    "approve": (DECIDE, lambda v, note, by: services.approve(v, by=by)),
    "refuse": (DECIDE, lambda v, note, by: services.refuse(v, note=note, by=by)),
    "roll_back": (DECIDE, lambda v, note, by: services.roll_back(v, by=by)),
    "withdraw": (TRAIN, lambda v, note, by: services.withdraw(v, note=note, by=by)),
}
DONE = {
    "propose": gettext_lazy("%(version)s waits for another person's approval."),
    "approve": gettext_lazy("%(version)s scores from the next day on."),
    "refuse": gettext_lazy("%(version)s was refused; its author reads why."),
    "roll_back": gettext_lazy("%(version)s scores again from the next day on."),
    "withdraw": gettext_lazy("%(version)s is out of use from the next day on."),
}


@require_GET
@require(READ)
def models(request: HttpRequest) -> HttpResponse:
    """Every model, or those to be looked at: what it publishes, what is in use, how it fares."""
    names, every = Names(), lines()
    only = request.GET.get("show") == "alerts"
    loud = [line for line in every if line.loud]
    table = [
        {
            "line": line,
            "outputs": names.attributes(line.outputs),
            "metrics": list(facts(line.champion.metrics, names)) if line.champion else [],
            "alerts": shown(line.alerts, names),
        }
        for line in (loud if only else every)
    ]
    context = {"table": table, "only": only, "all": len(every), "loud": len(loud)}
    return render(request, "scoring/models.html", context)


@require_GET
@require(READ)
def model(request: HttpRequest, code: str) -> HttpResponse:
    """One model: its definition, its versions, its last training."""
    return _model_page(request, get_object_or_404(Model, pk=code))


def _model_page(
    request: HttpRequest, row: Model, refusal: DomainError | None = None
) -> HttpResponse:
    names = Names()
    versions = row.versions.defer("report", "profile", "stages")
    page = Paginator(versions, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "model": row,
        "lines": defined(row, row.definition, names),
        "bands": bands(row.definition, names),
        "page": page,
        "rows": [(version, list(facts(version.metrics, names))) for version in page],
        "days": training_days(),
        "chosen": request.POST.getlist("day"),
        "refusal": refusal,
        **_following(request, row, names),
    }
    return render(request, "scoring/model.html", context, status=_status(refusal))


@require_POST
@require(TRAIN)
def model_train(request: HttpRequest, code: str) -> HttpResponse:
    """Ask for a new version; the page then follows the training."""
    _refuse_city(request)
    row = get_object_or_404(Model, pk=code)
    try:
        run, new = start_training(row, days=_days(request), by=request.user)
    except DomainError as error:
        return _model_page(request, row, error)
    if not new and run.state == State.DONE:
        known = ModelVersion.objects.filter(run=run.pk).first()
        text = _("Nothing has changed since %(version)s was trained on this: it stays.")
        messages.info(request, text % {"version": known})
    return redirect("model", code=code)


def _days(request: HttpRequest) -> list[date]:
    """The days that the form names. Raises DomainError."""
    try:
        days = [date.fromisoformat(day) for day in request.POST.getlist("day") if day]
    except ValueError as error:
        raise DomainError("bad_day", _("A day is written like 2026-07-01.")) from error
    if not days:
        raise DomainError("day_missing", _("Choose at least one day to learn from."))
    return days


@require_GET
@require(READ)
def model_training(request: HttpRequest, code: str) -> HttpResponse:
    """The part that follows a training; when it has ended, the whole page comes anew."""
    row = get_object_or_404(Model, pk=code)
    following = _following(request, row, Names())
    if not following["active"]:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "scoring/training.html", {"model": row, **following})


@require_POST
@require(TRAIN)
def model_cancel(request: HttpRequest, code: str) -> HttpResponse:
    """End the training that is under way."""
    _refuse_city(request)
    row = get_object_or_404(Model, pk=code)
    run = latest_training(row)
    if run is not None and cancel(run, by=request.user):
        messages.success(request, _("The training was cancelled; it made no version."))
    return redirect("model", code=code)


@require_http_methods(["GET", "POST"])
@require(READ)
def model_version(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """The report of one version, on one page that can be printed; its buttons decide on it."""
    version = _version(code, number)
    refusal = None
    if request.method == "POST":
        try:
            _act(request, version)
        except DomainError as error:
            refusal = error
        else:
            return redirect("model-version", code=code, number=number)
        version.refresh_from_db()
    return _version_page(request, version, refusal)


@require_POST
@require(TRAIN)
def model_acknowledge(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Somebody has looked at an alert: it is silent until it ends or grows."""
    _refuse_city(request)
    version = _version(code, number)
    said = {name: request.POST.get(name, "") for name in ("code", "attribute", "note")}
    try:
        acknowledge(version, **said, by=request.user)
    except DomainError as error:
        return _version_page(request, version, error)
    messages.success(request, _("Noted. It is told again if it grows, or ends and comes back."))
    return redirect("model-version", code=code, number=number)


def _version(code: str, number: int) -> ModelVersion:
    versions = ModelVersion.objects.select_related("model")
    return get_object_or_404(versions, model=code, number=number)


def _version_page(
    request: HttpRequest, version: ModelVersion, refusal: DomainError | None
) -> HttpResponse:
    report, days = Report(version, request.user), days_of(version)
    outcomes = measured(measured_days(version), report.names)
    context = {
        "version": version,
        "report": report,
        "alerts": shown(alerts_of_version(version), report.names),
        "may_acknowledge": request.user.can(TRAIN) and request.user.cities is None,
        "measured": outcomes,
        "measured_chart": measured_chart(outcomes),
        "days": watched(days, report.names),
        "features": features(days, report.names),
        "acts": _open_acts(version, request.user),
        "own": _is_own(version, request.user),
        "refusal": refusal,
    }
    return render(request, "scoring/version.html", context, status=_status(refusal))


def _act(request: HttpRequest, version: ModelVersion) -> None:
    do = request.POST.get("do", "")
    if do not in ACTS:
        raise Http404
    permission, act = ACTS[do]
    if not request.user.can(permission):
        raise PermissionDenied
    _refuse_city(request)
    act(version, request.POST.get("note", ""), request.user)
    messages.success(request, DONE[do] % {"version": version})


def _refuse_city(request: HttpRequest) -> None:
    """A model scores the customers of every city: a city decides nothing about it."""
    if request.user.cities is not None:
        raise PermissionDenied


def _open_acts(version: ModelVersion, user: User) -> list[str]:
    """What this person may do with the version now."""
    if user.cities is not None:
        return []
    acts = [
        act
        for act, (permission, _do) in ACTS.items()
        if user.can(permission) and version.state in services.TRANSITIONS[act][0]
    ]
    barred = {"roll_back"} if version.published_at is None else set()
    if _is_own(version, user):
        barred |= {"approve", "refuse", "roll_back"}
    return [act for act in acts if act not in barred]


def _is_own(version: ModelVersion, user: User) -> bool:
    return str(user) in (version.trained_by, version.proposed_by)


def _following(request: HttpRequest, row: Model, names: Names) -> dict[str, Any]:
    """What a page says of the last training: its stages, and whether it is under way."""
    run: Run | None = latest_training(row)
    return {
        "run": run,
        "active": run is not None and run.state in (State.WAITING, State.RUNNING),
        "stages": stages_of_run(run, row, names) if run else [],
        "may_train": request.user.can(TRAIN) and request.user.cities is None,
    }


def _status(refusal: DomainError | None) -> int:
    """A form that was filled in wrongly is understood, and refused: 422."""
    if refusal is None:
        return 200
    return 422 if refusal.status == 400 else refusal.status
