"""Publishing: readers see exactly the day's answers, written by difference, all at once."""

import json
import shutil
from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.models import Answer, CurrentPublication, Publication
from common.errors import DomainError

from .publishing import RICH, Answers, Row, publish_rows, shown, varied

DAY1, DAY2, DAY3 = (date(2026, 7, day) for day in (1, 2, 3))

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _few_parts(settings: Any) -> None:
    settings.LAKE_PARTS = 3


def ten() -> Answers:
    return {f"{number:011d}": varied(number) for number in range(10)}


def test_the_first_day_is_shown_as_it_is() -> None:
    publication = publish_rows(DAY1, ten())
    assert shown() == ten()
    assert (publication.pk, publication.customers, publication.changed) == (1, 10, 10)


def test_only_what_changed_is_written() -> None:
    publish_rows(DAY1, ten())
    today = ten()
    del today["00000000000"]  # departed
    today["00000000001"] = Row()  # changed
    today["new"] = RICH  # new
    publication = publish_rows(DAY2, today)
    assert shown() == today
    assert publication.changed == 3
    assert Answer.objects.filter(publication_id=publication.pk).count() == 3
    assert shown(publication=1) == ten()


def test_a_customer_who_comes_back_is_shown_again() -> None:
    publish_rows(DAY1, {"a": RICH, "b": RICH})
    publish_rows(DAY2, {"a": RICH})
    assert shown() == {"a": RICH}
    publish_rows(DAY3, {"a": RICH, "b": RICH})
    assert shown() == {"a": RICH, "b": RICH}


def test_publishing_the_current_run_again_changes_nothing() -> None:
    first = publish_rows(DAY1, ten())
    assert publish_rows(DAY1, ten()) == first
    assert Publication.objects.count() == 1


def test_another_run_with_equal_answers_is_a_new_version_without_new_rows() -> None:
    first = publish_rows(DAY1, ten())
    second = publish_rows(DAY1, ten(), run_number=2)
    assert (second.pk, second.changed) == (2, 0)
    assert second.content_hash == first.content_hash


def test_the_hash_is_of_the_content_not_of_the_way_to_it() -> None:
    publish_rows(DAY1, ten())
    publish_rows(DAY2, {**ten(), "00000000001": Row()}, key="detour")
    by_detour = publish_rows(DAY3, ten()).content_hash
    Answer.objects.all().delete()
    CurrentPublication.objects.all().delete()
    Publication.objects.all().delete()
    assert publish_rows(DAY3, ten(), key="straight").content_hash == by_detour
    assert publish_rows(DAY3, {**ten(), "x": RICH}, key="more").content_hash != by_detour


def test_an_older_day_is_refused() -> None:
    publish_rows(DAY2, ten())
    with pytest.raises(DomainError) as refused:
        publish_rows(DAY1, ten())
    assert refused.value.code == "older_than_published"


def test_an_earlier_run_of_the_day_may_not_replace_a_later_one() -> None:
    publish_rows(DAY1, ten(), run_number=2)
    with pytest.raises(DomainError) as refused:
        publish_rows(DAY1, {}, run_number=1, key="other")
    assert refused.value.code == "superseded"


def test_a_lost_lease_undoes_everything() -> None:
    publish_rows(DAY1, ten())

    def lost() -> None:
        raise RuntimeError("lease lost")

    with pytest.raises(RuntimeError), transaction.atomic():
        publish_rows(DAY2, {"a": RICH}, fence=lost)
    assert shown() == ten()
    assert Publication.objects.count() == 1
    assert not Answer.objects.filter(publication_id=2).exists()


def test_the_fence_comes_after_everything_that_is_written() -> None:
    seen: list[Answers] = []
    publish_rows(DAY1, ten(), fence=lambda: seen.append(shown()))
    assert seen == [ten()]


def test_two_answers_of_one_customer_are_refused() -> None:
    twice = [("a", RICH), ("a", Row())]
    with pytest.raises(IntegrityError), transaction.atomic():
        publish_rows(DAY1, twice)


@pytest.mark.parametrize("loss", ["lost", "cut otherwise"])
def test_a_lake_without_the_shown_answers_can_still_publish(loss: str, settings: Any) -> None:
    publish_rows(DAY1, {**ten(), "gone before": RICH})
    publish_rows(DAY2, ten())
    if loss == "lost":
        shutil.rmtree(settings.LAKE_DIR)
        connection.cursor().execute("DELETE FROM lake_partition")
    else:
        settings.LAKE_PARTS = 5
    today = ten()
    del today["00000000000"]
    publication = publish_rows(DAY3, today)
    assert shown() == today
    assert publication.changed == 9 + 1


def test_a_publisher_in_the_way_is_waited_for_only_so_long() -> None:
    publish_rows(DAY1, ten())
    with connection.cursor() as cursor:
        for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone()[0] != "0"


NUMBERS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=6)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.builds(
    Row,
    city=TEXTS,
    profile=st.dictionaries(
        TEXTS, st.none() | st.booleans() | st.integers(-9, 9) | TEXTS, max_size=3
    ),
    cells=st.lists(st.none() | st.integers(1, 2**62), max_size=3).map(tuple),
    offers=st.lists(st.integers(1, 2**62), max_size=3).map(tuple),
    tiers=st.lists(st.integers(-(2**15), 2**15 - 1), max_size=3).map(tuple),
    take_ups=st.lists(FLOATS, max_size=3).map(tuple),
    worths=st.lists(FLOATS, max_size=3).map(tuple),
)
DAYS = st.lists(st.dictionaries(NUMBERS, ROWS, max_size=6), min_size=1, max_size=3)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(days=DAYS)
def test_readers_always_see_exactly_the_last_days_answers(
    days: list[Answers], tmp_path: Any
) -> None:
    with transaction.atomic():
        before: Answers = {}
        for number, answers in enumerate(days, start=1):
            publication = publish_rows(
                date(2026, 8, number), answers, key=json.dumps([number, len(days)])[:20]
            )
            assert shown() == answers
            touched = {n for n in before | answers if before.get(n) != answers.get(n)}
            assert publication.changed == len(touched)
            before = answers
        transaction.set_rollback(True)
    shutil.rmtree(tmp_path / "lake", ignore_errors=True)
