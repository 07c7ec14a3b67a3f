"""Law 8 for what is sent: every address that takes POST, PUT, PATCH or DELETE × every role × city.

Which addresses these are the views themselves say; one that has no row in ``walls.sent`` fails.
"""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from campaigns.draft_views import ACTS as OF_DRAFTS
from scoring.views import ACTS as OF_VERSIONS
from tests.walls.sent import SENT
from tests.walls.walk import OWN, Person, Visit, expected, undone, wrong
from tests.walls.walk import people as people

from .test_walls import name_of, patterns

WRITING = {"post", "put", "patch", "delete"}


def methods(view: Callable[..., Any]) -> set[str]:
    """The writing methods that a view takes; all of them, if it does not say."""
    of_class = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if of_class is not None:
        return {m for m in WRITING & {*of_class.http_method_names} if hasattr(of_class, m)}
    while view is not None:
        if said := inspect.getclosurevars(view).nonlocals.get("request_method_list"):
            return WRITING & {method.lower() for method in said}
        view = getattr(view, "__wrapped__", None)
    return WRITING


def buttons(name: str) -> set[str]:
    return {row.partition(" ")[2] for row in SENT if row.startswith(f"{name} ")}


def test_every_address_that_takes_what_is_sent_has_its_row() -> None:
    taken = {(name_of(p), method) for p in patterns() for method in methods(p.callback)}
    assert taken == {(row.partition(" ")[0], wall.method) for row, wall in SENT.items()}


def test_every_button_of_a_draft_and_of_a_models_version_has_its_row() -> None:
    assert buttons("matrix-draft") >= {*OF_DRAFTS}
    assert buttons("model-version") == {*OF_VERSIONS}


def test_a_view_that_does_not_say_what_it_takes_needs_a_row_for_each_method() -> None:
    assert methods(lambda request: None) == WRITING


def test_no_page_takes_a_form_without_its_token() -> None:
    exempt = {name_of(p) for p in patterns() if getattr(p.callback, "csrf_exempt", False)}
    assert all(name.startswith("api-") for name in exempt)


@pytest.mark.parametrize("row", SENT)
def test_who_may_send_to_it(row: str, people: list[Person]) -> None:
    assert not wrong(row, SENT[row], people)


@pytest.mark.parametrize("row", SENT)
def test_who_is_not_logged_in_sends_to_nothing_but_the_public_pages(
    row: str, people: list[Person]
) -> None:
    with undone():
        assert Visit.of(row, SENT[row], OWN).status(Client()) in expected(SENT[row], None, OWN)


def test_nothing_of_a_call_stays_for_the_next(people: list[Person]) -> None:
    admin = next(p for p in people if (p.role, p.home) == ("province-admin", "zhejiang"))
    with undone():
        call = Visit.of("user-new", SENT["user-new"], OWN)
        assert [call.status(admin.client()) for _again in range(2)] == [302, 302]
