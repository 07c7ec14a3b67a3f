"""Each answer is a decision: kept, made again from its versions, and held against now."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from accounts.models import User
from campaigns.retention import prune_answers
from common.errors import DomainError
from common.uuid7 import time_of
from contacts.models import ContactEvent
from contacts.record import PERSONALISED
from tests.accounts.people import make_user
from tests.campaigns import province
from tests.campaigns.people import customer, publish_day
from tests.campaigns.province import DAY, edited, load
from touch.decisions import prune_decisions
from touch.models import Decision
from touch.recommendation import Recommendation, recommend, recommend_all
from touch.replay import Replay, replay

from .counter import NUMBER, PERSON, contact_policy, limit, opt_out, policies, report
from .told import told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _province(settings: Any) -> None:
    settings.LAKE_PARTS = 1
    province.define()


@pytest.fixture
def clerk() -> User:
    return make_user("front-desk", "hangzhou")


@pytest.fixture
def answer(clerk: User) -> Recommendation:
    publish_day([customer(**PERSON)])
    return recommend(NUMBER, user=clerk, channel="sms", explain=True)


def replayed(answer: Recommendation, user: User) -> Replay:
    """The decision, which must come out as it was."""
    found = replay(answer.decision, user=user)
    assert found.reproduced is True
    assert found.reason == ""
    assert found.answer is not None
    assert policies(found.answer) == policies(answer)
    return found


def test_a_decision_keeps_what_it_was_made_from(
    answer: Recommendation, clerk: User, noon: datetime
) -> None:
    kept = Decision.objects.get(pk=answer.decision)
    assert (kept.by, kept.customer_no, kept.city) == (str(clerk), NUMBER, "hangzhou")
    assert (kept.channel, kept.most, kept.personalised) == ("sms", 10, True)
    assert (kept.at, kept.made_at) == (noon, noon)
    assert kept.expires_at == noon + timedelta(days=30) == answer.expires_at
    assert (kept.publication_id, kept.contact_policy, kept.contact_version) == (1, 0, 0)
    assert (kept.sold_out, len(kept.offers)) == ([], 2)


def test_every_answer_has_an_id_of_its_own_in_the_order_of_time(
    clerk: User, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_day([customer(**PERSON), customer(2), customer(3)])
    ids: list[UUID] = []
    for tick in range(5):
        now = noon + timedelta(milliseconds=tick)
        monkeypatch.setattr("django.utils.timezone.now", lambda now=now: now)
        ids.append(recommend(NUMBER, user=clerk).decision)
        assert time_of(ids[-1]) == now
    assert ids == sorted(ids)
    batch = recommend_all([NUMBER, "00000000002", "404", NUMBER], user=clerk)
    ids += [one.decision for one in batch if isinstance(one, Recommendation)]
    assert len(set(ids)) == 8 == Decision.objects.count()
    assert isinstance(batch[2], DomainError)
    numbers = [Decision.objects.get(pk=pk).customer_no for pk in ids[5:]]
    assert numbers == [NUMBER, "00000000002", NUMBER]


def test_at_once_it_is_the_same_answer_to_the_letter(answer: Recommendation, clerk: User) -> None:
    found = replayed(answer, clerk)
    assert found.still_the_same
    assert (found.gone, found.new) == ([], [])
    assert found.by == str(clerk)
    assert found.answer == answer


def test_it_is_made_again_after_a_new_publication(answer: Recommendation, clerk: User) -> None:
    load("policies", edited("policies", 0, name=province.name("P1 anew")))
    publish_day([customer(**PERSON, movement_index=0.0)])
    found = replayed(answer, clerk)
    assert found.answer == answer
    assert not found.still_the_same
    assert (found.gone, found.new) == (["P1@1"], ["P1@2"])


def test_another_order_is_not_the_same(clerk: User) -> None:
    publish_day([customer(**PERSON)])
    answer = recommend(NUMBER, user=clerk)
    load("priority", [])
    publish_day([customer(**PERSON)])
    now = recommend(NUMBER, user=clerk)
    assert (policies(answer), policies(now)) == (["P1", "P2"], ["P2", "P1"])
    found = replayed(answer, clerk)
    assert not found.still_the_same
    assert (found.gone, found.new) == ([], [])


def test_it_is_made_again_after_contacts(answer: Recommendation, clerk: User) -> None:
    report(answer, "P1", "ordered", by=clerk)
    found = replayed(answer, clerk)
    assert found.answer == answer
    assert (found.still_the_same, found.gone, found.new) == (False, ["P1@1"], [])
    second = recommend(NUMBER, user=clerk, channel="sms")
    report(second, "P2", "ordered", by=clerk)
    assert policies(second) == ["P2"]
    replayed(second, clerk)


@pytest.mark.parametrize("what", ["sms", PERSONALISED])
def test_it_is_made_again_after_an_opt_out_and_with_it(
    what: str, answer: Recommendation, clerk: User
) -> None:
    opt_out(what)
    assert not replayed(answer, clerk).still_the_same
    out = recommend(NUMBER, user=clerk, channel="sms", explain=True)
    opt_out()
    found = replayed(out, clerk)
    assert found.answer == out
    assert found.answer.personalised is (what == "sms")
    assert found.new == (["P1@1", "P2@1"] if what == "sms" else ["P1@1"])
    assert replayed(answer, clerk).still_the_same


def test_it_is_made_again_after_another_contact_policy(answer: Recommendation, clerk: User) -> None:
    report(answer, "P1", by=clerk)
    second = recommend(NUMBER, user=clerk, channel="sms")
    contact_policy(limit(1, 7))
    third = recommend(NUMBER, user=clerk, channel="sms")
    assert (policies(second), policies(third)) == (["P1", "P2"], [])
    contact_policy(limit(2, 7))
    assert replayed(second, clerk).still_the_same
    found = replayed(third, clerk)
    assert (found.still_the_same, found.gone, found.new) == (False, [], ["P1@1", "P2@1"])


def test_it_is_made_again_after_the_last_was_taken(clerk: User) -> None:
    load("policies", edited("policies", 0, capacity=1))
    publish_day([customer(**PERSON), customer(2)])
    before = recommend(NUMBER, user=clerk)
    other = recommend("00000000002", user=clerk, channel="sms")
    report(other, "P1", "ordered", by=clerk)
    after = recommend(NUMBER, user=clerk)
    assert Decision.objects.get(pk=after.decision).sold_out == ["P1"]
    assert replayed(before, clerk).gone == ["P1@2"]
    load("policies", edited("policies", 0, capacity=2))
    publish_day([customer(**PERSON), customer(2)])
    found = replayed(after, clerk)
    assert (policies(after), found.new) == (["P2"], ["P1@3"])


def test_what_it_asked_for_is_asked_again(clerk: User, noon: datetime) -> None:
    """Its channel, its number of items and its moment, not those of now."""
    contact_policy(quiet=[{"start": "12:30", "end": "13:00", "channels": ["sms"]}])
    publish_day([customer(**PERSON)])
    first = recommend(NUMBER, user=clerk, channel="front_desk", limit=1)
    quiet = recommend(NUMBER, user=clerk, channel="sms", at=noon + timedelta(minutes=45))
    assert (policies(first), policies(quiet)) == (["P1"], [])
    assert replayed(first, clerk).still_the_same
    assert replayed(quiet, clerk).new == ["P1@1", "P2@1"]


def test_who_was_not_chosen_for_then_is_not_in_the_replay(clerk: User) -> None:
    """Whatever is still known of his opt-outs: the decision says so itself."""
    publish_day([customer(**PERSON)])
    opt_out(PERSONALISED)
    plain = recommend(NUMBER, user=clerk, explain=True)
    opt_out()
    chosen = recommend(NUMBER, user=clerk, explain=True)
    ContactEvent.objects.filter(kind="opt_out").delete()
    for made in (plain, chosen):
        found = replayed(made, clerk)
        assert found.answer == made
    assert (plain.personalised, chosen.personalised) == (False, True)


def test_who_has_left_gets_nothing_now(answer: Recommendation, clerk: User) -> None:
    publish_day([customer(2)])
    found = replayed(answer, clerk)
    assert (found.still_the_same, found.gone) == (False, ["P1@1", "P2@1"])


def test_what_is_no_longer_kept_can_not_be_made_again(answer: Recommendation, clerk: User) -> None:
    publish_day([customer(**PERSON, movement_index=33.0)])
    assert prune_answers(keep=1) == 1
    found = replay(answer.decision, user=clerk)
    assert (found.reproduced, found.answer) == (None, None)
    assert found.reason == "The answers of publication 1 are no longer kept"
    assert (found.still_the_same, found.gone, found.new) == (True, [], [])


def test_decisions_are_kept_for_so_many_days(
    answer: Recommendation, clerk: User, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: noon + timedelta(days=400, hours=1))
    young = recommend(NUMBER, user=clerk)
    assert prune_decisions(401) == 0
    assert prune_decisions(400) == 1
    assert Decision.objects.get().pk == young.decision


def test_a_row_that_did_not_change_is_kept_for_as_long_as_it_is_shown(
    answer: Recommendation, clerk: User
) -> None:
    publish_day([customer(**PERSON), customer(2)])
    assert prune_answers(keep=1) == 0
    assert replayed(answer, clerk).answer == answer


def test_another_citys_and_an_unknown_decision_are_the_same_404(answer: Recommendation) -> None:
    refusals = []
    for decision, city in ((answer.decision, "ningbo"), (uuid4(), "hangzhou")):
        with pytest.raises(DomainError) as refusal:
            replay(decision, user=make_user("front-desk", city, username=city))
        refusals.append((refusal.value.status, refusal.value.code, refusal.value.message))
    assert refusals[0] == refusals[1]
    assert refusals[0][:2] == (404, "unknown_decision")


def test_a_customer_who_moved_is_not_shown_where_he_is_now(clerk: User) -> None:
    """The decision stays with the city in which it was made, and says nothing of the other."""
    publish_day([customer(**PERSON)])
    answer = recommend(NUMBER, user=clerk)
    publish_day([customer(**PERSON, city="ningbo")])
    found = replayed(answer, clerk)
    assert (found.still_the_same, found.new) == (False, [])
    with pytest.raises(DomainError, match="unknown_decision"):
        replay(answer.decision, user=make_user("front-desk", "ningbo"))


def test_who_may_see_less_reads_it_without_what_is_hidden(clerk: User) -> None:
    publish_day([customer(**PERSON, income=1234.0)])
    auditor = make_user("auditor")
    answer = recommend(NUMBER, user=auditor, channel="sms")
    assert answer.customer_no == NUMBER
    found = replayed(answer, clerk)
    assert found.answer is not None
    assert found.answer.customer_no == "120****0001"
    for secret in ("1234", "1,234", "5000", "5,000", "poor", NUMBER):
        assert secret not in told(found)
    assert "1,234" in told(replay(answer.decision, user=auditor))


def test_to_make_it_again_leaves_no_decision(answer: Recommendation, clerk: User) -> None:
    recommend(NUMBER, user=clerk)
    assert Decision.objects.count() == 2
    for _ in range(2):
        replayed(answer, clerk)
    assert Decision.objects.count() == 2


def test_the_business_date_is_its_own(answer: Recommendation, clerk: User) -> None:
    publish_day([customer(**PERSON)], DAY + timedelta(days=1))
    found = replayed(answer, clerk)
    assert found.answer is not None
    assert (found.answer.business_date, found.answer.publication) == (DAY, 1)
