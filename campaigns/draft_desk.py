"""A draft on somebody's desk: what its page shows, and how an edit of it is made."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from common.errors import DomainError
from common.permissions import Permission
from customers.catalogue import rule_catalogue
from segmentation.definition import Edit, MatrixDefinition, NamedBox
from segmentation.dimensions import Dimension
from segmentation.drafts import edit_draft, refuse_city
from segmentation.edit_bounds import refuse_too_many
from segmentation.edits import Edited, split
from segmentation.matrix_selectors import draft_history
from segmentation.matrix_words import MatrixWords, edit_of_other
from segmentation.models import MatrixVersion, VersionState
from segmentation.proof import MAX_CELLS, prove
from segmentation.services import cities

from .dimension_forms import KINDS
from .draft_forms import ApproveForm, BoxForm, NoteForm, RemoveForm, SplitForm
from .matrix_views import may_edit, said
from .models import Campaign
from .redrawn import Misfit, misfits

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
        return may_edit(self.request.user)

    @property
    def may_approve(self) -> bool:
        user = self.request.user
        return user.can(Permission.APPROVE) and user.cities is None

    @property
    def own_work(self) -> bool:
        return str(self.request.user) in self.version.editors

    @property
    def due(self) -> bool:
        from_date = self.version.from_date
        return from_date is not None and from_date <= timezone.localdate()

    def needs(self, *permissions: Permission) -> None:
        """403 without any of them, and for a city: before anything is said of what was sent."""
        if not any(self.request.user.can(permission) for permission in permissions):
            raise PermissionDenied
        refuse_city(self.request.user)

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
            raise self.refusals.popitem()[1] if self.refusals else Http404
        self.version = seen
        for name in ("definition", "words"):
            self.__dict__.pop(name, None)
        context = self._context() | {"refusals": self.refusals}
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
            "misfits": _told(misfits(version), self.words, version.based_on, self.request.user),
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


def _told(
    found: list[Misfit], words: MatrixWords, base: MatrixVersion | None, reader: User
) -> list[dict[str, Any]]:
    """The boxes that no longer fit in the words of the version that they were drawn on.

    Of their rows those of campaigns that the reader may see; how many others there are.
    """
    seen: set[str] = set()
    if reader.can(Permission.VIEW_CAMPAIGNS):
        seen = set(Campaign.objects.visible_to(reader).values_list("code", flat=True))
    was = MatrixWords.of(MatrixDefinition.from_json(base.body)) if found and base else words
    return [
        {
            "misfit": misfit,
            "named": was.names(misfit.box),
            "box": _spelled(misfit.box),
            "suggested": words.names(misfit.suggested),
            "becomes": words.names(misfit.choice.becomes)
            if misfit.choice and misfit.choice.becomes is not None
            else "",
            "rows": [row for row in misfit.rows if row.campaign_id in seen],
            "hidden": sum(row.campaign_id not in seen for row in misfit.rows),
        }
        for misfit in found
    ]


def _spelled(box: dict[str, list[str]]) -> str:
    return ", ".join(f"{code}={'|'.join(bands)}" for code, bands in box.items()) or _("everybody")


def splitting(box: NamedBox, by: Dimension | str) -> Change:
    """The split, refused before it makes more cells than a matrix may have."""

    def within(definition: MatrixDefinition) -> Edited:
        refuse_too_many(definition, box, by)
        return split(definition, box, by)

    return within


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
