"""Pages of administrators and auditors: users, and the operation log."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from common.errors import DomainError
from common.pages import require, signed_in
from common.permissions import Permission

from . import services
from .access import fetch
from .filters import OperationFilter
from .forms import NewUserForm, PasswordForm, RightsForm
from .models import User
from .selectors import operations_for, users_for

PER_PAGE = 50


@require_GET
@require(Permission.MANAGE_USERS)
def users(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    page = Paginator(users_for(request.user, text), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/users.html", {"page": page, "q": text})


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
@require(Permission.MANAGE_USERS)
def new_user(request: HttpRequest) -> HttpResponse:
    form = NewUserForm(request.POST or None, reader=request.user)
    if form.is_valid() and _try(form, services.create_user, **form.cleaned_data, by=request.user):
        messages.success(request, _("%(name)s has been created.") % {"name": form.data["username"]})
        return redirect("users")
    return _form_page(request, "accounts/user_new.html", {"form": form})


@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password")
@signed_in
def user(request: HttpRequest, pk: int) -> HttpResponse:
    """One user; the button that was pressed says what is to be done."""
    person = fetch(User.objects, request.user, Permission.MANAGE_USERS, pk=pk)
    if request.method != "POST":
        return _user_page(request, person)
    act = {
        "deactivate": services.deactivate,
        "reactivate": services.reactivate,
    }.get(request.POST.get("do", ""))
    if act:
        act(person, by=request.user)
        return _saved(request, person)
    if request.POST.get("do") == "set_password":
        form = PasswordForm(request.POST)
        act, pages_form = services.set_password, {"password_form": form}
    else:
        form = RightsForm(request.POST, reader=request.user)
        act, pages_form = services.change_rights, {"form": form}
    if form.is_valid() and _try(form, act, person, **form.cleaned_data, by=request.user):
        return _saved(request, person)
    person.refresh_from_db()
    return _user_page(request, person, **pages_form)


def _try(form: Form, act: services.Act, *args: object, **values: object) -> bool:
    """Do what the form asks for; a refusal is shown on the form."""
    try:
        act(*args, **values)
    except DomainError as error:
        form.add_error(None, error.message)
        return False
    return True


def _saved(request: HttpRequest, person: User) -> HttpResponse:
    messages.success(request, _("%(name)s has been saved.") % {"name": person.username})
    return redirect("user", pk=person.pk)


def _user_page(request: HttpRequest, person: User, **forms: Form) -> HttpResponse:
    rights = {"organisation": person.organisation_id, "roles": person.roles}
    context = {
        "person": person,
        "form": RightsForm(initial=rights, reader=request.user),
        "password_form": PasswordForm(),
        "operations": operations_for(request.user).filter(
            target_type="user", target_id=str(person.pk)
        )[:10],
    }
    return _form_page(request, "accounts/user.html", context | forms)


def _form_page(request: HttpRequest, template: str, context: dict[str, object]) -> HttpResponse:
    wrong = any(isinstance(value, Form) and value.errors for value in context.values())
    return render(request, template, context, status=422 if wrong else 200)


@require_GET
@require(Permission.VIEW_AUDIT)
def operations(request: HttpRequest) -> HttpResponse:
    found = OperationFilter(request.GET, queryset=operations_for(request.user))
    rows = found.qs if found.form.is_valid() else operations_for(request.user).none()
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/operations.html", {"page": page, "filter": found})
