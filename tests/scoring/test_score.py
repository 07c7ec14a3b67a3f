"""The day's scores are each model's own predictions, one row for one customer, in order."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customers.catalogue import rule_catalogue
from lake.models import Partition
from rules import compile_condition
from scoring.applied import Applied, applied
from scoring.conditions import parts_of
from scoring.health import record_days
from scoring.learning.features import matrix
from scoring.models import Model, ModelDay, ModelVersion
from scoring.score import score

from .conftest import DAY, make_snapshot, published

pytestmark = pytest.mark.django_db
CODES = ("value_index", "movement_index", "leaving")


@pytest.fixture
def versions(models, snapshot) -> list[ModelVersion]:
    return [published(code) for code in CODES]


def run(
    snapshot: Partition, versions: list[ModelVersion], yesterday: Partition | None = None
) -> Partition:
    return score(snapshot, versions, yesterday=yesterday, progress=lambda done, total: None)


def read(partition: Partition) -> pa.Table:
    return pa.concat_tables([pq.read_table(f) for f in partition.files])


def test_every_customer_gets_what_each_model_predicts_for_that_row_alone(
    snapshot, versions
) -> None:
    customers, scores = read(snapshot), read(run(snapshot, versions))
    assert scores.column("customer_no") == customers.column("customer_no")
    models = [applied(v) for v in versions]
    for row in range(0, 3000, 97):
        one = customers.slice(row, 1)
        got = scores.slice(row, 1).to_pylist()[0]
        for model in models:
            expected = float(model.fitted.predict(matrix(one, model.features))[0])
            outside = model.code == "leaving" and one.column("brand")[0].as_py() == "easyown"
            null = np.isnan(expected) or outside
            assert got[model.code] == (None if null else pytest.approx(expected, rel=1e-12))
        moving = got["movement_index"] >= 32
        assert got["movement_grade"] == ("moving" if moving else "still")


def test_each_reason_is_a_condition_that_holds_of_the_customer(snapshot, versions) -> None:
    customers, scores = read(snapshot).to_pylist(), read(run(snapshot, versions)).to_pylist()
    catalogue = rule_catalogue()
    seen = 0
    for customer, told in list(zip(customers, scores, strict=True))[:300]:
        for column in ("value_why", "movement_why"):
            for sign, text in parts_of(told[column] or ""):
                rule = compile_condition(text, catalogue)
                if "brand" in rule.attributes and customer["brand"] == "easyown":
                    continue  # a code that the catalogue does not have
                assert sign in "+-"
                assert rule.evaluate(customer, DAY) is True, (text, customer)
                seen += 1
    assert seen > 300


def test_nobody_outside_a_population_is_asked_about(snapshot, versions, monkeypatch) -> None:
    asked: list[int] = []
    columns = Applied.columns

    def counted(self: Applied, x: np.ndarray, batch: pa.RecordBatch):
        if self.code == "leaving":
            assert len(x) == batch.num_rows
            asked.append(len(x))
        return columns(self, x, batch)

    monkeypatch.setattr(Applied, "columns", counted)
    scores = run(snapshot, versions)
    members = sum(brand != "easyown" for brand in read(snapshot).column("brand").to_pylist())
    assert sum(asked) == members == 3000 - read(scores).column("leaving").null_count
    assert scores.facts["models"]["leaving"]["scored"] == members


def test_a_day_on_which_a_population_is_empty_has_no_scores_of_it(later, versions) -> None:
    today = run(later(brand=["easyown"] * 3000), versions)
    table = read(today)
    assert table.column("leaving").null_count == 3000
    assert table.schema.field("leaving").type == pa.float64()
    assert table.column("movement_index").null_count == 0


def test_a_part_without_customers_is_scored_to_none(versions) -> None:
    empty = make_snapshot(rows=0, day=DAY + timedelta(days=1), key="empty")
    assert read(run(empty, versions)).num_rows == 0


def test_a_null_index_stays_null_and_is_counted(snapshot, versions) -> None:
    scores = run(snapshot, versions)
    table = read(scores)
    nulls = table.column("value_index").null_count
    assert nulls > 0
    assert table.column("value_tier").null_count == nulls
    assert scores.facts["nulls"]["value_index"] == nulls
    assert scores.facts["customers"] == scores.rows == 3000


def test_scoring_again_finds_what_is_there(snapshot, versions) -> None:
    assert run(snapshot, versions) == run(snapshot, versions)
    assert Partition.objects.of("scores").count() == 1


def test_the_day_before_counts_only_where_its_scores_stand(snapshot, later, versions) -> None:
    before = run(snapshot, versions)
    other = run(make_snapshot(key="other", seed=8), versions)
    assert run(later(), versions, before) == run(later(), versions, other)
    lacking = make_snapshot(day=DAY + timedelta(days=1), key="lacking", tenure=None)
    assert run(lacking, versions, before) != run(lacking, versions, other)


def test_another_version_makes_another_partition(snapshot, versions) -> None:
    first = run(snapshot, versions)
    make_snapshot(key="b", seed=9)
    newer = published("movement_index")
    assert run(snapshot, [versions[0], newer]) != first


def test_progress_is_told_part_by_part(snapshot, versions) -> None:
    seen: list[tuple[int, int]] = []
    score(snapshot, versions, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


# --- what a version does about what it was not trained for ---


@pytest.fixture
def later(db):
    def make(**replaced) -> Partition:
        return make_snapshot(day=DAY + timedelta(days=1), key="later", **replaced)

    return make


def alerts(day: Partition, versions: list[ModelVersion]) -> dict[str, set[str]]:
    record_days(day, versions)
    rows = ModelDay.objects.filter(business_date=day.business_date)
    return {r.version.model_id: {a["code"] for a in r.alerts} for r in rows}


def test_a_day_like_the_training_s_alerts_nobody(later, versions) -> None:
    assert alerts(run(later(), versions), versions) == {code: set() for code in CODES}


def test_where_a_feature_is_missing_the_scores_of_the_day_before_stand(
    snapshot, later, versions
) -> None:
    yesterday = run(snapshot, versions)
    today = run(later(tenure=None), versions, yesterday)
    for code in CODES:
        assert read(today).column(code) == read(yesterday).column(code)
    assert today.facts["models"]["leaving"]["stale_since"] == str(DAY)
    assert alerts(today, versions)["leaving"] == {"feature_absent", "stale"}
    again = make_snapshot(day=DAY + timedelta(days=2), key="third", tenure=None)
    third = run(again, versions, today)
    assert third.facts["models"]["leaving"]["stale_since"] == str(DAY)


def test_without_a_day_before_a_missing_feature_counts_as_unknown(later, versions) -> None:
    today = run(later(tenure=None), versions)
    assert read(today).column("movement_index").null_count == 0
    assert alerts(today, versions)["movement_index"] >= {"feature_absent"}


def test_a_number_that_comes_as_text_is_read_as_a_number(later, versions) -> None:
    tenure = read(later()).column("tenure").to_pylist()
    texts = make_snapshot(
        day=DAY + timedelta(days=2), key="texts", tenure=[str(months) for months in tenure]
    )
    told = run(texts, versions)
    assert alerts(told, versions)["movement_index"] == {"type_changed"}
    numbers = run(make_snapshot(day=DAY + timedelta(days=2), key="numbers"), versions)
    assert read(told).column("movement_index") == read(numbers).column("movement_index")


def test_a_shift_of_the_customers_is_told_with_its_figure(later, versions) -> None:
    rng = np.random.default_rng(2)
    day = run(later(tenure=rng.integers(0, 20, 3000)), versions)
    assert alerts(day, versions)["movement_index"] == {"feature_shifted", "score_shifted"}
    row = ModelDay.objects.get(version=versions[1])
    [alert] = [a for a in row.alerts if a["attribute"] == "tenure"]
    assert alert["figure"] > alert["limit"] == 0.25


def test_codes_that_training_has_not_seen_are_told(models, later) -> None:
    rng = np.random.default_rng(4)
    brand = rng.choice(["gotone", "mzone"], 3000)
    left = rng.random(3000) < np.where(brand == "mzone", 0.5, 0.1)
    make_snapshot(brand=brand, left_within_30d=left)
    versions = [published("movement_index")]
    found = alerts(run(later(brand=["other"] * 3000), versions), versions)
    assert "unseen_values" in found["movement_index"]


def test_a_tree_is_watched_by_what_it_splits_by_only(models, later) -> None:
    """What it looked at in training and did not use may be missing: it scores as ever."""
    rng = np.random.default_rng(2)
    tenure = rng.integers(0, 90, 3000)
    left = rng.random(3000) < np.where(tenure < 30, 0.6, 0.1)
    snapshot = make_snapshot(tenure=tenure, left_within_30d=left)
    versions = [published("movement_index")]
    yesterday = run(snapshot, versions)
    today = run(later(arpu=None, brand=None, tenure=tenure[::-1].copy()), versions, yesterday)
    assert "stale_since" not in today.facts["models"]["movement_index"]
    assert list(today.facts["models"]["movement_index"]["features"]) == ["tenure"]
    assert alerts(today, versions) == {"movement_index": set()}
    scores = [read(day).column("movement_index").to_pylist() for day in (yesterday, today)]
    assert scores[1] == scores[0][::-1]


def test_more_unknown_values_than_in_training_are_told(later, versions) -> None:
    some = pa.array(np.arange(3000.0), mask=np.arange(3000) % 4 == 0)
    assert "missing_more" in alerts(run(later(arpu=some), versions), versions)["value_index"]


# --- what is unknown of a model's population alone ---

NOT_MINE = np.arange(3000) % 3 > 0
MINE_ONLY = {
    "brand": ["mzone" if other else "gotone" for other in NOT_MINE],
    "arpu": pa.array(np.arange(3000.0), mask=NOT_MINE),
}


@pytest.fixture
def of_gotone(models) -> ModelVersion:
    """Learnt from gotone's customers, of whom alone the bill is known."""
    asked = Model.objects.get(code="value_index")
    asked.definition = asked.definition | {"population": "brand = 'gotone'"}
    asked.save()
    make_snapshot(key="mine", **MINE_ONLY)
    return published("value_index")


def test_what_is_never_known_of_others_makes_no_day_stale(later, of_gotone) -> None:
    yesterday = run(make_snapshot(key="first", **MINE_ONLY), [of_gotone])
    today = run(later(**MINE_ONLY), [of_gotone], yesterday)
    facts = today.facts["models"]["value_index"]
    assert facts["missing"] == {"arpu": 0.0, "tenure": 0.0}
    assert "stale_since" not in facts
    assert alerts(today, [of_gotone]) == {"value_index": set()}


@pytest.mark.parametrize(("known_of", "stale"), [(0.6, False), (0.4, True)])
def test_half_unknown_of_the_population_is_too_much_whatever_is_known_of_others(
    later, of_gotone, known_of, stale
) -> None:
    yesterday = run(make_snapshot(key="first", **MINE_ONLY), [of_gotone])
    mine = np.flatnonzero(~NOT_MINE)
    unknown = np.zeros(3000, dtype=bool)
    unknown[mine[int(known_of * len(mine)) :]] = True
    day = MINE_ONLY | {"arpu": pa.array(np.arange(3000.0), mask=unknown)}
    facts = run(later(**day), [of_gotone], yesterday).facts["models"]["value_index"]
    assert facts["missing"]["arpu"] == pytest.approx(1 - known_of)
    assert ("stale_since" in facts) == stale
