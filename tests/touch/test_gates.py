"""What stands between a policy and a customer: each gate, its words, and the order of them all."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from contacts.record import PERSONALISED
from tests.accounts.people import make_user
from tests.campaigns import province
from tests.campaigns.people import customer, publish_day
from tests.campaigns.province import edited, load
from touch.gates import Gate
from touch.recommendation import recommend

from .counter import (
    NUMBER,
    PERSON,
    considered,
    contact_policy,
    limit,
    opt_out,
    policies,
    report,
)

pytestmark = pytest.mark.django_db
EVERY_BUCKET = [[0, 9999]]


@pytest.fixture(autouse=True)
def _province(settings: Any) -> None:
    settings.LAKE_PARTS = 1
    province.define()


@pytest.fixture
def clerk() -> User:
    return make_user("front-desk", "hangzhou")


def publish(**values: Any) -> None:
    publish_day([customer(**PERSON, **values)])


def edited_policy(number: str, **changes: Any) -> dict[str, Any]:
    """Another policy for everybody."""
    return {**province.POLICIES[1], "number": number, **changes}


def gate_of(user: User, *which: str, **asked: Any) -> tuple[str | None, str]:
    found = considered(user, *which, **asked)
    gates = [gate.value for gate in Gate]
    assert found.passed == (gates if found.gate is None else gates[: gates.index(found.gate)])
    assert found.rank is None or found.gate is None
    return found.gate, found.text


# --- each alone ---


def test_all_gates_open(clerk: User) -> None:
    publish()
    assert gate_of(clerk) == (None, "Offered as number 1")
    assert gate_of(clerk, "P2") == (None, "Offered as number 2")
    assert gate_of(clerk, "P2", limit=1) == (None, "It fits, and ranks behind the first 1")


def test_cell(clerk: User) -> None:
    publish(arpu=10.0)
    text = "The customer is in none of the cells to which campaign C1 offers it"
    assert gate_of(clerk) == ("cell", text)


@pytest.mark.parametrize(
    ("document", "changes"),
    [
        ("policies", {"valid": {"from": "2026-01-01", "to": "2026-07-01"}}),
        ("campaigns", {"ends_on": "2026-07-01"}),
    ],
)
def test_validity_ends_with_the_policy_and_with_the_campaign(
    document: str, changes: dict[str, Any], clerk: User
) -> None:
    load(document, edited(document, 0, **changes))
    publish()
    text = "Offered from 2026-01-01 to 2026-07-01 only"
    assert gate_of(clerk) == ("validity", text)


def test_validity_begins_with_the_policy_and_with_the_campaign(clerk: User) -> None:
    """A plan that was made ahead, for a day on which they hold."""
    load("campaigns", edited("campaigns", 0, starts_on="2026-07-03"))
    publish_day([customer(**PERSON)], date(2026, 7, 3))
    text = "Offered from 2026-07-03 to 2026-12-31 only"
    assert gate_of(clerk) == ("validity", text)
    load("campaigns", edited("campaigns", 0))
    load("policies", edited("policies", 0, valid={"from": "2026-07-03", "to": "2026-12-31"}))
    publish_day([customer(**PERSON)], date(2026, 7, 3))
    assert gate_of(clerk) == ("validity", text)


def test_validity_is_told_by_the_day_of_the_contact_in_the_province(
    clerk: User, noon: datetime
) -> None:
    load("policies", edited("policies", 0, valid={"from": "2026-01-01", "to": "2026-07-02"}))
    publish()
    midnight = noon + timedelta(hours=12)
    assert gate_of(clerk, at=midnight - timedelta(seconds=1))[0] is None
    assert gate_of(clerk, at=midnight)[0] == "validity"


def test_city(clerk: User) -> None:
    publish()
    assert gate_of(clerk, "P4") == ("city", "Only in Ningbo; the customer is of Hangzhou")


def test_channel(clerk: User) -> None:
    publish()
    assert gate_of(clerk, "P2", channel="front_desk") == ("channel", "Carried by SMS only")
    assert gate_of(clerk, "P2", channel="sms")[0] is None


def test_eligibility_with_this_customers_values_unless_they_are_hidden(clerk: User) -> None:
    publish(brand="mzone", income=2000.0)
    gate, text = gate_of(clerk)
    assert gate == "eligibility"
    assert text.startswith("Not fulfilled: ")
    assert "M-Zone" in text
    load("policies", edited("policies", 2, eligibility="income > 5000"))
    publish(income=2000.0)
    text = "A condition on attributes that you may not see does not hold"
    assert gate_of(clerk, "P3") == ("eligibility", text)
    gate, text = gate_of(make_user("auditor"), "P3")
    assert gate == "eligibility"
    assert text == "Not fulfilled: income is above 5000 (actual: 2000)"


def test_exclusivity_holds_the_policy_and_its_group_for_the_days_it_says(clerk: User) -> None:
    load("policies", edited("policies", 2, exclusivity_group="gift", eligibility=None))
    publish(income=2000.0)
    answer = recommend(NUMBER, user=clerk, channel="sms")
    assert policies(answer) == ["P1", "P3", "P2"]
    report(answer, "P1", "ordered", by=clerk)
    text = "The customer holds this or another of the group gift, until 2027-07-02"
    assert gate_of(clerk) == ("exclusivity", text)
    assert gate_of(clerk, "P3") == ("exclusivity", text)
    report(answer, "P2", "ordered", by=clerk)
    text = "The customer holds it already, until 2027-07-02"
    assert gate_of(clerk, "P2") == ("exclusivity", text)
    assert not recommend(NUMBER, user=clerk).items


def test_exclusivity_ends(clerk: User, noon: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    load("policies", edited("policies", 0, held_days=2))
    publish()
    report(recommend(NUMBER, user=clerk, channel="sms"), "P1", "ordered", by=clerk)
    for days, seconds, gate in ((2, -1, "exclusivity"), (2, 0, None)):
        now = noon + timedelta(days=days, seconds=seconds)
        monkeypatch.setattr("django.utils.timezone.now", lambda now=now: now)
        assert gate_of(clerk)[0] == gate


def test_opt_out_of_a_channel_stops_that_channel(clerk: User) -> None:
    publish()
    opt_out("sms")
    text = "The customer opted out of this channel: SMS"
    assert gate_of(clerk, channel="sms") == ("opt_out", text)
    assert not recommend(NUMBER, user=clerk, channel="sms").items
    assert gate_of(clerk, channel="front_desk")[0] is None
    assert gate_of(clerk)[0] is None
    opt_out()
    assert gate_of(clerk, channel="sms")[0] is None


def test_who_opted_out_of_personalised_marketing_gets_what_everybody_gets(clerk: User) -> None:
    """The same list for whoever he is: nothing that is chosen by what is known of him."""
    more = [
        edited_policy("P5", margin=50),
        edited_policy("P6", cities=["ningbo"]),
    ]
    rows = [{**province.MARKETING[1], "policy": number} for number in ("P5", "P6")]
    load("policies", [*province.POLICIES, *more])
    load("marketing", [*province.MARKETING, *rows])
    poor = customer(2, is_campus=True, arpu=1.0, movement_index=None)
    publish_day([customer(**PERSON), poor])
    for number in (NUMBER, "00000000002"):
        assert recommend(number, user=clerk).personalised
        opt_out(PERSONALISED, customer_no=number)
        answer = recommend(number, user=clerk)
        assert not answer.personalised
        assert answer.cells == []
        assert policies(answer) == ["P5", "P2"]
        assert {i.campaign for i in answer.items} == {"C1"}
        assert {r.kind for i in answer.items for r in i.reasons} == {"general"}
        assert {(i.take_up, i.worth) for i in answer.items} == {(None, None)}
    text = "The customer opted out of personalised marketing"
    assert gate_of(clerk) == ("opt_out", text)
    assert gate_of(clerk, "P2") == (None, "Offered as number 2")
    assert gate_of(clerk, "P6")[0] == "city"
    opt_out()
    assert policies(recommend(NUMBER, user=clerk)) == ["P1", "P5", "P2"]


def test_what_only_a_matrix_with_a_scope_offers_is_not_everybodys(clerk: User) -> None:
    """To be in the scope of a matrix is to be chosen."""
    load("matrices", edited("matrices", 1, scope="arpu >= 50"))
    load("policies", edited("policies", 2, eligibility=None))
    load("marketing", edited("marketing", 3, cells={}))
    publish()
    opt_out(PERSONALISED)
    answer = recommend(NUMBER, user=clerk)
    assert policies(answer) == ["P2"]
    assert gate_of(clerk, "P3")[0] == "opt_out"


def test_a_policy_that_everybody_gets_by_two_campaigns_is_offered_once(clerk: User) -> None:
    load("marketing", edited("marketing", 2, cells={}))
    publish()
    opt_out(PERSONALISED)
    answer = recommend(NUMBER, user=clerk)
    assert [(i.policy, i.campaign) for i in answer.items] == [("P2", "C2")]
    text = "The policy ranks better through campaign C2"
    assert gate_of(clerk, "P2", "C1") == (None, text)


@pytest.mark.parametrize(
    ("of", "stopped", "words"),
    [
        (limit(1, 7, "channel", channels=["sms"]), {"P1", "P2"}, "each channel: at most 1 contact"),
        (limit(1, 7, "policy"), {"P1"}, "each policy: at most 1 contact"),
        (limit(1, 7, "exclusivity_group"), {"P1", "P3"}, "each exclusivity group: at most 1"),
        (limit(1, 7), {"P1", "P2", "P3"}, "each customer: at most 1 contact in any 7 days"),
        (limit(1, 7, "policy", counts="declined", rest=60), set(), ""),
    ],
    ids=["channel", "policy", "group", "customer", "other"],
)
def test_a_limit_of_the_contact_policy_stops_what_it_is_about(
    of: dict[str, Any], stopped: set[str], words: str, clerk: User
) -> None:
    load("policies", edited("policies", 2, exclusivity_group="gift", channels=["front_desk"]))
    contact_policy(of)
    publish(income=2000.0)
    answer = recommend(NUMBER, user=clerk, channel="sms")
    report(answer, "P1", "shown", by=clerk)
    for policy, channel in (("P1", "sms"), ("P2", "sms"), ("P3", "front_desk")):
        gate, text = gate_of(clerk, policy, channel=channel)
        assert gate == ("contact_policy" if policy in stopped else None)
        assert gate is None or (words in text and "not before 2026-07-09 12:00" in text)


def test_declined_twice_rests(clerk: User) -> None:
    contact_policy(limit(2, 30, "policy", counts="declined", rest=60))
    publish()
    for gate in (None, None, "contact_policy"):
        answer = recommend(NUMBER, user=clerk, channel="sms")
        assert gate_of(clerk)[0] == gate
        assert policies(answer) == (["P2"] if gate else ["P1", "P2"])
        if gate is None:
            report(answer, "P1", "declined", by=clerk)
    assert "not before 2026-08-31 12:00" in gate_of(clerk)[1]


def test_quiet_hours(clerk: User) -> None:
    contact_policy(quiet=[{"start": "11:00", "end": "13:00", "channels": ["sms"]}])
    publish()
    text = "no contact from 11:00 to 13:00 (SMS); not before 2026-07-02 13:01"
    assert gate_of(clerk, channel="sms") in (
        ("contact_policy", text),
        ("contact_policy", text.replace("13:01", "13:00")),
    )
    assert gate_of(clerk, channel="front_desk")[0] is None
    assert gate_of(clerk)[0] is None


def test_a_citys_own_limits_are_its_customers(clerk: User) -> None:
    contact_policy(limit(1, 7, "policy"), organisation="ningbo")
    publish_day([customer(**PERSON), customer(2, city="ningbo")])
    of_province = make_user("province-marketer")
    for number, gate in ((NUMBER, None), ("00000000002", "contact_policy")):
        answer = recommend(number, user=of_province, channel="sms")
        report(answer, "P1", by=of_province)
        assert gate_of(of_province, number=number, channel="sms")[0] == gate


def test_the_control_group_of_a_campaign_gets_nothing_of_it(clerk: User) -> None:
    load("hold_out", {"key": "a-key-of-tests", "buckets": []})
    load("campaigns", edited("campaigns", 0, control=EVERY_BUCKET))
    publish(is_campus=True)
    gate, text = gate_of(clerk)
    assert gate == "control_group"
    assert text.startswith("The customer is in the control group of campaign C1 (bucket ")
    assert {i.campaign for i in recommend(NUMBER, user=clerk).items} == {"C2"}


def test_the_hold_out_of_the_province_gets_nothing(clerk: User) -> None:
    load("hold_out", {"key": "a-key-of-tests", "buckets": EVERY_BUCKET})
    publish()
    gate, text = gate_of(clerk)
    assert gate == "control_group"
    assert text.startswith("The customer is in the province's hold-out (bucket ")
    assert not recommend(NUMBER, user=clerk).items


def test_capacity(clerk: User) -> None:
    load("policies", edited("policies", 0, capacity=2))
    publish_day([customer(**PERSON), customer(2), customer(3)])
    for number in ("00000000002", "00000000003"):
        assert gate_of(clerk)[0] is None
        answer = recommend(number, user=clerk, channel="sms")
        report(answer, "P1", "ordered", by=clerk)
    assert gate_of(clerk) == ("capacity", "All 2 are taken")
    assert policies(recommend(NUMBER, user=clerk)) == ["P2"]


# --- what the day left out ---


def test_what_no_campaign_offers_and_what_is_not_valid_is_named_too(clerk: User) -> None:
    more = [
        edited_policy("P5"),
        edited_policy("P6", valid={"from": "2026-07-03", "to": "2027-01-01"}),
        edited_policy("P7", valid={"from": "2027-01-01", "to": "2027-02-01"}),
    ]
    load("policies", [*province.POLICIES, *more])
    rows = [{**province.MARKETING[1], "policy": number} for number in ("P6", "P7")]
    load("marketing", [*province.MARKETING, *rows])
    publish()
    assert gate_of(clerk, "P5", "") == ("cell", "No row of the marketing matrix offers it")
    assert gate_of(clerk, "P6") == ("validity", "Offered from 2026-07-03 to 2026-12-31 only")
    text = "The policy is not valid while the campaign runs"
    assert gate_of(clerk, "P7") == ("validity", text)
    answer = recommend(NUMBER, user=clerk, explain=True)
    assert [c.policy for c in answer.considered or ()] == [
        *("P1", "P2", "P2", "P3", "P4", "P5", "P6", "P7")
    ]


def test_what_has_begun_since_the_day_of_the_answers_says_so(clerk: User, noon: datetime) -> None:
    load("policies", edited("policies", 0, valid={"from": "2026-07-02", "to": "2026-07-02"}))
    publish()
    text = "Offered from 2026-07-02 on; these answers are still those of 2026-07-01"
    assert gate_of(clerk) == ("validity", text)
    text = "Offered from 2026-07-02 to 2026-07-02 only"
    assert gate_of(clerk, at=noon + timedelta(hours=12)) == ("validity", text)


def test_a_city_s_campaign_that_the_policy_has_left_is_named_too(clerk: User) -> None:
    load("policies", edited("policies", 1, cities=["ningbo"]))
    publish(is_campus=True)
    text = "Campaign C2 runs in no city in which the policy is sold"
    assert gate_of(clerk, "P2", "C2") == ("city", text)
    assert gate_of(clerk, "P2")[0] == "city"


def test_nothing_is_explained_unless_it_is_asked_for(clerk: User) -> None:
    publish()
    answer = recommend(NUMBER, user=clerk)
    assert answer.considered is None
    assert {item.ranking for item in answer.items} == {None}
