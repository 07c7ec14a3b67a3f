"""How a system says who it is: ``Authorization: Bearer jz_…``."""

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from common.api import BEARER, Unproven

from .admission import admit, key_hash
from .clients import Client


class KeyAuthentication(BaseAuthentication):
    """The system client that holds the key; a wrong key ends the call, session or not.

    A view with ``admits_itself = True`` gets an ``Unproven`` caller, and admits it within a
    statement of its own.
    """

    def authenticate(self, request: Request) -> tuple[Client | Unproven, None] | None:
        """Return None where there is no key: then it may be a person with a session."""
        scheme, _space, key = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != BEARER.lower():
            return None
        key = key.strip()
        if getattr(request.parser_context["view"], "admits_itself", False):
            return Unproven(key_hash(key)), None
        return admit(key), None

    def authenticate_header(self, request: Request) -> str:
        return BEARER
