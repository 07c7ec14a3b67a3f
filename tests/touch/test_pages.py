"""The customer's page and the search that leads to it."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.models import ContactEvent
from contacts.services import save_contact_policy
from tests.accounts.people import make_user
from tests.campaigns import province
from tests.campaigns.people import customer, publish_day
from tests.campaigns.province import edited, load
from touch.gates import Gate
from touch.models import Decision
from touch.names import GATE_MEANINGS, GATE_NAMES
from touch.selectors import history

from .pages import NUMBER, PAGE, only, opted_out, report, said
from .pages import clerk as clerk
from .pages import english as english
from .pages import small_province as small_province

pytestmark = pytest.mark.django_db
OPT_OUTS = f"{PAGE}opt-outs/"
QUIET = {"limits": [], "quiet_hours": [{"start": "11:00", "end": "13:00", "channels": ["sms"]}]}


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


def test_the_customer_is_read_once(clerk: Client) -> None:
    publish_day([customer(12000000001)])
    with CaptureQueriesContext(connection) as queries:
        assert clerk.get(PAGE).status_code == 200
    assert len([q for q in queries if "jsonb_array_elements_text" in q["sql"]]) == 1


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


# --- the answer of now ---


def test_a_look_is_a_decision_whose_id_stands_on_the_page(clerk: Client) -> None:
    publish_day([customer(12000000001)])
    text = said(clerk.get(PAGE))
    assert str(only()) in text
    assert "Feedback until 2026-08-01 12:00" in text
    clerk.get(PAGE)
    assert Decision.objects.count() == 2


def test_the_channel_is_chosen(clerk: Client) -> None:
    publish_day([customer(12000000001)])
    assert "P2 words" in said(clerk.get(PAGE, {"channel": "sms"}))
    assert "P2 words" not in said(clerk.get(PAGE, {"channel": "front_desk"}))
    assert sorted(d.channel for d in Decision.objects.all()) == ["front_desk", "sms"]
    refused = clerk.get(PAGE, {"channel": "pigeon"})
    assert refused.status_code == 400
    assert "pigeon" in said(refused)


def test_what_is_not_offered_stands_there_with_its_gate(clerk: Client) -> None:
    publish_day([customer(12000000001)])
    text = said(clerk.get(PAGE, {"channel": "front_desk"}))
    assert "Stopped at: Channel" in text
    assert "Carried by SMS only" in text
    assert "Stopped at: Cell" in text
    assert "3 of 10 gates open" in text


def test_every_gate_has_a_name_and_says_what_it_asks() -> None:
    assert list(GATE_NAMES) == list(GATE_MEANINGS) == list(Gate)


def test_who_opted_out_of_being_chosen_for_gets_everybody_s_list_and_the_page_says_so(
    clerk: Client,
) -> None:
    publish_day([customer(12000000001)])
    opted_out("personalised")
    text = said(clerk.get(PAGE))
    assert "everybody's list" in text.replace("&#x27;", "'")
    assert "P2 words" in text
    for chosen in ("P1 words", "spend: high", "Outside the scope"):
        assert chosen not in text, chosen


def test_what_stops_everything_is_said_above(clerk: Client) -> None:
    organisations = publish_and_province()
    opted_out("sms")
    assert "Opted out of this channel: SMS" in said(clerk.get(PAGE, {"channel": "sms"}))
    assert "Opted out of this channel" not in said(clerk.get(PAGE, {"channel": "front_desk"}))
    opted_out()
    save_contact_policy(organisations["zhejiang"], body=QUIET, by="test")
    text = said(clerk.get(PAGE, {"channel": "sms"}))
    assert "Quiet hours no contact from 11:00 to 13:00 (SMS); not before 2026-07-02 13:00" in text
    assert "Nothing is offered" in text


def publish_and_province() -> Any:
    publish_day([customer(12000000001)])
    return province.make_province()


def test_a_control_group_is_told_under_why_not_only(clerk: Client) -> None:
    load("hold_out", {"key": "test-key", "buckets": [[0, 9999]]})
    publish_day([customer(12000000001)])
    response = clerk.get(PAGE)
    assert response.context["notices"] == []
    assert "Stopped at: Control group" in said(response)


def test_the_page_says_by_which_channel_the_customer_may_be_met(clerk: Client) -> None:
    organisations = publish_and_province()
    body = {
        "limits": [
            {
                "code": "desk",
                "name": {"zh": "前台", "en": "Desk visits"},
                "per": "channel",
                "counts": "contacts",
                "channels": ["front_desk"],
                "most": 2,
                "days": 7,
            }
        ],
        "quiet_hours": QUIET["quiet_hours"],
    }
    save_contact_policy(organisations["zhejiang"], body=body, by="test")
    opted_out("app")
    clerk.get(PAGE, {"channel": "front_desk"})
    report(clerk, outcome="shown")
    text = said(clerk.get(PAGE))
    assert "Front desk yes Desk visits: 1 / 2" in text
    assert "SMS not now no contact from 11:00" in text
    assert "App opted out" in text


# --- opt-outs ---


def test_an_opt_out_is_asked_for_confirmed_and_obeyed_at_once(clerk: Client) -> None:
    publish_day([customer(12000000001)])
    assert "SMS" in said(clerk.get(OPT_OUTS))
    first = clerk.post(OPT_OUTS, {"opted_out": ["sms"], "seen": ""})
    assert "no more SMS" in said(first)
    assert not ContactEvent.objects.exists()
    done = clerk.post(OPT_OUTS, {"opted_out": ["sms"], "seen": "", "do": "confirm"})
    assert done.headers["Location"] == PAGE
    assert "Opted out of this channel" in said(clerk.get(PAGE, {"channel": "sms"}))
    text = said(clerk.get(OPT_OUTS))
    assert "opted out SMS 2026-07-02 12:00 hangzhou-front-desk" in text


def test_an_opt_out_that_came_meanwhile_is_not_undone_unseen(clerk: Client) -> None:
    publish_day([customer(12000000001)])
    opted_out("personalised")
    late = clerk.post(OPT_OUTS, {"opted_out": ["sms"], "seen": "", "do": "confirm"})
    assert late.status_code == 409
    assert "again all personalised marketing" in said(late)
    assert ContactEvent.objects.count() == 1


def test_who_may_not_set_opt_outs_sees_them_only(clerk: Client) -> None:
    publish_day([customer(12000000001)])
    analyst = Client()
    analyst.force_login(make_user("analyst"))
    assert OPT_OUTS in clerk.get(PAGE).content.decode()
    assert OPT_OUTS not in analyst.get(PAGE).content.decode()
    assert analyst.get(OPT_OUTS).status_code == 403


@pytest.mark.parametrize("number", ["1\x002", "1" * 41])
def test_what_can_be_no_number_is_told_so(clerk: Client, number: str) -> None:
    assert clerk.get(reverse("customer-search"), {"q": number}).status_code == 400
    assert clerk.get(reverse("customer", args=[number])).status_code == 400
