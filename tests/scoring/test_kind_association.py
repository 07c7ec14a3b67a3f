"""Associations are counted, told with what they rest on, and write nothing."""

import re
from html import escape, unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pyarrow as pa
import pytest
from django.test import Client
from django.urls import reverse

from customers.catalogue import rule_catalogue
from lake.models import Partition
from rules import compile_condition
from scoring.selectors import current_versions
from tests.accounts.people import make_province, make_user
from tests.portal.settings import page_settings as page_settings

from .conftest import DAY, make_snapshot, published, trained
from .kind_models import attribute, define, read, refused, shown

pytestmark = pytest.mark.django_db
ROWS = 4000
MODEL: dict[str, Any] = {
    "code": "together",
    "kind": "association",
    "sides": {
        "bearer": [{"attribute": "arpu", "bands": [50, 100]}],
        "service": ["has_ringback", "has_songs", "has_games", "brand"],
    },
}


@pytest.fixture(autouse=True)
def _catalogue(catalogue: None) -> None:
    for service in ("has_ringback", "has_songs", "has_games"):
        attribute(service, "boolean")


@pytest.fixture
def snapshot(db: None) -> Partition:
    """Songs go with ring-back; games stand alone, and are unknown of a tenth."""
    rng = np.random.default_rng(4)
    ringback = rng.random(ROWS) < 0.4
    return make_snapshot(
        rows=ROWS,
        has_ringback=ringback,
        has_songs=rng.random(ROWS) < np.where(ringback, 0.5, 0.05),
        has_games=pa.array(rng.random(ROWS) < 0.3, mask=rng.random(ROWS) < 0.1),
    )


def pair_of(report: dict[str, Any], first: str, then: str) -> dict[str, Any]:
    [pair] = [p for p in report["pairs"] if {p["first"], p["then"]} == {first, then}]
    return pair


def test_what_is_held_together_is_found_with_its_counts(snapshot) -> None:
    define(MODEL)
    version = trained("together")
    pair = pair_of(version.report, "has_ringback", "has_songs")
    customers = read(snapshot)
    ringback, songs = (customers.column(c).to_numpy() for c in ("has_ringback", "has_songs"))
    lift = songs[ringback].mean() / songs.mean()
    assert pair["lift"] == pytest.approx(lift)
    assert 1 < pair["lift_low"] < lift < pair["lift_high"]
    assert (pair["n"], pair["both_n"]) == (ROWS, (ringback & songs).sum())
    assert pair["found"] == "together"
    assert pair_of(version.report, "has_ringback", "has_games")["found"] is None
    assert version.metrics["together"] == 1
    assert version.metrics["rows"] == ROWS


def test_who_has_the_one_and_lacks_the_other_is_a_rule(snapshot) -> None:
    define(MODEL)
    pair = pair_of(trained("together").report, "has_ringback", "has_songs")
    rule = compile_condition(pair["rule"], rule_catalogue())
    meant = sum(rule.evaluate(customer, DAY) is True for customer in read(snapshot).to_pylist())
    assert meant == pair["lacking"] > 0


def test_only_pairs_of_the_sides_that_meet_are_tested(snapshot) -> None:
    define(MODEL)
    report = trained("together").report
    sides = {(p["first_side"], p["then_side"]) for p in report["pairs"]}
    assert sides == {("bearer", "service"), ("service", "service")}
    assert {i for i in report["items"] if i.startswith(("arpu", "brand"))} == {
        "arpu<50", "arpu=50-100", "arpu>=100", "brand=gotone", "brand=mzone",
    }  # fmt: skip


def test_unknown_holdings_take_no_part(snapshot) -> None:
    define(MODEL)
    pair = pair_of(trained("together").report, "has_ringback", "has_games")
    assert pair["n"] == ROWS - read(snapshot).column("has_games").null_count


def test_lifts_are_told_within_strata_where_asked() -> None:
    rng = np.random.default_rng(5)
    brand = rng.choice(["gotone", "mzone"], ROWS)
    liked = np.where(brand == "gotone", 0.6, 0.1)
    both = {name: rng.random(ROWS) < liked for name in ("has_ringback", "has_songs")}
    make_snapshot(rows=ROWS, brand=brand, has_games=rng.random(ROWS) < 0.3, **both)
    sides = {"service": ["has_ringback", "has_songs", "has_games"]}
    define(MODEL | {"sides": sides, "strata": "brand"})
    pair = pair_of(trained("together").report, "has_ringback", "has_songs")
    assert pair["lift"] > 1.5
    assert pair["adjusted_low"] < 1 < pair["adjusted_high"]


def test_a_published_association_scores_nobody(snapshot) -> None:
    define(MODEL)
    version = published("together")
    assert version.state == "published"
    assert current_versions() == []


def test_the_page_tells_each_pair_with_its_interval_and_rule(snapshot) -> None:
    define(MODEL)
    version = trained("together")
    page, pair = shown(version), pair_of(version.report, "has_ringback", "has_songs")
    assert f"{pair['lift_low']:.2f} … {pair['lift_high']:.2f}" in page
    assert f"<code>{pair['rule']}</code>" in page
    assert f"{ROWS:,}" in page
    assert "No pair is sure enough." in page  # none is held apart


def test_who_may_make_audiences_goes_on_to_the_filled_in_form(
    snapshot: Partition, client: Client, page_settings: None
) -> None:
    make_province()
    define(MODEL)
    version = trained("together")
    rule = pair_of(version.report, "has_ringback", "has_songs")["rule"]
    client.cookies["django_language"] = "en"
    client.force_login(make_user("auditor", "zhejiang"))
    where = reverse("model-version", args=["together", 1])
    assert "Make an audience of them" not in client.get(where).content.decode()
    client.force_login(make_user("province-marketer", "zhejiang"))
    page = client.get(where).content.decode()
    assert f"all counted as of {DAY}" in page
    found = [unescape(link) for link in re.findall(r'href="(/[^"]*\?rule=[^"]*)"', page)]
    [link] = [link for link in found if parse_qs(urlsplit(link).query)["rule"] == [rule]]
    form = client.get(link).content.decode()
    assert unescape(rule) in unescape(form)
    assert "It can be saved; nothing is saved yet." in form
    assert escape(parse_qs(urlsplit(link).query)["name_en"][0]) in form


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"sides": {"service": ["arpu"]}}, "bands_missing", ["sides", "service", 0]),
        (
            {"sides": {"service": [{"attribute": "brand", "bands": [1]}]}},
            "bands_not_wanted",
            ["sides", "service", 0, "bands"],
        ),
        ({"sides": {"bearer": ["has_games"]}}, "no_pair_of_sides", ["sides"]),
        (
            {"sides": {"service": ["has_games", "has_games"]}},
            "attribute_twice",
            ["sides", "service", 1],
        ),
        ({"strata": "arpu"}, "wrong_type", ["strata"]),
        ({"reasons": "value_why"}, "no_reasons", ["reasons"]),
        (
            {"sides": {"service": ["has_games", "note"]}},
            "wrong_type",
            ["sides", "service", 1],
        ),
        ({"sides": {"service": ["value_index"]}}, "bands_missing", ["sides", "service", 0]),
        ({"strata": "value_tier"}, "wrong_origin", ["strata"]),
    ],
)
def test_a_fault_names_its_place(change: dict[str, Any], code: str, where: list[Any]) -> None:
    assert refused(MODEL | change) == (code, [0, *where])
