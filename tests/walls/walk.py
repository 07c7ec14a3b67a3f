"""The walk: who there is, how each calls an address, and what may come back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import reverse

from accounts.models import User
from accounts.roles import ROLES
from common.permissions import Permission
from tests.accounts.people import make_province, make_user

OWN, OTHER = "hangzhou", "ningbo"
HOMES = ("zhejiang", OWN)
PUBLIC = "public"
SIGNED_IN = "signed in"
Make = Callable[[str], dict[str, Any]]


@dataclass(frozen=True)
class Wall:
    """``opens``: PUBLIC, SIGNED_IN or permissions; ``make(city)``: arguments of one thing there.

    ``scoped`` false: the thing belongs to no city. ``query`` is what the address needs beside.
    ``needs``: permissions that are asked beside; ``province_only``: 403 for who sees one city.
    ``send(city)``: the body of what is sent by ``method``, about one thing there.
    ``ok``: what comes back to who may; ``beyond``: to who may, outside the scope.
    """

    opens: str | tuple[Permission, ...]
    make: Make | None = None
    scoped: bool = False
    query: dict[str, str] | None = None
    ok: tuple[int, ...] = (200,)
    needs: tuple[Permission, ...] = ()
    province_only: bool = False
    method: str = "get"
    send: Make | None = None
    beyond: tuple[int, ...] = (404,)

    @property
    def cities(self) -> tuple[str, ...]:
        """Where its thing is tried: what belongs to no city is tried once."""
        return (OWN, OTHER) if self.scoped else (OWN,)


@dataclass(frozen=True)
class Person:
    """A user with one role at one place, and the session of the login."""

    role: str
    home: str
    user: User
    session: str

    def client(self) -> Client:
        """Fresh for each call: nothing of one stands in the cookies of the next."""
        client = Client(raise_request_exception=False)
        client.cookies[settings.SESSION_COOKIE_NAME] = self.session
        return client


@dataclass(frozen=True)
class Visit:
    """A call of the address for a thing of the city, which is made once."""

    wall: Wall
    address: str
    body: dict[str, Any] | None

    @classmethod
    def of(cls, row: str, wall: Wall, city: str) -> "Visit":
        """``row``: the name of the address, and after a blank which of its rows this is."""
        address = reverse(row.partition(" ")[0], kwargs=wall.make(city) if wall.make else None)
        if wall.query:
            address += f"?{urlencode(wall.query)}"
        return cls(wall, address, wall.send(city) if wall.send else None)

    def by(self, client: Client, **headers: str) -> HttpResponse:
        send = getattr(client, self.wall.method)
        if self.body is None:
            return send(self.address, headers=headers)
        if self.address.startswith("/api/"):
            headers |= {"idempotency-key": "wall"}
            return send(self.address, self.body, content_type="application/json", headers=headers)
        for value in self.body.values():
            if hasattr(value, "seek"):
                value.seek(0)  # a file that an earlier call has read
        return send(self.address, self.body, headers=headers)

    def status(self, client: Client) -> int:
        """What came back, 401 for the way to the login; nothing of the call stays."""
        with undone():
            response = self.by(client)
        to_login = response.headers.get("Location", "").startswith(f"{reverse('account_login')}?")
        return 401 if to_login else response.status_code


@contextmanager
def undone() -> Iterator[None]:
    """Whatever is written inside is taken back at its end."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def people(django_db_setup: None, django_db_blocker: Any) -> Iterator[list[Person]]:
    """The province, and every role at it and in a city: made once for a module's tests.

    Whether the role can be held there or not: the walls do not lean on how roles are given.
    """
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with django_db_blocker.unblock(), undone():
        with override_settings(PASSWORD_HASHERS=hashers):
            make_province()
            made = [_person(role, home) for role in ROLES for home in HOMES]
        yield made


def _person(role: str, home: str) -> Person:
    user, client = make_user(role, home), Client()
    client.force_login(user)
    return Person(role, home, user, client.cookies[settings.SESSION_COOKIE_NAME].value)


def expected(wall: Wall, user: User | None, city: str) -> set[int]:
    """The statuses that may come back for a thing of ``city``."""
    if wall.opens == PUBLIC:
        return set(wall.ok)
    if user is None:
        return {401}
    may = wall.opens == SIGNED_IN or any(user.can(p) for p in wall.opens)
    may = may and all(user.can(p) for p in wall.needs)
    if wall.province_only and user.cities is not None:
        return {403}
    if wall.scoped and not user.sees_city(city):
        # Who may open none at all may be told so before the thing is looked for: it says nothing.
        return set(wall.beyond) if may else {403, 404}
    return set(wall.ok) if may else {403}


def wrong(row: str, wall: Wall, people: list[Person]) -> dict[tuple[str, str, str], Any]:
    """Who was told what, instead of what: by role, home and city of the thing."""
    found = {}
    for city in wall.cities:
        with undone():
            call = Visit.of(row, wall, city)
            for person in people:
                status = call.status(person.client())
                right = expected(wall, person.user, city)
                if status not in right:
                    found[person.role, person.home, city] = (status, right)
    return found
