"""Pruning: nothing that a kept publication shows is lost, and nothing else is kept."""

from datetime import date
from typing import Any

import pytest

from campaigns import retention
from campaigns.models import Answer
from campaigns.retention import prune_answers

from .publishing import RICH, publish_rows, shown, varied

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _few_parts(settings: Any) -> None:
    settings.LAKE_PARTS = 2


@pytest.fixture(params=[1, 3, 1000])
def batch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", request.param)


DAYS = [
    {"a": varied(1), "b": varied(1), "c": varied(1), "d": varied(1)},
    {"a": varied(2), "b": varied(1), "d": varied(1)},  # c leaves
    {"a": varied(3), "b": varied(1), "e": RICH},  # d leaves
    {"a": varied(3), "b": varied(4), "c": varied(5), "e": RICH},  # c comes back
]


def publish_all() -> None:
    for number, answers in enumerate(DAYS, start=1):
        publish_rows(date(2026, 7, number), answers)


@pytest.mark.usefixtures("batch")
@pytest.mark.parametrize("keep", [1, 2, 3, 4, 9])
def test_kept_publications_show_what_they_showed(keep: int) -> None:
    publish_all()
    prune_answers(keep)
    for number in range(max(1, len(DAYS) - keep + 1), len(DAYS) + 1):
        assert shown(number) == DAYS[number - 1]


def test_what_nobody_sees_is_gone() -> None:
    publish_all()
    assert Answer.objects.count() == 11
    assert prune_answers(keep=1) == 7
    assert sorted(Answer.objects.values_list("customer_no", flat=True)) == list("abce")
    assert prune_answers(keep=1) == 0


def test_with_nothing_published_there_is_nothing_to_prune() -> None:
    assert prune_answers() == 0
