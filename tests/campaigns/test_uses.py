"""Before a mark or an audience is retired, campaigns say what they use it for."""

import pytest

from campaigns.uses import uses
from segmentation.audiences.services import define_audience, define_auxiliary_matrix, define_mark
from segmentation.dimensions import Name

from . import province
from .province import edited, load

pytestmark = pytest.mark.django_db
POOR = ("mark", "poor")


@pytest.fixture(autouse=True)
def _province() -> None:
    province.define()
    group = define_auxiliary_matrix(code="potential", name=Name("潜力", "Potential"), by="test")
    for code in ("poor", "poor_too"):
        rule = {"rule": "income < 3000"}
        define_mark(group, code=code, name=Name(code, code), expression=rule, by="test")
    define_audience(code="rich", name=Name("富", "Rich"), expression={"rule": "true"}, by="test")


def used(ref: tuple[str, str]) -> list[str]:
    return [use.label.split()[0] for use in uses(ref, None)]


def test_a_policy_whose_rule_names_the_mark_uses_it() -> None:
    assert used(POOR) == []
    content = edited("policies", 2, eligibility="not mark_poor")
    load("policies", content)
    assert used(POOR) == [content[2]["number"]]


def test_a_longer_name_or_a_text_that_holds_the_name_is_no_use() -> None:
    brands = province.ATTRIBUTES[3]["values"]
    brands = [*brands, {"code": "mark_poor", "zh": "低", "en": "Poor"}]
    load("attributes", edited("attributes", 3, values=brands))
    load("policies", edited("policies", 2, eligibility="mark_poor_too or brand = 'mark_poor'"))
    assert used(POOR) == []
    assert len(used(("mark", "poor_too"))) == 1


def test_a_campaign_of_the_audience_uses_it() -> None:
    content = edited("campaigns", 0, audience="rich")
    load("campaigns", content)
    assert used(("audience", "rich")) == [content[0]["code"]]
