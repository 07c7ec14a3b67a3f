"""Models as definitions: loaded once, refused with the place of the fault."""

import copy

import jsonschema
import pytest

from common.errors import DomainError
from scoring import definitions

from .conftest import MODELS

pytestmark = pytest.mark.django_db


def changed(path: list, value) -> list:
    content = copy.deepcopy(MODELS)
    target = content
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return content


def test_what_was_dumped_loads_to_no_change(models) -> None:
    dumped = definitions.dump()
    assert dumped == MODELS
    assert not definitions.load(dumped, "test").any


def test_the_example_meets_the_schema(catalogue) -> None:
    jsonschema.validate(MODELS, definitions.SCHEMA)


def test_an_edit_is_seen_as_one_changed_model(models) -> None:
    changes = definitions.load(changed([1, "features"], ["arpu"]), "test")
    assert (changes.changed, changes.unchanged) == (
        ["movement_index"],
        ["value_index", "leaving"],
    )


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ([0, "indicators", 0, "attribute"], "arpuu", "unknown_attribute"),
        ([0, "indicators", 0, "attribute"], "note", "wrong_type"),
        ([0, "indicators", 0, "attribute"], "left_within_30d", "wrong_origin"),
        ([0, "indicators", 1, "to"], 0, "empty_indicator"),
        ([0, "output"], "arpu", "wrong_origin"),
        ([1, "features", 2], "left_within_30d", "wrong_origin"),
        ([1, "features", 2], "value_index", "wrong_origin"),
        ([1, "features", 2], "note", "wrong_type"),
        ([1, "label"], "arpu", "wrong_origin"),
        ([1, "grades", "output"], "brand", "wrong_origin"),
    ],
)
def test_a_fault_names_its_place(catalogue, path: list, value, code: str) -> None:
    with pytest.raises(DomainError) as refusal:
        definitions.load(changed(path, value), "test")
    assert refusal.value.code == code
    assert refusal.value.extra["where"][: len(path)] == path


def test_a_grade_that_the_catalogue_does_not_have_is_refused(catalogue) -> None:
    with pytest.raises(DomainError) as refusal:
        definitions.load(changed([1, "grades", "bands", 0, "code"], "leaping"), "test")
    assert refusal.value.code == "unknown_grade"
    assert refusal.value.extra["where"] == [1, "grades", "output"]


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ([0, "indicators", 0, "weight"], 0.5, "weights_do_not_sum"),
        ([0, "indicators", 0], {"attribute": "arpu", "from": 0, "to": 9}, "weight_missing"),
        ([0, "indicators", 0], {"attribute": "arpu", "weight": 0.6}, "scale_missing"),
        ([0, "hierarchy"], {"code": "v", "children": [{"code": "arpu"}]}, "hierarchy_differs"),
        ([2, "population"], "brand = 'xx'", "bad_rule"),
        ([2, "output"], "movement_index", "written_twice"),
    ],
)
def test_what_a_kind_can_t_be_defined_by_is_refused(catalogue, path, value, code) -> None:
    with pytest.raises(DomainError) as refusal:
        definitions.load(changed(path, value), "test")
    assert refusal.value.code == code


def test_the_published_32_and_42_overlap_and_are_refused_with_a_customer_in_both(catalogue) -> None:
    bands = [{"code": "moving", "from": 32}, {"code": "still", "to": 42}]
    with pytest.raises(DomainError) as refusal:
        definitions.load(changed([1, "grades", "bands"], bands), "test")
    assert refusal.value.code == "bands_overlap"
    assert 32 <= refusal.value.extra["value"] < 42
    assert refusal.value.extra["where"] == [1, "grades", "bands"]
