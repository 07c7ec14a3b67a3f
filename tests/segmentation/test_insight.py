"""What is measured of two groups is what pandas finds, customer by customer."""

import shutil
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from common.errors import DomainError
from lake.models import Partition
from segmentation.insight import measure as measuring
from segmentation.insight.counted import weighted_median
from segmentation.insight.groups import ByCells, ByColumn, ByRule, Everyone, Group, Rest
from segmentation.insight.measure import Question, known_profile, measure
from segmentation.insight.today import Today, published_day
from segmentation.models import MatrixVersion

from .insight_day import cell, define, people, publish

pytestmark = pytest.mark.django_db

QUIET = {"progress": lambda done, total: None}


@pytest.fixture
def version(db: None) -> MatrixVersion:
    return define()


@pytest.fixture
def frame() -> pd.DataFrame:
    frame = people(3_000)
    frame["audience_young"] = frame["is_campus"]
    frame["mark_second_sim"] = np.random.default_rng(3).random(len(frame)) < 0.2
    return frame


@pytest.fixture
def today(frame: pd.DataFrame, version: MatrixVersion) -> Today:
    return publish(frame, version)


def rows(profiles: Partition) -> pd.DataFrame:
    return pq.read_table(profiles.file(0)).to_pandas()


# --- the reference: by pandas, from the customers themselves ---


def known(values: pd.Series) -> pd.Series:
    return values.astype(float).replace([np.inf, -np.inf], np.nan).dropna()


def reference(frame: pd.DataFrame, in_a: pd.Series, in_b: pd.Series) -> dict[str, Any]:
    region = in_a.astype(int) + 2 * in_b.astype(int)
    days = (pd.Timestamp("2026-03-03") - pd.to_datetime(frame["joined_on"])).dt.days
    numbers = {
        "arpu": frame["arpu"],
        "data_mb": frame["data_mb"],
        "value_index": frame["value_index"],
        "income": frame["income"],
        "joined_on": days,
    }
    truth = frame["is_campus"].map({True: "true", False: "false"}, na_action="ignore")
    values = {"brand": frame["brand"], "plan_code": frame["plan_code"], "city": frame["city"]}
    values["is_campus"] = truth
    found: dict[str, Any] = {"region": region.value_counts().to_dict()}
    for place in (1, 2, 3):
        for code, column in numbers.items():
            inside = known(column[region == place])
            if len(inside):
                found[code, "number", place] = (
                    len(inside),
                    inside.mean(),
                    inside.var(ddof=0) * len(inside),
                )
        for code, column in values.items():
            for value, customers in column[region == place].value_counts().items():
                found[code, "value", place, value] = customers
    for group, inside in ((1, in_a), (2, in_b)):
        for code, column in numbers.items():
            if len(known(column[inside])):
                found[code, "median", group] = known(column[inside]).median()
    return found


def agrees(profiles: Partition, wanted: dict[str, Any]) -> None:
    sizes = {int(place): n for place, n in profiles.facts["regions"].items() if n}
    assert sizes == {place: n for place, n in wanted.pop("region").items() if place}
    for row in rows(profiles).to_dict("records"):
        key = (row["attribute"], row["kind"], row["region"])
        if row["kind"] == "value":
            assert wanted.pop((*key, row["value"])) == row["customers"], key
        elif row["kind"] == "median":
            assert wanted.pop(key) == pytest.approx(row["mean"]), key
        else:
            n, mean, m2 = wanted.pop(key)
            assert (row["customers"], row["mean"]) == (n, pytest.approx(mean)), key
            assert row["m2"] == pytest.approx(m2), key
    assert not wanted


def in_rule(frame: pd.DataFrame) -> pd.Series:
    finite = frame["arpu"].where(np.isfinite(frame["arpu"]))
    return (finite >= 80) & (frame["brand"] == "gotone")


RULE = ByRule("arpu >= 80 and brand = 'gotone'")


def test_a_rule_against_the_rest_is_what_pandas_finds(today: Today, frame: pd.DataFrame) -> None:
    inside = in_rule(frame)
    agrees(measure(Question(RULE), today, **QUIET), reference(frame, inside, ~inside))


def test_against_everyone_the_group_is_in_both(today: Today, frame: pd.DataFrame) -> None:
    everyone = pd.Series(True, frame.index)
    found = measure(Question(RULE, Everyone()), today, **QUIET)
    agrees(found, reference(frame, in_rule(frame), everyone))
    assert found.facts["regions"]["1"] == 0


def test_two_groups_that_overlap_share_a_region(today: Today, frame: pd.DataFrame) -> None:
    young = frame["audience_young"].fillna(False).astype(bool)
    question = Question(ByColumn("audience", "young"), ByColumn("mark", "second_sim"))
    found = measure(question, today, **QUIET)
    agrees(found, reference(frame, young, frame["mark_second_sim"]))
    assert all(found.facts["regions"].values())


def test_cells_are_looked_up_by_number(
    today: Today, frame: pd.DataFrame, version: MatrixVersion
) -> None:
    numbers = (cell(version, arpu="b1", is_campus="on"), cell(version, arpu="b1", is_campus="off"))
    inside = frame["cell_care"].isin(numbers)
    assert inside.any()
    agrees(
        measure(Question(ByCells("care", numbers)), today, **QUIET),
        reference(frame, inside, ~inside),
    )


def test_a_city_is_compared_within_itself(today: Today, frame: pd.DataFrame) -> None:
    home = frame[frame["city"] == "ningbo"]
    found = measure(Question(RULE, Rest(), ("ningbo",)), today, **QUIET)
    inside = in_rule(home)
    agrees(found, reference(home, inside, ~inside))
    assert set(rows(found).query("attribute == 'city'")["value"]) == {"ningbo"}


def test_no_city_at_all_means_nobody(today: Today) -> None:
    found = measure(Question(RULE, Everyone(), ()), today, **QUIET)
    assert set(found.facts["regions"].values()) == {0}
    assert not len(rows(found))


def test_outcomes_known_only_afterwards_are_not_measured(today: Today) -> None:
    found = rows(measure(Question(RULE), today, **QUIET))
    assert "left_within_30d" not in set(found["attribute"])


def test_a_group_that_holds_nobody_leaves_only_the_other(today: Today) -> None:
    found = measure(Question(ByRule("arpu < 0")), today, **QUIET)
    assert found.facts["regions"] == {"1": 0, "2": 3000, "3": 0}


def test_equal_questions_are_answered_once_and_others_apart(today: Today) -> None:
    assert known_profile(Question(RULE), today) is None
    first = measure(Question(RULE), today, **QUIET)
    assert measure(Question(RULE), today, **QUIET) == first
    assert known_profile(Question.from_json(Question(RULE).to_json()), today) == first
    others: list[tuple[Group, Group, tuple[str, ...] | None]] = [
        (RULE, Everyone(), None),
        (RULE, Rest(), ("hangzhou",)),
        (ByRule("arpu >= 80"), Rest(), None),
    ]
    for group, against, cities in others:
        assert known_profile(Question(group, against, cities), today) is None


def test_a_new_day_is_another_answer(today: Today, version: MatrixVersion) -> None:
    measure(Question(RULE), today, **QUIET)
    other = publish(people(300, seed=5), version, number=2)
    assert published_day().run_number == 2
    assert known_profile(Question(RULE), other) is None


def test_medians_of_a_sample_come_near_and_say_how_many_they_are_of(
    today: Today, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "SAMPLE", 600)
    found = rows(measure(Question(RULE), today, **QUIET)).query("kind == 'median' and region == 2")
    line = found[found["attribute"] == "data_mb"].iloc[0]
    others = frame["data_mb"][~in_rule(frame)]
    assert 500 < line["customers"] < 700
    rank = (others < line["mean"]).mean()
    assert abs(rank - 0.5) < 0.07


def test_who_is_drawn_stands_for_as_many_as_he_was_drawn_from(
    today: Today, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everyone is a small region and a large one; as many are drawn from the one as the other."""
    monkeypatch.setattr(measuring, "SAMPLE", 300)
    question = Question(ByRule("arpu >= 110"), Everyone())
    found = rows(measure(question, today, **QUIET)).query("kind == 'median' and region == 2")
    median = found[found["attribute"] == "arpu"].iloc[0]["mean"]
    assert abs((known(frame["arpu"]) < median).mean() - 0.5) < 0.07


def test_it_does_not_matter_how_many_parts_are_counted_at_once(
    today: Today, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    whole = rows(measure(Question(RULE), today, progress=lambda *done: told.append(done)))
    monkeypatch.setattr(measuring, "SLICE", 1)
    monkeypatch.setattr(measuring, "known_profile", lambda question, today: None)
    partitions = Partition.objects.of(measuring.PROFILES)
    shutil.rmtree(partitions.get().path)
    partitions.all().delete()
    apart = rows(measure(Question(RULE), today, progress=lambda *done: told.append(done)))
    assert told == [(1, 1), (1, 3), (2, 3), (3, 3)]
    pd.testing.assert_frame_equal(whole, apart, check_exact=False)


def test_a_weighted_median_is_that_of_the_customers_that_each_stands_for() -> None:
    rng = np.random.default_rng(4)
    for size in (1, 2, 5, 40):
        values, weights = rng.integers(0, 9, size).astype(float), rng.integers(1, 4, size)
        wanted = np.median(np.repeat(values, weights))
        assert weighted_median(values, weights.astype(float)) == wanted


def test_a_rare_text_is_counted_among_the_others(
    today: Today, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "KEPT_VALUES", 5)
    found = rows(measure(Question(RULE), today, **QUIET)).query("attribute == 'plan_code'")
    assert found["value"].isna().any()
    assert found["customers"].sum() == 3000
    assert "brand" in set(rows(measure(Question(RULE), today, **QUIET))["attribute"])


def test_a_column_that_the_day_lacks_is_named(today: Today) -> None:
    with pytest.raises(DomainError, match="audience_old") as refusal:
        measure(Question(ByColumn("audience", "old")), today, **QUIET)
    assert refusal.value.code == "group_reads_missing"


def test_before_the_first_day_there_is_nothing_to_profile(db: None) -> None:
    with pytest.raises(DomainError) as refusal:
        published_day()
    assert (refusal.value.code, refusal.value.status) == ("nothing_published", 503)
