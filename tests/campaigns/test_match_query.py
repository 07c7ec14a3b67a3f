"""The matching query against matching done one customer at a time."""

import json
from dataclasses import asdict, fields, replace
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.planned import Planned

from . import reference
from .matching import matched
from .strategies import TODAY, customers, plans

COLUMNS = [field.name for field in fields(reference.Expected)]
generated = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@generated
@given(plans(), customers())
def test_every_customer_gets_what_a_walk_through_the_plan_gives(
    planned: Planned, people: list[dict[str, Any]]
) -> None:
    found = matched(planned, people, TODAY)
    assert [row["customer_no"] for row in found] == [c["customer_no"] for c in people]
    for row, customer in zip(found, people, strict=True):
        expected = reference.answer(planned, customer, TODAY)
        assert {name: row[name] for name in COLUMNS} == asdict(expected)
        assert row["cells"] == customer["cells"]
        assert json.loads(row["profile"]) == reference.profile(planned, customer)


@generated
@given(plans(), customers(least=2), st.randoms())
def test_row_order_changes_nothing(
    planned: Planned, people: list[dict[str, Any]], random: Random
) -> None:
    shuffled = random.sample(people, len(people))
    assert matched(planned, shuffled, TODAY) == matched(planned, people, TODAY)


@generated
@given(plans(), customers(least=1), st.randoms())
def test_the_order_in_which_a_plan_was_built_changes_no_hash(
    planned: Planned, people: list[dict[str, Any]], random: Random
) -> None:
    """Bits, words and places in arrays are numbered by the plan; an answer must not show it."""
    sets = list(planned.cell_sets)
    order = random.sample(range(len(sets)), len(sets))
    moved = replace(
        planned,
        cell_sets=tuple(sets[index] for index in order),
        offers=tuple(
            replace(o, cell_sets=tuple(order.index(i) for i in o.cell_sets)) for o in planned.offers
        ),
    )
    assert matched(moved, people, TODAY) == matched(planned, people, TODAY)
