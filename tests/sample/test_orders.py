"""Orders keep to their policy as the definitions state it, but for those planted to break it."""

import re
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from rules import Params, compile_condition, is_true
from sample import events
from sample.days import Province, daily_block
from tests.sample.catalogue import catalogue
from tests.sample.landing import DAYS, FIRST, TRAINING, Landing, document

POLICIES: dict[str, dict[str, Any]] = {policy["number"]: policy for policy in document("policies")}


def breaches_of(landing: Landing, day: str) -> dict[str, str]:
    planted = landing.truth("breaches", day)
    return dict(zip(planted["order_no"].to_pylist(), planted["reason"].to_pylist(), strict=True))


def findings(landing: Landing, day: str) -> dict[str, set[str]]:
    """Audit a day's orders against the definitions: order number → what it breaks."""
    orders = landing.table(day, "orders")
    joined = orders.join(landing.table(day, "customers"), "customer_no")
    found: dict[str, set[str]] = {number: set() for number in orders["order_no"].to_pylist()}
    for number, policy in POLICIES.items():
        mine = joined.filter(pc.equal(joined["policy"], number)).sort_by("order_no")
        if len(mine):
            for reason, broken in checks(policy, mine, day).items():
                for order_no in mine.filter(broken)["order_no"].to_pylist():
                    found[order_no].add(reason)
    return found


def checks(policy: dict[str, Any], orders: pa.Table, day: str) -> dict[str, pa.Array]:
    result = {"not_eligible": pc.invert(eligible(policy, orders, day))}
    valid = policy["valid"]
    today = pc.cast(orders["ordered_on"], pa.date32())
    result["outside_validity"] = pc.or_(
        pc.less(today, pa.scalar(valid["from"])), pc.greater(today, pa.scalar(valid["to"]))
    )
    if policy.get("cities"):
        here = pc.is_in(orders["city"], pa.array(policy["cities"]))
        result["wrong_city"] = pc.invert(here)
    if ceiling := re.search(r"限标价 (\d+) 元及以下", policy["clauses"]["zh"][0]):
        result["dearer_handset"] = pc.greater(orders["device_price"], float(ceiling[1]))
    seen: set[tuple[str, date]] = set()
    own = zip(orders["customer_no"].to_pylist(), today.to_pylist(), strict=True)
    result["repeated"] = pa.array([one in seen or seen.add(one) is not None for one in own])
    return result


def eligible(policy: dict[str, Any], orders: pa.Table, day: str) -> pa.Array:
    if not policy.get("eligibility"):
        return pa.array([True] * len(orders))
    rule = compile_condition(policy["eligibility"], catalogue())
    params = Params(business_date=date.fromisoformat(day))
    condition = is_true(rule.sql(params)).sql("duckdb")
    with duckdb.connect() as engine:
        engine.register("orders", orders)
        query = f"SELECT {condition} AS ok FROM orders ORDER BY order_no"
        answer = engine.execute(query, params.values).to_arrow_table()
    return answer["ok"].combine_chunks()


@pytest.mark.parametrize("day", [TRAINING, *DAYS])
def test_an_audit_finds_the_planted_breaches_and_nothing_else(landing: Landing, day: str) -> None:
    planted = breaches_of(landing, day)
    for order_no, reasons in findings(landing, day).items():
        assert reasons == ({planted[order_no]} if order_no in planted else set()), order_no


def test_every_kind_of_breach_is_there(landing: Landing) -> None:
    reasons = set(breaches_of(landing, FIRST).values())
    assert reasons == set(landing.facts["breaches"])
    assert reasons == {
        "dearer_handset", "not_eligible", "outside_validity", "wrong_city", "repeated",
    }  # fmt: skip


def test_bundles_name_the_price_of_the_handset_and_nothing_else_does(landing: Landing) -> None:
    orders = landing.table(FIRST, "orders")
    bundle = pc.is_in(orders["policy"], pa.array(["P0012", "P0013", "P0014"]))
    assert pc.is_valid(orders["device_price"]).equals(bundle)


def test_keys_are_unique_and_name_the_day(landing: Landing) -> None:
    for table, key in (("orders", "order_no"), ("contacts", "contact_no")):
        keys = landing.table(FIRST, table)[key]
        assert pc.count_distinct(keys).as_py() == len(keys)
        assert pc.all(pc.match_substring(keys, "20260701-")).as_py()


def test_nobody_orders_a_policy_twice_but_the_planted_ones(
    province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With everybody contacted and everybody at the counter the same order would come up twice."""
    monkeypatch.setattr(events, "CONTACTED_A_DAY", 1.0)
    monkeypatch.setattr(events, "WALKING_IN_A_DAY", 1.0)
    drawn = events.draw_events(province, 2, 1, daily_block(province, 2, 1)).orders
    honest = drawn["breach"] != events.REPEATED
    pairs = list(zip(drawn["slot"][honest], drawn["offer"][honest], strict=True))
    assert len(pairs) == len(set(pairs)) > 1_000
