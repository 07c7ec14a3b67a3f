"""Fifty touch points report at the same time: one effect each, and one reply for one key."""

from collections.abc import Callable
from typing import Any

import pytest

from contacts.models import ContactEvent, ContactRecord, Taken
from tests.accounts.clients import make_key
from tests.accounts.people import make_user
from tests.campaigns import province
from tests.campaigns.people import customer, publish_day
from tests.campaigns.province import edited, load
from tests.contacts.test_recording import at_once
from touch.models import KeptReply
from touch.recommendation import Recommendation, recommend, recommend_all

from .counter import NUMBER, PERSON, considered, contact_policy, event, limit, policies, send

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 50


@pytest.fixture
def key(settings: Any) -> str:
    settings.LAKE_PARTS = 1
    province.define()
    return make_key(operations=("send_feedback",))


def post_all(key: str, requests: list[tuple[list[Any], str]]) -> list[tuple[int, Any, str]]:
    """Send all of them at once; return status, body and whether it was replayed, of each."""
    replies: list[tuple[int, Any, str]] = []

    def post(events: list[Any], once: str) -> Callable[[], None]:
        def work() -> None:
            response = send(key, events, once)
            said = response.headers.get("Idempotency-Replayed", "")
            replies.append((response.status_code, response.json(), said))

        return work

    assert at_once([post(*request) for request in requests]) == []
    assert len(replies) == len(requests)
    return replies


def test_fifty_with_the_same_key_have_one_effect_and_get_one_reply(key: str) -> None:
    contact_policy(limit(2, 7, "channel", channels=["sms"]))
    publish_day([customer(**PERSON)])
    user = make_user("province-marketer")
    answer = recommend(NUMBER, user=user, channel="sms")
    events = [event(answer.decision), event(answer.decision, "P2", "ordered")]
    replies = post_all(key, [(events, "the-one")] * MANY)
    assert [r for r in replies if r[:2] != (200, {"recorded": 2, "known": 0})] == []
    assert sorted(said for *_, said in replies) == ["false"] + ["true"] * (MANY - 1)
    assert ContactEvent.objects.count() == 2
    assert ContactRecord.objects.get().version == 2
    assert KeptReply.objects.count() == 1
    assert list(Taken.objects.values_list("policy", "taken")) == [("P2", 1)]
    assert policies(recommend(NUMBER, user=user, channel="sms")) == ["P1"]


def test_fifty_with_keys_of_their_own_and_the_same_event_have_one_effect(key: str) -> None:
    publish_day([customer(**PERSON)])
    answer = recommend(NUMBER, user=make_user("province-marketer"), channel="sms")
    same = [event(answer.decision, "P1", "ordered")]
    replies = post_all(key, [(same, f"k{n}") for n in range(MANY)])
    assert {status for status, *_ in replies} == {200}
    assert sorted(body["recorded"] for _, body, _ in replies) == [0] * (MANY - 1) + [1]
    assert {body["recorded"] + body["known"] for _, body, _ in replies} == {1}
    assert {said for *_, said in replies} == {"false"}
    assert ContactEvent.objects.count() == ContactRecord.objects.get().version == 1
    assert Taken.objects.get().taken == 1


def test_fifty_orders_fill_a_capacity_and_none_is_lost(key: str) -> None:
    """What was ordered was ordered: all are counted, and nobody is offered it any more."""
    load("policies", edited("policies", 0, capacity=10))
    publish_day([customer(number) for number in range(1, MANY + 2)])
    user = make_user("province-marketer")
    numbers = [f"{number:011d}" for number in range(1, MANY + 1)]
    found = recommend_all(numbers, user=user, channel="sms")
    answers = [answer for answer in found if isinstance(answer, Recommendation)]
    assert {answer.items[0].policy for answer in answers} == {"P1"}
    orders = [([event(a.decision, "P1", "ordered")], f"k{n}") for n, a in enumerate(answers)]
    assert {status for status, *_ in post_all(key, orders[:9])} == {200}
    last = f"{MANY + 1:011d}"
    assert considered(user, number=last).gate is None
    assert {status for status, *_ in post_all(key, orders[9:])} == {200}
    assert Taken.objects.get(policy="P1").taken == MANY
    assert considered(user, number=last).gate == "capacity"
    assert ContactRecord.objects.count() == MANY
