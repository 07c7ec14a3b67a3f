"""Marks and audiences in campaigns: whom one reaches, what a policy asks, who is told why."""

from typing import Any

import pyarrow as pa
import pytest

from campaigns.match import match
from campaigns.models import Plan
from campaigns.plan import compile_plan
from campaigns.planned import Planned
from common.errors import DomainError
from segmentation.audiences.services import define_audience, define_auxiliary_matrix, define_mark
from segmentation.dimensions import Name
from segmentation.models import Audience
from touch.phrases import Phrases
from touch.words import words_of

from . import province
from .lake import _write, read, write_day
from .people import customer
from .province import DAY, edited, load

pytestmark = pytest.mark.django_db
RICH, POOR = {"rule": "arpu >= 80"}, {"rule": "income < 3000"}


@pytest.fixture(autouse=True)
def _province(settings: Any) -> None:
    settings.LAKE_PARTS = 3
    province.define()
    potential = define_auxiliary_matrix(code="potential", name=Name("潜力", "Potential"), by="test")
    define_mark(potential, code="poor", name=Name("低收入", "Poor"), expression=POOR, by="test")
    audience("rich", RICH)


def audience(code: str, expression: dict[str, Any], **more: Any) -> Audience:
    return define_audience(
        code=code, name=Name(code, code), expression=expression, by="test", **more
    )


def with_audience(code: str | None) -> None:
    load("campaigns", edited("campaigns", 0, audience=code))


def planned() -> Planned:
    return Planned.from_json(compiled().body)


def compiled() -> Plan:
    return compile_plan(DAY, province.versions())


def test_a_campaign_of_an_audience_offers_to_nobody_else() -> None:
    with_audience("rich")
    rules = {(o.policy, o.campaign): o.eligibility for o in planned().offers}
    assert rules["P2", "C1"] == "audience_rich"
    assert rules["P3", "C1"] == "audience_rich and (income < 5000)"
    assert rules["P2", "C2"] == ""


def test_the_members_of_the_day_decide() -> None:
    with_audience("rich")
    load("policies", edited("policies", 1, take_up=0.1, eligibility="not mark_poor"))
    plan = compiled()
    people = [
        customer(n, arpu=float(arpu), income=float(income), city="hangzhou")
        for n, (arpu, income) in enumerate([(90, 2000), (90, 4000), (10, 2000), (10, 4000)])
    ]
    day = write_day(plan, people, DAY)
    answers = match(
        day["customers"],
        day["scores"],
        day["cells"],
        plan,
        members=_members(people),
        business_date=DAY,
        progress=lambda *_: None,
    )
    policies = {o.id: (o.policy, o.campaign) for o in Planned.from_json(plan.body).offers}
    offered = [{policies[offer] for offer in row["offers"]} for row in read(answers)]
    assert [("P2", "C1") in them for them in offered] == [False, True, False, False]


def _members(people: list[dict[str, Any]]) -> Any:
    table = {
        "customer_no": [p["customer_no"] for p in people],
        "city": [p["city"] for p in people],
        "audience_rich": [p["arpu"] >= 80 for p in people],
        "mark_poor": [p["income"] < 3000 for p in people],
    }
    return _write("members", pa.table(table), DAY, "k")


def test_an_audience_that_is_not_there_is_refused() -> None:
    with pytest.raises(DomainError) as refused:
        with_audience("nobody")
    assert (refused.value.code, refused.value.extra["where"]) == (
        "unknown_audience",
        [0, "audience"],
    )


def test_a_city_s_audience_is_nothing_for_another_city() -> None:
    audience("there", RICH, city="ningbo")
    with pytest.raises(DomainError) as refused:
        load("campaigns", edited("campaigns", 1, audience="there"))
    assert refused.value.code == "reaches_nobody"


def test_campaigns_with_audiences_are_exported_and_loaded_again() -> None:
    with_audience("rich")
    content = province.DOCUMENTS["campaigns"].dump()
    assert content[0]["audience"] == "rich"
    assert not load("campaigns", content).changed


def test_who_may_not_see_what_decides_a_mark_is_not_told_of_it() -> None:
    load("policies", edited("policies", 2, eligibility="not mark_poor"))
    (mark,) = (a for a in planned().attributes if a.code == "mark_poor")
    assert (mark.source, mark.reads) == ("members", ("income",))
    words = words_of(compile_plan(DAY, province.versions()).key)
    assert Phrases(words, "en", frozenset({"arpu"}), numbers=True).sees(["mark_poor"])
    assert not Phrases(words, "en", frozenset({"income"}), numbers=True).sees(["mark_poor"])
