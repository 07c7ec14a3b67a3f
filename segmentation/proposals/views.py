"""A matrix proposed from data: asked for, looked at with what to expect of it, saved as a draft."""

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import User
from common.errors import DomainError
from common.pages import signed_in
from common.permissions import Permission

from ..services import save_draft
from .forms import DraftForm, WishForm, as_text
from .propose import Proposal
from .propose import propose as propose_matrix
from .separation import CellLift

PAGE = "segmentation/insight/propose.html"
MOST_SHOWN = 60


@dataclass(frozen=True)
class CellRow:
    """A cell of the proposal in words, with what it did on the held-out customers."""

    bands: list[str]
    cell: CellLift
    expected: int


def may_propose(reader: User) -> bool:
    """Who edits matrices or trains models; for the whole province, of which all is learned."""
    allowed = reader.can(Permission.EDIT_MATRICES) or reader.can(Permission.TRAIN_MODELS)
    return allowed and reader.cities is None


@require_http_methods(["GET", "POST"])
@signed_in
def propose(request: HttpRequest) -> HttpResponse:
    """The wish; with it, the proposal; with the draft's text, saved."""
    if not may_propose(request.user):
        raise PermissionDenied
    if request.method == "POST" and request.POST.get("do") == "save":
        return _save(request)
    asked = request.POST if request.method == "POST" else None
    form = WishForm(asked, reader=request.user)
    context: dict[str, object] = {"form": form, "may_save": _may_save(request)}
    if asked is None:
        return render(request, PAGE, context)
    if not form.is_valid():
        return render(request, PAGE, context, status=422)
    try:
        found = propose_matrix(form.wish, form.snapshot)
    except DomainError as error:
        form.add_error(None, error.message)
        return render(request, PAGE, context, status=422)
    draft = DraftForm(initial={"body": as_text(found.definition)})
    return render(request, PAGE, context | _shown(found) | {"draft": draft})


def _may_save(request: HttpRequest) -> bool:
    return request.user.can(Permission.EDIT_MATRICES)


def _save(request: HttpRequest) -> HttpResponse:
    if not _may_save(request):
        raise PermissionDenied
    draft = DraftForm(request.POST)
    if draft.is_valid():
        assert draft.definition is not None
        try:
            version = save_draft(draft.definition, by=request.user)
        except DomainError as error:
            draft.add_error("body", error.message)
        else:
            messages.success(
                request, _("%(version)s has been saved as a draft.") % {"version": version}
            )
            return redirect("matrix-draft", code=version.matrix_id, pk=version.pk)
    context = {"form": WishForm(reader=request.user), "draft": draft, "may_save": True}
    return render(request, PAGE, context, status=422)


def _shown(found: Proposal) -> dict[str, object]:
    cells = found.separation.cells
    return {
        "proposal": found,
        "language": get_language() or "en",
        "rows": [_row(found, cell) for cell in cells[:MOST_SHOWN]],
        "more": max(0, len(cells) - MOST_SHOWN),
    }


def _row(found: Proposal, cell: CellLift) -> CellRow:
    language = get_language() or "en"
    bands = [
        dimension.all_bands[place].name.in_language(language)
        for dimension, place in zip(found.definition.dimensions, cell.bands, strict=True)
    ]
    held_out = max(1, found.separation.base.known)
    return CellRow(bands, cell, round(cell.share.known / held_out * found.snapshot.rows))
