"""A score's reasons are told in the reader's words, and what he may not see is told nowhere."""

from typing import Any

import pytest
from django.utils import translation

from customers.models import Attribute
from tests.accounts.people import make_user
from tests.campaigns import province
from tests.campaigns.people import customer, publish_day
from tests.campaigns.province import load
from touch.answers import Fact
from touch.recommendation import recommend

from .told import told

pytestmark = pytest.mark.django_db
NUMBER = "12000000001"
WHY = {
    "code": "movement_why",
    "name": {"zh": "异动原因", "en": "why moving"},
    "category": "relative",
    "type": "text",
    "origin": "score",
    "front_desk": True,
}


@pytest.fixture(autouse=True)
def _province(settings: Any) -> None:
    settings.LAKE_PARTS = 1
    province.define()
    load("attributes", [*province.ATTRIBUTES, WHY])


def reasons(text: str | None, user: str = "front-desk", language: str = "en") -> Fact:
    publish_day([customer(number=12000000001, movement_why=text)])
    with translation.override(language):
        found = recommend(
            NUMBER, user=make_user(user, "hangzhou" if user == "front-desk" else None)
        )
    [fact] = [f for f in found.profile if f.code == "movement_why"]
    return fact


def test_each_reason_is_a_sentence_behind_its_direction() -> None:
    fact = reasons("+arpu >= 80; -brand = 'gotone'")
    assert fact.shown.splitlines() == ["▲ arpu is at least 80 yuan", "▼ brand is GoTone"]
    assert fact.value == "+arpu >= 80; -brand = 'gotone'"


def test_a_condition_on_a_sensitive_attribute_is_told_to_nobody_who_may_not_see_it() -> None:
    text = "+income >= 1234; -arpu < 80"
    hidden = reasons(text)
    assert hidden.shown.splitlines()[0] == "▲ A condition on attributes that you may not see"
    assert "1234" not in told(hidden)
    assert "income" not in told(hidden)
    assert hidden.value == "-arpu < 80"


def test_an_attribute_declared_sensitive_later_hides_its_reason_at_once() -> None:
    assert "80" in reasons("+arpu >= 80").shown
    Attribute.objects.filter(pk="arpu").update(sensitivity="sensitive")
    with translation.override("en"):
        found = recommend(NUMBER, user=make_user("front-desk", "hangzhou", username="other"))
    assert "80" not in told([f for f in found.profile if f.code == "movement_why"])


def test_a_reason_of_an_attribute_that_is_there_no_more_stands_as_it_was_written() -> None:
    assert reasons("+gone >= 3").shown == "▲ gone >= 3"


def test_no_reasons_are_unknown() -> None:
    fact = reasons(None)
    assert (fact.value, fact.shown) == (None, "unknown")
