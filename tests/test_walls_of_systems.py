"""Law 8 for systems: every operation of the interface × what the client may × own and other city.

The rows are those of ``test_walls`` and ``test_walls_of_forms``: what has none fails there.
"""

import pytest
from django.test import Client

from accounts.clients import OPERATIONS
from common.permissions import Permission
from tests.accounts.clients import bearer, make_key
from tests.accounts.people import make_province
from tests.walls.opened import OPENED
from tests.walls.sent import SENT
from tests.walls.walk import HOMES, OTHER, OWN, Visit, Wall, undone

PAGES = {"api-schema", "api-docs"}
# An operation by its method and address.
OF_SYSTEMS = {
    f"{wall.method} {name}": (name, wall)
    for table in (OPENED, SENT)
    for name, wall in table.items()
    if name.startswith("api-") and name not in PAGES and 405 not in wall.ok
}
OPERATION_SETS = [*((operation,) for operation in OPERATIONS), OPERATIONS]


def of_system(wall: Wall, operations: tuple[Permission, ...], home: str, city: str) -> set[int]:
    may = any(operation in operations for operation in wall.opens)
    if wall.scoped and home not in ("zhejiang", city):
        return {404} if may else {403, 404}
    return {200} if may else {403}


@pytest.mark.django_db
@pytest.mark.parametrize("city", [OWN, OTHER])
@pytest.mark.parametrize("operation", OF_SYSTEMS)
def test_which_system_may_call_it(operation: str, city: str) -> None:
    make_province()
    call, wrong = Visit.of(*OF_SYSTEMS[operation], city), {}
    for home in HOMES:
        for n, operations in enumerate(OPERATION_SETS):
            key = make_key(f"{home}-{n}", home, operations=operations)
            with undone():
                found = call.by(Client(), **bearer(key))
            right = of_system(call.wall, operations, home, city)
            if found.status_code not in right:
                wrong[home, operations] = (found.status_code, right)
    assert not wrong


def test_the_table_of_systems_has_every_operation_of_the_interface() -> None:
    described = {name for name in OPENED if name.startswith("api-")} - PAGES
    assert {name for name, _wall in OF_SYSTEMS.values()} == described


@pytest.mark.django_db
@pytest.mark.parametrize("home", HOMES)
def test_a_batch_answers_only_for_the_cities_of_the_caller(home: str) -> None:
    make_province()
    call, key = (
        Visit.of(*OF_SYSTEMS["post api-recommendations-batch"], OTHER),
        make_key(organisation=home),
    )
    [entry] = call.by(Client(), **bearer(key)).json()["answers"]
    if home == "zhejiang":
        assert entry["answer"]["city"] == OTHER
    else:
        assert (entry["answer"], entry["problem"]["status"]) == (None, 404)


@pytest.mark.django_db
@pytest.mark.parametrize("operation", OF_SYSTEMS)
def test_who_shows_no_key_or_a_wrong_one_is_told_nothing(operation: str) -> None:
    make_province()
    call = Visit.of(*OF_SYSTEMS[operation], OWN)
    for headers in (
        {},
        bearer("jz_00000000_" + "x" * 43),
        bearer("x"),
        {"authorization": "Basic x"},
    ):
        response = call.by(Client(), **headers)
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
