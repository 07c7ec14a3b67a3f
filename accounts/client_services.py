"""Writes: system clients and their keys. Each write logs itself, and never a key's secret.

A client's key is rotated without a gap: issue a second one, let the system take it up, revoke the
first. More than two never stand beside each other, so that none is forgotten.
"""

import math
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from common.errors import DomainError

from .admission import hashed
from .clients import OPERATIONS
from .models import ClientKey, Organisation, SystemClient
from .services import By, Target, check_reach, log

MOST_DAYS = 400
MOST_KEYS = 2
MOST_BURST = 100_000


@transaction.atomic
def create_client(
    *,
    code: str,
    name_zh: str,
    name_en: str,
    organisation: Organisation,
    operations: Iterable[str],
    rate: float,
    burst: int,
    by: By,
) -> SystemClient:
    """Add a client, without a key yet. ``rate``: calls a second; ``burst``: calls at once.

    Raises DomainError: ``client_exists``, ``no_operation``, ``unknown_operation``,
    ``rate_out_of_range``, ``organisation_out_of_reach``.
    """
    check_reach(by, organisation)
    if SystemClient.objects.filter(code=code).exists():
        raise DomainError(
            "client_exists",
            _("There is a client with the code %(code)s already; choose another code.")
            % {"code": code},
            status=409,
        )
    client = SystemClient(code=code)
    _set(client, name_zh, name_en, organisation, operations, rate, burst)
    client.save()
    log(by=by, action="create", target=_target(client), after=_rights(client))
    return client


@transaction.atomic
def change_client(
    client: SystemClient,
    *,
    name_zh: str,
    name_en: str,
    organisation: Organisation,
    operations: Iterable[str],
    rate: float,
    burst: int,
    by: By,
) -> SystemClient:
    """Change what a client is called, may do, and where; it holds from the next call on."""
    client = _locked(client, by)
    check_reach(by, organisation)
    before = _rights(client)
    _set(client, name_zh, name_en, organisation, operations, rate, burst)
    if (after := _rights(client)) != before:
        client.save()
        log(by=by, action="change", target=_target(client), before=before, after=after)
    return client


@transaction.atomic
def add_key(client: SystemClient, *, days: int = 365, by: By) -> str:
    """Issue a key that is good for so many days and return it: it can't be shown again.

    Raises DomainError: ``key_days_out_of_range``; ``too_many_keys`` beside two valid ones.
    """
    client = _locked(client, by)
    if not 1 <= days <= MOST_DAYS:
        raise DomainError(
            "key_days_out_of_range",
            _("A key is good for 1 to %(most)d days, not %(days)d.")
            % {"most": MOST_DAYS, "days": days},
        )
    if client.keys.valid().count() >= MOST_KEYS:
        raise DomainError(
            "too_many_keys",
            _("%(client)s has %(most)d valid keys; revoke the one that is no longer used first.")
            % {"client": client.code, "most": MOST_KEYS},
            status=409,
        )
    prefix = secrets.token_hex(4)
    text = f"jz_{prefix}_{secrets.token_urlsafe(32)}"
    key = client.keys.create(
        prefix=prefix, hash=hashed(text), expires_at=Now() + timedelta(days=days), by=str(by)
    )
    key.refresh_from_db()
    log(by=by, action="add_key", target=_target(client), after=_described(key))
    return text


@transaction.atomic
def revoke_key(key: ClientKey, *, by: By) -> ClientKey:
    """End a key at once and for good; revoked once more it stays as it is."""
    client = _locked(key.client, by)
    if ClientKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=Now()):
        log(by=by, action="revoke_key", target=_target(client), before=_described(key))
    key.refresh_from_db()
    return key


@transaction.atomic
def close_client(client: SystemClient, *, by: By) -> SystemClient:
    """Refuse a client's every call at once; its keys stay, for when it is reopened."""
    return _set_active(client, False, by)


@transaction.atomic
def reopen_client(client: SystemClient, *, by: By) -> SystemClient:
    return _set_active(client, True, by)


def _set_active(client: SystemClient, active: bool, by: By) -> SystemClient:
    client = _locked(client, by)
    if client.active != active:
        before, client.active = _rights(client), active
        client.save(update_fields=["active"])
        action = "reopen" if active else "close"
        log(by=by, action=action, target=_target(client), before=before, after=_rights(client))
    return client


def _locked(client: SystemClient, by: By) -> SystemClient:
    """The client as it stands now, within the reach of who acts, until the transaction ends."""
    rows = SystemClient.objects.select_related("organisation")
    client = rows.select_for_update(of=("self",), no_key=True).get(pk=client.pk)
    check_reach(by, client.organisation)
    return client


def _set(
    client: SystemClient,
    name_zh: str,
    name_en: str,
    organisation: Organisation,
    operations: Iterable[str],
    rate: float,
    burst: int,
) -> None:
    client.name_zh, client.name_en, client.organisation = name_zh, name_en, organisation
    client.operations = _checked_operations(set(operations))
    _check_rate(rate, burst)
    client.rate, client.burst = float(rate), burst


def _checked_operations(operations: set[str]) -> list[str]:
    """In the order in which they are always named."""
    if unknown := sorted(operations - set(OPERATIONS)):
        raise DomainError(
            "unknown_operation",
            _("A client cannot hold %(unknown)s; what it can hold is %(known)s.")
            % {"unknown": ", ".join(unknown), "known": ", ".join(OPERATIONS)},
        )
    if not operations:
        raise DomainError("no_operation", _("A client must be allowed something; tick what."))
    return [permission.value for permission in OPERATIONS if permission in operations]


def _check_rate(rate: float, burst: int) -> None:
    if not (math.isfinite(rate) and rate > 0 and 1 <= burst <= MOST_BURST):
        raise DomainError(
            "rate_out_of_range",
            _("The rate must be above 0 and the burst 1 to %(most)d; %(rate)s and %(burst)s came.")
            % {"most": MOST_BURST, "rate": rate, "burst": burst},
        )


def _rights(client: SystemClient) -> dict[str, Any]:
    return {
        "name_zh": client.name_zh,
        "name_en": client.name_en,
        "organisation": client.organisation.code,
        "operations": client.operations,
        "rate": client.rate,
        "burst": client.burst,
        "active": client.active,
    }


def _described(key: ClientKey) -> dict[str, str]:
    return {"key": str(key), "expires_at": key.expires_at.isoformat(timespec="seconds")}


def _target(client: SystemClient) -> Target:
    return ("client", client.code, f"{client.code} {client.name_zh} {client.name_en}")
