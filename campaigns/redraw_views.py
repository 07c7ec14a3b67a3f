"""Two edits of a draft that need a page of their own: a dimension, and a cell that is deleted."""

from dataclasses import replace
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common.errors import DomainError
from common.pages import require
from common.permissions import Permission
from customers.catalogue import rule_catalogue
from segmentation.definition import MatrixDefinition
from segmentation.dimensions import Dimension
from segmentation.edits import Edited, add_dimension, delete, named_box, neighbours, recut
from segmentation.matrix_selectors import edits_since
from segmentation.matrix_words import spoken
from segmentation.models import MatrixVersion
from segmentation.proof import MAX_CELLS, prove
from segmentation.services import cities
from segmentation.tree import Box

from .dimension_forms import KINDS, DimensionSheet
from .draft_desk import OPEN, Change, Desk, fetch_draft, splitting
from .draft_forms import BoxForm, DeleteForm
from .matrix_views import asked_box, meeting

PER_PAGE = 30
ADD, SPLIT, RECUT = "add", "split", "recut"


def _desk(request: HttpRequest, code: str, pk: int) -> Desk | None:
    """None for a draft that was published meanwhile; 403 for who may not edit."""
    desk = Desk(request, fetch_draft(code, pk))
    desk.needs(Permission.EDIT_MATRICES)
    return desk if desk.version.state in OPEN else None


# --- a dimension: a new one, or the bands of one that is there ---


@require_http_methods(["GET", "POST"])
@require(Permission.EDIT_MATRICES)
def dimension(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """?do=add|split&kind=… for a new dimension, ?do=recut&dimension=… for one of the draft's."""
    desk = _desk(request, code, pk)
    if desk is None:
        return redirect("matrix-draft", code=code, pk=pk)
    do, kind, present = _asked(request, desk.definition)
    data = request.POST if request.method == "POST" else None
    sheet = DimensionSheet(kind, data=data, present=present)
    box = BoxForm(data, definition=desk.definition, initial={"revision": desk.version.revision})
    refusal = None
    # Both are read, so that all that is wrong is shown at once.
    if data is not None and (made := sheet.dimension()) is not None and box.is_valid():
        try:
            _edit(desk, do, made, box)
        except DomainError as error:
            refusal = error
        else:
            return redirect("matrix-draft", code=code, pk=pk)
    return _dimension_page(desk, do, sheet, box, refusal or sheet.error)


def _asked(request: HttpRequest, definition: MatrixDefinition) -> tuple[str, str, Dimension | None]:
    do = request.GET.get("do", ADD)
    if do == RECUT:
        wanted = request.GET.get("dimension", "")
        present = next((d for d in definition.dimensions if d.code == wanted), None)
        if present is None:
            raise Http404
        return do, present.kind, present
    kind = request.GET.get("kind", "")
    if do not in (ADD, SPLIT) or kind not in KINDS:
        raise Http404
    return do, kind, None


def _edit(desk: Desk, do: str, made: Dimension, form: BoxForm) -> None:
    revision = form.cleaned_data["revision"]
    name = spoken(made.name)
    if do == RECUT:
        desk.edited(
            _fitting(lambda d: recut(d, made), made),
            revision=revision,
            what=_("dimension %(name)s cut anew") % {"name": name},
        )
    elif do == SPLIT:
        box = form.box
        what = _("%(box)s: split by %(by)s") % {"box": desk.words.names(box), "by": name}
        desk.edited(splitting(box, made), revision=revision, what=what)
    else:
        desk.edited(
            _fitting(lambda d: add_dimension(d, made), made),
            revision=revision,
            what=_("dimension %(name)s added") % {"name": name},
        )


def _fitting(change: Change, made: Dimension) -> Change:
    """The change, refused before a grid is drawn that is larger than a matrix may have."""

    def within(definition: MatrixDefinition) -> Edited:
        others = tuple(d for d in definition.dimensions if d.code != made.code)
        kept = definition.grid_dimensions
        if made.code not in [d.code for d in kept] and len(others) < len(definition.dimensions):
            return change(definition)  # it only splits
        grid = tuple(d for d in kept if d.code != made.code)
        drawn = replace(definition, dimensions=(*grid, made), grid=(), edits=())
        if drawn.grid_size > MAX_CELLS:
            prove(drawn, rule_catalogue(), cities())
        return change(definition)

    return within


def _dimension_page(
    desk: Desk, do: str, sheet: DimensionSheet, box: BoxForm, refusal: DomainError | None
) -> HttpResponse:
    version = MatrixVersion.objects.get(pk=desk.version.pk)
    if refusal and refusal.code == "edited_meanwhile":
        refusal.extra["since"] = edits_since(version, box.cleaned_data["revision"])
    title = {
        ADD: _("Add a dimension"),
        SPLIT: _("Split a box by a new dimension"),
        RECUT: _("Cut a dimension anew"),
    }[do]
    context = {
        "title": title,
        "matrix": version.matrix,
        "version": version,
        "revision": version.revision,
        "do": do,
        "kind": KINDS[sheet.kind],
        "sheet": sheet,
        "box": box,
        "refusal": refusal,
    }
    wrong = bool(refusal or sheet.form.errors or any(sheet.rows.errors if sheet.data else ()))
    status = refusal.status if refusal else 422 if wrong else 200
    return render(desk.request, "campaigns/matrices/dimension.html", context, status=status)


# --- a cell that goes into its neighbour ---


@require_http_methods(["GET", "POST"])
@require(Permission.VIEW_MATRICES)
def draft_cells(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """The draft's cells; with ?cell=place its neighbours, one of which can take it in."""
    desk = Desk(request, fetch_draft(code, pk))
    if desk.version.state not in OPEN:
        return redirect("matrix-draft", code=code, pk=pk)
    refusal = None
    if request.method == "POST":
        if not desk.may_edit:
            raise PermissionDenied
        form = DeleteForm(request.POST)
        if not form.is_valid():
            raise DomainError("bad_cell", _("Choose the cell and the neighbour that takes it in."))
        try:
            _delete(desk, form)
        except DomainError as error:
            refusal = error
            if error.code == "edited_meanwhile":
                now = MatrixVersion.objects.get(pk=pk)
                error.extra["since"] = edits_since(now, form.cleaned_data["revision"])
                desk = Desk(request, now)
            context = _cells(desk) | _chosen(desk, _place_of(desk, form.cleaned_data["cell"]))
            context["into"] = form.cleaned_data["into"]
            return _cells_page(desk, context, refusal)
        return redirect("matrix-draft", code=code, pk=pk)
    asked = request.GET.get("cell", "")
    place = int(asked) if asked.isdecimal() else None
    return _cells_page(desk, _cells(desk) | _chosen(desk, place), None)


def _delete(desk: Desk, form: DeleteForm) -> None:
    cell, into = (_named(form.cleaned_data[name]) for name in ("cell", "into"))
    what = _("%(cell)s: deleted into %(into)s") % {
        "cell": desk.words.names(cell),
        "into": desk.words.names(into),
    }
    revision = form.cleaned_data["revision"]
    desk.edited(lambda d: delete(d, cell, into), revision=revision, what=what)


def _named(box: Any) -> dict[str, tuple[str, ...]]:
    """A box as the form sent it. Raises DomainError for anything else."""
    fits = isinstance(box, dict) and all(
        isinstance(bands, list) and all(isinstance(band, str) for band in bands)
        for bands in box.values()
    )
    if not fits:
        raise DomainError("bad_cell", _("Choose the cell and the neighbour that takes it in."))
    return {str(code): tuple(bands) for code, bands in box.items()}


def _cells(desk: Desk) -> dict[str, Any]:
    """The cells of the draft that the asked box meets, a page of them."""
    definition = desk.definition
    bands = dict(enumerate(definition.cells()))
    box = asked_box(desk.request.GET, definition)
    page = Paginator(meeting(bands, definition, box), PER_PAGE).get_page(
        desk.request.GET.get("page")
    )
    lines = [
        (place, desk.words.names(bands[place]), desk.words.rule(bands[place])) for place in page
    ]
    ticked = BoxForm(
        {f"box_{code}": codes for code, codes in box.items()} | {"revision": "0"},
        definition=definition,
    )
    return {"page": page, "lines": lines, "box": box, "ticked": ticked, "size": definition.size}


def _chosen(desk: Desk, place: int | None) -> dict[str, Any]:
    """The cell at the place with its neighbours; nothing where there is no such cell."""
    definition = desk.definition
    leaves = definition.tree.leaves()
    if place is None or place >= len(leaves):
        return {"chosen": None}
    cell = leaves[place]
    return {
        "chosen": _option(desk, cell),
        "neighbours": [_option(desk, other) for other in neighbours(definition, cell)],
    }


def _option(desk: Desk, cell: Box) -> dict[str, Any]:
    bands = desk.definition.bands(cell)
    named = {code: list(codes) for code, codes in named_box(desk.definition, cell).items()}
    return {"words": desk.words.names(bands), "rule": desk.words.rule(bands), "box": named}


def _place_of(desk: Desk, named: Any) -> int | None:
    """The place of the cell with these bands; None where an edit took it away."""
    try:
        wanted = desk.definition.box(_named(named))
    except DomainError:
        return None
    leaves = desk.definition.tree.leaves()
    return leaves.index(wanted) if wanted in leaves else None


def _cells_page(desk: Desk, context: dict[str, Any], refusal: DomainError | None) -> HttpResponse:
    context |= {
        "matrix": desk.version.matrix,
        "version": desk.version,
        "desk": desk,
        "refusal": refusal,
    }
    status = refusal.status if refusal else 200
    return render(desk.request, "campaigns/matrices/draft_cells.html", context, status=status)
