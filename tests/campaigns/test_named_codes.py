"""Before a code of a category ends, campaigns and segmentation say what of theirs names it."""

import pytest

from campaigns.named_codes import places
from rules import Catalogue
from scoring.codes import without
from segmentation.audiences.services import define_audience, define_auxiliary_matrix, define_mark
from segmentation.dimensions import Name

from . import province
from .province import edited, load, name

pytestmark = pytest.mark.django_db
BRAND = {
    "code": "brand",
    "name": name("brand"),
    "kind": "categories",
    "attribute": "brand",
    "bands": [
        {"code": "best", "name": name("best"), "values": ["gotone"]},
        {"code": "rest", "name": name("rest"), "values": ["mzone"]},
    ],
    "null_band": province.NULL,
}


@pytest.fixture(autouse=True)
def _province() -> None:
    province.define()


def naming(code: str) -> set[str]:
    def less(catalogue: Catalogue) -> Catalogue:
        return without(catalogue, "brand", code)

    return {place.label for place in places(less)}


def test_a_policy_whose_rule_names_the_code_is_told() -> None:
    assert naming("gotone") == {"policy P1 P1"}
    assert naming("mzone") == set()


def test_a_priority_that_names_it_is_told() -> None:
    load("priority", edited("priority", 1, condition="brand = 'mzone'"))
    assert naming("mzone") == {"priority uplift next"}


def test_marks_and_audiences_are_told_by_their_rules_alone() -> None:
    group = define_auxiliary_matrix(code="marks", name=Name("标记", "Marks"), by="test")
    rule = {"rule": "brand in ('gotone', 'mzone')"}
    define_mark(group, code="both", name=Name("两", "Both"), expression=rule, by="test")
    named = {"all": [{"mark": "both"}, {"rule": "arpu > 5"}]}
    define_audience(code="of_mark", name=Name("客群", "Of mark"), expression=named, by="test")
    assert naming("mzone") == {"mark Both"}


def test_a_matrix_that_cuts_by_it_is_told() -> None:
    load("matrices", edited("matrices", 0, dimensions=[province.SPEND, BRAND]))
    assert naming("mzone") == {"matrix retention"}


def test_what_does_not_work_anyhow_is_not_told() -> None:
    load("attributes", edited("attributes", 3, values=province.ATTRIBUTES[3]["values"][1:]))
    assert naming("gotone") == set()
