"""Pages: who may open one, and what a person sees when something is refused or goes wrong."""

from collections.abc import Callable
from datetime import date
from functools import wraps
from http import HTTPStatus

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from .api import problem_page
from .errors import DomainError
from .permissions import Permission

View = Callable[..., HttpResponse]
API_PREFIX = "/api/"


def signed_in(view: View) -> View:
    """A page for whoever is logged in; a DomainError becomes its own page.

    For pages of one thing: what it is and whether it may be seen is for ``access.fetch`` to say.
    """

    @wraps(view)
    def page(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not request.user.is_authenticated:
            return _to_login(request)
        try:
            return view(request, *args, **kwargs)
        except DomainError as error:
            return error_page(request, error.status, error.code, error.message)

    return page


def asked_date(request: HttpRequest) -> date | None:
    """The day that a page is asked for; None: none is named. Raises DomainError ``bad_date``."""
    text = request.GET.get("date", "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise DomainError(
            "bad_date",
            _("A date is written as YYYY-MM-DD; '%(text)s' was given.") % {"text": text[:40]},
        ) from error


def is_part(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of a page, not a person for a page."""
    return request.headers.get("HX-Request") == "true"


def _to_login(request: HttpRequest) -> HttpResponse:
    """To the login and back here; a part that refreshes itself takes its whole page there."""
    if is_part(request):
        return HttpResponse(status=401, headers={"HX-Refresh": "true"})
    return redirect_to_login(request.get_full_path())


def require(*permissions: Permission) -> Callable[[View], View]:
    """A page for whoever is logged in and has any one of the permissions; 403 for the rest."""

    def decorate(view: View) -> View:
        @signed_in
        @wraps(view)
        def page(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if not any(request.user.can(p) for p in permissions):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return page

    return decorate


def error_page(request: HttpRequest, status: int, code: str, message: str) -> HttpResponse:
    """An error in the form the caller can read: a problem for the API, a page for a person."""
    if request.path.startswith(API_PREFIX):
        return problem_page(request, status, code, message)
    context = {"status": status, "title": _title(status), "message": message, "code": code}
    template = "error_part.html" if is_part(request) else "error.html"
    return render(request, template, context, status=status)


def _title(status: int) -> str:
    titles = {
        400: _("That was not understood"),
        403: _("You may not do this"),
        404: _("Not found"),
        409: _("Something else came first"),
        500: _("Something went wrong"),
        503: _("Not ready yet"),
    }
    return titles.get(status, HTTPStatus(status).phrase)


# --- what Django calls (named in config.urls) ---


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 400, "bad_request", _("The request could not be read."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    message = _("Your roles do not include this. Your administrator can tell you who may do it.")
    return error_page(request, 403, "permission_denied", message)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    message = _("There is nothing at this address that you can see.")
    return error_page(request, 404, "not_found", message)


def broken(request: HttpRequest) -> HttpResponse:
    """A page that needs nothing: no session, no database, no user."""
    message = _("The fault is on our side and has been recorded. Please try again in a minute.")
    if request.path.startswith(API_PREFIX):
        return problem_page(request, 500, "internal", message)
    context = {"status": 500, "title": _title(500), "message": message, "code": "internal"}
    return render(None, "error_plain.html", context, status=500)
