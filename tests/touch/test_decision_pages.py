"""A decision's page: what the answer was, what became of it, and whether it still stands."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from campaigns.models import Answer
from contacts.models import ContactEvent
from tests.accounts.people import make_user
from tests.campaigns.people import customer, publish_day

from .pages import NUMBER, PAGE, only, report, said
from .pages import asked as asked
from .pages import clerk as clerk
from .pages import english as english
from .pages import small_province as small_province

pytestmark = pytest.mark.django_db


def test_an_outcome_is_recorded_and_the_next_answer_obeys_it(asked: Client) -> None:
    part = report(asked, part=True, outcome="ordered")
    assert part.status_code == 200
    assert "Recorded" in said(part)
    event = ContactEvent.objects.get()
    assert (event.kind, event.policy, event.by) == ("ordered", "P1", "hangzhou-front-desk")
    text = said(asked.get(PAGE, {"channel": "front_desk"}))
    assert "Stopped at: Exclusivity" in text
    assert "P1@1 · C1 · hangzhou-front-desk" in text


def test_without_scripts_it_leads_to_the_decision_which_shows_it(asked: Client) -> None:
    response = report(asked, outcome="accepted")
    assert response.headers["Location"] == f"/decisions/{only()}/"
    assert "accepted" in said(asked.get(response.headers["Location"]))


def test_a_form_sent_twice_counts_once(asked: Client) -> None:
    assert [report(asked, part=True).status_code for _ in range(2)] == [200, 200]
    assert ContactEvent.objects.count() == 1


def test_a_refusal_needs_a_reason(asked: Client) -> None:
    refused = report(asked, part=True, outcome="declined")
    assert refused.status_code == 422
    assert "why the customer declined" in said(refused)
    assert not ContactEvent.objects.exists()
    report(asked, part=True, outcome="declined", reason="too dear")
    assert ContactEvent.objects.get().reason == "too dear"


def test_a_number_in_a_reason_is_masked_for_who_may_not_see_it(asked: Client) -> None:
    reason = "rather call me at 13812341234"
    part = report(asked, part=True, outcome="declined", reason=reason)
    manager = Client()
    manager.force_login(make_user("auditor"))
    for address in (PAGE, f"/decisions/{only()}/"):
        assert "call me at 138****1234" in said(asked.get(address)), address
        if address != PAGE:
            assert reason in said(manager.get(address)), address
    assert "call me at 138****1234" in said(part)


def test_an_answer_without_a_channel_asks_where_the_customer_was_met(clerk: Client) -> None:
    publish_day([customer(12000000001)])
    assert 'name="channel"' in clerk.get(PAGE).content.decode()
    assert report(clerk, part=True).status_code == 400
    assert report(clerk, part=True, channel="sms").status_code == 200


def test_only_who_may_report_has_buttons_and_is_heard(asked: Client) -> None:
    analyst = Client()
    analyst.force_login(make_user("analyst"))
    page, buttons = f"/decisions/{only()}/", 'name="outcome"'
    assert report(analyst).status_code == 403
    assert buttons not in analyst.get(page).content.decode()
    assert buttons not in analyst.get(PAGE, {"channel": "front_desk"}).content.decode()
    assert buttons in asked.get(PAGE, {"channel": "front_desk"}).content.decode()


def test_another_city_s_decision_is_not_found(asked: Client) -> None:
    other = Client()
    other.force_login(make_user("front-desk", "ningbo"))
    assert other.get(f"/decisions/{only()}/").status_code == 404
    assert report(other).status_code == 404
    assert not ContactEvent.objects.exists()


def test_after_its_time_a_decision_has_no_buttons_but_what_was_reported(
    asked: Client, monkeypatch: pytest.MonkeyPatch, noon: datetime
) -> None:
    page = f"/decisions/{only()}/"
    report(asked, outcome="accepted")
    assert "Complained" in said(asked.get(page))
    monkeypatch.setattr("django.utils.timezone.now", lambda: noon + timedelta(days=30))
    asked.force_login(make_user("front-desk", "hangzhou", username="later"))
    text = said(asked.get(page))
    assert "accepted 2026-07-02 12:00" in text
    assert "Complained" not in text
    assert "expired" in said(report(asked, part=True))
    assert ContactEvent.objects.count() == 1


# --- looked up again ---


def test_a_decision_is_shown_as_it_was_and_held_against_now(asked: Client) -> None:
    page = f"/decisions/{only()}/"
    text = said(asked.get(page))
    for words in ("the same answer again", "would get the same.", "120****0001", "P1 words"):
        assert words in text, words
    assert NUMBER not in asked.get(page).content.decode()
    report(asked, outcome="ordered")
    text = said(asked.get(page))
    assert "the same answer again" in text
    assert "something else: − P1" in text


def test_a_decision_whose_answers_are_gone_still_says_what_it_offered(asked: Client) -> None:
    page = f"/decisions/{only()}/"
    publish_day([customer(12000000001, arpu=91.0)])
    Answer.objects.filter(publication_id=1).delete()
    text = said(asked.get(page))
    assert "The answers of publication 1 are no longer kept" in text
    assert "P1 P1@1" in text


def test_a_decision_is_found_by_its_id(asked: Client) -> None:
    box = reverse("decision-search")
    found = asked.get(box, {"id": f" {only()} "})
    assert found.headers["Location"] == f"/decisions/{only()}/"
    assert "decision id" in asked.get(box).content.decode()
    for text, status in (("nonsense", 400), ("0" * 32, 404)):
        missing = asked.get(box, {"id": text})
        assert missing.status_code == status
        assert "No such decision here" in said(missing)


def test_contacts_and_decisions_of_another_city_s_time_stay_there(asked: Client) -> None:
    report(asked)
    publish_day([customer(12000000001, city="ningbo")])
    other = Client()
    other.force_login(make_user("front-desk", "ningbo"))
    context = other.get(PAGE).context
    assert context["contacts"] == []
    assert [row.city for row in context["decisions"]] == ["ningbo"]
