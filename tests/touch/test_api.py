"""GET /api/v1/customers/{customer_no}/recommendations"""

import base64
from typing import Any

import pytest
from django.test import Client

from tests.accounts.people import PASSWORD, make_user
from tests.campaigns import province
from tests.campaigns.people import customer, publish_day

pytestmark = pytest.mark.django_db
NUMBER = "12000000001"


@pytest.fixture(autouse=True)
def _province(settings: Any) -> None:
    settings.LAKE_PARTS = 2
    province.define()


@pytest.fixture
def published() -> None:
    publish_day([customer(12000000001), customer(2, city="ningbo")])


def call(
    username: str, number: str = NUMBER, query: str = "", language: str = "en"
) -> tuple[int, dict[str, Any]]:
    credentials = base64.b64encode(f"{username}:{PASSWORD}".encode()).decode()
    response = Client().get(
        f"/api/v1/customers/{number}/recommendations{query}",
        headers={"authorization": f"Basic {credentials}", "accept-language": language},
    )
    kind = "application/json" if response.status_code == 200 else "application/problem+json"
    assert response.headers["Content-Type"] == kind
    return response.status_code, response.json()


@pytest.mark.parametrize("role", ["system-client", "front-desk"])
def test_an_answer_says_what_fits_why_and_where_it_came_from(role: str, published: None) -> None:
    make_user(role, "hangzhou", username="client")
    status, body = call("client")
    assert status == 200
    assert body["customer_no"] == "120****0001"
    assert (body["business_date"], body["publication"]) == ("2026-07-01", 1)
    assert body["versions"]["matrices"] == {"retention": 1, "uplift": 1}
    assert [item["policy"] for item in body["items"]] == ["P1", "P2"]
    assert [reason["kind"] for reason in body["items"][0]["reasons"]] == [
        "cell",
        "eligibility",
        "priority",
    ]


def test_it_answers_in_the_language_asked_for(published: None) -> None:
    make_user("system-client", username="client")
    assert call("client", language="zh-hans")[1]["items"][0]["name"] == "P1 名"
    assert call("client", language="en")[1]["items"][0]["name"] == "P1"


@pytest.mark.parametrize(
    ("query", "policies"),
    [
        ("?channel=front_desk", ["P1"]),
        ("?limit=1", ["P1"]),
        ("?channel=sms&limit=50", ["P1", "P2"]),
        ("?channel=&limit=", ["P1", "P2"]),
    ],
)
def test_channel_and_limit_narrow_it(query: str, policies: list[str], published: None) -> None:
    make_user("system-client", username="client")
    assert [item["policy"] for item in call("client", query=query)[1]["items"]] == policies


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?channel=pigeon", "channel"),
        ("?limit=0", "limit"),
        ("?limit=51", "limit"),
        ("?limit=10000", "limit"),
        ("?limit=many", "limit"),
        ("?limit=1.5", "limit"),
    ],
)
def test_what_cannot_be_asked_is_a_400_that_names_the_field(
    query: str, field: str, published: None
) -> None:
    make_user("system-client", username="client")
    status, body = call("client", query=query)
    assert (status, body["code"]) == (400, "invalid")
    assert [error["where"] for error in body["errors"]] == [[field]]


def test_unknown_and_other_city_are_the_same_404(published: None) -> None:
    make_user("system-client", "hangzhou", username="client")
    other, unknown = call("client", "00000000002"), call("client", "404")
    assert other == unknown
    assert (other[0], other[1]["code"]) == (404, "unknown_customer")


def test_before_the_first_day_it_is_a_503_with_the_reason() -> None:
    make_user("system-client", username="client")
    status, body = call("client")
    assert (status, body["code"]) == (503, "nothing_published")


@pytest.mark.parametrize("role", ["province-admin", "approver"])
def test_without_a_permission_it_is_a_403(role: str, published: None) -> None:
    make_user(role, username="client")
    assert call("client")[0] == 403


def test_without_a_caller_it_is_a_401(published: None) -> None:
    make_user("system-client", username="client")
    assert call("nobody")[0] == 401
    assert Client().get(f"/api/v1/customers/{NUMBER}/recommendations").status_code == 401


def test_it_is_described_with_an_example_that_it_would_give(published: None) -> None:
    """The example has the fields of a true answer, all the way down."""
    client = Client()
    client.force_login(make_user("province-marketer", username="client"))
    schema = client.get("/api/schema/?format=json").json()
    path = schema["paths"]["/api/v1/customers/{customer_no}/recommendations"]["get"]
    content = path["responses"]["200"]["content"]["application/json"]
    [example] = [example["value"] for example in content["examples"].values()]
    assert set(path["responses"]) == {"200", "400", "401", "403", "404", "503"}
    assert shape(example) == shape(call("client")[1])


def shape(value: Any) -> Any:
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, dict) and "matrices" in value:
        return "versions"
    return {k: shape(v) for k, v in value.items()} if isinstance(value, dict) else ""
