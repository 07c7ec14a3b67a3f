"""Identifiers in the order of time (RFC 9562, version 7): an index of them grows at its end."""

import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_VERSION, _VARIANT = 7 << 76, 2 << 62


def uuid7(at: datetime) -> UUID:
    """A new identifier for the aware moment ``at``; two of one millisecond have no order."""
    return UUID(int=_first(at) | secrets.randbits(12) << 64 | secrets.randbits(62))


def earliest_uuid7(at: datetime) -> UUID:
    """No identifier of the moment ``at`` or later is below this one."""
    return UUID(int=_first(at))


def time_of(identifier: UUID) -> datetime:
    """The moment for which a version 7 identifier was made, to the millisecond."""
    return _EPOCH + (identifier.int >> 80) * _MILLISECOND


def _first(at: datetime) -> int:
    return (at - _EPOCH) // _MILLISECOND << 80 | _VERSION | _VARIANT
