"""The caller of one request who is a system: what it may do and where, as read with its key."""

from dataclasses import dataclass

from common.permissions import Permission

# What a client may be allowed, in the order of the form. People's work is not among it.
OPERATIONS: tuple[Permission, ...] = (
    Permission.RECOMMEND,
    Permission.SEND_FEEDBACK,
    Permission.SET_OPT_OUTS,
    Permission.READ_DECISIONS,
    Permission.VIEW_SENSITIVE,
)


@dataclass(frozen=True)
class Place:
    """Where a client belongs: an Organisation's values, without the row. ``path``: in the tree."""

    code: str
    level: str
    path: str


@dataclass(frozen=True)
class Client:
    """An admitted client. It answers what services ask of a User: ``can``, ``cities``, who it is.

    ``cities``: the city codes whose customers it may meet; None: those of every city.
    ``key``: the prefix of the key that was shown.
    """

    code: str
    key: str
    operations: frozenset[str]
    organisation: Place
    cities: frozenset[str] | None

    is_authenticated = True
    is_anonymous = False
    is_active = True
    sees_anything = True

    def __str__(self) -> str:
        return f"client:{self.code}"

    @property
    def pk(self) -> str:
        """Who called, for the log of requests."""
        return str(self)

    def can(self, permission: Permission) -> bool:
        return permission in self.operations

    def sees_city(self, city: str) -> bool:
        return self.cities is None or city in self.cities
