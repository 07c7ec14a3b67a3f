"""The catalogue as rules and runs see it."""

import pytest

from accounts.models import Organisation
from customers.catalogue import catalogue_key, rule_catalogue
from customers.models import Attribute
from customers.tables import pin_catalogue, table_of
from tests.accounts.people import make_province

pytestmark = pytest.mark.django_db


def define(code: str, **changes: object) -> None:
    names = {"name_zh": code, "name_en": code, "category": "basic"}
    Attribute.objects.create(code=code, **{**names, "type": "number", **changes})


def test_rules_may_name_attributes_and_the_city_but_no_label() -> None:
    make_province()
    define("arpu")
    define("value_index", origin="score")
    define("left", origin="label")
    catalogue = rule_catalogue()
    assert set(catalogue) == {"arpu", "value_index", "city"}
    assert [code for code, _, _ in catalogue["city"].values] == ["hangzhou", "ningbo"]


def test_before_there_is_an_organisation_there_is_no_city() -> None:
    define("arpu")
    assert set(rule_catalogue()) == {"arpu"}


def test_the_key_follows_attributes_and_cities() -> None:
    make_province()
    keys = [catalogue_key()]
    define("arpu")
    keys.append(catalogue_key())
    Attribute.objects.update(maximum=10)
    keys.append(catalogue_key())
    Organisation.objects.filter(code="ningbo").update(code="wenzhou")
    keys.append(catalogue_key())
    assert len(set(keys)) == 4
    assert catalogue_key() == keys[-1]


def test_a_snapshot_has_a_column_per_attribute_that_is_read() -> None:
    make_province()
    define("b", position=2)
    define("a", position=1, type="category", values=[{"code": "x", "zh": "x", "en": "x"}])
    define("value_index", origin="score")
    define("left", origin="label", type="boolean", position=3)
    table = table_of("customers", pin_catalogue())
    assert [(c.code, c.sql_type) for c in table.columns] == [
        ("customer_no", "VARCHAR"),
        ("city", "VARCHAR"),
        ("a", "VARCHAR"),
        ("b", "DOUBLE"),
        ("left", "BOOLEAN"),
    ]
