"""One login per role and one system client: a newcomer sees the sample province with every eye.

Passwords and key are random and stand only in a file that its owner alone can read.
"""

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import DomainError

from .admission import hashed
from .client_services import MOST_DAYS, add_key, create_client, revoke_key
from .clients import OPERATIONS
from .models import ClientKey, Level, Organisation, SystemClient, User
from .roles import (
    Analyst,
    Approver,
    Auditor,
    CityMarketer,
    FrontDeskViewer,
    ProvinceAdministrator,
    ProvinceMarketer,
    Role,
)
from .services import create_user, set_password

BY = "demo_logins"
CLIENT = "crm-client"


@dataclass(frozen=True)
class Login:
    """``password`` is None where its owner has changed it, or the account was closed."""

    username: str
    password: str | None
    role: type[Role]
    organisation: Organisation


@dataclass(frozen=True)
class Demonstration:
    """``key``: of the system client; None where somebody has ended it."""

    logins: list[Login]
    key: str | None


def demo_logins(file: Path, *, force: bool = False) -> Demonstration:
    """Make what is missing, write passwords and key to ``file``, and return all.

    Called again it changes nothing; what somebody changed or closed stays so. A login whose
    password is in no file gets a new one, and so does the client whose key is in none. Raises
    DomainError if there is no organisation yet, and, unless forced, if something would have to be
    made beside users who are not of the demonstration: among people's own logins, those whose
    passwords lie in a file have no place.
    """
    places = list(_places())
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    missing = [place for place in places if place[0] not in known or not _user(place[0])]
    keyless = not _is_known(known.get(CLIENT, ""))
    if (missing or keyless) and not force:
        _refuse_among_others({name for name, _role, _place in places} | {CLIENT})
    with transaction.atomic():
        for name, role, place in missing:
            known[name] = known.get(name) or secrets.token_urlsafe(12)
            _make(name, known[name], role, place)
        if keyless:
            known[CLIENT] = _make_key(places[0][2])
        _write(file, known)
    logins = [Login(name, _working(name, known[name]), role, at) for name, role, at in places]
    return Demonstration(logins, known[CLIENT] if _is_good(known[CLIENT]) else None)


def _places() -> Iterator[tuple[str, type[Role], Organisation]]:
    """Who there is, and where: by role, and for the city's marketer by the first city's code."""
    province = Organisation.objects.filter(level=Level.PROVINCE).first()
    city = Organisation.objects.filter(level=Level.CITY).order_by("code").first()
    if province is None or city is None:
        raise DomainError(
            "no_organisation",
            _(
                "There is no province with a city yet; load definitions first: "
                "python manage.py load_definitions DIR."
            ),
        )
    yield "province-admin", ProvinceAdministrator, province
    yield "province-marketer", ProvinceMarketer, province
    yield f"{city.code}-marketer", CityMarketer, city
    yield "analyst", Analyst, province
    yield "auditor", Auditor, province
    yield "approver", Approver, province
    yield "front-desk", FrontDeskViewer, city


def _user(username: str) -> User | None:
    return User.objects.filter(username=username).first()


def _working(username: str, password: str) -> str | None:
    user = _user(username)
    works = user is not None and user.is_active and user.check_password(password)
    return password if works else None


def _refuse_among_others(demo: set[str]) -> None:
    others = User.objects.exclude(username__in=demo).order_by("username")
    if others.exists():
        raise DomainError(
            "users_exist",
            _(
                "There are %(n)d users beside those of the demonstration (%(name)s, …). "
                "Demonstration logins belong on a trial system; --force makes them all the same."
            )
            % {"n": others.count(), "name": others[0].username},
            status=409,
        )


def _make(username: str, password: str, role: type[Role], place: Organisation) -> None:
    if user := _user(username):
        set_password(user, password=password, by=BY)
    else:
        create_user(
            username=username, password=password, organisation=place, roles=[role.code], by=BY
        )


def _is_known(key: str) -> bool:
    """Whether the database has ever had the key, good or not: what somebody ended stays ended."""
    return ClientKey.objects.filter(hash=hashed(key)).exists()


def _is_good(key: str) -> bool:
    return ClientKey.objects.valid().filter(hash=hashed(key), client__active=True).exists()


def _make_key(place: Organisation) -> str:
    """A key of the client, in place of those that were made here before and are in no file."""
    client = SystemClient.objects.filter(code=CLIENT).first() or create_client(
        code=CLIENT,
        name_zh="客户关系管理系统",
        name_en="CRM",
        organisation=place,
        operations=OPERATIONS,
        rate=50,
        burst=100,
        by=BY,
    )
    for key in client.keys.valid().filter(by=BY):
        revoke_key(key, by=BY)
    return add_key(client, days=MOST_DAYS, by=BY)


def _write(file: Path, passwords: dict[str, str]) -> None:
    """Write aside and rename, readable by the owner alone from the first byte on."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(passwords, out, indent=2)
    draft.replace(file)
