"""Plans and customers to match, generated: small, and full of edges."""

from datetime import date
from typing import Any

from hypothesis import strategies as st

from campaigns.planned import (
    CellSet,
    Planned,
    PlannedAttribute,
    PlannedMatrix,
    PlannedOffer,
    PlannedPriority,
)

TODAY = date(2026, 7, 1)
CITIES = ("hangzhou", "ningbo", "wenzhou")
BRANDS = ("gotone", "mzone", "easyown")
MATRICES = ("retention", "uplift")
CELLS = {"retention": range(1, 9), "uplift": range(9, 15)}


def _attribute(code: str, type_: str, source: str = "customers", **more: Any) -> PlannedAttribute:
    return PlannedAttribute(code, type_, f"{code} 名", code, source, category="basic", **more)


ATTRIBUTES = (
    _attribute("arpu", "number", front_desk=True, unit_zh="元", unit_en="yuan"),
    _attribute("age", "integer", front_desk=True),
    _attribute("is_campus", "boolean", front_desk=True),
    _attribute("joined_on", "date", front_desk=True),
    _attribute("brand", "category", values=tuple((b, b, b) for b in BRANDS), front_desk=True),
    _attribute("plan_name", "text", front_desk=True),
    _attribute("movement_index", "number", "scores"),
    PlannedAttribute(
        "city", "category", "地市", "city", "customers", tuple((c, c, c) for c in CITIES)
    ),
)
PROFILE = tuple(a.code for a in ATTRIBUTES if a.code != "city")

CONDITIONS = (
    "arpu >= 80",
    "arpu < 80 or arpu is null",
    "is_campus",
    "not is_campus and arpu >= 30",
    "brand in ('gotone', 'mzone')",
    "brand <> 'easyown' and movement_index > 50",
    "days_since(joined_on) between 0 and 365",
    "plan_name like 'gold%' or age / arpu > 1",
    "coalesce(movement_index, 0) < 10 and city = 'hangzhou'",
)
TAKE_UPS = (
    "0.1",
    "0",
    "1",
    "movement_index / 100",
    "0.02 + 0.001 * arpu",
    "coalesce(age, 20) / 100",
    "1 / age",
    "0.333333333 * movement_index / 100",
)

conditions = st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=3).map(" and ".join)
EDGES = (0.0, 80.0, -1.5, 1e-9, 33.3333335, 123456.789012, 2.5e15, 1e13 + 0.001, 1e300)
NOT_NUMBERS = (float("nan"), float("inf"), float("-inf"))
numbers = st.one_of(
    st.none(),
    st.sampled_from(EDGES + NOT_NUMBERS),
    st.floats(0, 200),
)


@st.composite
def plans(draw: st.DrawFn) -> Planned:
    sets = draw(st.lists(_cell_sets(), min_size=1, max_size=5))
    pairs = draw(
        st.lists(
            st.tuples(st.sampled_from(["P1", "P2", "P3", "P4"]), st.sampled_from(["C1", "C2"])),
            unique=True,
            max_size=8,
        )
    )
    terms = {
        policy: draw(
            st.tuples(
                st.sampled_from(TAKE_UPS),
                st.one_of(st.just(""), conditions),
                st.sampled_from([0.0, 10.0, 33.33, -5.0, 1e6]),
                st.sampled_from(["", "data", "voice"]),
            )
        )
        for policy, _campaign in pairs
    }
    ids = draw(st.permutations(range(101, 101 + len(pairs))))
    offers = tuple(
        _offer(draw, pair, number, terms[pair[0]], sets)
        for pair, number in zip(sorted(pairs), ids, strict=True)
    )
    return Planned(
        matrices=tuple(PlannedMatrix(code, 1, 1) for code in MATRICES),
        cell_sets=tuple(sets),
        offers=offers,
        priority=tuple(_priority(draw, place) for place in range(1, draw(st.integers(0, 4)) + 1)),
        profile=PROFILE,
        attributes=ATTRIBUTES,
        campaigns={},
    )


@st.composite
def _cell_sets(draw: st.DrawFn) -> CellSet:
    matrix = draw(st.sampled_from(MATRICES))
    chosen = draw(st.sets(st.sampled_from(CELLS[matrix])))
    return CellSet(matrix, {}, tuple((number, number) for number in sorted(chosen)))


def _offer(
    draw: st.DrawFn, pair: tuple[str, str], number: int, terms: tuple[Any, ...], sets: list[CellSet]
) -> PlannedOffer:
    take_up, eligibility, margin, group = terms
    chosen = draw(st.sets(st.integers(0, len(sets) - 1), min_size=1))
    return PlannedOffer(
        id=number,
        campaign=pair[1],
        policy=pair[0],
        version=1,
        strategies=tuple(sorted({sets[index].matrix for index in chosen})),
        lever=draw(st.sampled_from([1.0, 1.5, 0.7, 100.0])),
        margin=margin,
        take_up=take_up,
        eligibility=eligibility,
        exclusivity_group=group,
        cities=draw(st.sampled_from([(), ("hangzhou",), ("ningbo", "wenzhou")])),
        cell_sets=tuple(sorted(chosen)),
    )


def _priority(draw: st.DrawFn, position: int) -> PlannedPriority:
    kind, code = draw(
        st.sampled_from(
            [
                ("policies", "P1"),
                ("policies", "P3"),
                ("campaigns", "C2"),
                ("exclusivity_groups", "data"),
                ("strategies", "uplift"),
            ]
        )
    )
    return PlannedPriority(position, "规则", "rule", draw(conditions), {kind: [code]})


@st.composite
def customers(draw: st.DrawFn, least: int = 0) -> list[dict[str, Any]]:
    count = draw(st.integers(least, 12))
    return [_customer(draw, f"120{place:08d}") for place in range(count)]


def _customer(draw: st.DrawFn, number: str) -> dict[str, Any]:
    return {
        "customer_no": number,
        "city": draw(st.sampled_from(CITIES)),
        "arpu": draw(numbers),
        "age": draw(st.one_of(st.none(), st.integers(-1, 120), st.just(2**53 - 1))),
        "is_campus": draw(st.one_of(st.none(), st.booleans())),
        "joined_on": draw(st.one_of(st.none(), st.dates(date(1990, 1, 1), date(2026, 12, 31)))),
        "brand": draw(st.one_of(st.none(), st.sampled_from(BRANDS))),
        "plan_name": draw(st.one_of(st.none(), st.sampled_from(TEXTS))),
        "movement_index": draw(numbers),
        "cells": [draw(st.one_of(st.none(), st.sampled_from(CELLS[m]))) for m in MATRICES],
    }


TEXTS = ("", "gold 5G", '畅享"套餐"', "a\\b", "50%_off'", "{}[]:,")
