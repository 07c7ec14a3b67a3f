"""Pages of administrators: system clients and their keys."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from common.errors import DomainError
from common.pages import require, signed_in
from common.permissions import Permission

from . import client_services
from .access import fetch
from .client_forms import ClientForm, KeyForm, NewClientForm
from .client_services import MOST_KEYS
from .models import SOON_DAYS, SystemClient
from .selectors import clients_for, operations_for

PER_PAGE = 50


@require_GET
@require(Permission.MANAGE_CLIENTS)
def clients(request: HttpRequest) -> HttpResponse:
    found = clients_for(request.user)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    ending = [client for client in found if client.expires_soon]
    context = {"page": page, "ending": ending, "soon": SOON_DAYS}
    return render(request, "accounts/clients.html", context)


@require_http_methods(["GET", "POST"])
@require(Permission.MANAGE_CLIENTS)
def new_client(request: HttpRequest) -> HttpResponse:
    form = NewClientForm(request.POST or None, reader=request.user)
    if form.is_valid():
        try:
            client = client_services.create_client(**form.cleaned_data, by=request.user)
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            text = _("%(name)s has been created; it needs a key now.") % {"name": client.name}
            messages.success(request, text)
            return redirect("client-key-new", code=client.code)
    return _page(request, "accounts/client_new.html", {"form": form})


@require_http_methods(["GET", "POST"])
@signed_in
def client(request: HttpRequest, code: str) -> HttpResponse:
    """One client; the button that was pressed says what is to be done."""
    row = _fetch(request, code)
    form = ClientForm.of(row, request.user)
    match request.method == "POST" and request.POST.get("do"):
        case "close":
            client_services.close_client(row, by=request.user)
            return _saved(request, row)
        case "reopen":
            client_services.reopen_client(row, by=request.user)
            return _saved(request, row)
        case "revoke":
            key = get_object_or_404(row.keys, prefix=request.POST.get("key", ""))
            client_services.revoke_key(key, by=request.user)
            messages.success(request, _("The key %(key)s has been revoked.") % {"key": key})
            return redirect("client", code=code)
        case "change":
            form = ClientForm(request.POST, reader=request.user)
            if form.is_valid():
                try:
                    client_services.change_client(row, **form.cleaned_data, by=request.user)
                except DomainError as error:
                    form.add_error(None, error.message)
                else:
                    return _saved(request, row)
    return _page(request, "accounts/client.html", _context(request, row) | {"form": form})


@require_http_methods(["GET", "POST"])
@never_cache
@signed_in
def new_key(request: HttpRequest, code: str) -> HttpResponse:
    """Issue a key. It stands on the page that answers the form, and nowhere afterwards."""
    row = _fetch(request, code)
    form = KeyForm(request.POST or None)
    context = {"client": row, "form": form, "others": row.valid_keys, "most": MOST_KEYS}
    if form.is_valid():
        try:
            key = client_services.add_key(row, **form.cleaned_data, by=request.user)
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            return render(request, "accounts/client_key.html", context | _shown(request, key))
    return _page(request, "accounts/client_key_new.html", context)


def _fetch(request: HttpRequest, code: str) -> SystemClient:
    rows = SystemClient.objects.select_related("organisation").prefetch_related("keys")
    return fetch(rows, request.user, Permission.MANAGE_CLIENTS, code=code)


def _context(request: HttpRequest, row: SystemClient) -> dict[str, object]:
    told = operations_for(request.user).filter(target_type="client", target_id=row.code)
    return {"client": row, "operations": told[:10], "most": MOST_KEYS, "soon": SOON_DAYS}


def _shown(request: HttpRequest, key: str) -> dict[str, str]:
    """The key, and a call to try it with."""
    address = reverse("api-recommendations", kwargs={"customer_no": "NUMBER"})
    return {"key": key, "address": request.build_absolute_uri(address)}


def _saved(request: HttpRequest, row: SystemClient) -> HttpResponse:
    messages.success(request, _("%(name)s has been saved.") % {"name": row.code})
    return redirect("client", code=row.code)


def _page(request: HttpRequest, template: str, context: dict[str, object]) -> HttpResponse:
    form = context["form"]
    wrong = isinstance(form, Form) and bool(form.errors)
    return render(request, template, context, status=422 if wrong else 200)
