"""The first gate that is shut is the reason: tried on every set of shut gates."""

from datetime import date, datetime, timedelta
from itertools import chain, combinations
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from campaigns.models import PolicyVersion
from campaigns.planned import (
    CellSet,
    Planned,
    PlannedAttribute,
    PlannedMatrix,
    PlannedOffer,
)
from contacts.limits import ContactRules, QuietHours
from contacts.record import PERSONALISED, Record
from rules import compile_condition
from touch.choice import Choice
from touch.current import Current
from touch.explain import considered_of
from touch.gates import Asked, Gate, Gates, Touched
from touch.words import Words

ORDER = (
    *("cell", "validity", "city", "channel", "eligibility"),
    *("exclusivity", "opt_out", "contact_policy", "control_group", "capacity"),
)
ZONE = ZoneInfo("Asia/Shanghai")
ALWAYS = QuietHours(datetime(1, 1, 1).time(), datetime(1, 1, 1, 23, 59, 59).time())
EVERY_SET = list(chain.from_iterable(combinations(ORDER, n) for n in range(len(ORDER) + 1)))
ARPU = PlannedAttribute("arpu", "number", "话费", "ARPU", "customers")
MATRIX: Any = SimpleNamespace(bounds=[])


def words(shut: tuple[str, ...], today: date) -> Words:
    offer = PlannedOffer(
        id=7,
        campaign="C1",
        policy="P1",
        version=1,
        strategies=(),
        lever=1.0,
        margin=1.0,
        take_up="0.1",
        eligibility="arpu >= 80",
        exclusivity_group="",
        cities=("ningbo",) if "city" in shut else (),
        cell_sets=(0,),
        capacity=1,
    )
    cells = ((2, 2),) if "cell" in shut else ((1, 1),)
    buckets = [[0, 9999]] if "control_group" in shut else []
    campaign = {"zh": "", "en": "", "ends_on": "2099-12-31", "control": buckets}
    planned = Planned(
        matrices=(PlannedMatrix("m", 1, 1),),
        cell_sets=(CellSet("m", {"d": ["b"]}, cells),),
        offers=(offer,),
        priority=(),
        profile=("arpu",),
        attributes=(ARPU,),
        campaigns={"C1": campaign},
        hold_out={"key": "a-key-of-tests", "buckets": []},
    )
    last = today - timedelta(days=1) if "validity" in shut else today
    policy = PolicyVersion(
        policy_id="P1",
        number=1,
        name_en="P1",
        channels=["app"] if "channel" in shut else ["sms"],
        valid_from=date(2026, 1, 1),
        valid_to=last,
    )
    rule = compile_condition(offer.eligibility, planned.catalogue)
    return Words(
        planned=planned,
        policies={("P1", 1): policy},
        matrices={"m": MATRIX},
        bands={},
        rules={offer.eligibility: rule},
        tiers={},
        read_by={},
        decided_by={},
        general=(),
    )


def gates_of(shut: tuple[str, ...], noon: datetime) -> tuple[str | None, list[str]]:
    """The gate that an explanation names, and those before."""
    held = {"policy:P1": int(noon.timestamp()) + 1} if "exclusivity" in shut else {}
    out = frozenset({PERSONALISED}) if "opt_out" in shut else frozenset()
    record = Record(1, {}, held, out)
    said = words(shut, noon.date())
    rules = ContactRules((), (ALWAYS,) if "contact_policy" in shut else (), ZONE)
    sold_out = frozenset({"P1"}) if "capacity" in shut else frozenset()
    asked = Asked("sms", 10, noon)
    gates = Gates(said, rules, Touched("1", "hangzhou", record, sold_out), asked)
    offer = said.planned.offers[0]
    stopped = gates.shut(offer)
    by_the_day = ("cell", "city", "eligibility")
    here = [gate for gate in ORDER if gate in shut and gate not in by_the_day]
    assert (stopped.gate if stopped else None) == (here[0] if here else None)
    offers = [] if stopped else [offer]
    now: Any = SimpleNamespace(
        customer_no="1",
        city="hangzhou",
        profile={"arpu": 79.0 if "eligibility" in shut else 80.0},
        cells=[1],
        offers=[7],
        record=record,
        published=SimpleNamespace(business_date=noon.date()),
    )
    phrases: Any = SimpleNamespace(
        sees=lambda codes: True, rule=lambda text, now: text, policy=lambda offer: None
    )
    [found] = considered_of(now, Choice(said, gates, offers, sold_out), asked, phrases)
    return found.gate, found.passed


def test_the_order_is_the_published_one() -> None:
    assert tuple(gate.value for gate in Gate) == ORDER


@pytest.mark.parametrize("size", range(len(ORDER) + 1))
def test_of_all_that_are_shut_the_first_is_named(size: int, noon: datetime) -> None:
    for shut in EVERY_SET:
        if len(shut) == size:
            gate, passed = gates_of(shut, noon)
            assert gate == (shut[0] if shut else None)
            assert passed == list(ORDER[: ORDER.index(gate) if gate else None])


def test_the_explanation_needs_what_a_customer_is() -> None:
    """The stand-in above has no field that the true one has not."""
    fields = {"customer_no", "city", "profile", "cells", "offers", "record", "published"}
    assert fields <= set(Current.__dataclass_fields__)
