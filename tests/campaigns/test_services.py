"""Writes log themselves, and a city's marketer writes only the city's own campaigns."""

from dataclasses import replace

import pytest

from accounts.models import Operation, User
from campaigns import services
from campaigns.models import Campaign, MarketingRow, Policy
from campaigns.terms import CampaignTerms, MarketingLine, PolicyTerms, PriorityLine
from common.errors import DomainError
from tests.accounts.people import make_user

from . import province

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _province() -> None:
    province.define()


@pytest.fixture
def marketer() -> User:
    return make_user("city-marketer", "hangzhou")


def lines() -> list[MarketingLine]:
    return [MarketingLine.of(row) for row in MarketingRow.objects.all()]


def priority() -> list[PriorityLine]:
    return [
        PriorityLine.make(i["name"]["zh"], i["name"]["en"], i["condition"], i["prefer"])
        for i in province.PRIORITY
    ]


def test_an_edit_is_logged_with_what_was_before_and_after() -> None:
    policy = Policy.objects.get(pk="P1")
    terms = replace(PolicyTerms.of(policy.versions.first()), take_up="0.2")
    version = services.edit_policy(policy, terms=terms, by="test")
    operation = Operation.objects.first()
    assert (operation.action, operation.target_id) == ("edit_policy", "P1")
    assert operation.differences == [("take_up", "0.1", "0.2")]
    assert version.number == 2


def test_replacing_a_matrix_logs_the_rows_that_went_and_came() -> None:
    new = MarketingLine.make("C1", "P3", "retention", {"spend": ["low"]})
    replacement = services.replace_marketing([*lines()[1:], new], by="test")
    operation = Operation.objects.first()
    assert replacement.added == [new]
    assert operation.before["removed"] == [province.MARKETING[0]]
    assert operation.after["added"] == [new.plain()]


def test_a_number_or_code_is_given_once() -> None:
    terms = PolicyTerms.of(Policy.objects.get(pk="P1").versions.first())
    with pytest.raises(DomainError, match="policy_exists"):
        services.create_policy(number="P1", terms=terms, by="test")
    campaign = CampaignTerms.of(Campaign.objects.get(pk="C1"))
    with pytest.raises(DomainError, match="campaign_exists"):
        services.create_campaign(code="C1", terms=campaign, by="test")


def test_a_city_reads_its_own_campaigns_and_the_province_s() -> None:
    def seen(role: str, organisation: str) -> set[str]:
        user = make_user(role, organisation)
        return set(Campaign.objects.visible_to(user).values_list("code", flat=True))

    assert seen("province-marketer", "zhejiang") == {"C1", "C2"}
    assert seen("city-marketer", "hangzhou") == {"C1", "C2"}
    assert seen("front-desk", "hangzhou-front") == {"C1", "C2"}
    assert seen("city-marketer", "ningbo") == {"C1"}
    nobody = make_user("auditor", "hangzhou")
    nobody.roles = []
    assert not Campaign.objects.visible_to(nobody).exists()


def test_a_city_s_marketer_writes_only_the_city_s_campaigns(marketer: User) -> None:
    own, province_s = Campaign.objects.get(pk="C2"), Campaign.objects.get(pk="C1")
    services.edit_campaign(own, terms=replace(CampaignTerms.of(own), lever=2.0), by=marketer)
    for campaign, terms in (
        (province_s, replace(CampaignTerms.of(province_s), lever=2.0)),
        (own, replace(CampaignTerms.of(own), organisation="zhejiang")),
        (own, replace(CampaignTerms.of(own), organisation="ningbo")),
    ):
        with pytest.raises(DomainError) as refusal:
            services.edit_campaign(campaign, terms=terms, by=marketer)
        assert refusal.value.status == 403


def test_a_city_s_marketer_changes_only_the_city_s_rows(marketer: User) -> None:
    own = MarketingLine.make("C2", "P1", "uplift", {})
    services.replace_marketing([*lines(), own], by=marketer)
    province_s = MarketingLine.make("C1", "P1", "uplift", {})
    for attempt in ([*lines(), province_s], lines()[1:]):
        with pytest.raises(DomainError, match="campaign_out_of_reach"):
            services.replace_marketing(attempt, by=marketer)


def test_only_the_province_orders_all_offers(marketer: User) -> None:
    with pytest.raises(DomainError, match="campaign_out_of_reach"):
        services.replace_priority(priority()[:1], by=marketer)
    services.replace_priority(priority()[:1], by=make_user("province-marketer"))
