"""Law 8, URL by URL: every address × every role × own and other city.

Each address of the product has a row in WALLS; one that has none fails. A row says which
permissions open it (any one is enough) and, for the page of one thing, how to make that thing in a
city. Every role is tried at the province and in a city, whether or not it can be held there.

Outside the scope 404, inside it without the permission 403.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import User
from accounts.roles import ROLES
from campaigns.models import Answer
from common.permissions import Permission
from jobs.models import State
from tests.accounts.people import make_province, make_user
from tests.portal.day import make_day, make_publication
from tests.portal.settings import page_settings as page_settings

OWN, OTHER = "hangzhou", "ningbo"
HOMES = ("zhejiang", OWN)
PUBLIC = "public"
SIGNED_IN = "signed in"
Make = Callable[[str], dict[str, Any]]


@dataclass(frozen=True)
class Wall:
    """``opens``: PUBLIC, SIGNED_IN or permissions; ``make(city)``: arguments of one thing there.

    ``scoped`` false: the thing belongs to no city. ``query`` is what a GET needs to succeed.
    """

    opens: str | tuple[Permission, ...]
    make: Make | None = None
    scoped: bool = False
    query: dict[str, str] | None = None
    ok: tuple[int, ...] = (200,)


def _run(city: str) -> dict[str, Any]:
    return {"pk": make_day().pk}


def _customer(city: str) -> dict[str, Any]:
    """A customer of the city, in what is published."""
    publication = make_publication(make_day(State.RUNNING))
    Answer.objects.create(
        customer_no="C0001",
        publication_id=publication.pk,
        city=city,
        profile={},
        cells=[],
        offers=[],
        tiers=[],
        take_ups=[],
        worths=[],
    )
    return {"customer_no": "C0001"}


def _user(city: str) -> dict[str, Any]:
    return {"pk": make_user("front-desk", city, username="target").pk}


WALLS: dict[str, Wall] = {
    "home": Wall(SIGNED_IN),
    "latest-run": Wall((Permission.VIEW_RUNS,)),
    "runs": Wall((Permission.VIEW_RUNS,)),
    "run": Wall((Permission.VIEW_RUNS,), _run),
    "customer-search": Wall((Permission.VIEW_CUSTOMERS,)),
    "customer": Wall((Permission.VIEW_CUSTOMERS,), _customer, scoped=True),
    "api-recommendations": Wall(
        (Permission.USE_API, Permission.VIEW_CUSTOMERS), _customer, scoped=True
    ),
    "set_language": Wall(PUBLIC, ok=(302, 405)),
    "account_login": Wall(PUBLIC, ok=(200, 302)),
    "account_logout": Wall(PUBLIC, ok=(200, 302)),
    "account_inactive": Wall(PUBLIC),
    "account_change_password": Wall(SIGNED_IN),
    "users": Wall((Permission.MANAGE_USERS,)),
    "user-new": Wall((Permission.MANAGE_USERS,)),
    "user": Wall((Permission.MANAGE_USERS,), _user, scoped=True),
    "operations": Wall((Permission.VIEW_AUDIT,)),
    "api-schema": Wall(PUBLIC),
    "api-docs": Wall(PUBLIC),
}
PEOPLE = [(role, home) for role in ROLES for home in HOMES]


def addresses(patterns: list[Any] | None = None) -> Iterator[str]:
    """Every name of the resolver; a pattern without a name stands under its route."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield pattern.name or str(pattern.pattern)


def test_every_address_has_its_row_and_every_row_its_address():
    assert sorted(addresses()) == sorted(WALLS)


def expected(wall: Wall, user: User | None, city: str) -> set[int]:
    """The statuses that may come back for a thing of ``city``."""
    if wall.opens == PUBLIC:
        return set(wall.ok)
    if user is None:
        return {302, 401}
    may = wall.opens == SIGNED_IN or any(user.can(p) for p in wall.opens)
    if wall.scoped and not user.sees_city(city):
        # Who may open none at all may be told so before the thing is looked for: it says nothing.
        return {404} if may else {403, 404}
    return set(wall.ok) if may else {403}


def visit(client: Client, name: str, city: str) -> int:
    wall = WALLS[name]
    address = reverse(name, kwargs=wall.make(city) if wall.make else None)
    return client.get(address, wall.query).status_code


@pytest.mark.django_db
@pytest.mark.parametrize("city", [OWN, OTHER])
@pytest.mark.parametrize("name", WALLS)
def test_who_may_open_it(name, city, client):
    make_province()
    wall = WALLS[name]
    address = reverse(name, kwargs=wall.make(city) if wall.make else None)
    wrong = {}
    for role, home in PEOPLE:
        user = make_user(role, home)
        client.force_login(user)
        status, right = client.get(address, wall.query).status_code, expected(wall, user, city)
        if status not in right:
            wrong[role, home] = (status, right)
    assert not wrong


@pytest.mark.django_db
@pytest.mark.parametrize("name", WALLS)
def test_who_is_not_logged_in_gets_nothing_but_the_public_pages(name, client):
    make_province()
    assert visit(client, name, OWN) in expected(WALLS[name], None, OWN)


@pytest.mark.django_db
@pytest.mark.parametrize("name", [n for n, w in WALLS.items() if isinstance(w.opens, tuple)])
def test_a_user_without_role_or_organisation_gets_nothing(name, client):
    organisations = make_province()
    client.force_login(User.objects.create(username="roleless", organisation=organisations[OWN]))
    assert visit(client, name, OWN) in {403, 404}


@pytest.mark.django_db
def test_what_is_posted_to_another_citys_user_is_not_found(client):
    make_province()
    target = make_user("front-desk", OTHER, username="target")
    client.force_login(make_user("province-admin", OWN))
    response = client.post(reverse("user", kwargs={"pk": target.pk}), {"do": "deactivate"})
    assert response.status_code == 404
    target.refresh_from_db()
    assert target.is_active
