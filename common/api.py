"""The shape of the REST interface: permissions, and one form for every error (RFC 9457)."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from .errors import DomainError
from .permissions import Permission

CONTENT_TYPE = "application/problem+json"
BEARER = "Bearer"
logger = logging.getLogger(__name__)


class Caller(Protocol):
    """A person or a system, as far as permissions go."""

    def can(self, permission: Permission) -> bool: ...


@dataclass(frozen=True)
class Unproven:
    """Who showed a key that no statement has looked up yet: may do nothing.

    Only a view with ``admits_itself = True`` meets one as ``request.user``. It admits the caller
    within a statement of its own, and then asks ``require`` what ``Requires`` could not yet tell.
    """

    key_hash: str
    pk = None
    is_authenticated = False

    def can(self, permission: Permission) -> bool:
        return False


class Requires(BasePermission):
    """``permission_classes = [Requires(Permission.RECOMMEND, Permission.VIEW_CUSTOMERS)]``.

    Any one of the permissions is enough.
    """

    def __init__(self, *permissions: Permission) -> None:
        self.permissions = permissions

    def __call__(self) -> "Requires":
        """The framework makes a permission anew for each request; this one holds no state."""
        return self

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if isinstance(user, Unproven):
            return getattr(view, "admits_itself", False)
        return user.is_authenticated and any(user.can(p) for p in self.permissions)


def require(caller: Caller, *permissions: Permission) -> None:
    """Raise PermissionDenied unless the caller has any one of the permissions."""
    if not any(caller.can(p) for p in permissions):
        raise PermissionDenied


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[dict[str, Any]] | None = None,
    extra: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the body of a problem: ``code`` is stable, ``detail`` is for a person.

    ``where`` (a path into the input) and ``errors`` (one per wrong field) stand only where they
    say something; ``extra`` holds what else a machine can use.
    """
    extra = dict(extra or {})
    body: dict[str, Any] = {
        "type": f"urn:juzhen:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    if "where" in extra:
        body["where"] = extra.pop("where")
    if errors:
        body["errors"] = errors
    if extra:
        body["extra"] = extra
    return body


def problem_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Turn whatever a view raised into a problem; what nobody foresaw becomes a 500 and a log."""
    known = _known(error)
    response = _respond(known, context["request"])
    response.content_type = CONTENT_TYPE
    # A refused caller is told how to say who it is, one that was too fast when to come back.
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = BEARER
    elif isinstance(known, DomainError) and (wait := known.extra.get("retry_after")):
        response["Retry-After"] = str(wait)
    return response


def problem_of(error: DomainError) -> dict[str, Any]:
    """The body of what business code refused."""
    extra = dict(error.extra)
    errors = extra.pop("errors", None)
    return problem(error.status, error.code, error.message, errors=errors, extra=extra)


def problem_page(request: HttpRequest, status: int, code: str, detail: str) -> JsonResponse:
    """The same form where no API view was reached: an unknown address, a fault in a middleware."""
    return JsonResponse(
        problem(status, code, detail),
        status=status,
        content_type=CONTENT_TYPE,
        json_dumps_params={"ensure_ascii": False},
    )


def _known(error: Exception) -> Exception:
    """Map the refusals of Django and of the framework to those that say what to do."""
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, exceptions.NotAuthenticated):
        message = _("Say who calls: “Authorization: Bearer KEY”, or a session of the portal.")
        return DomainError("no_key", message, status=401)
    if isinstance(error, exceptions.UnsupportedMediaType):
        message = _("The body must be JSON, sent as application/json.")
        return DomainError("unsupported_media_type", message, status=415)
    return error


def _respond(error: Exception, request: Request) -> Response:
    if isinstance(error, DomainError):
        body = problem_of(error)
    elif isinstance(error, exceptions.ValidationError):
        errors = list(_field_errors(error.get_full_details(), []))
        body = problem(error.status_code, "invalid", _("The input is not valid."), errors=errors)
    elif isinstance(error, exceptions.APIException):
        body = problem(error.status_code, _code(error), str(error.detail))
    else:
        logger.error("Unforeseen error at %s", request.path, exc_info=error)
        if settings.DEBUG:
            raise error
        body = problem(500, "internal", _("Something went wrong here. It has been recorded."))
    return Response(body, status=body["status"])


def _code(error: exceptions.APIException) -> str:
    codes = error.get_codes()
    return codes if isinstance(codes, str) else error.default_code


def _field_errors(details: Any, where: list[int | str]) -> Iterator[dict[str, Any]]:
    """Flatten the framework's nested details: one entry per fault, with the path to its field."""
    if isinstance(details, dict) and {"message", "code"} <= details.keys():
        yield {"where": where, "code": details["code"], "message": str(details["message"])}
    elif isinstance(details, dict):
        for name, inner in details.items():
            yield from _field_errors(inner, [*where, name])
    else:
        for index, inner in enumerate(details):
            at = where if "message" in inner else [*where, index]
            yield from _field_errors(inner, at)
