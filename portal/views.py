"""The home page and the pages of the daily runs."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.models import Organisation
from common.pages import require, signed_in
from common.permissions import Permission

from . import selectors

PER_PAGE = 30


@require_GET
@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """The day at a glance; without VIEW_RUNS only what every touch point needs."""
    reader = request.user
    context = {
        "may_look_up": reader.can(Permission.VIEW_CUSTOMERS),
        "may_see_runs": reader.can(Permission.VIEW_RUNS),
        "publication": selectors.publication(),
        "model_alerts": selectors.model_alerts(reader),
    }
    if context["may_see_runs"]:
        context |= {
            "view": selectors.latest_run(reader),
            "headlines": selectors.headlines(reader),
            "freshness": selectors.freshness(reader),
            "matrix_names": selectors.matrix_names(),
            "city": Organisation.objects.filter(code=selectors.city_of(reader)).first(),
        }
    return render(request, "portal/home.html", context)


@require_GET
@require(Permission.VIEW_RUNS)
def latest(request: HttpRequest) -> HttpResponse:
    """The run card of the home page, which refreshes itself."""
    return render(request, "portal/run_card.html", {"view": selectors.latest_run(request.user)})


@require_GET
@require(Permission.VIEW_RUNS)
def runs(request: HttpRequest) -> HttpResponse:
    page = Paginator(selectors.runs(), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/runs.html", {"page": page})


@require_GET
@require(Permission.VIEW_RUNS)
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """One run in detail; its steps refresh themselves while it is under way."""
    view = selectors.run_view(get_object_or_404(selectors.runs(), pk=pk), request.user)
    if "steps" in request.GET:
        return render(request, "portal/run_steps.html", {"view": view})
    context = {
        "view": view,
        "inputs": selectors.inputs_of(view.run),
        "alerted": selectors.alerts_of_day(view.run, request.user),
    }
    return render(request, "portal/run.html", context)
