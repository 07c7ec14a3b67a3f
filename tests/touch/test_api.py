"""GET /api/v1/customers/{customer_no}/recommendations"""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from contacts.models import ContactEvent
from tests.accounts.clients import bearer, make_key
from tests.accounts.people import make_user
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
    caller: str | User, number: str = NUMBER, query: str = "", language: str = "en"
) -> tuple[int, dict[str, Any]]:
    """What a system is answered by its key, or a person in a session."""
    client, headers = Client(), {"accept-language": language}
    if isinstance(caller, User):
        client.force_login(caller)
    else:
        headers |= bearer(caller)
    response = client.get(f"/api/v1/customers/{number}/recommendations{query}", headers=headers)
    kind = "application/json" if response.status_code == 200 else "application/problem+json"
    assert response.headers["Content-Type"] == kind
    return response.status_code, response.json()


@pytest.mark.parametrize("system", [True, False])
def test_an_answer_says_what_fits_why_and_where_it_came_from(system: bool, published: None) -> None:
    status, body = call(
        make_key(organisation="hangzhou") if system else make_user("front-desk", "hangzhou")
    )
    assert status == 200
    assert body["customer_no"] == (NUMBER if system else "120****0001")
    assert (body["business_date"], body["publication"]) == ("2026-07-01", 1)
    assert body["versions"]["matrices"] == {"retention": 1, "uplift": 1}
    assert [item["policy"] for item in body["items"]] == ["P1", "P2"]
    assert [reason["kind"] for reason in body["items"][0]["reasons"]] == [
        "cell",
        "eligibility",
        "priority",
    ]


def test_it_answers_in_the_language_asked_for(published: None) -> None:
    key = make_key()
    assert call(key, language="zh-hans")[1]["items"][0]["name"] == "P1 名"
    assert call(key, language="en")[1]["items"][0]["name"] == "P1"


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
    assert [item["policy"] for item in call(make_key(), query=query)[1]["items"]] == policies


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
    status, body = call(make_key(), query=query)
    assert (status, body["code"]) == (400, "invalid")
    assert [error["where"] for error in body["errors"]] == [[field]]


def test_unknown_and_other_city_are_the_same_404(published: None) -> None:
    key = make_key(organisation="hangzhou")
    other, unknown = call(key, "00000000002"), call(key, "404")
    assert other == unknown
    assert (other[0], other[1]["code"]) == (404, "unknown_customer")


def test_before_the_first_day_it_is_a_503_with_the_reason() -> None:
    status, body = call(make_key())
    assert (status, body["code"]) == (503, "nothing_published")


def test_without_a_permission_it_is_a_403(published: None) -> None:
    assert call(make_user("approver"))[0] == 403
    assert call(make_key(operations=("send_feedback",)))[0] == 403


def test_without_a_caller_it_is_a_401(published: None) -> None:
    assert call("")[0] == 401
    assert Client().get(f"/api/v1/customers/{NUMBER}/recommendations").status_code == 401


def test_it_is_described_with_an_example_that_it_would_give(published: None) -> None:
    """The example has the fields of a true answer, all the way down."""
    client = Client()
    user = make_user("province-marketer")
    client.force_login(user)
    schema = client.get("/api/schema/?format=json").json()
    path = schema["paths"]["/api/v1/customers/{customer_no}/recommendations"]["get"]
    content = path["responses"]["200"]["content"]["application/json"]
    [example] = [example["value"] for example in content["examples"].values()]
    assert set(path["responses"]) == {"200", "400", "401", "403", "404", "429", "500", "503"}
    assert shape(example) == shape(call(user, query="?explain=1")[1])


def shape(value: Any) -> Any:
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, dict) and "matrices" in value:
        return "versions"
    return {k: shape(v) for k, v in value.items()} if isinstance(value, dict) else ""


# --- opt-outs ---


def put(key: str, *opted_out: str, number: str = NUMBER) -> tuple[int, dict[str, Any]]:
    address, body = f"/api/v1/customers/{number}/opt-outs", {"opted_out": opted_out}
    said = {"content_type": "application/json", "headers": bearer(key)}
    response = Client().put(address, body, **said)
    assert response.json() == Client().get(address, headers=bearer(key)).json()
    return response.status_code, response.json()


def test_opt_outs_are_said_whole_and_hold_from_the_next_answer_on(published: None) -> None:
    key = make_key()

    def items(channel: str) -> int:
        return len(call(key, query=f"?channel={channel}")[1]["items"])

    for opted_out, sms, front_desk in (((), 2, 1), (("sms",), 0, 1), (("front_desk",), 2, 0)):
        for _again in range(2):
            assert put(key, *opted_out) == (200, {"opted_out": [*opted_out]})
            assert (items("sms"), items("front_desk")) == (sms, front_desk)
    assert ContactEvent.objects.count() == 3
    assert {event.by for event in ContactEvent.objects.all()} == {"client:crm"}
    assert put(key, "sms", "personalised", "sms")[1] == {"opted_out": ["personalised", "sms"]}
    assert call(key)[1]["personalised"] is False


def test_opt_outs_of_another_citys_customer_are_not_found(published: None) -> None:
    key = make_key(organisation="hangzhou")
    assert put(key, "sms", number="00000000002")[1]["code"] == "unknown_customer"
    assert not ContactEvent.objects.exists()


# --- many at once ---


def test_a_batch_answers_each_in_the_order_asked_or_says_why_not(published: None) -> None:
    key = make_key(organisation="hangzhou", rate=0.001, burst=5)
    body = {"customers": [NUMBER, "404", "00000000002", NUMBER], "limit": 1}

    def ask() -> Any:
        headers = bearer(key) | {"accept-language": "en"}
        said = {"content_type": "application/json", "headers": headers}
        return Client().post("/api/v1/recommendations:batch", body, **said)

    answers = ask().json()["answers"]
    assert [bool(entry["answer"]) for entry in answers] == [True, False, False, True]
    assert [entry["problem"] and entry["problem"]["status"] for entry in answers] == [
        *(None, 404, 404, None),
    ]
    first, *_, last = (entry["answer"] for entry in answers)
    assert first["decision"] != last["decision"]
    assert first["items"] == last["items"] == call(key, query="?limit=1")[1]["items"]
    refused = ask()
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) > 1000
