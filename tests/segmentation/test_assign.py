"""Everybody in a snapshot is in the one cell in which the definition, read by hand, puts him."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from random import Random
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import settings as config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.services import create_organisation
from common.errors import DomainError
from customers.models import Attribute
from lake import partitions
from lake.models import Partition
from lake.parts import part_of
from segmentation.assign import assign
from segmentation.definition import MatrixDefinition, band_codes
from segmentation.edits import merge, named_box, split
from segmentation.models import Cell, MatrixVersion
from segmentation.services import define_strategy, publish_version, save_draft
from tests.rules.engines import ARROW_TYPES

from .reference import BRANDS, CATALOGUE, CITIES, DAY, SCORES, Json, cell, dimension, matrix

pytestmark = pytest.mark.django_db
generated = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

Rows = Sequence[Json]


@pytest.fixture(autouse=True)
def catalogue(db) -> None:
    province = create_organisation(code="province", name_zh="省", name_en="Province", by="test")
    for city in CITIES:
        create_organisation(code=city, name_zh=city, name_en=city, parent=province, by="test")
    for attribute in CATALOGUE.values():
        if attribute.code != "city":
            Attribute.objects.create(
                code=attribute.code,
                name_zh=attribute.code,
                name_en=attribute.code,
                category="basic",
                type=attribute.type,
                origin="score" if attribute.code in SCORES else "source",
                values=[{"code": c, "zh": zh, "en": en} for c, zh, en in attribute.values],
            )
    define_strategy(code="keep", name_zh="保有", name_en="Retention", position=0, by="test")


# --- snapshots ---


def person(number: int, **known: Any) -> Json:
    """A customer of whom only this is known, and that he lives in Hangzhou."""
    nothing: Json = dict.fromkeys(CATALOGUE)
    return {"customer_no": f"{number:07d}"} | nothing | {"city": "hangzhou"} | known


def write(dataset: str, rows: Rows, columns: Sequence[str], parts: int) -> Partition:
    types = {"customer_no": pa.string()}
    types |= {code: ARROW_TYPES[CATALOGUE[code].type] for code in columns}
    with partitions.writing(dataset, DAY, uuid4().hex, parts=parts) as draft:
        for part in range(parts):
            here = [row for row in rows if part_of(row["customer_no"], parts) == part]
            table = {c: pa.array([row[c] for row in here], type_) for c, type_ in types.items()}
            pq.write_table(pa.table(table), draft.file(part))
    assert draft.partition is not None
    return draft.partition


def snapshot_of(rows: Rows, parts: int = 3, without: str = "") -> Partition:
    columns = [code for code in CATALOGUE if code not in (*SCORES, without)]
    return write("customers", rows, columns, parts)


def scores_of(rows: Rows, parts: int = 3) -> Partition:
    return write("scores", rows, SCORES, parts)


def publish(*bodies: Json) -> list[MatrixVersion]:
    definitions = [MatrixDefinition.from_json(body) for body in bodies]
    return [publish_version(save_draft(it, by="test"), by="test") for it in definitions]


def run(snapshot: Partition, scores: Partition | None, versions: list[MatrixVersion]) -> Partition:
    return assign(snapshot, scores, versions, progress=lambda done, total: None)


def assigned(rows: Rows, *bodies: Json, parts: int = 3) -> tuple[Partition, list[MatrixVersion]]:
    versions = publish(*bodies)
    return run(snapshot_of(rows, parts), scores_of(rows, parts), versions), versions


def read(partition: Partition) -> list[Json]:
    return pa.concat_tables([pq.read_table(file) for file in partition.files]).to_pylist()


def cells_of(partition: Partition, version: MatrixVersion) -> dict[str, dict[str, str] | None]:
    """Customer → the bands of his cell; None outside the scope."""
    bands = dict(Cell.objects.of_version(version).values_list("number", "bands"))
    column = f"cell_{version.matrix_id}"
    return {
        row["customer_no"]: None if row[column] is None else bands[row[column]]
        for row in read(partition)
    }


def bands_in(partition: Partition, version: MatrixVersion) -> dict[str, str]:
    """Customer → his band in the only dimension."""
    cells = cells_of(partition, version)
    return {customer: next(iter(bands.values())) for customer, bands in cells.items() if bands}


def counted(partition: Partition) -> Counter[tuple[str, str, int | None]]:
    file = partition.files[0].parent / "counts.parquet"
    rows = pq.read_table(file).to_pylist()
    return Counter({(r["matrix"], r["city"], r["cell"]): r["customers"] for r in rows})


# --- what may come ---

CUTS = [-1.0, 0.0, 5e-324, 0.1, 5.0, 1e308]
NUMBERS = st.sampled_from([None, float("nan"), float("inf"), -float("inf"), -0.0, 4.9, *CUTS])
WHOLE = st.none() | st.sampled_from([-1, 0, 1, 5, 12, 13, 2**60]) | st.integers(0, 60)
RULES = [
    "arpu > 0",
    "not is_campus",
    "brand in ('gotone', 'mzone') or tenure >= 12",
    "days_since(join_date) > 365",
    "city = 'ningbo' and movement_index < 5",
    "handset like 'No%'",
]
SHARES = [[1], [0.5, 0.5], [0.1, 0.2, 0.6, 0.1], [0.7, 0.1, 0.2], [0.01, 0.99], [0.25] * 4]
ranked_attributes = st.sampled_from(["arpu", "tenure", "movement_index", "value_index"])
NAMED = {"brand": BRANDS, "handset": ("Nokia", ""), "city": CITIES}


@st.composite
def number_bands(draw: st.DrawFn) -> Json:
    cuts = sorted(draw(st.sets(st.sampled_from(CUTS), max_size=5)))
    limits = [{"from": low, "to": high} for low, high in pairwise([None, *cuts, None])]
    bands = [{side: it for side, it in band.items() if it is not None} for band in limits]
    own = st.sets(st.sampled_from(CUTS), min_size=len(cuts), max_size=len(cuts)).map(sorted)
    city_cuts = draw(st.dictionaries(st.sampled_from(CITIES), own, max_size=2))
    bands = draw(st.permutations(bands))
    return dimension("thresholds", bands, draw(ranked_attributes), city_cuts=city_cuts)


@st.composite
def rank_bands(draw: st.DrawFn) -> Json:
    bands = [{"share": share} for share in draw(st.sampled_from(SHARES))]
    return dimension("quantiles", bands, draw(ranked_attributes))


@st.composite
def value_bands(draw: st.DrawFn) -> Json:
    """Only the city is without an 'other' band at times: its values are all that come."""
    attribute = draw(st.sampled_from(list(NAMED)))
    first, *rest = draw(st.permutations(NAMED[attribute]))
    bands: list[Json] = [{"values": [first]}, {"values": rest}]
    match draw(st.sampled_from(["apart", "joined", *(["none"] if attribute == "city" else [])])):
        case "apart":
            bands.append({"other": True})
        case "joined":
            bands[0]["other"] = True
    return dimension("categories", draw(st.permutations(bands)), attribute)


@st.composite
def truth_bands(draw: st.DrawFn) -> Json:
    bands = draw(st.permutations([{"value": True}, {"value": False}]))
    return dimension("boolean", bands, "is_campus")


@st.composite
def rule_bands(draw: st.DrawFn) -> Json:
    rules = draw(st.lists(st.sampled_from(RULES), max_size=3))
    return dimension("rules", [*({"rule": rule} for rule in rules), {"else": True}])


@st.composite
def matrices(draw: st.DrawFn, code: str) -> Json:
    kinds = number_bands() | rank_bands() | value_bands() | truth_bands() | rule_bands()
    dimensions = draw(st.lists(kinds, min_size=1, max_size=3))
    scope = draw(st.fixed_dictionaries({}, optional={"scope": st.sampled_from(RULES)}))
    numbered = [d | {"code": f"d{place}"} for place, d in enumerate(dimensions)]
    body = matrix(*numbered, code=code, **scope)
    return edited(body, draw(st.integers(0, 6)), draw(st.randoms(use_true_random=False)))


def edited(body: Json, edits: int, random: Random) -> Json:
    """The matrix with some of its cells split and merged, where that makes sense."""
    definition = MatrixDefinition.from_json(body)
    for _ in range(edits):
        leaves = definition.tree.leaves()
        one, two = random.choice(leaves), random.choice(leaves)
        box = named_box(definition, tuple(a | b for a, b in zip(one, two, strict=True)))
        with suppress(DomainError):
            if random.random() < 0.5:
                definition = merge(definition, box).definition
            else:
                by = random.choice([d.code for d in definition.dimensions])
                definition = split(definition, box, by).definition
        if random.random() < 0.5 and "finer" not in {d.code for d in definition.dimensions}:
            with suppress(DomainError):
                definition = split(definition, box, FINER).definition
    return definition.to_json()


FINER = MatrixDefinition.from_json(
    matrix(dimension("thresholds", [{"to": 5}, {"from": 5}], "arpu") | {"code": "finer"})
).dimensions[0]


people = st.fixed_dictionaries(
    {
        "arpu": NUMBERS | st.floats(),
        "tenure": WHOLE,
        "movement_index": NUMBERS,
        "value_index": NUMBERS,
        "brand": st.sampled_from([None, "unheard of", *BRANDS]),
        "handset": st.sampled_from([None, "", "Nokia", "No", "nokia"]),
        "is_campus": st.sampled_from([None, True, False]),
        "join_date": st.none() | st.dates(min_value=DAY.replace(year=2024), max_value=DAY),
        "city": st.sampled_from(CITIES),
    }
)
crowds = st.lists(people, max_size=25).map(
    lambda them: [person(number, **one) for number, one in enumerate(them)]
)


# --- the law ---


@generated
@given(matrices("retention"), matrices("uplift"), crowds, st.integers(1, 3), st.randoms())
def test_everybody_is_where_a_reading_of_the_definition_puts_him(
    first: Json, second: Json, rows: Rows, parts: int, random: Random
) -> None:
    """Scores come in another order than the customers, and for some not at all."""
    scored = random.sample(rows, random.randint(0, len(rows)))
    unscored = {row["customer_no"] for row in rows} - {row["customer_no"] for row in scored}
    absent = dict.fromkeys(SCORES)
    seen = [row | (absent if row["customer_no"] in unscored else {}) for row in rows]
    versions = publish(first, second)
    partition = run(snapshot_of(rows, parts), scores_of(scored, parts), versions)
    for body, version, facts in zip(
        (first, second), versions, partition.facts["matrices"], strict=True
    ):
        expected = {row["customer_no"]: cell(body, row, seen) for row in seen}
        found = cells_of(partition, version)
        assert set(found) == set(expected)
        assert all(holds(found[customer], bands) for customer, bands in expected.items())
        inside = [str(sorted(bands.items())) for bands in found.values() if bands is not None]
        said = {name: facts[name] for name in ("customers", "outside", "cells_in_use")}
        assert said == {
            "customers": len(inside),
            "outside": len(rows) - len(inside),
            "cells_in_use": len(set(inside)),
        }
        assert facts["unassigned"] == facts["doubly_assigned"] == 0


def holds(cell_: Json | None, homes: dict[str, list[str]] | None) -> bool:
    """Whether the cell is the customer's, who is in exactly one band of each dimension."""
    if cell_ is None or homes is None:
        return cell_ is homes
    return all(
        len(bands) == 1 and bands[0] in band_codes(cell_.get(code, bands))
        for code, bands in homes.items()
    )


@generated
@given(matrices("retention"), crowds, st.randoms())
def test_the_order_of_the_rows_moves_nobody(body: Json, rows: Rows, random: Random) -> None:
    (version,) = publish(body)
    shuffled = random.sample(rows, len(rows))
    straight = run(snapshot_of(rows), scores_of(rows), [version])
    other = run(snapshot_of(shuffled), scores_of(random.sample(rows, len(rows))), [version])
    assert cells_of(straight, version) == cells_of(other, version)
    assert counted(straight) == counted(other)


# --- quantiles ---


@pytest.mark.parametrize("shares", SHARES)
@pytest.mark.parametrize("customers", [1, 7, 1000])
def test_shares_of_distinct_values_are_exact_within_one_customer(
    shares: list[float], customers: int
) -> None:
    values = Random(customers).sample(range(-(10**6), 10**6), customers)
    rows = [person(number, arpu=value / 7) for number, value in enumerate(values)]
    body = matrix(dimension("quantiles", [{"share": share} for share in shares], "arpu"))
    partition, (version,) = assigned(rows, body)
    sizes = Counter(bands_in(partition, version).values())
    for place, share in enumerate(shares):
        assert abs(sizes[f"b{place}"] - share * customers) < 1
    assert sum(sizes.values()) == customers


def test_the_top_tenth_of_ten_thousand_is_a_thousand_of_the_greatest() -> None:
    """Over all parts: each by itself would put the ranks elsewhere."""
    rows = [person(number) for number in range(10_000)]
    rows.sort(key=lambda row: part_of(row["customer_no"], 2))
    for rank, row in enumerate(rows):
        row["arpu"] = float(rank)
    shares = [{"share": share} for share in (0.1, 0.2, 0.6, 0.1)]
    partition, (version,) = assigned(rows, matrix(dimension("quantiles", shares, "arpu")), parts=2)
    bands = bands_in(partition, version)
    for row in rows:
        limits = [9000, 7000, 1000, 0]
        expected = next(place for place, limit in enumerate(limits) if row["arpu"] >= limit)
        assert bands[row["customer_no"]] == f"b{expected}"
    (facts,) = partition.facts["matrices"]
    assert facts["cuts"] == {"by_arpu": [1000.0, 7000.0, 9000.0]}


def test_ties_go_to_the_higher_band_whole() -> None:
    values = [9.0, *[5.0] * 6, 1.0, 1.0, 0.0]
    rows = [person(number, arpu=value) for number, value in enumerate(values)]
    body = matrix(dimension("quantiles", [{"share": 0.2}, {"share": 0.5}, {"share": 0.3}], "arpu"))
    partition, (version,) = assigned(rows, body)
    found = bands_in(partition, version)
    by_value = {(row["arpu"], found[row["customer_no"]]) for row in rows}
    assert by_value == {(9.0, "b0"), (5.0, "b0"), (1.0, "b2"), (0.0, "b2")}


def test_unknown_values_have_no_rank() -> None:
    """Half of the four known ones are the top half, however many are unknown."""
    unknown = [None, float("nan"), float("inf"), -float("inf")] * 3
    rows = [person(n, arpu=v) for n, v in enumerate([1.0, 2.0, 3.0, 4.0, *unknown])]
    body = matrix(dimension("quantiles", [{"share": 0.5}, {"share": 0.5}], "arpu"))
    partition, (version,) = assigned(rows, body)
    assert Counter(bands_in(partition, version).values()) == {"b0": 2, "b1": 2, "unknown": 12}


def test_ranks_are_of_the_whole_snapshot_whatever_the_scope() -> None:
    rows = [person(number, arpu=float(number), is_campus=number >= 8) for number in range(10)]
    body = matrix(
        dimension("quantiles", [{"share": 0.2}, {"share": 0.8}], "arpu"), scope="not is_campus"
    )
    partition, (version,) = assigned(rows, body)
    assert Counter(bands_in(partition, version).values()) == {"b1": 8}


# --- cities ---


def test_a_city_has_its_own_cuts() -> None:
    """S3: VIP from 500 in the capital and from 300 elsewhere; a value at the cut is above."""
    body = matrix(
        dimension("thresholds", [{"from": 300}, {"to": 300}], "arpu", city_cuts={"hangzhou": [500]})
    )
    spends = [("hangzhou", 499.0), ("hangzhou", 500.0), ("ningbo", 299.0), ("ningbo", 300.0)]
    rows = [person(n, city=city, arpu=arpu) for n, (city, arpu) in enumerate(spends)]
    partition, (version,) = assigned(rows, body)
    found = bands_in(partition, version)
    assert [found[row["customer_no"]] for row in rows] == ["b1", "b0", "b1", "b0"]


# --- the counts ---

CAMPUS = dimension("boolean", [{"value": True}, {"value": False}], "is_campus")


def test_the_facts_and_the_counts_are_the_snapshot_in_figures() -> None:
    rows = [
        person(n, city=CITIES[n % 2], is_campus=(True, False, None)[n % 3], arpu=float(n))
        for n in range(60)
    ]
    young = matrix(CAMPUS, code="uplift", scope="arpu < 30")
    partition, (everybody, some) = assigned(rows, matrix(CAMPUS), young)
    figures = {"unassigned": 0, "doubly_assigned": 0, "cells": 3, "cells_in_use": 3, "cuts": {}}
    assert partition.facts == {
        "rows_in": 60,
        "rows_out": 60,
        "matrices": [
            {"matrix": "retention", "version": 1, "customers": 60, "outside": 0} | figures,
            {"matrix": "uplift", "version": 1, "customers": 30, "outside": 30} | figures,
        ],
    }
    assert partition.rows == 60
    by_hand = Counter(
        (version.matrix_id, row["city"], row[f"cell_{version.matrix_id}"])
        for row in read(partition)
        for version in (everybody, some)
    )
    assert counted(partition) == by_hand
    assert by_hand["uplift", "hangzhou", None] == 15


def test_the_parts_and_their_rows_are_the_snapshots() -> None:
    rows = [person(number, is_campus=True) for number in range(20, 0, -1)]
    snapshot, (version,) = snapshot_of(rows), publish(matrix(CAMPUS))
    cells = run(snapshot, None, [version])
    for ours, theirs in zip(cells.files, snapshot.files, strict=True):
        columns = ["customer_no", "city"]
        assert pq.read_table(ours, columns=columns) == pq.read_table(theirs, columns=columns)


def test_progress_tells_of_every_part() -> None:
    told: list[tuple[int, int]] = []
    versions = publish(matrix(CAMPUS))
    snapshot = snapshot_of([person(1)])
    assign(snapshot, None, versions, progress=lambda *at: told.append(at))
    assert told == [(1, 3), (2, 3), (3, 3)]


# --- again, and over versions ---


def test_running_again_finds_what_is_there() -> None:
    rows, versions = [person(1)], publish(matrix(CAMPUS))
    snapshot, scores = snapshot_of(rows), scores_of(rows)
    assert run(snapshot, scores, versions) == run(snapshot, scores, versions)
    assert Partition.objects.of("cells").count() == 1


def test_other_scores_or_another_version_make_another_partition() -> None:
    rows, versions = [person(1)], publish(matrix(CAMPUS))
    snapshot = snapshot_of(rows)
    first = run(snapshot, scores_of(rows), versions)
    assert run(snapshot, scores_of(rows), versions) != first
    assert run(snapshot, None, versions) != first
    assert run(snapshot, None, publish(matrix(CAMPUS))) != run(snapshot, None, versions)


def test_a_cell_keeps_its_number_when_its_limits_move() -> None:
    rows = [person(1, arpu=7.0)]
    numbers = []
    for cut in (5, 6):
        body = matrix(dimension("thresholds", [{"to": cut}, {"from": cut}], "arpu"))
        partition, _versions = assigned(rows, body)
        numbers += [row["cell_retention"] for row in read(partition)]
    assert numbers[0] == numbers[1]


# --- refusals leave nothing ---


def refusal_of(snapshot: Partition, versions: list[MatrixVersion]) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        run(snapshot, None, versions)
    assert not Partition.objects.of("cells").exists()
    assert not list((config.LAKE_DIR / "cells").rglob("*.parquet"))
    assert not list((config.LAKE_DIR / partitions.DRAFTS).glob("*"))
    return refusal.value


def test_a_customer_who_comes_twice_is_refused() -> None:
    rows = [person(number, is_campus=True) for number in range(10)]
    refusal = refusal_of(snapshot_of([*rows, rows[4]]), publish(matrix(CAMPUS)))
    assert (refusal.code, refusal.status) == ("not_exactly_one", 409)
    proof = refusal.extra["proof"]
    assert (proof["doubly_assigned"], proof["unassigned"]) == (1, 0)


def test_a_value_that_the_catalogue_does_not_know_is_refused_where_no_band_takes_it() -> None:
    brands = dimension(
        "categories", [{"values": ["gotone"]}, {"values": list(BRANDS[1:])}], "brand"
    )
    rows = [person(1, brand="gotone"), person(2, brand="unheard of"), person(3)]
    versions = publish(matrix(CAMPUS, code="sound"), matrix(brands))
    refusal = refusal_of(snapshot_of(rows), versions)
    assert refusal.code == "not_exactly_one"
    proof = refusal.extra["proof"]
    assert (proof["matrix"], proof["unassigned"], proof["customers"]) == ("retention", 1, 2)


@pytest.mark.parametrize(
    ("body", "absent"),
    [
        (matrix(CAMPUS), "is_campus"),
        (matrix(CAMPUS, scope="tenure > 3"), "tenure"),
        (matrix(dimension("rules", [{"rule": "tenure > 3"}, {"else": True}])), "tenure"),
        (matrix(dimension("quantiles", [{"share": 1}], "value_index")), "value_index"),
    ],
)
def test_an_attribute_that_the_snapshot_lacks_is_named(body: Json, absent: str) -> None:
    refusal = refusal_of(snapshot_of([person(1)], without=absent), publish(body))
    assert (refusal.code, refusal.extra["attributes"]) == ("attribute_missing", [absent])


# --- strategic groups ---


def grouped(*groups: tuple[str, str, bool]) -> list[MatrixVersion]:
    """A strategy and a matrix for each (code, rule, exclusive), in this order."""
    for position, (code, rule, exclusive) in enumerate(groups):
        define_strategy(
            code=code,
            name_zh=code,
            name_en=code,
            position=position,
            rule=rule,
            exclusive=exclusive,
            by="test",
        )
    body = dimension("boolean", [{"value": True}, {"value": False}], "is_campus")
    return publish(*(matrix(body, code=code) | {"strategy": code} for code, _r, _e in groups))


def inside(partition: Partition) -> dict[str, set[int]]:
    """Matrix → the customers that are in one of its cells."""
    return {
        proof["matrix"]: {
            int(row["customer_no"]) for row in read(partition) if row[f"cell_{proof['matrix']}"]
        }
        for proof in partition.facts["matrices"]
    }


PEOPLE = [person(n, arpu=arpu) for n, arpu in enumerate([None, 10.0, 60.0, 200.0])]


def test_groups_overlap_unless_they_exclude_each_other() -> None:
    versions = grouped(("rich", "arpu > 100", False), ("some", "arpu > 50", False))
    partition = run(snapshot_of(PEOPLE), scores_of(PEOPLE), versions)
    assert inside(partition) == {"rich": {3}, "some": {2, 3}}


def test_an_exclusive_group_leaves_out_whom_an_earlier_one_takes() -> None:
    """Of whom the earlier rule is unknown, the earlier group has not taken him."""
    versions = grouped(("rich", "arpu > 100", True), ("all", "", True), ("some", "arpu > 5", False))
    partition = run(snapshot_of(PEOPLE), scores_of(PEOPLE), versions)
    assert inside(partition) == {"rich": {3}, "all": {0, 1, 2}, "some": {1, 2, 3}}


def test_an_exclusive_group_of_which_nobody_is_left_is_refused() -> None:
    with pytest.raises(DomainError) as refused:
        grouped(("all", "", True), ("rich", "arpu > 100", True))
    assert refused.value.code == "group_empty"
