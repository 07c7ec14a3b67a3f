"""The pages of the touch point in the small province, as a clerk sees them and presses on them."""

import re
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import translation

from contacts.services import set_opt_outs
from tests.accounts.people import make_user
from tests.campaigns import province
from tests.campaigns.people import customer, publish_day
from touch.models import Decision

NUMBER = "12000000001"
PAGE = f"/customers/{NUMBER}/"


@pytest.fixture(autouse=True)
def small_province(settings: Any) -> None:
    settings.LAKE_PARTS = 2
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    province.define()


@pytest.fixture(autouse=True)
def english() -> Any:
    with translation.override("en"):
        yield


@pytest.fixture
def clerk(client: Client) -> Client:
    client.force_login(make_user("front-desk", "hangzhou"))
    client.cookies["django_language"] = "en"
    return client


def said(response: HttpResponse) -> str:
    """What a person reads, on one line."""
    text = re.sub(r"<(style|script).*?</\1>|<[^>]*>", " ", response.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", text)


def only() -> UUID:
    """The id of the one decision: the clock stands, so that several are in no order."""
    return Decision.objects.get().pk


def opted_out(*codes: str) -> None:
    set_opt_outs(customer_no=NUMBER, opted_out=codes, city="hangzhou", by="test")


def report(client: Client, part: bool = False, **fields: str) -> HttpResponse:
    data = {"policy": "P1", "outcome": "shown", "key": "0" * 32, **fields}
    headers = {"HX-Request": "true"} if part else {}
    decision = data.pop("decision", str(only()))
    return client.post(f"/decisions/{decision}/feedback/", data, headers=headers)


@pytest.fixture
def asked(clerk: Client) -> Client:
    """A clerk who has just asked for the front desk."""
    publish_day([customer(12000000001)])
    clerk.get(PAGE, {"channel": "front_desk"})
    return clerk
