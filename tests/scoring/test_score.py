"""The day's scores are each model's own predictions, one row for one customer, in order."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.errors import DomainError
from lake.models import Partition
from scoring.fitted import fitted
from scoring.models import Model, ModelVersion
from scoring.score import score
from scoring.training import train_model

from .conftest import make_snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def versions(models, snapshot) -> list[ModelVersion]:
    return [train_model(m, by="analyst", snapshot=snapshot) for m in Model.objects.all()]


def run(snapshot: Partition, versions: list[ModelVersion]) -> Partition:
    return score(snapshot, versions, progress=lambda done, total: None)


def read(partition: Partition) -> pa.Table:
    return pa.concat_tables([pq.read_table(f) for f in partition.files])


def test_every_customer_gets_what_each_model_predicts_for_that_row_alone(
    snapshot, versions
) -> None:
    customers, scores = read(snapshot), read(run(snapshot, versions))
    assert scores.column("customer_no") == customers.column("customer_no")
    value, movement = (fitted(v) for v in versions)
    for row in range(0, 3000, 97):
        one = customers.slice(row, 1)
        got = scores.slice(row, 1).to_pylist()[0]
        for model in (value, movement):
            expected = float(model.predictor.predict(model.encoder.transform(one))[0])
            np.testing.assert_equal(got[model.output], None if np.isnan(expected) else expected)
        moving = got["movement_index"] >= 32
        assert got["movement_grade"] == ("moving" if moving else "still")


def test_a_null_index_stays_null_and_is_counted(snapshot, versions) -> None:
    scores = run(snapshot, versions)
    nulls = read(scores).column("value_index").null_count
    assert nulls > 0
    assert scores.facts["nulls"]["value_index"] == nulls
    assert scores.facts["customers"] == scores.rows == 3000


def test_scoring_again_finds_what_is_there(snapshot, versions) -> None:
    assert run(snapshot, versions) == run(snapshot, versions)
    assert Partition.objects.of("scores").count() == 1


def test_another_version_makes_another_partition(snapshot, versions) -> None:
    first = run(snapshot, versions)
    newer = train_model(versions[1].model, by="a", snapshot=make_snapshot(key="b", seed=9))
    assert run(snapshot, [versions[0], newer]) != first


def test_progress_is_told_part_by_part(snapshot, versions) -> None:
    seen: list[tuple[int, int]] = []
    score(snapshot, versions, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_an_attribute_that_the_snapshot_lacks_stops_the_step(snapshot, versions) -> None:
    versions[0].definition["indicators"][0]["attribute"] = "absent"
    with pytest.raises(DomainError) as refusal:
        run(snapshot, versions)
    assert refusal.value.code == "attribute_missing"
    assert "absent" in refusal.value.message
    assert Partition.objects.of("scores").count() == 0
