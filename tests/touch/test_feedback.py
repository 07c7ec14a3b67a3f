"""POST /api/v1/feedback: taken whole or refused whole, counted once, obeyed at once."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from contacts.models import ContactEvent, ContactRecord, Taken
from tests.accounts.clients import make_key
from tests.accounts.people import make_user
from tests.campaigns import province
from tests.campaigns.people import customer, publish_day
from tests.campaigns.province import edited, load
from touch.feedback import forget_replies
from touch.models import KeptReply
from touch.recommendation import Recommendation, recommend, recommend_all

from .counter import NUMBER, PERSON, considered, contact_policy, event, limit, policies, send

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _province(settings: Any) -> None:
    settings.LAKE_PARTS = 1
    province.define()
    publish_day([customer(**PERSON), customer(2, city="ningbo")])


@pytest.fixture
def user() -> User:
    return make_user("province-marketer")


@pytest.fixture
def key() -> str:
    return make_key(organisation="hangzhou", operations=("send_feedback",))


@pytest.fixture
def answer(user: User) -> Recommendation:
    return recommend(NUMBER, user=user, channel="sms")


def kept() -> list[tuple[str, str]]:
    return list(ContactEvent.objects.order_by("version").values_list("policy", "kind"))


def nothing_kept() -> bool:
    return not (
        ContactEvent.objects.exists()
        or ContactRecord.objects.exists()
        or Taken.objects.exists()
        or KeptReply.objects.exists()
    )


# --- what is taken ---


def test_what_is_reported_is_kept_and_answered(
    answer: Recommendation, key: str, noon: datetime
) -> None:
    outcomes = ("shown", "accepted", "declined", "ordered", "complained")
    response = send(key, [event(answer.decision, outcome=outcome) for outcome in outcomes])
    assert (response.status_code, response.json()) == (200, {"recorded": 5, "known": 0})
    assert response.headers["Idempotency-Replayed"] == "false"
    assert kept() == [("P1", outcome) for outcome in outcomes]
    one = ContactEvent.objects.get(kind="declined")
    assert (one.customer_no, one.city, one.channel, one.by) == (
        *(NUMBER, "hangzhou", "sms", "client:crm"),
    )
    assert (one.campaign, one.policy_version, one.group) == ("C1", 1, "gift")
    assert (one.decision, one.reason, one.at) == (answer.decision, "too dear", noon)


def test_the_very_next_answer_obeys_it(answer: Recommendation, key: str, user: User) -> None:
    contact_policy(limit(2, 7, "channel", channels=["sms"]))
    for number in (1, 2):
        now = recommend(NUMBER, user=user, channel="sms")
        assert policies(now) == ["P1", "P2"]
        assert send(key, [event(now.decision)], f"k{number}").status_code == 200
    assert policies(recommend(NUMBER, user=user, channel="sms")) == []
    assert considered(user, channel="sms").gate == "contact_policy"


def test_an_event_reported_again_under_another_key_is_known(
    answer: Recommendation, key: str
) -> None:
    send(key, [event(answer.decision)])
    again = [event(answer.decision), event(answer.decision, "P2")]
    assert send(key, again, "k2").json() == {"recorded": 1, "known": 1}
    assert kept() == [("P1", "shown"), ("P2", "shown")]


def test_a_person_reports_too(answer: Recommendation, user: User) -> None:
    from django.test import Client

    client = Client()
    client.force_login(user)
    body = {"events": [event(answer.decision)]}
    said = {"headers": {"Idempotency-Key": "k1"}, "content_type": "application/json"}
    assert client.post("/api/v1/feedback", body, **said).status_code == 200
    assert ContactEvent.objects.get().by == str(user)


@pytest.mark.parametrize(
    ("after", "right"),
    [(-900, True), (0, True), (300, True), (1200, True), (-901, False), (1501, False)],
)
def test_it_happened_between_the_answer_and_now_give_or_take_a_quarter_of_an_hour(
    after: int,
    right: bool,
    answer: Recommendation,
    key: str,
    noon: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = noon + timedelta(minutes=10)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    at = noon + timedelta(seconds=after)
    response = send(key, [event(answer.decision, at=at.isoformat())])
    assert response.status_code == (200 if right else 400)
    if right:
        assert ContactEvent.objects.get().at == min(at, now)
    else:
        assert response.json()["code"] == "clock_skew"
        assert nothing_kept()


# --- what is refused ---


REFUSALS: list[tuple[dict[str, Any], int, str, list[Any]]] = [
    ({"decision": str(uuid4())}, 404, "unknown_decision", ["decision"]),
    ({"decision": "ningbo"}, 404, "unknown_decision", ["decision"]),
    ({"decision": "old"}, 409, "decision_expired", ["decision"]),
    ({"policy": "P3"}, 400, "not_offered", ["policy"]),
    ({"policy": "no such"}, 400, "not_offered", ["policy"]),
    ({"channel": "app"}, 400, "other_channel", ["channel"]),
    ({"decision": "open"}, 400, "channel_missing", ["channel"]),
    ({"at": "2026-07-01T12:00:00+08:00"}, 400, "clock_skew", ["at"]),
    ({"at": "2026-07-03T12:00:00+08:00"}, 400, "clock_skew", ["at"]),
]


@pytest.fixture
def decisions(user: User, noon: datetime, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """By name: one of each kind."""
    before = noon - timedelta(days=30)
    monkeypatch.setattr("django.utils.timezone.now", lambda: before)
    old = recommend(NUMBER, user=user, channel="sms")
    monkeypatch.setattr("django.utils.timezone.now", lambda: noon)
    found = {
        "good": recommend(NUMBER, user=user, channel="sms"),
        "ningbo": recommend("00000000002", user=user, channel="sms"),
        "open": recommend(NUMBER, user=user),
        "old": old,
    }
    return {name: str(answer.decision) for name, answer in found.items()}


@pytest.mark.parametrize(("wrong", "status", "code", "where"), REFUSALS)
def test_one_that_is_wrong_refuses_the_whole_and_says_which_and_why(
    wrong: dict[str, Any],
    status: int,
    code: str,
    where: list[Any],
    key: str,
    decisions: dict[str, str],
) -> None:
    good = [event(decisions["good"], policy) for policy in ("P1", "P2")]
    bad = event(decisions["good"]) | {
        name: decisions.get(value, value) for name, value in wrong.items()
    }
    response = send(key, [good[0], bad, good[1]])
    body = response.json()
    assert (response.status_code, body["code"], body["where"]) == (
        *(status, code, ["events", 1, *where]),
    )
    assert len(body["detail"]) > 20
    assert nothing_kept()
    assert send(key, good).json() == {"recorded": 2, "known": 0}


def test_all_that_is_wrong_is_named_under_the_first(key: str, decisions: dict[str, str]) -> None:
    events = [
        event(decisions["good"], "P3"),
        event(decisions["good"]),
        event(decisions["old"]),
    ]
    response = send(key, events)
    body = response.json()
    assert (response.status_code, body["code"], body["where"]) == (
        *(400, "not_offered", ["events", 0, "policy"]),
    )
    assert body["detail"].startswith("2 of the events can't be taken, so none was. The first: ")
    assert [(e["code"], e["where"]) for e in body["errors"]] == [
        ("not_offered", ["events", 0, "policy"]),
        ("decision_expired", ["events", 2, "decision"]),
    ]
    assert "P1, P2" in body["errors"][0]["message"]
    assert nothing_kept()


def test_a_decision_expires_to_the_second(
    answer: Recommendation, key: str, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seconds, status in ((0, 409), (-1, 200)):
        now = noon + timedelta(days=30, seconds=seconds)
        monkeypatch.setattr("django.utils.timezone.now", lambda now=now: now)
        assert send(key, [event(answer.decision)]).status_code == status


def test_who_declined_said_why(answer: Recommendation, key: str) -> None:
    bare = event(answer.decision) | {"outcome": "declined"}
    for reason in ({}, {"reason": ""}, {"reason": "  "}):
        response = send(key, [event(answer.decision), bare | reason])
        [error] = response.json()["errors"]
        assert (response.status_code, error["where"]) == (400, ["events", 1, "reason"])
    assert nothing_kept()


def test_without_the_permission_it_is_a_403(answer: Recommendation) -> None:
    other = make_key("other", operations=("recommend", "read_decisions", "set_opt_outs"))
    assert send(other, [event(answer.decision)]).status_code == 403
    assert nothing_kept()


# --- once ---


def test_the_same_request_again_gets_the_first_reply_again(
    answer: Recommendation, key: str, user: User
) -> None:
    events = [event(answer.decision), event(answer.decision, "P2", at="2026-07-02T12:00:00+08:00")]
    first = send(key, events)
    assert send(key, [event(answer.decision, "P2", "ordered")], "k2").json()["recorded"] == 1
    same = json.dumps({"events": [dict(reversed(e.items())) for e in events]}, indent=3)
    spelled = same.replace("2026-07-02T12:00:00+08:00", "2026-07-02T04:00:00Z")
    for body in ("", same, spelled):
        again = send(key, events, body=body)
        assert (again.status_code, again.json()) == (200, first.json())
        assert again.headers["Idempotency-Replayed"] == "true"
    assert len(kept()) == 3


def test_the_same_key_with_another_body_is_a_422(answer: Recommendation, key: str) -> None:
    send(key, [event(answer.decision)])
    response = send(key, [event(answer.decision, "P2")])
    body = response.json()
    assert (response.status_code, body["code"], body["where"]) == (
        *(422, "key_used", ["Idempotency-Key"]),
    )
    assert kept() == [("P1", "shown")]


def test_keys_are_each_callers_own(answer: Recommendation, key: str) -> None:
    send(key, [event(answer.decision)])
    other = make_key("other", operations=("send_feedback",))
    response = send(other, [event(answer.decision, "P2")])
    assert (response.status_code, response.json()["recorded"]) == (200, 1)


def test_a_refused_request_leaves_its_key_free(answer: Recommendation, key: str) -> None:
    assert send(key, [event(answer.decision, "P3")]).status_code == 400
    response = send(key, [event(answer.decision)])
    assert (response.status_code, response.json()["recorded"]) == (200, 1)
    assert response.headers["Idempotency-Replayed"] == "false"


def test_replies_are_kept_for_a_week(answer: Recommendation, key: str, noon: datetime) -> None:
    send(key, [event(answer.decision)])
    for days, forgotten in ((7, 0), (8, 1)):
        KeptReply.objects.update(at=noon - timedelta(days=days))
        assert forget_replies() == forgotten


def test_a_thousand_take_as_many_statements_as_ten(user: User, key: str) -> None:
    load("policies", edited("policies", 0, capacity=900))
    publish_day([customer(**PERSON)])

    found = recommend_all([NUMBER] * 5, user=user, channel="sms")
    found += recommend_all([NUMBER] * 500, user=user, channel="sms")
    made = [answer for answer in found if isinstance(answer, Recommendation)]

    def statements(answers: list[Recommendation], once: str) -> int:
        events = [event(a.decision, p, "ordered") for a in answers for p in ("P1", "P2")]
        with CaptureQueriesContext(connection) as queries:
            response = send(key, events, once)
        assert response.json() == {"recorded": 2 * len(answers), "known": 0}
        return len(queries)

    assert statements(made[:5], "ten") == statements(made[5:], "thousand") <= 20
