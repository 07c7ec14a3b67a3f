"""A matrix proposed from data: what was planted is found, a leak is refused, and it is proved."""

from datetime import date
from itertools import product
from math import log10
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from sklearn.metrics import roc_auc_score

import accounts.definitions
import customers.definitions
from common.errors import DomainError
from lake import partitions
from lake.models import Partition
from lake.parts import part_of
from sample.churn import DRIVERS
from sample.days import Province
from sample.make import make
from segmentation.definition import MatrixDefinition
from segmentation.proposals.cutting import (
    Candidate,
    Cut,
    NotEstimable,
    best_cuts,
    candidate_cuts,
    choose,
    humane,
    likelihood,
)
from segmentation.proposals.propose import Outcome, Wish, propose
from segmentation.proposals.separation import area_of_bands, auc
from segmentation.services import define_strategy, publish_version, save_draft
from tests.sample.landing import FIRST, TRAINING, Landing, document

CUSTOMERS = 20_000
POLICY = "P00"


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Landing:
    folder: Path = tmp_path_factory.mktemp("sample")
    province = Province(customers=CUSTOMERS, first_day=date.fromisoformat(FIRST), days=2, seed=7)
    make(province, folder, workers=1, report=lambda done: None)
    return Landing(folder)


@pytest.fixture
def catalogue(db: None) -> None:
    for definition in (*accounts.definitions.DOCUMENTS, *customers.definitions.DOCUMENTS):
        if definition.name in ("organisation", "attributes"):
            definition.load(document(definition.name, dates_as_text=True), "test")
    define_strategy(code="retention", name_zh="保有", name_en="Retention", position=0, by="test")


def write(dataset: str, day: str, content: pa.Table, parts: int = 2) -> Partition:
    numbers = content["customer_no"].to_pylist()
    with partitions.writing(dataset, date.fromisoformat(day), "k", parts=parts) as draft:
        for part in range(parts):
            inside = [i for i, n in enumerate(numbers) if part_of(n, parts) == part]
            pq.write_table(content.take(pa.array(inside, pa.int64())), draft.file(part))
    assert draft.partition is not None
    return draft.partition


@pytest.fixture
def training(catalogue: None, landing: Landing) -> Partition:
    return write("customers", TRAINING, landing.table(TRAINING, "customers"))


def known_before() -> tuple[str, ...]:
    """Every attribute that a dimension may be cut by."""
    return tuple(
        a["code"]
        for a in document("attributes")
        if a.get("origin", "source") == "source" and a["type"] not in ("text", "date")
    )


def wish(outcome: Outcome, candidates: tuple[str, ...] = (), **says: Any) -> Wish:
    return Wish(
        **{
            "outcome": outcome,
            "candidates": candidates or known_before(),
            "cells": 16,
            "least": 200,
            "code": "proposed",
            "strategy": "retention",
            "name_zh": "建议矩阵",
            "name_en": "Proposed",
            **says,
        }
    )


CHURN = Outcome("label", "left_within_30d")


# --- the planted truth ---


@pytest.mark.django_db
def test_the_planted_causes_of_churn_are_found_and_no_others(training: Partition) -> None:
    found = propose(wish(CHURN), training)
    chosen = {dimension.attribute for dimension in found.definition.dimensions}
    assert 2 <= len(chosen) <= 4
    assert chosen <= set(DRIVERS)
    assert found.separation.auc.value > 0.70
    assert found.separation.auc.interval.low > 0.65
    assert found.separation.auc.customers > 9_000
    # Rounded cuts in a grid cost little of what a tree can do.
    assert found.separation.tree.value - found.separation.auc.value < 0.05
    cells = found.separation.cells
    assert cells[0].lift is not None
    assert cells[0].lift > 2
    assert cells[0].interval is not None
    assert cells[0].interval.low < cells[0].lift < cells[0].interval.high


@pytest.mark.django_db
def test_a_proposal_is_a_draft_that_can_be_published(training: Partition) -> None:
    found = propose(wish(CHURN, cells=12), training)
    assert found.proof["partition"]
    assert np.prod([cut.bands for cut in found.cuts]) <= 12
    again = MatrixDefinition.from_json(found.definition.to_json())
    assert again == found.definition
    assert publish_version(save_draft(again, by="test"), by="test").state == "published"


@pytest.mark.django_db
def test_cells_hold_as_many_customers_as_were_asked_for(training: Partition) -> None:
    found = propose(wish(CHURN, least=900), training)
    held_out = found.separation.base.known
    for cell in found.separation.cells:
        if all(band < cut.bands for band, cut in zip(cell.bands, found.cuts, strict=True)):
            assert cell.share.known / held_out * CUSTOMERS > 700


@pytest.mark.django_db
def test_the_same_wish_gets_the_same_matrix(training: Partition) -> None:
    first, second = propose(wish(CHURN), training), propose(wish(CHURN), training)
    assert first.definition == second.definition
    assert first.separation == second.separation


@pytest.mark.django_db
def test_no_half_is_learned_from_twice(training: Partition) -> None:
    """The held-out customers are other customers: together they are the sample."""
    found = propose(wish(CHURN), training)
    assert sum(cell.share.known for cell in found.separation.cells) == found.separation.base.known
    assert 0.47 < found.separation.base.known / found.sampled < 0.53
    assert found.sampled == CUSTOMERS


# --- leaks ---


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["left_within_30d", "movement_index"])
def test_what_is_known_only_afterwards_is_no_candidate(training: Partition, code: str) -> None:
    with pytest.raises(DomainError) as refusal:
        propose(wish(CHURN, ("tenure_months", "silent_days", code)), training)
    assert (refusal.value.code, refusal.value.extra["attribute"]) == ("leak", code)


@pytest.mark.django_db
def test_an_attribute_that_tells_every_outcome_is_suspected(
    catalogue: None, landing: Landing
) -> None:
    table = landing.table(TRAINING, "customers")
    left = np.array(table["left_within_30d"].to_pylist(), dtype=bool)
    told = np.where(left, 0.0, 50.0) + np.random.default_rng(1).random(len(left))
    place = table.column_names.index("balance")
    told_by = table.set_column(place, "balance", pa.array(told))
    with pytest.raises(DomainError) as refusal:
        propose(wish(CHURN), write("customers", TRAINING, told_by))
    assert (refusal.value.code, refusal.value.extra["attributes"]) == (
        "suspected_leak",
        ["balance"],
    )


@pytest.mark.django_db
def test_an_outcome_of_the_same_day_is_refused(catalogue: None, landing: Landing) -> None:
    day = write("customers", FIRST, landing.table(FIRST, "customers"))
    write("orders", FIRST, landing.table(FIRST, "orders"))
    same_day = date.fromisoformat(FIRST)
    for outcome in (
        Outcome("orders", POLICY),
        Outcome("becomes", "has_data_pack", same_day),
        Outcome("becomes", "has_data_pack"),
    ):
        with pytest.raises(DomainError) as refusal:
            propose(wish(outcome, ("tenure_months", "data_mb")), day)
        assert refusal.value.code == "outcome_not_later"


# --- take-up and what becomes ---


@pytest.mark.django_db
def test_take_up_is_what_was_ordered_after_the_snapshot(catalogue: None, landing: Landing) -> None:
    first = landing.table(FIRST, "customers")
    day = write("customers", FIRST, first)
    heavy = np.nan_to_num(np.array(first["data_mb"].to_pylist(), dtype=float)) > 20_000
    campus = np.array([bool(v) for v in first["is_campus"].to_pylist()])
    rng = np.random.default_rng(2)
    buys = rng.random(len(heavy)) < np.where(heavy, 0.4, 0.05) + np.where(campus, 0.3, 0)
    # Who ordered on the day itself ordered before it was over: it counts for nothing.
    before = rng.random(len(heavy)) < 0.5
    numbers = np.array(first["customer_no"].to_pylist())
    orders = pa.table(
        {
            "customer_no": [*numbers[buys], *numbers[before]],
            "policy": [POLICY] * int(buys.sum() + before.sum()),
            "ordered_on": [date(2026, 7, 2)] * int(buys.sum()) + [date(2026, 7, 1)] * before.sum(),
        }
    )
    write("orders", "2026-07-02", orders)
    found = propose(
        wish(Outcome("orders", POLICY), ("data_mb", "is_campus", "age", "sms_count", "brand")), day
    )
    chosen = {d.attribute for d in found.definition.dimensions}
    assert {"data_mb", "is_campus"} <= chosen
    assert found.separation.base.value == pytest.approx(buys.mean(), abs=0.02)


@pytest.mark.django_db
def test_what_becomes_true_is_told_of_whom_it_was_not(catalogue: None, landing: Landing) -> None:
    first = landing.table(FIRST, "customers")
    day = write("customers", FIRST, first)
    voice = np.nan_to_num(np.array(first["voice_minutes"].to_pylist(), dtype=float))
    had = np.array([bool(v) for v in first["has_broadband"].to_pylist()])
    age = np.nan_to_num(np.array(first["age"].to_pylist(), dtype=float))
    chance = np.where(voice > 300, 0.3, 0.05) + np.where(age > 40, 0.15, 0)
    gets = had | (np.random.default_rng(3).random(len(had)) < chance)
    place = first.column_names.index("has_broadband")
    write("customers", "2026-07-02", first.set_column(place, "has_broadband", pa.array(gets)))
    outcome = Outcome("becomes", "has_broadband", date(2026, 7, 2))
    found = propose(wish(outcome, ("voice_minutes", "age", "sms_count", "brand")), day)
    assert {"voice_minutes", "age"} <= {d.attribute for d in found.definition.dimensions}
    assert found.sampled == int((~had).sum())


# --- what can't be proposed ---


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("says", "code"),
    [
        ({"candidates": ("joined_on", "age")}, "not_binnable"),
        ({"candidates": ("no_such", "age")}, "unknown_attribute"),
        ({"candidates": ("movement_grade", "age")}, "leak"),
        ({"candidates": ("gender",)}, "nothing_separates"),
        ({"candidates": ("silent_days",)}, "too_few_dimensions"),
        ({"least": 15_000}, "nothing_separates"),
    ],
)
def test_a_wish_that_can_t_be_met_says_why(
    training: Partition, says: dict[str, Any], code: str
) -> None:
    with pytest.raises(DomainError) as refusal:
        propose(wish(CHURN, **says), training)
    assert refusal.value.code == code


@pytest.mark.django_db
def test_hardly_any_outcome_is_no_estimate(catalogue: None, landing: Landing) -> None:
    small = landing.table(TRAINING, "customers").slice(0, 200)
    with pytest.raises(DomainError, match="at least 30") as refusal:
        propose(wish(CHURN, least=1), write("customers", TRAINING, small))
    assert refusal.value.code == "too_few_outcomes"


# --- cuts ---


@given(st.floats(-1e9, 1e9, allow_subnormal=False))
def test_a_humane_number_has_two_digits_and_is_near(value: float) -> None:
    found = humane(value)
    if value:
        assert len(f"{found:.8e}".split("e")[0].rstrip("0").replace(".", "").replace("-", "")) <= 2
        assert abs(found - value) <= 0.051 * abs(value)
        assert abs(log10(abs(found)) - log10(abs(value))) < 0.03


@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=200))
def test_every_candidate_cut_leaves_somebody_on_both_sides(values: list[float]) -> None:
    array = np.array(values)
    for cut in candidate_cuts(array):
        assert (array < cut).any()
        assert (array >= cut).any()


def brute_force(candidate: Candidate, outcome: np.ndarray, least: int, bands: int) -> float:
    """The greatest likelihood over all ways to choose the cuts."""
    best = -np.inf
    cuts = candidate_cuts(candidate.values)
    for chosen in product(cuts, repeat=bands - 1):
        if sorted(set(chosen)) == list(chosen):
            places = Cut("x", "thresholds", tuple(chosen)).places(candidate.values)
            n = np.bincount(places, minlength=bands)[:bands]
            if n.min() >= least:
                hits = np.bincount(places[outcome], minlength=bands)[:bands]
                best = max(best, float(likelihood(n, hits).sum()))
    return best


@pytest.mark.parametrize("seed", range(6))
def test_cuts_are_the_best_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 14, 400).astype(float)
    values[rng.random(400) < 0.1] = np.nan
    outcome = rng.random(400) < 0.1 + 0.5 * (np.nan_to_num(values) > 6)
    candidate = Candidate("x", "thresholds", values)
    found = best_cuts(candidate, outcome, 20)
    assert [cut.bands for cut in found] == [2, 3, 4]
    for cut in found:
        places = cut.places(values)
        n = np.bincount(places, minlength=cut.bands)[: cut.bands]
        hits = np.bincount(places[outcome], minlength=cut.bands)[: cut.bands]
        assert n.min() >= 20
        assert likelihood(n, hits).sum() == pytest.approx(
            brute_force(candidate, outcome, 20, cut.bands)
        )


def test_values_of_a_category_that_behave_alike_share_a_band() -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(-1, 6, 6000).astype(float)
    outcome = rng.random(6000) < np.where(np.isin(values, (1, 4)), 0.5, 0.1)
    two = best_cuts(Candidate("x", "categories", values, tuple("abcdef")), outcome, 50)[0]
    assert two.groups == ((0, 2, 3, 5), (1, 4))
    assert set(two.places(values[values < 0])) == {2}


def test_noise_is_not_cut() -> None:
    rng = np.random.default_rng(4)
    noise = [Candidate(f"x{n}", "thresholds", rng.random(5000)) for n in range(20)]
    with pytest.raises(NotEstimable, match="nothing_separates"):
        choose(noise, rng.random(5000) < 0.2, cells=16, least=100)


def test_the_unknown_have_a_band_of_their_own() -> None:
    cut = Cut("x", "thresholds", (10.0, 20.0))
    values = np.array([np.nan, np.inf, -np.inf, 9.9, 10.0, 20.0])
    assert cut.places(values).tolist() == [3, 3, 3, 0, 1, 2]


# --- figures ---


def test_the_area_s_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng, held = np.random.default_rng(9), 0
    truth = scipy_stats.norm.cdf(0.8 / np.sqrt(2))
    for _ in range(400):
        outcome = np.arange(600) < 90
        score = rng.normal(0, 1, 600) + 0.8 * outcome
        found = auc(outcome, score)
        assert found.value == roc_auc_score(outcome, score)
        held += found.interval.low <= truth <= found.interval.high
    assert 0.92 < held / 400 < 0.98


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=6))
def test_the_area_of_bands_is_that_of_their_customers(bands: list[tuple[int, int]]) -> None:
    """Each band as (with the outcome, without it)."""
    hits, missed = np.array(bands).T
    if not hits.sum() or not missed.sum():
        assert area_of_bands(hits + missed, hits) == 0.5
        return
    rates = hits / np.maximum(hits + missed, 1)
    outcome = np.repeat([True, False], [hits.sum(), missed.sum()])
    score = np.concatenate([np.repeat(rates, hits), np.repeat(rates, missed)])
    assert area_of_bands(hits + missed, hits) == pytest.approx(roc_auc_score(outcome, score))
