"""One customer's answer in words: what fits, why, and only what the caller may see."""

from datetime import date
from typing import Any

import pytest
from django.utils import translation

from accounts.models import User
from common.errors import DomainError
from customers.models import Attribute
from tests.accounts.people import make_user
from tests.campaigns import province
from tests.campaigns.people import customer, publish_day
from tests.campaigns.province import edited, load
from touch.answers import Recommendation, by_category
from touch.recommendation import recommend

from .told import told

pytestmark = pytest.mark.django_db
NUMBER = "12000000001"
PERSON = {"number": 12000000001}


@pytest.fixture(autouse=True)
def _province(settings: Any) -> None:
    settings.LAKE_PARTS = 2
    province.define()


@pytest.fixture(autouse=True)
def _english() -> Any:
    with translation.override("en"):
        yield


@pytest.fixture
def clerk() -> User:
    return make_user("front-desk", "hangzhou")


@pytest.fixture
def auditor() -> User:
    """Someone who may see sensitive attributes."""
    return make_user("auditor")


def answer(user: User, *customers: dict[str, Any], **options: Any) -> Recommendation:
    publish_day(list(customers) or [customer(**PERSON)])
    return recommend(NUMBER, user=user, **options)


def texts(found: Recommendation, policy: str) -> dict[str, str]:
    [item] = [item for item in found.items if item.policy == policy]
    return {reason.kind: reason.text for reason in item.reasons}


def test_offers_come_in_the_published_order_with_what_to_say(clerk: User) -> None:
    found = answer(clerk)
    assert [(i.rank, i.policy, i.campaign, i.worth) for i in found.items] == [
        (1, "P1", "C1", 4.0),
        (2, "P2", "C1", 16.0),
    ]
    first = found.items[0]
    assert (first.name, first.version, first.campaign_name) == ("P1", 1, "C1")
    assert (first.clauses, first.talking_points) == (["P1 clause"], ["P1 words"])
    assert first.valid_until == date(2026, 12, 31)


def test_an_offer_ends_with_its_campaign(clerk: User) -> None:
    [item] = [
        i for i in answer(clerk, customer(**PERSON, is_campus=True)).items if i.policy == "P2"
    ]
    assert (item.campaign, item.valid_until) == ("C2", date(2026, 8, 31))


def test_it_says_why_with_this_customer_s_values(clerk: User) -> None:
    reasons = texts(answer(clerk), "P1")
    assert reasons["cell"] == "retention: spend: high"
    assert "90 yuan" in reasons["eligibility"]
    assert "GoTone" in reasons["eligibility"]
    assert "“movers first”" in reasons["priority"]
    assert "40" in reasons["priority"]


def test_it_speaks_the_caller_s_language(clerk: User) -> None:
    publish_day([customer(**PERSON)])
    with translation.override("zh-hans"):
        found = recommend(NUMBER, user=clerk)
    assert found.items[0].name == "P1 名"
    assert found.items[0].talking_points == ["P1 话术"]
    assert "全球通" in texts(found, "P1")["eligibility"]
    assert found.cells[0].bands[0].band == "high 名"


def test_an_offer_to_every_cell_says_so(clerk: User) -> None:
    assert texts(answer(clerk), "P2")["cell"] == "Offered to every cell of retention"


def test_cells_are_described_in_the_order_of_their_dimensions(clerk: User) -> None:
    found = answer(clerk)
    assert [(c.matrix, [(b.dimension, b.band) for b in c.bands]) for c in found.cells] == [
        ("retention", [("spend", "high"), ("campus", "off")]),
        ("uplift", [("earning", "not shown")]),
    ]


def test_a_customer_outside_a_matrix_has_no_cell_there(clerk: User) -> None:
    person = customer(**PERSON)
    person["cells"] = [person["cells"][0], None]
    assert [c.matrix for c in answer(clerk, person).cells] == ["retention"]


def test_facts_are_grouped_labelled_and_measured(clerk: User) -> None:
    [(label, facts)] = by_category(answer(clerk, customer(**PERSON, joined_on=None)).profile)
    assert label == "basic"
    assert [(f.code, f.value, f.shown) for f in facts] == [
        ("arpu", 90.0, "90 yuan"),
        ("is_campus", False, "no"),
        ("joined_on", None, "unknown"),
        ("brand", "gotone", "GoTone"),
    ]


def test_a_channel_keeps_the_policies_that_it_carries(clerk: User) -> None:
    found = answer(clerk, channel="front_desk")
    assert [(i.rank, i.policy) for i in found.items] == [(1, "P1")]
    assert [i.policy for i in recommend(NUMBER, user=clerk, channel="sms").items] == ["P1", "P2"]
    assert not recommend(NUMBER, user=clerk, channel="app").items


def test_a_limit_keeps_the_best(clerk: User) -> None:
    assert [i.policy for i in answer(clerk, limit=1).items] == ["P1"]


def test_it_takes_two_statements(clerk: User, django_assert_num_queries: Any) -> None:
    answer(clerk)
    user = User.objects.select_related("organisation").get(pk=clerk.pk)
    with django_assert_num_queries(2):
        recommend(NUMBER, user=user)


def test_a_new_publication_is_answered_with_its_own_words(clerk: User) -> None:
    answer(clerk)
    load("policies", edited("policies", 0, name=province.name("P1 anew")))
    publish_day([customer(**PERSON)])
    found = recommend(NUMBER, user=clerk)
    assert (found.items[0].name, found.items[0].version, found.publication) == ("P1 anew", 2, 2)


# --- walls ---


def test_unknown_elsewhere_and_departed_are_the_same_404(clerk: User) -> None:
    publish_day([customer(**PERSON), customer(2, city="ningbo"), customer(3)])
    publish_day([customer(**PERSON), customer(2, city="ningbo")])
    refusals = []
    for number in ("99", "00000000002", "00000000003", "1; --"):
        with pytest.raises(DomainError) as refusal:
            recommend(number, user=clerk)
        refusals.append((refusal.value.status, refusal.value.code, refusal.value.message))
    assert len(set(refusals)) == 1
    assert refusals[0][:2] == (404, "unknown_customer")


@pytest.mark.parametrize("number", ["", "x" * 41, "1\x002"])
def test_what_can_be_no_number_is_refused_before_it_is_looked_up(clerk: User, number: str) -> None:
    with pytest.raises(DomainError) as refusal:
        recommend(number, user=clerk)
    assert (refusal.value.status, refusal.value.code) == (400, "malformed_number")


def test_who_moved_city_is_seen_where_he_is_now(clerk: User) -> None:
    publish_day([customer(**PERSON)])
    publish_day([customer(**PERSON, city="ningbo")])
    with pytest.raises(DomainError, match="unknown_customer"):
        recommend(NUMBER, user=clerk)
    assert recommend(NUMBER, user=make_user("front-desk", "ningbo")).city == "ningbo"
    assert recommend(NUMBER, user=make_user("province-marketer")).city == "ningbo"


def test_a_team_sees_its_city(clerk: User) -> None:
    publish_day([customer(**PERSON), customer(2, city="ningbo")])
    team = make_user("front-desk", "hangzhou-front")
    assert recommend(NUMBER, user=team).city == "hangzhou"
    with pytest.raises(DomainError, match="unknown_customer"):
        recommend("00000000002", user=team)


def test_before_the_first_publication_it_says_so(clerk: User) -> None:
    with pytest.raises(DomainError) as refusal:
        recommend(NUMBER, user=clerk)
    assert (refusal.value.status, refusal.value.code) == (503, "nothing_published")


# --- what the caller may not see ---


def test_a_sensitive_attribute_is_told_nowhere(clerk: User, auditor: User) -> None:
    """Neither its value, nor the band that it decides, nor a rule that it satisfies."""
    poor = customer(**PERSON, income=1234.0)
    hidden = answer(clerk, poor)
    assert "income" not in {f.code for f in hidden.profile}
    assert texts(hidden, "P3")["cell"] == "uplift: earning: not shown"
    assert texts(hidden, "P3")["eligibility"] == (
        "A condition on attributes that you may not see holds"
    )
    for secret in ("1234", "1,234", "5000", "5,000", "poor"):
        assert secret not in told(hidden)
    open_ = recommend(NUMBER, user=auditor)
    assert "1,234" in told(open_)
    assert texts(open_, "P3")["cell"] == "uplift: earning: poor"
    assert "5000" in texts(open_, "P3")["eligibility"]


def test_an_attribute_declared_sensitive_is_hidden_at_once(clerk: User) -> None:
    assert "90" in told(answer(clerk).profile)
    Attribute.objects.filter(pk="arpu").update(sensitivity="sensitive")
    found = recommend(NUMBER, user=clerk)
    assert "90" not in told((found.profile, found.cells, found.items))


def test_numbers_are_masked_unless_they_may_be_seen(clerk: User, auditor: User) -> None:
    assert answer(clerk).customer_no == "120****0001"
    assert recommend(NUMBER, user=auditor).customer_no == NUMBER


def test_a_text_that_looks_like_a_telephone_number_is_masked(clerk: User, auditor: User) -> None:
    contact = {
        "code": "contact",
        "name": province.name("contact"),
        "category": "basic",
        "type": "text",
        "front_desk": True,
    }
    load("attributes", [*province.ATTRIBUTES, contact])
    load("policies", edited("policies", 0, eligibility="contact like '139%'"))
    found = answer(clerk, customer(**PERSON, contact="13912345678"))
    assert {f.code: f.shown for f in found.profile}["contact"] == "139****5678"
    assert "13912345678" not in told(found)
    assert "139****5678" in texts(found, "P1")["eligibility"]
    assert "13912345678" in told(recommend(NUMBER, user=auditor))
