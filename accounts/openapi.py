"""How the description of the interface speaks of keys. Imported by whoever describes it.

Apart from ``authentication``, which the framework's settings name: the two would import each other.
"""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from .authentication import KeyAuthentication


class KeyScheme(OpenApiAuthenticationExtension):
    """The key in the description of the interface."""

    target_class = KeyAuthentication
    name = "key"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "jz_<prefix>_<secret>",
            "description": "The key of a system client, as an administrator issued it.",
        }
