"""Pages of audiences and of auxiliary matrices with their marks.

Who may see matrices may read; marketers write: the province's everywhere, a city's in the city.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import Scoped, fetch
from accounts.models import User
from common.errors import DomainError
from common.pages import require, signed_in
from common.permissions import Permission

from . import selectors
from .checks import Known, checked_set
from .forms import (
    LONGEST,
    LONGEST_NAME,
    DefinedForm,
    SetForm,
    placed,
    read_set,
    written,
)
from .models import Audience, AuxiliaryMatrix, Defined, Mark
from .selectors import SetPages
from .services import define_audience, define_auxiliary_matrix, define_mark, retire
from .sets import AUDIENCE, MARK, Ref
from .words import sentence

PER_PAGE = 50
READ, WRITE = Permission.VIEW_MATRICES, Permission.EDIT_CAMPAIGNS
EXAMPLE = """\
all:
- rule: arpu >= 80
- but:
  - cells: {matrix: retention, box: {value: [high]}}
  - mark: second_sim
"""


def may_edit(user: User, row: Defined | None = None) -> bool:
    """Whether the user may change the row; without one, define anything at all."""
    return user.can(WRITE) and (row is None or user.cities is None or row.city in user.cities)


def fetch_to_edit(objects: Scoped[Any], user: User, code: str) -> Any:
    row = fetch(objects, user, WRITE, pk=code)
    if not may_edit(user, row):
        raise PermissionDenied
    return row


# --- audiences ---


@require_GET
@require(READ)
def audiences(request: HttpRequest) -> HttpResponse:
    reader = request.user
    rows = Audience.objects.visible_to(reader).active()
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    pages = SetPages.of(reader)
    context = {
        "page": page,
        "lines": [pages.line(row) for row in page],
        "members": pages.members,
        "graph": pages.graph(),
        "cities": selectors.city_names(),
        "may_edit": may_edit(reader),
    }
    return render(request, "segmentation/audiences/audiences.html", context)


@require_http_methods(["GET", "POST"])
@signed_in
def audience(request: HttpRequest, code: str) -> HttpResponse:
    row = fetch(Audience.objects, request.user, READ, pk=code)
    return _set_page(request, row, "segmentation/audiences/audience.html", "audiences")


@require_http_methods(["GET", "POST"])
@require(WRITE)
def audience_new(request: HttpRequest) -> HttpResponse:
    """A new audience; another page may bring a rule and names for it along."""
    initial, context = {"customers": EXAMPLE, "revision": 0}, {"title": _("New audience")}
    if request.method == "GET" and request.GET.get("rule"):
        initial |= _brought(request)
        context["words"] = _words_brought(request, initial["customers"])
    form = SetForm(request.POST or None, reader=request.user, initial=initial)
    return _set_form(request, form, AUDIENCE, _define_audience, context)


def _brought(request: HttpRequest) -> dict[str, Any]:
    """The rule as the text of a set, and the names, no longer than their fields."""
    brought = request.GET
    return {
        "customers": written({"rule": brought["rule"][:LONGEST]}),
        "name_zh": brought.get("name_zh", "")[:LONGEST_NAME],
        "name_en": brought.get("name_en", "")[:LONGEST_NAME],
    }


def _words_brought(request: HttpRequest, text: str) -> str | None:
    """The set in words; None, and why, where it can't be saved."""
    expression, _source = read_set(text)
    try:
        return _words_of((AUDIENCE, ""), {"expression": expression, "city": ""})
    except DomainError as error:
        messages.warning(request, error.message)
    return None


@require_http_methods(["GET", "POST"])
@signed_in
def audience_edit(request: HttpRequest, code: str) -> HttpResponse:
    row = fetch_to_edit(Audience.objects, request.user, code)
    form = SetForm(request.POST or None, reader=request.user, row=row, initial=_initial(row))
    return _set_form(request, form, AUDIENCE, _define_audience, {"title": row.name, "row": row})


def _define_audience(says: dict[str, Any], user: User) -> Audience:
    return define_audience(**says, by=user)


# --- auxiliary matrices and marks ---


@require_GET
@require(READ)
def auxiliary(request: HttpRequest) -> HttpResponse:
    pages = SetPages.of(request.user)
    groups = [
        (matrix, lines, may_edit(request.user, matrix))
        for matrix, lines in selectors.groups_of(pages)
    ]
    context = {
        "groups": groups,
        "cities": selectors.city_names(),
        "members": pages.members,
        "may_edit": may_edit(request.user),
    }
    return render(request, "segmentation/audiences/auxiliary.html", context)


@require_http_methods(["GET", "POST"])
@require(WRITE)
def auxiliary_new(request: HttpRequest) -> HttpResponse:
    form = DefinedForm(request.POST or None, reader=request.user)
    return _auxiliary_form(request, form, {"title": _("New auxiliary matrix")})


@require_http_methods(["GET", "POST"])
@signed_in
def auxiliary_edit(request: HttpRequest, code: str) -> HttpResponse:
    """The names of one; the other button retires it with its marks."""
    row = fetch_to_edit(AuxiliaryMatrix.objects, request.user, code)
    if request.POST.get("do") == "retire":
        return _retired(request, row, "auxiliary")
    form = DefinedForm(request.POST or None, reader=request.user, row=row, initial=_initial(row))
    return _auxiliary_form(request, form, {"title": row.name, "row": row})


def _auxiliary_form(
    request: HttpRequest, form: DefinedForm, context: dict[str, Any]
) -> HttpResponse:
    if form.is_valid():
        try:
            row = define_auxiliary_matrix(**form.says(), by=request.user)
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("%(name)s has been saved.") % {"name": row.name})
            return redirect("auxiliary")
    status = 422 if form.errors else 200
    context |= {"form": form}
    return render(request, "segmentation/audiences/auxiliary_form.html", context, status=status)


@require_http_methods(["GET", "POST"])
@signed_in
def mark(request: HttpRequest, code: str) -> HttpResponse:
    row = fetch(Mark.objects.select_related("matrix"), request.user, READ, pk=code)
    return _set_page(request, row, "segmentation/audiences/mark.html", "auxiliary")


@require_http_methods(["GET", "POST"])
@signed_in
def mark_new(request: HttpRequest, code: str) -> HttpResponse:
    matrix = fetch_to_edit(AuxiliaryMatrix.objects, request.user, code)
    form = SetForm(
        request.POST or None,
        reader=request.user,
        city=matrix.city,
        initial={"customers": EXAMPLE, "revision": 0},
    )
    context = {"title": _("New mark of %(matrix)s") % {"matrix": matrix.name}, "matrix": matrix}
    return _set_form(request, form, MARK, _define_mark(matrix), context)


@require_http_methods(["GET", "POST"])
@signed_in
def mark_edit(request: HttpRequest, code: str) -> HttpResponse:
    row = fetch_to_edit(Mark.objects.select_related("matrix"), request.user, code)
    form = SetForm(request.POST or None, reader=request.user, row=row, initial=_initial(row))
    context = {"title": row.name, "row": row, "matrix": row.matrix}
    return _set_form(request, form, MARK, _define_mark(row.matrix), context)


def _define_mark(matrix: AuxiliaryMatrix) -> "Define":
    def define(says: dict[str, Any], user: User) -> Mark:
        says.pop("city")  # the group's
        return define_mark(matrix, **says, by=user)

    return define


# --- shared ---

Define = Callable[[dict[str, Any], User], Mark | Audience]


def _initial(row: Defined) -> dict[str, Any]:
    initial = {"name_zh": row.name_zh, "name_en": row.name_en, "revision": row.revision}
    if isinstance(row, Mark | Audience):
        initial["customers"] = written(row.expression)
    return initial


def _set_page(
    request: HttpRequest, row: Mark | Audience, template: str, back_to: str
) -> HttpResponse:
    """One set: its words, sizes, uses; a marketer's button retires it."""
    reader = request.user
    if request.method == "POST":
        if not may_edit(reader, row):
            raise PermissionDenied
        return _retired(request, row, back_to)
    pages = SetPages.of(reader)
    history = selectors.history_of(row.ref, reader)
    context = {
        "row": row,
        "line": pages.line(row),
        "text": written(row.expression),
        "today": history[0] if history else None,
        "history": history,
        "by_city": selectors.by_city(row.ref, reader),
        "cities": selectors.city_names(),
        "may_edit": may_edit(reader, row),
    }
    return render(request, template, context)


def _retired(request: HttpRequest, row: Defined, back_to: str) -> HttpResponse:
    revision = request.POST.get("revision", "")
    retire(row, revision=int(revision) if revision.isdecimal() else None, by=request.user)
    messages.success(request, _("%(name)s has been retired.") % {"name": row.name})
    return redirect(back_to)


def _set_form(
    request: HttpRequest, form: SetForm, kind: str, define: Define, context: dict[str, Any]
) -> HttpResponse:
    """Check or save what is written; an error stands at the text with its line."""
    words = context.get("words")
    if form.is_valid():
        source = None
        try:
            expression, source = read_set(form.cleaned_data["customers"])
            says = form.says() | {"expression": expression}
            if request.POST.get("do") == "check":
                words = _words_of((kind, says["code"]), says)
            else:
                row = define(says, request.user)
                messages.success(request, _("%(name)s has been saved.") % {"name": row.name})
                return redirect(kind, code=row.code)
        except DomainError as error:
            at = error.extra.get("where", ["customers"] if source is None else [None])[0]
            form.add_error(at if at in form.fields else None, placed(error, source))
    context |= {"form": form, "kind": kind, "words": words}
    status = 422 if form.errors else 200
    return render(request, "segmentation/audiences/set_form.html", context, status=status)


def _words_of(ref: Ref, says: dict[str, Any]) -> str:
    """The set in words, if it could be saved."""
    known = Known()
    return sentence(checked_set(ref, says["expression"], says["city"], known), known.words)
