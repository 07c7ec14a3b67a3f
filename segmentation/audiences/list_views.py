"""Pages of imported lists: what there is, bringing one, what was wrong with it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import fetch
from common.errors import DomainError
from common.pages import require, signed_in

from . import selectors
from .forms import ListForm
from .models import ImportedList
from .selectors import SetPages
from .services import import_list, retire
from .views import READ, WRITE, fetch_to_edit, may_edit


@require_GET
@require(READ)
def customer_lists(request: HttpRequest) -> HttpResponse:
    rows = ImportedList.objects.visible_to(request.user).active()
    pages = SetPages.of(request.user)
    context = {
        "lines": [(row, selectors.has_expired(row), pages.uses(row.ref)) for row in rows],
        "cities": selectors.city_names(),
        "may_edit": may_edit(request.user),
    }
    return render(request, "segmentation/audiences/lists.html", context)


@require_http_methods(["GET", "POST"])
@require(WRITE)
def list_new(request: HttpRequest) -> HttpResponse:
    form = ListForm(request.POST or None, request.FILES or None, reader=request.user)
    return _list_form(request, form, {"title": _("New list")})


@require_http_methods(["GET", "POST"])
@signed_in
def list_replace(request: HttpRequest, code: str) -> HttpResponse:
    row = fetch_to_edit(ImportedList.objects, request.user, code)
    fields = ("name_zh", "name_en", "source", "expires_on", "revision")
    initial = {field: getattr(row, field) for field in fields}
    form = ListForm(
        request.POST or None,
        request.FILES or None,
        reader=request.user,
        row=row,
        initial=initial,
    )
    return _list_form(request, form, {"title": row.name, "row": row})


def _list_form(request: HttpRequest, form: ListForm, context: dict[str, Any]) -> HttpResponse:
    if form.is_valid():
        try:
            row = import_list(**form.says(), by=request.user)
        except DomainError as error:
            at = error.extra.get("where", [None])[0]
            form.add_error(at if at in form.fields else None, error.message)
        else:
            text = _("%(name)s: %(members)d numbers kept, %(rejected)d lines set aside.")
            rejected = row.lines - row.members
            said = {"name": row.name, "members": row.members, "rejected": rejected}
            messages.success(request, text % said)
            return redirect("customer-list", code=row.code)
    status = 422 if form.errors else 200
    context |= {"form": form}
    return render(request, "segmentation/audiences/list_form.html", context, status=status)


@require_http_methods(["GET", "POST"])
@signed_in
def customer_list(request: HttpRequest, code: str) -> HttpResponse:
    """One list: its counts, its rejected lines, what uses it; the button retires it."""
    row = fetch(ImportedList.objects, request.user, READ, pk=code)
    if request.method == "POST":
        if not may_edit(request.user, row):
            raise PermissionDenied
        revision = request.POST.get("revision", "")
        retire(row, revision=int(revision) if revision.isdecimal() else None, by=request.user)
        messages.success(request, _("%(name)s has been retired.") % {"name": row.name})
        return redirect("customer-lists")
    context = {
        "row": row,
        "expired": selectors.has_expired(row),
        "rejected": row.lines - row.members,
        "rejects": selectors.rejects_of(row),
        "most": selectors.MOST_REJECTS,
        "cities": selectors.city_names(),
        "uses": SetPages.of(request.user).uses(row.ref),
        "may_edit": may_edit(request.user, row),
    }
    return render(request, "segmentation/audiences/list.html", context)
