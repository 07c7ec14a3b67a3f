"""The step match: one partition of answers from the day's partitions and the plan."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from campaigns.match import match
from campaigns.models import Plan
from campaigns.plan import compile_plan
from campaigns.planned import Planned
from common.errors import DomainError
from lake.models import Partition

from . import province, reference
from .lake import read, write_day
from .people import customer
from .province import DAY, edited, load

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _province(settings: Any) -> None:
    settings.LAKE_PARTS = 3
    province.define()


def people() -> list[dict[str, Any]]:
    cities = ("hangzhou", "ningbo")
    return [
        customer(
            n,
            city=cities[n % 2],
            arpu=[None, 30.0, 90.0][n % 3],
            is_campus=[True, False, None][n % 3],
            income=1000.0 * (n % 7),
            movement_index=[None, -1.0, 0.0, 40.0, 120.0][n % 5],
        )
        for n in range(60)
    ]


def run(plan: Plan, customers: list[dict[str, Any]], **options: Any) -> Partition:
    day = write_day(plan, customers, DAY, options.pop("key", "k"))
    steps: list[tuple[int, int]] = []
    answers = match(
        day["customers"],
        day["scores"],
        day["cells"],
        plan,
        business_date=DAY,
        progress=lambda done, total: steps.append((done, total)),
        **options,
    )
    assert steps in ([(1, 3), (2, 3), (3, 3)], [])
    return answers


@pytest.fixture
def plan() -> Plan:
    return compile_plan(DAY, province.versions())


def test_the_answers_are_the_reference_s_and_the_facts_count_them(plan: Plan) -> None:
    customers = people()
    answers = run(plan, customers)
    planned = Planned.from_json(plan.body)
    expected = {c["customer_no"]: reference.answer(planned, c, DAY) for c in customers}
    rows = read(answers)
    assert {row["customer_no"]: row["offers"] for row in rows} == {
        number: answer.offers for number, answer in expected.items()
    }
    reached = Counter(planned.by_id[o].policy for a in expected.values() for o in a.offers)
    assert answers.facts == {
        "customers": 60,
        "with_offers": sum(bool(answer.offers) for answer in expected.values()),
        "offers": reached.total(),
        "take_up_null": sum(answer.take_up_null for answer in expected.values()),
        "take_up_out_of_range": sum(answer.take_up_out_of_range for answer in expected.values()),
        "by_policy": dict(reached),
    }
    assert min(answers.facts["take_up_null"], answers.facts["take_up_out_of_range"]) > 0


def test_customers_lie_in_the_parts_and_order_of_the_snapshot(plan: Plan) -> None:
    customers = people()
    answers = run(plan, customers)
    snapshot = Partition.objects.get(dataset="customers")
    for part in range(3):
        ours, theirs = (
            pq.read_table(p.file(part), columns=["customer_no"]) for p in (answers, snapshot)
        )
        assert ours == theirs


def test_running_again_finds_what_is_there(plan: Plan) -> None:
    answers = run(plan, people())
    changed = answers.file(0).stat().st_mtime_ns
    day = {name: Partition.objects.get(dataset=name) for name in ("customers", "scores", "cells")}
    inputs = (day["customers"], day["scores"], day["cells"])
    again = match(*inputs, plan, business_date=DAY, progress=lambda done, total: None)
    assert again == answers
    assert again.file(0).stat().st_mtime_ns == changed


def test_another_day_or_plan_is_another_partition(plan: Plan) -> None:
    answers = run(plan, people())
    load("priority", [])
    other = compile_plan(DAY, province.versions())
    assert run(other, people()).key != answers.key


def test_equal_rows_have_equal_hashes_and_a_change_shows(plan: Plan) -> None:
    before = {r["customer_no"]: r["row_hash"] for r in read(run(plan, people()))}
    changed = people()
    changed[7]["arpu"] = 90.25
    after = {r["customer_no"]: r["row_hash"] for r in read(run(plan, changed, key="other"))}
    assert [n for n in before if before[n] != after[n]] == [changed[7]["customer_no"]]
    assert len(set(before.values())) == 60


def test_a_priority_rule_more_moves_only_the_offers_it_names(plan: Plan) -> None:
    """Tiers are stored: a new rule at the end must not rewrite what no rule names."""
    before = {r["customer_no"]: r["row_hash"] for r in read(run(plan, people()))}
    rule = {
        "name": province.name("gifts"),
        "condition": "arpu > 1000000",
        "prefer": {"policies": ["P2"]},
    }
    load("priority", [*province.PRIORITY, rule])
    other = compile_plan(DAY, province.versions())
    after = {r["customer_no"]: r["row_hash"] for r in read(run(other, people(), key="other"))}
    assert before == after


def test_a_customer_outside_every_matrix_has_no_offers(plan: Plan) -> None:
    outside = {**customer(1), "cells": [None, None]}
    [row] = read(run(plan, [outside]))
    assert (row["cells"], row["offers"], row["take_up_null"]) == ([None, None], [], 0)


def test_a_day_without_offers_still_answers_every_customer() -> None:
    load("marketing", [])
    answers = run(compile_plan(DAY, province.versions()), people())
    assert answers.facts["with_offers"] == 0
    assert answers.rows == 60


def test_a_rule_on_what_the_day_does_not_hold_is_refused_by_name(plan: Plan) -> None:
    day = write_day(plan, people(), DAY)
    inputs = (day["customers"], None, day["cells"])
    with pytest.raises(DomainError) as refusal:
        match(*inputs, plan, business_date=DAY, progress=lambda done, total: None)
    assert refusal.value.code == "attribute_missing"
    assert refusal.value.extra["attributes"] == ["movement_index"]


def test_a_shown_attribute_that_the_day_does_not_hold_is_unknown() -> None:
    load("policies", edited("policies", 1, take_up="0.3"))
    load("priority", [])
    plan = compile_plan(DAY, province.versions())
    answers = run(plan, [customer(1)])
    day = {name: Partition.objects.get(dataset=name) for name in ("customers", "cells")}
    without = match(
        day["customers"],
        None,
        day["cells"],
        plan,
        business_date=DAY,
        progress=lambda done, total: None,
    )
    assert read(without)[0]["offers"] == read(answers)[0]["offers"]


def test_a_part_whose_customers_stand_twice_in_the_cells_is_refused(
    plan: Plan, settings: Any
) -> None:
    day = write_day(plan, people(), DAY)
    file = day["cells"].file(0)
    doubled = pq.read_table(file)
    pq.write_table(doubled.take([0, *range(len(doubled))]), file)
    inputs = (day["customers"], day["scores"], day["cells"])
    with pytest.raises(DomainError, match="match_lost_customers"):
        match(*inputs, plan, business_date=DAY, progress=lambda done, total: None)
    assert not Partition.objects.filter(dataset="answers").exists()
    assert not list(Path(settings.LAKE_DIR).glob("answers/*/*"))
