"""Law 8, URL by URL: every address × every role × own and other city.

Each address of the product has a row in ``walls.opened``; one that has none fails. A row says which
permissions open it (any one is enough) and, for the page of one thing, how to make that thing in a
city. What is sent to addresses is walked in ``test_walls_of_forms``.

Outside the scope 404, inside it without the permission 403.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Organisation, User
from tests.walls.opened import OPENED
from tests.walls.walk import OWN, Person, Visit, expected, undone, wrong
from tests.walls.walk import people as people


def patterns(within: list[Any] | None = None) -> Iterator[URLPattern]:
    """Every address of the resolver."""
    for pattern in get_resolver().url_patterns if within is None else within:
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield pattern


def name_of(pattern: URLPattern) -> str:
    """A pattern without a name stands under its route."""
    return pattern.name or str(pattern.pattern)


def test_every_address_has_its_row_and_every_row_its_address() -> None:
    assert sorted(name_of(pattern) for pattern in patterns()) == sorted(OPENED)


@pytest.mark.parametrize("name", OPENED)
def test_who_may_open_it(name: str, people: list[Person]) -> None:
    assert not wrong(name, OPENED[name], people)


@pytest.mark.parametrize("name", OPENED)
def test_who_is_not_logged_in_gets_nothing_but_the_public_pages(
    name: str, people: list[Person]
) -> None:
    with undone():
        assert Visit.of(name, OPENED[name], OWN).status(Client()) in expected(
            OPENED[name], None, OWN
        )


@pytest.mark.parametrize("name", [n for n, w in OPENED.items() if isinstance(w.opens, tuple)])
def test_a_user_without_role_or_organisation_gets_nothing(
    name: str, people: list[Person], client: Client
) -> None:
    with undone():
        home = Organisation.objects.get(code=OWN)
        client.force_login(User.objects.create(username="roleless", organisation=home))
        assert Visit.of(name, OPENED[name], OWN).status(client) in {403, 404}
