"""The customer's page and the search that leads to it."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from tests.accounts.people import make_user
from tests.campaigns import province
from tests.campaigns.people import customer, publish_day
from tests.campaigns.province import edited, load
from touch.selectors import history

pytestmark = pytest.mark.django_db
NUMBER = "12000000001"
PAGE = f"/customers/{NUMBER}/"


@pytest.fixture(autouse=True)
def _province(settings: Any) -> None:
    settings.LAKE_PARTS = 2
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    province.define()


@pytest.fixture(autouse=True)
def _english() -> Any:
    with translation.override("en"):
        yield


@pytest.fixture
def clerk(client: Client) -> Client:
    client.force_login(make_user("front-desk", "hangzhou"))
    client.cookies["django_language"] = "en"
    return client


def test_a_number_leads_to_its_customer(clerk: Client) -> None:
    publish_day([customer(12000000001)])
    response = clerk.get(reverse("customer-search"), {"q": f" {NUMBER} "})
    assert (response.status_code, response.headers["Location"]) == (302, PAGE)


def test_an_empty_search_invites_and_a_wrong_number_says_so(clerk: Client) -> None:
    publish_day([customer(12000000001), customer(2, city="ningbo")])
    assert clerk.get(reverse("customer-search")).status_code == 200
    for number in ("404", "00000000002"):
        response = clerk.get(reverse("customer-search"), {"q": number})
        assert response.status_code == 404
        assert f"No customer {number} here" in response.content.decode()


def test_before_the_first_day_the_page_says_so(clerk: Client) -> None:
    assert clerk.get(PAGE).status_code == 503
    assert clerk.get(reverse("customer-search"), {"q": NUMBER}).status_code == 503


def test_the_page_shows_profile_cells_offers_and_versions(clerk: Client) -> None:
    publish_day([customer(12000000001)])
    text = clerk.get(PAGE).content.decode()
    for words in ("120****0001", "90 yuan", "GoTone", "spend: high", "P1 words", "P2", "40.0"):
        assert words in text, words
    for secret in (NUMBER, "4,000", "income"):
        assert secret not in text.replace(PAGE, ""), secret


def test_the_page_is_behind_the_walls(client: Client, clerk: Client) -> None:
    publish_day([customer(12000000001, city="ningbo")])
    assert clerk.get(PAGE).status_code == 404
    assert Client().get(PAGE).status_code == 302
    other = Client()
    other.force_login(make_user("province-admin"))
    assert other.get(PAGE).status_code == 403


def test_history_says_what_each_publication_changed() -> None:
    publish_day([customer(12000000001)])
    publish_day([customer(12000000001, is_campus=True)])
    load("policies", edited("policies", 0, eligibility="arpu >= 1000"))
    publish_day([customer(12000000001, is_campus=True)])
    newest, middle, first = history(NUMBER, user=make_user("front-desk", "hangzhou"))
    assert (newest.publication, newest.lost, newest.gained) == (3, ["P1 P1"], [])
    assert (newest.matrices, newest.attributes) == ([], [])
    assert (middle.matrices, middle.attributes) == (["retention"], ["is_campus"])
    assert first.first
    assert first.offers == 2


def test_history_keeps_to_what_the_user_may_see() -> None:
    publish_day([customer(12000000001, city="ningbo")])
    publish_day([customer(12000000001, income=4001.0)])
    publish_day([customer(12000000001, income=4002.0)])
    clerk, auditor = make_user("front-desk", "hangzhou"), make_user("auditor")
    assert [(p.publication, p.attributes) for p in history(NUMBER, user=clerk)] == [
        (3, []),
        (2, []),
    ]
    assert [(p.publication, p.attributes) for p in history(NUMBER, user=auditor)] == [
        (3, ["income"]),
        (2, ["income"]),
        (1, []),
    ]


def test_history_is_the_last_ten() -> None:
    for n in range(12):
        publish_day([customer(12000000001, arpu=100.0 + n)])
    rows = history(NUMBER, user=make_user("auditor"))
    assert [row.publication for row in rows] == list(range(12, 2, -1))
    assert not rows[-1].first
