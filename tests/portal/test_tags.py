"""Figures in words: unknown is a dash, never 0."""

from datetime import date, timedelta

import pytest
from django.utils import timezone, translation

from portal.templatetags.portal import age, at, duration, named, percent, thousands, words


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


@pytest.mark.parametrize("unknown", [None, ""])
@pytest.mark.parametrize("tag", [thousands, percent, duration, age])
def test_an_unknown_figure_is_a_dash(tag, unknown):
    assert tag(unknown) == "–"


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (1234567, "1,234,567"), (1234.5, "1,234.5")])
def test_thousands(value, text):
    assert thousands(value) == text


def test_a_share_is_shown_in_per_cent():
    assert percent(0.0213) == "2.1\u202f%"
    assert percent(0) == "0.0\u202f%"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.42, "0.4 s"),
        (12, "12 s"),
        (59.97, "59 s"),
        (200, "3 min 20 s"),
        (900, "15 min"),
        (3840, "1 h 4 min"),
    ],
)
def test_a_time_span_for_people(seconds, text):
    assert duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("days", "text"),
    [(0, "today"), (1, "1 day old"), (30, "30 days old"), (-1, "1 day ahead")],
)
def test_the_age_of_a_business_date(days, text):
    assert age(timezone.localdate() - timedelta(days=days)) == text


def test_a_day_of_long_ago_counts_every_day():
    assert age(date(2000, 1, 1)).endswith("days old")


def test_names_follow_the_reader_and_fall_back():
    line = {"name_zh": "价值", "name_en": "value", "plain": "x"}
    assert (named(line, "name"), named(line, "plain"), named(line, "none")) == ("value", "x", "–")
    with translation.override("zh-hans"):
        assert named(line, "name") == "价值"


def test_codes_become_words_and_unknown_ones_stay():
    assert words("change_rights") == "change rights"
    with translation.override("zh-hans"):
        assert words("change_rights") == "变更权限"
        assert words("no_such_code") == "no such code"


def test_a_mapping_is_read_by_key_and_a_missing_key_stays():
    assert at({"a": 1}, "a") == 1
    assert at({}, "b") == "b"
