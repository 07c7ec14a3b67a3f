"""The page of a draft: what is pressed on it, and what publishing it would do."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from common.errors import DomainError
from common.pages import require
from common.permissions import Permission
from segmentation.draft_notes import set_note
from segmentation.drafts import check_draft, discard_draft, undo_edit
from segmentation.edits import merge, remove_dimension
from segmentation.matrix_selectors import edits_since
from segmentation.models import MatrixVersion

from .consequences import consequences
from .draft_desk import OPEN, Desk, fetch_draft, splitting
from .draft_forms import (
    ApproveForm,
    BoxForm,
    ChoiceForm,
    NoteForm,
    RemoveForm,
    RevisionForm,
    SplitForm,
)
from .redrawn import approve_matrix, choose, misfits, publish_matrix

# --- what is done ---


@require_http_methods(["GET", "POST"])
@require(Permission.VIEW_MATRICES)
def draft(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """The draft; the button that was pressed says what is to be done."""
    version = fetch_draft(code, pk)
    if version.state not in OPEN:
        return redirect("matrix-version", code=code, number=version.number)
    desk = Desk(request, version)
    if request.method != "POST":
        return desk.shown()
    name = request.POST.get("do", "")
    do = ACTS.get(name)
    if do is None:
        raise DomainError("unknown_act", _("The page has no button '%s'.") % name[:40])
    try:
        answer = do(desk)
    except DomainError as error:
        if error.code == "edited_meanwhile":
            error.extra["since"] = _since(desk)
        desk.refusals[name] = error
        answer = None
    return answer or desk.shown()


def _since(desk: Desk) -> list[Any]:
    """What others did since the revision that was on the sender's page."""
    sent = [v for k, v in desk.request.POST.items() if k == "revision" or k.endswith("-revision")]
    seen = int(sent[0]) if sent and sent[0].isdecimal() else 0
    return edits_since(MatrixVersion.objects.get(pk=desk.version.pk), seen)


def _done(desk: Desk) -> HttpResponse:
    return redirect("matrix-draft", code=desk.version.matrix_id, pk=desk.version.pk)


def _split(desk: Desk) -> HttpResponse | None:
    desk.needs(Permission.EDIT_MATRICES)
    form = SplitForm(desk.request.POST, definition=desk.definition, prefix="split")
    desk.forms["split"] = form
    if not form.is_valid():
        return None
    box, by = form.box, form.cleaned_data["by"]
    what = _("%(box)s: split by %(by)s") % {"box": desk.words.names(box), "by": by}
    revision = form.cleaned_data["revision"]
    desk.edited(splitting(box, by), revision=revision, what=what)
    return _done(desk)


def _merge(desk: Desk) -> HttpResponse | None:
    desk.needs(Permission.EDIT_MATRICES)
    form = BoxForm(desk.request.POST, definition=desk.definition, prefix="merge")
    desk.forms["merge"] = form
    if not form.is_valid():
        return None
    box = form.box
    what = _("%(box)s: merged into one cell") % {"box": desk.words.names(box)}
    revision = form.cleaned_data["revision"]
    desk.edited(lambda d: merge(d, box), revision=revision, what=what)
    return _done(desk)


def _remove(desk: Desk) -> HttpResponse | None:
    desk.needs(Permission.EDIT_MATRICES)
    form = RemoveForm(desk.request.POST, definition=desk.definition, prefix="remove")
    desk.forms["remove"] = form
    if not form.is_valid():
        return None
    code = form.cleaned_data["dimension"]
    what = _("dimension %(code)s removed") % {"code": code}
    revision = form.cleaned_data["revision"]
    desk.edited(lambda d: remove_dimension(d, code), revision=revision, what=what)
    return _done(desk)


def _revision(desk: Desk) -> int:
    form = RevisionForm(desk.request.POST)
    if not form.is_valid():
        raise DomainError("no_revision", _("The page was sent without its revision; reload it."))
    return form.cleaned_data["revision"]


def _undo(desk: Desk) -> HttpResponse:
    desk.needs(Permission.EDIT_MATRICES)
    undo_edit(desk.version, revision=_revision(desk), by=desk.request.user)
    messages.success(desk.request, _("The latest edit was taken back."))
    return _done(desk)


def _check(desk: Desk) -> HttpResponse:
    desk.needs(Permission.EDIT_MATRICES)
    check_draft(desk.version, revision=_revision(desk), by=desk.request.user)
    messages.success(desk.request, _("Proved: every customer would be in exactly one cell."))
    return _done(desk)


def _discard(desk: Desk) -> HttpResponse:
    desk.needs(Permission.EDIT_MATRICES)
    # Who discards an edit that he has not seen throws other people's work away.
    if _revision(desk) != desk.version.revision:
        raise DomainError(
            "edited_meanwhile",
            _("%(version)s was edited meanwhile by %(editors)s; it was not discarded.")
            % {"version": desk.version, "editors": ", ".join(desk.version.editors)},
            status=409,
        )
    discard_draft(desk.version, by=desk.request.user)
    messages.success(desk.request, _("%s was discarded.") % desk.version)
    return redirect("matrix-versions", code=desk.version.matrix_id)


def _note(desk: Desk) -> HttpResponse | None:
    desk.needs(Permission.EDIT_MATRICES)
    form = NoteForm(desk.request.POST)
    desk.forms["note"] = form
    if not form.is_valid():
        return None
    set_note(desk.version, form.cleaned_data["note"], by=desk.request.user)
    messages.success(desk.request, _("The note has been saved."))
    return _done(desk)


def _choose(desk: Desk) -> HttpResponse | None:
    """Decide on the rows of one box: as suggested, another box that is ticked, or dropped."""
    desk.needs(Permission.EDIT_MATRICES, Permission.APPROVE)
    form = ChoiceForm(desk.request.POST)
    found = {misfit.key: misfit for misfit in misfits(desk.version)}
    misfit = found.get(desk.request.POST.get("key", ""))
    if not form.is_valid() or misfit is None:
        raise DomainError("unknown_box", _("These rows fit by now; there is nothing to decide."))
    becomes = {"suggested": misfit.suggested, "drop": None}.get(form.cleaned_data["becomes"])
    if form.cleaned_data["becomes"] == "box":
        ticked = BoxForm(
            {**_lists(desk.request), "revision": "0"}, definition=desk.definition, prefix=None
        )
        if not ticked.is_valid():
            raise DomainError("box_misfits", _("Tick bands of the draft."))
        becomes = {dimension: list(bands) for dimension, bands in ticked.box.items()}
    choose(desk.version, box=misfit.box, becomes=becomes, by=desk.request.user)
    messages.success(desk.request, _("Decided; it is done when the version is published."))
    return _done(desk)


def _choose_all(desk: Desk) -> HttpResponse:
    """Take the suggestion for every box that nobody has decided on."""
    desk.needs(Permission.EDIT_MATRICES, Permission.APPROVE)
    with transaction.atomic():
        for misfit in misfits(desk.version):
            if misfit.choice is None:
                choose(desk.version, box=misfit.box, becomes=misfit.suggested, by=desk.request.user)
    messages.success(desk.request, _("Decided; it is done when the version is published."))
    return _done(desk)


def _lists(request: HttpRequest) -> dict[str, list[str]]:
    return {name: request.POST.getlist(name) for name in request.POST if name.startswith("box_")}


def _approve(desk: Desk) -> HttpResponse | None:
    desk.needs(Permission.APPROVE)
    form = ApproveForm(desk.request.POST)
    desk.forms["approve"] = form
    if not form.is_valid():
        return None
    day: date = form.cleaned_data["from_date"]
    revision = form.cleaned_data["revision"]
    approve_matrix(desk.version, revision=revision, from_date=day, by=desk.request.user)
    text = _("Approved. The nightly run of %(day)s publishes it.") % {"day": day.isoformat()}
    messages.success(desk.request, text)
    return _done(desk)


def _publish(desk: Desk) -> HttpResponse:
    """What the nightly run would do, at once."""
    desk.needs(Permission.EDIT_MATRICES, Permission.APPROVE)
    if not desk.due:
        raise DomainError(
            "not_due",
            _("It is approved for a later date; the nightly run publishes it."),
            status=409,
        )
    published = publish_matrix(desk.version, by=desk.request.user)
    text = _("%s is in force. Customers get its cells with the next daily run.")
    messages.success(desk.request, text % published)
    return redirect("matrix", code=published.matrix_id)


ACTS: dict[str, Callable[[Desk], HttpResponse | None]] = {
    "split": _split,
    "merge": _merge,
    "remove": _remove,
    "undo": _undo,
    "discard": _discard,
    "note": _note,
    "check": _check,
    "choose": _choose,
    "choose_all": _choose_all,
    "approve": _approve,
    "publish": _publish,
}


# --- its consequences ---


@require_GET
@require(Permission.VIEW_MATRICES)
def draft_consequences(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """The part of the page that counts customers: it takes seconds, so it comes by itself."""
    version = fetch_draft(code, pk)
    context: dict[str, Any] = {"version": version, "province_wide": request.user.cities is None}
    if request.user.cities is None:
        try:
            context["found"] = consequences(version)
        except DomainError as error:
            context["refusal"] = error
    return render(request, "campaigns/matrices/consequences.html", context)
