"""The command that trains models: what it puts to use by itself, and what it only proposes."""

from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from scoring.management.commands import train_models
from scoring.models import ModelVersion, VersionState

from .conftest import DAY, make_snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _ingested(monkeypatch: pytest.MonkeyPatch) -> None:
    """The days are in the lake already."""
    monkeypatch.setattr(train_models, "_ingest", lambda table, day: None)


def train(day: date = DAY, **options: Any) -> str:
    told = StringIO()
    call_command("train_models", date=day, model=["value_index"], stdout=told, **options)
    return told.getvalue()


def states() -> list[str]:
    return list(ModelVersion.objects.order_by("number").values_list("state", flat=True))


def test_the_first_version_of_a_model_is_put_to_use_by_the_command(models, snapshot) -> None:
    train(publish=True)
    assert states() == [VersionState.PUBLISHED]


def test_on_the_next_one_another_person_decides(models, snapshot) -> None:
    train(publish=True)
    make_snapshot(key="next", seed=9, day=DAY + timedelta(days=1))
    told = train(DAY + timedelta(days=1), publish=True)
    assert states() == [VersionState.PUBLISHED, VersionState.PROPOSED]
    assert "another person approves it" in told


def test_unasked_nothing_is_put_to_use(models, snapshot) -> None:
    train()
    assert states() == [VersionState.TRAINED]
