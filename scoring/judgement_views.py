"""The page on which experts compare the indicators of a value index (AHP)."""

from collections.abc import Mapping

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.models import User
from common.errors import DomainError
from common.pages import is_part, require
from common.permissions import Permission

from .judgement_page import Page, Pairs, page_of, posted
from .judgements import judge
from .models import Model


@require_http_methods(["GET", "POST"])
@require(Permission.VIEW_MODELS)
def judgements(request: HttpRequest, code: str) -> HttpResponse:
    """What the experts hold and what follows; who trains models enters his own judgements.

    htmx posts the form as it stands at every change: it is weighed and shown, not kept.
    """
    model = get_object_or_404(Model, pk=code)
    if "hierarchy" not in model.definition:
        raise Http404
    # The weights score the customers of every city: a city has no say in them.
    may_judge = request.user.can(Permission.TRAIN_MODELS) and request.user.cities is None
    if request.method != "POST":
        return _page(request, page_of(model, request.user), may_judge)
    if not may_judge:
        raise PermissionDenied
    given = posted(model, request.POST)
    if is_part(request):
        return _page(request, page_of(model, request.user, given), may_judge, part=True)
    try:
        changed = save(model, given, by=request.user)
    except DomainError as error:
        return _page(request, page_of(model, request.user, given), may_judge, refusal=error)
    if changed:
        text = ngettext(
            "Your judgements of %(n)d comparison are kept.",
            "Your judgements of %(n)d comparisons are kept.",
            changed,
        )
        messages.success(request, text % {"n": changed})
    else:
        messages.info(request, _("You changed nothing."))
    return redirect("model-judgements", code=code)


@transaction.atomic
def save(model: Model, given: Mapping[str, Pairs], *, by: User) -> int:
    """Keep the expert's comparisons that differ from what he said before; return how many."""
    before = page_of(model, by).given
    changed = [node for node, pairs in given.items() if pairs != before[node]]
    for node in changed:
        judge(model, node=node, ratios=given[node], by=by)
    return len(changed)


def _page(
    request: HttpRequest,
    page: Page,
    may_judge: bool,
    *,
    part: bool = False,
    refusal: DomainError | None = None,
) -> HttpResponse:
    context = {"page": page, "model": page.model, "may_judge": may_judge, "refusal": refusal}
    template = "scoring/judgements_results.html" if part else "scoring/judgements.html"
    status = 200 if refusal is None else 422 if refusal.status == 400 else refusal.status
    return render(request, template, context | {"part": part}, status=status)
