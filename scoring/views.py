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
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from common.errors import DomainError
from common.pages import require, signed_in
from common.permissions import Permission
from jobs.models import Run, State
from jobs.services import cancel

from . import services
from .models import Model, ModelVersion
from .report import Report
from .selectors import days_of, latest_training, lines, training_days
from .training import start_training

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


@require_GET
@require(READ)
def models(request: HttpRequest) -> HttpResponse:
    """Every model: what it publishes, which version is in use, how it fares, what is open."""
    return render(request, "scoring/models.html", {"lines": lines()})


@require_GET
@require(READ)
def model(request: HttpRequest, code: str) -> HttpResponse:
    """One model: its definition, its versions, its last training."""
    row = get_object_or_404(Model, pk=code)
    return _model_page(request, row)


def _model_page(
    request: HttpRequest, row: Model, refusal: DomainError | None = None
) -> HttpResponse:
    page = Paginator(row.versions.all(), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "model": row,
        "line": next(line for line in lines() if line.model == row),
        "page": page,
        "days": training_days(),
        "may_train": request.user.can(TRAIN),
        "refusal": refusal,
        **_following(latest_training(row)),
    }
    status = 200 if refusal is None else 422 if refusal.status == 400 else refusal.status
    return render(request, "scoring/model.html", context, status=status)


@require_POST
@require(TRAIN)
def model_train(request: HttpRequest, code: str) -> HttpResponse:
    """Ask for a new version; the page then follows the training."""
    row = get_object_or_404(Model, pk=code)
    try:
        days = [date.fromisoformat(day) for day in request.POST.getlist("day") if day]
        if not days:
            raise DomainError("day_missing", _("Choose at least one day to learn from."))
        run, new = start_training(row, days=days, by=request.user)
    except ValueError:
        refusal = DomainError("bad_day", _("A day is written like 2026-07-01."))
        return _model_page(request, row, refusal)
    except DomainError as error:
        return _model_page(request, row, error)
    if not new and run.state == State.DONE:
        known = ModelVersion.objects.filter(run=run.pk).first()
        text = _("Nothing has changed since %(version)s was trained on this: it stays.")
        messages.info(request, text % {"version": known})
    return redirect("model", code=code)


@require_GET
@require(READ)
def model_training(request: HttpRequest, code: str) -> HttpResponse:
    """The part that follows a training; when it has ended, the whole page comes anew."""
    row = get_object_or_404(Model, pk=code)
    following = _following(latest_training(row))
    if not following["active"]:
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = {"model": row, "may_train": request.user.can(TRAIN), **following}
    return render(request, "scoring/training.html", context)


@require_POST
@require(TRAIN)
def model_cancel(request: HttpRequest, code: str) -> HttpResponse:
    """End the training that is under way."""
    row = get_object_or_404(Model, pk=code)
    run = latest_training(row)
    if run is not None and cancel(run, by=request.user):
        messages.success(request, _("The training was cancelled; nothing of it remains."))
    return redirect("model", code=code)


@signed_in
def model_version(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """The report of one version, on one page that can be printed; its buttons decide on it."""
    if not request.user.can(READ):
        raise PermissionDenied
    version = get_object_or_404(
        ModelVersion.objects.select_related("model"), model=code, number=number
    )
    refusal = None
    if request.method == "POST":
        try:
            _act(request, version)
        except DomainError as error:
            refusal = error
        else:
            return redirect("model-version", code=code, number=number)
        version.refresh_from_db()
    context = {
        "version": version,
        "report": Report(version, request.user),
        "days": days_of(version),
        "acts": _open_acts(version, request.user),
        "refusal": refusal,
    }
    status = 200 if refusal is None else 422 if refusal.status == 400 else refusal.status
    return render(request, "scoring/version.html", context, status=status)


def _act(request: HttpRequest, version: ModelVersion) -> None:
    do = request.POST.get("do", "")
    if do not in ACTS:
        raise Http404
    permission, act = ACTS[do]
    if not request.user.can(permission):
        raise PermissionDenied
    act(version, request.POST.get("note", ""), request.user)
    messages.success(request, DONE[do] % {"version": version})


def _open_acts(version: ModelVersion, user: User) -> list[str]:
    """What this person may do with the version now."""
    own = str(user) in (version.trained_by, version.proposed_by)
    acts = [
        act
        for act, (permission, _do) in ACTS.items()
        if user.can(permission) and version.state in services.TRANSITIONS[act][0]
    ]
    if version.published_at is None:
        acts = [act for act in acts if act != "roll_back"]
    return [act for act in acts if not (own and act in ("approve", "refuse"))]


def _following(run: Run | None) -> dict[str, Any]:
    """What the page says of a training: its stages, and whether it is under way."""
    if run is None:
        return {"run": None, "active": False, "steps": []}
    active = run.state in (State.WAITING, State.RUNNING)
    return {"run": run, "active": active, "steps": list(run.steps.all())}


DONE = {
    "propose": gettext_lazy("%(version)s waits for another person's approval."),
    "approve": gettext_lazy("%(version)s scores from the next day on."),
    "refuse": gettext_lazy("%(version)s was refused; its author reads why."),
    "roll_back": gettext_lazy("%(version)s scores again from the next day on."),
    "withdraw": gettext_lazy("%(version)s is out of use from the next day on."),
}
