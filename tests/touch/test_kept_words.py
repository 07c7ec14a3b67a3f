"""What is kept in memory of a plan: read once, forgotten whole, and nobody waits without need."""

import gc
import threading
import weakref
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from touch import words
from touch.phrases import phrases_of
from touch.words import KEPT_PLANS, Words, words_of

NOW: Any = SimpleNamespace(hidden=frozenset())


def empty() -> Words:
    planned: Any = SimpleNamespace(attributes=(), matrices=())
    return Words(planned, {}, {}, {}, {}, {}, {}, {}, ())


@pytest.fixture(autouse=True)
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The plans that are read, in order."""
    read: list[str] = []

    def reading(plan: str) -> Words:
        read.append(plan)
        return empty()

    monkeypatch.setattr(words, "_read", reading)
    words._held.cache_clear()
    yield read
    words._held.cache_clear()


def test_a_plan_is_read_once(reads: list[str]) -> None:
    assert words_of("a") is words_of("a")
    assert reads == ["a"]


def test_whoever_asks_meanwhile_waits_and_reads_nothing_and_others_do_not_wait(
    reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known, begun, go_on = words_of("known"), threading.Event(), threading.Event()

    def slow(plan: str) -> Words:
        reads.append(plan)
        begun.set()
        assert go_on.wait(10)
        return empty()

    monkeypatch.setattr(words, "_read", slow)
    found: list[Words] = []
    readers = [
        threading.Thread(target=lambda: found.append(words_of("new")), daemon=True)
        for _ in range(3)
    ]
    for reader in readers:
        reader.start()
    assert begun.wait(10)
    other = threading.Thread(target=lambda: found.append(words_of("known")), daemon=True)
    other.start()
    other.join(10)
    assert found == [known]
    go_on.set()
    for reader in readers:
        reader.join(10)
    assert reads == ["known", "new"]
    assert len(found) == 4
    assert found[1] is found[2] is found[3]


def test_what_was_said_of_a_plan_is_kept_and_goes_with_it() -> None:
    phrases = phrases_of(words_of("old"), NOW, numbers=False)
    assert phrases_of(words_of("old"), NOW, numbers=False) is phrases
    assert phrases_of(words_of("old"), NOW, numbers=True) is not phrases
    gone = weakref.ref(phrases)
    del phrases
    for number in range(KEPT_PLANS):
        words_of(f"new {number}")
    gc.collect()
    assert gone() is None
