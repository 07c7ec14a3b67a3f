"""The page of a draft: what it says, the edits, their consequences, and who stands behind it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from common.errors import DomainError
from common.pages import require
from common.permissions import Permission
from customers.catalogue import rule_catalogue
from segmentation.definition import Edit, MatrixDefinition
from segmentation.draft_notes import set_note
from segmentation.drafts import check_draft, discard_draft, edit_draft, undo_edit
from segmentation.edits import Edited, merge, remove_dimension, split
from segmentation.matrix_selectors import draft_history, edits_since
from segmentation.matrix_words import MatrixWords, edit_of_other
from segmentation.models import MatrixVersion, VersionState
from segmentation.proof import MAX_CELLS, prove
from segmentation.services import cities

from .consequences import consequences
from .dimension_forms import KINDS
from .draft_forms import (
    ApproveForm,
    BoxForm,
    ChoiceForm,
    NoteForm,
    RemoveForm,
    RevisionForm,
    SplitForm,
)
from .matrix_views import said
from .redrawn import Misfit, approve_matrix, choose, misfits, publish_matrix

OPEN = {VersionState.DRAFT, VersionState.CHECKED, VersionState.APPROVED}
Change = Callable[[MatrixDefinition], Edited]


@dataclass
class Desk:
    """A draft on somebody's desk, with the form that he sent and why it was refused."""

    request: HttpRequest
    version: MatrixVersion
    forms: dict[str, Form] = field(default_factory=dict)
    refusals: dict[str, DomainError] = field(default_factory=dict)

    @cached_property
    def definition(self) -> MatrixDefinition:
        return MatrixDefinition.from_json(self.version.body)

    @cached_property
    def words(self) -> MatrixWords:
        return MatrixWords.of(self.definition)

    @property
    def may_edit(self) -> bool:
        return self.request.user.can(Permission.EDIT_MATRICES)

    @property
    def may_approve(self) -> bool:
        return self.request.user.can(Permission.APPROVE)

    @property
    def own_work(self) -> bool:
        return str(self.request.user) in self.version.editors

    @property
    def due(self) -> bool:
        from_date = self.version.from_date
        return from_date is not None and from_date <= timezone.localdate()

    def needs(self, *permissions: Permission) -> None:
        if not any(self.request.user.can(permission) for permission in permissions):
            raise PermissionDenied

    def edited(self, change: Change, *, revision: int, what: str) -> None:
        """Apply the edit and tell what earlier edits it left out."""
        before = self.definition
        self.version, dropped = edit_draft(
            self.version, bounded(change), revision=revision, what=what, by=self.request.user
        )
        messages.success(self.request, _("Done: %(what)s") % {"what": what})
        tell_left_out(self.request, dropped, before)

    def shown(self) -> HttpResponse:
        """The page as it is now; a form that was refused keeps what was typed."""
        # Somebody else may have edited, or discarded, it since it was fetched.
        seen = MatrixVersion.objects.filter(pk=self.version.pk).first()
        if seen is None:
            raise self.refusals.popitem()[1]
        said_revision = self.version.revision
        self.version = seen
        for name in ("definition", "words"):
            self.__dict__.pop(name, None)
        context = self._context() | {"refusals": self.refusals, "said_revision": said_revision}
        wrong = [refusal.status for refusal in self.refusals.values()]
        broken = any(form.errors for form in self.forms.values())
        status = wrong[0] if wrong else 422 if broken else 200
        return render(self.request, "campaigns/matrices/draft.html", context, status=status)

    def _context(self) -> dict[str, Any]:
        version, definition = self.version, self.definition
        given = {"revision": version.revision}
        return {
            "desk": self,
            "matrix": version.matrix,
            "version": version,
            "base": version.based_on,
            "overtaken": _overtaken(version),
            "says": said(definition),
            "kinds": KINDS.items(),
            "forms": {
                "split": SplitForm(definition=definition, initial=given, prefix="split"),
                "merge": BoxForm(definition=definition, initial=given, prefix="merge"),
                "remove": RemoveForm(definition=definition, initial=given, prefix="remove"),
                "note": NoteForm(initial={"note": version.note}),
                "approve": ApproveForm(initial=given | {"from_date": timezone.localdate()}),
            }
            | {name: _with_revision(form, version) for name, form in self.forms.items()},
            "misfits": _told(misfits(version), self.words),
            "history": draft_history(version)[:20],
            "province_wide": self.request.user.cities is None,
        }


def _with_revision(form: Form, version: MatrixVersion) -> Form:
    """What was typed, to be sent again for the revision that is shown now."""
    if "revision" in form.fields:
        form.data = form.data.copy()
        form.data[form.add_prefix("revision")] = version.revision
    return form


def _overtaken(version: MatrixVersion) -> MatrixVersion | None:
    """The published version, where it is not the one that the draft was begun from."""
    published = version.matrix.versions.published().first()
    return published if published and published.pk != version.based_on_id else None


def _told(found: list[Misfit], words: MatrixWords) -> list[dict[str, Any]]:
    """The boxes that no longer fit, in words where the draft has words for them."""
    return [
        {
            "misfit": misfit,
            "box": _spelled(misfit.box),
            "suggested": words.names(misfit.suggested),
            "becomes": words.names(misfit.choice.becomes)
            if misfit.choice and misfit.choice.becomes is not None
            else "",
            "rows": misfit.rows,
        }
        for misfit in found
    ]


def _spelled(box: dict[str, list[str]]) -> str:
    return ", ".join(f"{code}={'|'.join(bands)}" for code, bands in box.items()) or _("everybody")


def bounded(change: Change) -> Change:
    """The change, refused where it makes more cells than a matrix may have."""

    def within(definition: MatrixDefinition) -> Edited:
        edited = change(definition)
        if edited.definition.size > MAX_CELLS:
            prove(edited.definition, rule_catalogue(), cities())
        return edited

    return within


def tell_left_out(
    request: HttpRequest, dropped: tuple[Edit, ...], before: MatrixDefinition
) -> None:
    if dropped:
        edits = "; ".join(edit_of_other(edit, before) for edit in dropped)
        text = _("Earlier edits no longer fit and were left out: %(edits)s") % {"edits": edits}
        messages.warning(request, text)


def fetch_draft(code: str, pk: int) -> MatrixVersion:
    found = MatrixVersion.objects.select_related("matrix", "based_on")
    return get_object_or_404(found, matrix=code, pk=pk)


# --- what is done ---


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
    desk.edited(lambda d: split(d, box, by), revision=revision, what=what)
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
