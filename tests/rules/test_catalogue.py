"""What a rule may speak about is defined soundly, under whatever name."""

import pytest

from rules import Attribute, Catalogue, compile_condition
from tests.rules.catalogue import CATALOGUE, TODAY


@pytest.mark.parametrize(
    "fields",
    [
        {"code": "ARPU"},
        {"code": "a b"},
        {"code": "and"},
        {"code": "coalesce"},
        {"type": "money"},
        {"type": "category"},
        {"values": (("a", "甲", "A"),)},
        {"type": "category", "values": (("a", "甲", "A"), ("a", "乙", "B"))},
    ],
)
def test_a_wrong_attribute_cannot_be_defined(fields: dict[str, object]) -> None:
    good = {"code": "arpu", "type": "number", "name_zh": "ARPU", "name_en": "ARPU"}
    with pytest.raises(ValueError, match="attribute"):
        Attribute(**{**good, **fields})  # type: ignore[arg-type]


def test_a_catalogue_is_a_mapping_of_unique_codes() -> None:
    assert CATALOGUE["arpu"].unit_zh == "元"
    assert next(iter(CATALOGUE)) == "arpu"
    with pytest.raises(ValueError, match="twice"):
        Catalogue([CATALOGUE["arpu"], CATALOGUE["arpu"]])


def test_any_attribute_name_can_be_used_whatever_sql_makes_of_it() -> None:
    for code in ["select", "case", "current_date", "rank", "any", "escape", "interval", "next"]:
        catalogue = Catalogue([Attribute(code, "integer", "甲", "a")])
        rule = compile_condition(f"{code} + 1 > 2 and {code} not in (7)", catalogue)
        assert rule.attributes == (code,)
        assert rule.evaluate({code: 2}, TODAY) is True
