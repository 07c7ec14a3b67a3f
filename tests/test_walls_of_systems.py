"""Law 8 for systems: every operation of the interface × what the client may × own and other city.

The rows are those of ``test_walls``: an address that has none fails there.
"""

import pytest
from django.test import Client

from accounts.clients import OPERATIONS
from common.permissions import Permission
from tests.accounts.clients import bearer, make_key
from tests.accounts.people import make_province

from .test_walls import HOMES, OTHER, OWN, WALLS, Visit, Wall

OF_SYSTEMS = [name for name, wall in WALLS.items() if name.startswith("api-") and wall.make]
OF_SYSTEMS += [name for name, wall in WALLS.items() if name.startswith("api-") and wall.send]
OPERATION_SETS = [*((operation,) for operation in OPERATIONS), OPERATIONS]


def of_system(wall: Wall, operations: tuple[Permission, ...], home: str, city: str) -> set[int]:
    may = any(operation in operations for operation in wall.opens)
    if wall.scoped and home not in ("zhejiang", city):
        return {404} if may else {403, 404}
    return {200} if may else {403}


@pytest.mark.django_db
@pytest.mark.parametrize("city", [OWN, OTHER])
@pytest.mark.parametrize("name", sorted(set(OF_SYSTEMS)))
def test_which_system_may_call_it(name: str, city: str) -> None:
    make_province()
    call, wrong = Visit.of(name, city), {}
    for home in HOMES:
        for n, operations in enumerate(OPERATION_SETS):
            key = make_key(f"{home}-{n}", home, operations=operations)
            found = call.by(Client(), **bearer(key))
            right = of_system(call.wall, operations, home, city)
            if found.status_code not in right:
                wrong[home, operations] = (found.status_code, right)
    assert not wrong


def test_the_table_of_systems_has_every_operation_of_the_interface() -> None:
    described = {name for name in WALLS if name.startswith("api-")} - {"api-schema", "api-docs"}
    assert set(OF_SYSTEMS) == described


@pytest.mark.django_db
@pytest.mark.parametrize("home", HOMES)
def test_a_batch_answers_only_for_the_cities_of_the_caller(home: str) -> None:
    make_province()
    call, key = Visit.of("api-recommendations-batch", OTHER), make_key(organisation=home)
    [entry] = call.by(Client(), **bearer(key)).json()["answers"]
    if home == "zhejiang":
        assert entry["answer"]["city"] == OTHER
    else:
        assert (entry["answer"], entry["problem"]["status"]) == (None, 404)


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(set(OF_SYSTEMS)))
def test_who_shows_no_key_or_a_wrong_one_is_told_nothing(name: str) -> None:
    make_province()
    call = Visit.of(name, OWN)
    for headers in (
        {},
        bearer("jz_00000000_" + "x" * 43),
        bearer("x"),
        {"authorization": "Basic x"},
    ):
        response = call.by(Client(), **headers)
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
