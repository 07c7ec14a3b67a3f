"""Training makes a version only when there is something new to learn, and says how good it is."""

from typing import get_args

import pytest
from django.utils import translation

from accounts.models import Operation
from common.errors import DomainError
from scoring.learning.movement import Reason
from scoring.models import Model
from scoring.selectors import current_versions
from scoring.training import REASONS, train_model

from .conftest import make_snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def movement(models) -> Model:
    return Model.objects.get(code="movement_index")


def test_a_tree_is_measured_on_customers_it_did_not_learn_from(movement, snapshot) -> None:
    metrics = train_model(movement, by="analyst", snapshot=snapshot).metrics
    assert metrics["rows"] + metrics["trained_rows"] == 3000
    assert 600 < metrics["rows"] < 900
    assert metrics["auc"] > 0.65


def test_training_again_on_the_same_snapshot_makes_no_version(movement, snapshot) -> None:
    first = train_model(movement, by="analyst", snapshot=snapshot)
    assert train_model(movement, by="analyst", snapshot=snapshot) == first
    assert movement.versions.count() == 1


def test_new_data_or_a_new_definition_make_the_next_version(movement, snapshot) -> None:
    train_model(movement, by="analyst", snapshot=snapshot)
    other = make_snapshot(key="other", seed=6)
    assert train_model(movement, by="analyst", snapshot=other).number == 2
    movement.definition["max_depth"] = 3
    movement.save()
    assert train_model(movement, by="analyst", snapshot=other).number == 3


def test_the_version_keeps_the_category_codes_it_learnt_with(movement, snapshot) -> None:
    version = train_model(movement, by="analyst", snapshot=snapshot)
    assert version.definition["categories"] == {"brand": ["gotone", "mzone"]}


def test_a_snapshot_without_outcomes_is_refused(movement) -> None:
    with pytest.raises(DomainError) as refusal:
        train_model(movement, by="analyst", snapshot=make_snapshot(rows=40))
    assert refusal.value.code == "too_few_outcomes"
    assert movement.versions.count() == 0


def test_why_nothing_can_be_estimated_is_said_in_the_reader_s_language(movement) -> None:
    with translation.override("zh-hans"), pytest.raises(DomainError, match=r"至少需要 30 名"):
        train_model(movement, by="analyst", snapshot=make_snapshot(rows=40))


def test_every_reason_of_the_learning_methods_has_words() -> None:
    assert set(REASONS) == set(get_args(Reason))


def test_a_tree_needs_a_snapshot(movement) -> None:
    with pytest.raises(DomainError, match="labelled snapshot"):
        train_model(movement, by="analyst")


def test_training_is_logged(movement, snapshot) -> None:
    train_model(movement, by="analyst", snapshot=snapshot)
    line = Operation.objects.first()
    assert (line.by, line.action, line.target_id) == ("analyst", "train_model", "movement_index")
    assert line.after["version"] == 1


def test_the_newest_version_of_each_model_is_current(models, snapshot) -> None:
    for model in Model.objects.all():
        train_model(model, by="analyst", snapshot=snapshot)
    train_model(
        Model.objects.get(code="movement_index"), by="a", snapshot=make_snapshot(key="b", seed=9)
    )
    assert [str(v) for v in current_versions()] == ["value_index@1", "movement_index@2"]
