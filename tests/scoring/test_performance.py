"""Once it is known what customers did, a day's scores are measured against it, once."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import Client
from django.urls import reverse
from sklearn.metrics import roc_auc_score

from lake import partitions
from lake.models import Partition
from scoring import health, known, performance
from scoring.alerts import acknowledge, open_alerts
from scoring.health import record_days, watch_performance
from scoring.models import Acknowledgement, Model, ModelDay, ModelVersion
from scoring.performance import measure_due, performance_alerts
from scoring.score import score
from tests.accounts.people import make_province, make_user
from tests.portal.settings import page_settings as page_settings

from .conftest import DAY, make_snapshot, published

pytestmark = pytest.mark.django_db
ROWS = 3000
LATER = DAY + timedelta(days=40)


def scored(version: ModelVersion, day: date, seed: int) -> ModelDay:
    """A day as it comes: nobody's label is known yet."""
    made = make_snapshot(key=f"came-{day}", day=day, seed=seed, left_within_30d=NOBODY)
    scores = score(made, [version], progress=lambda done, total: None)
    record_days(scores, [version])
    return ModelDay.objects.get(version=version, business_date=day)


NOBODY = pa.nulls(ROWS, pa.bool_())


def label(day: ModelDay, seed: int, *, decayed: float = 0.0, **replaced: Any) -> Partition:
    """The same day once more, with what came; of so many customers by chance alone."""
    rng = np.random.default_rng(seed + 100)
    known = make_snapshot(key=f"known-{day.business_date}", day=day.business_date, seed=seed)
    truth = read(known).column("left_within_30d").to_numpy(zero_copy_only=False)
    chance = rng.random(ROWS) < truth.mean()
    truth = np.where(rng.random(ROWS) < decayed, chance, truth)
    key = f"labelled-{day.business_date}-{decayed}"
    replaced = {"left_within_30d": pa.array(truth)} | replaced
    return make_snapshot(key=key, day=day.business_date, seed=seed, **replaced)


def read(partition: Partition) -> pa.Table:
    return pa.concat_tables([pq.read_table(file) for file in partition.files])


@pytest.fixture
def version(models: None, snapshot: Partition) -> ModelVersion:
    return published("movement_index")


def test_before_labels_come_nothing_is_measured(version: ModelVersion) -> None:
    scored(version, DAY + timedelta(days=1), seed=6)
    assert measure_due(LATER).days == []
    assert watch_performance(LATER) == (0, 0)


def test_a_day_that_keeps_its_worth_alerts_nobody(version: ModelVersion) -> None:
    day = scored(version, DAY + timedelta(days=1), seed=6)
    snapshot = label(day, 6)
    [measured] = measure_due(LATER).days
    told = measured.performance
    truth = read(snapshot).column("left_within_30d").to_numpy(zero_copy_only=False)
    scores = read(Partition.objects.get(pk=day.scores)).column("movement_index").to_numpy()
    assert told["now"]["auc"]["value"] == pytest.approx(roc_auc_score(truth, scores))
    assert told["then"]["auc"] == version.report["evaluation"]["auc"]
    assert (told["now"]["n"], told["now"]["positives"]) == (ROWS, truth.sum())
    assert told["calibration"]["foretold"] == pytest.approx(scores.mean() / 100)
    assert told["calibration"]["rate"]["value"] == pytest.approx(truth.mean())
    assert told["verdict"] == "no difference shown"
    assert performance_alerts(told) == []


def test_a_label_that_decays_alerts_on_the_day_where_it_surely_fell(version: ModelVersion) -> None:
    days = [scored(version, DAY + timedelta(days=n), seed=5 + n) for n in (1, 2, 3)]
    for n, (day, decayed) in enumerate(zip(days, (0.0, 0.4, 0.9), strict=True)):
        label(day, 6 + n, decayed=decayed)
    assert watch_performance(LATER)[0] >= 1
    codes = [
        {a["code"] for a in performance_alerts(d.performance)}
        for d in ModelDay.objects.filter(version=version).order_by("business_date")
    ]
    assert "performance_fell" not in codes[0]
    assert "performance_fell" in codes[2]
    auc = [d.performance["now"]["auc"]["value"] for d in ModelDay.objects.order_by("business_date")]
    assert auc == sorted(auc, reverse=True)


def test_twice_as_many_outcomes_as_foretold_alert_of_the_level(version: ModelVersion) -> None:
    day = scored(version, DAY + timedelta(days=1), seed=6)
    truth = read(make_snapshot(key="x", day=day.business_date, seed=6))["left_within_30d"]
    more = np.asarray(truth) | (np.random.default_rng(0).random(ROWS) < 0.3)
    label(day, 6, left_within_30d=pa.array(more))
    [measured] = measure_due(LATER).days
    [alert] = [a for a in performance_alerts(measured.performance) if a["code"] == "level_shifted"]
    assert alert["figure"] > alert["limit"]
    assert alert["size"] > 0
    assert alert["limit"] == pytest.approx(measured.performance["calibration"]["expected"], 1e-5)


def test_what_a_version_was_off_by_at_training_is_to_be_expected(version: ModelVersion) -> None:
    version.report["evaluation"]["calibration"]["intercept"]["value"] = -0.5
    version.save()
    day = scored(version, DAY + timedelta(days=1), seed=6)
    label(day, 6)
    [measured] = measure_due(LATER).days
    told = measured.performance["calibration"]
    scores = read(Partition.objects.get(pk=day.scores)).column("movement_index").to_numpy() / 100
    known = scores[(scores > 0) & (scores < 1)]
    shifted = 1 / (1 + np.exp(0.5) * (1 - known) / known)
    assert told["expected"] == pytest.approx((shifted.sum() + (scores == 1).sum()) / len(scores))
    assert told["expected"] < told["foretold"]


def test_where_it_is_not_to_happen_the_opposite_is_measured(
    models: None, snapshot: Partition
) -> None:
    model = Model.objects.get(code="movement_index")
    model.definition |= {"opposite": True}
    model.save()
    stays = published("movement_index")
    day = scored(stays, DAY + timedelta(days=1), seed=6)
    label(day, 6)
    [measured] = measure_due(LATER).days
    assert measured.performance["now"]["auc"]["value"] > 0.6
    assert measured.performance["verdict"] == "no difference shown"


def test_few_labels_are_not_estimable_and_say_so(version: ModelVersion) -> None:
    day = scored(version, DAY + timedelta(days=1), seed=6)
    some = pa.array(np.arange(ROWS) % 2 == 0, mask=np.arange(ROWS) >= 40)
    label(day, 6, left_within_30d=some)
    [measured] = measure_due(LATER).days
    told = measured.performance
    assert told["now"]["n"] == 40
    assert told["now"]["auc"]["not_estimable"] == "too_few_outcomes"
    assert told["verdict"] is None
    assert performance_alerts(told) == []


def test_few_early_labels_do_not_silence_a_fall(version: ModelVersion) -> None:
    days = [scored(version, DAY + timedelta(days=n), seed=5 + n) for n in (1, 2)]
    label(days[0], 6, decayed=0.9)
    watch_performance(LATER)
    acknowledge(version, code="performance_fell", attribute="", note="spring sale", by="wang")
    some = pa.array(np.arange(ROWS) % 2 == 0, mask=np.arange(ROWS) >= 40)
    label(days[1], 7, left_within_30d=some)
    watch_performance(LATER)
    assert Acknowledgement.objects.get(code="performance_fell").ended_on is None
    last = version.days.first()
    told = open_alerts([version], {version.pk: last})[version.pk]
    assert "performance_fell" in [alert.code for alert in told]


def test_an_older_day_ends_nothing_that_a_newer_one_holds(version: ModelVersion) -> None:
    days = [scored(version, DAY + timedelta(days=n), seed=5 + n) for n in (1, 2)]
    label(days[1], 7, decayed=0.9)
    watch_performance(LATER)
    row = acknowledge(version, code="performance_fell", attribute="", note="a sale", by="wang")
    Acknowledgement.objects.filter(pk=row.pk).update(business_date=DAY)
    label(days[0], 6)
    watch_performance(LATER)
    assert Acknowledgement.objects.get(code="performance_fell").ended_on is None


def test_a_day_that_can_not_be_measured_costs_no_other(
    version: ModelVersion, caplog: pytest.LogCaptureFixture
) -> None:
    days = [scored(version, DAY + timedelta(days=n), seed=5 + n) for n in (1, 2)]
    snapshots = [label(day, 6 + n) for n, day in enumerate(days)]
    Partition.objects.get(pk=days[1].scores).file(0).unlink()
    assert watch_performance(LATER) == (0, 1)
    assert [day.business_date for day in measure_due(LATER).days] == [days[0].business_date]
    assert "could not be measured" in caplog.text
    assert len(snapshots) == 2


@pytest.mark.parametrize("parts", [1, 3])
def test_customers_are_found_again_where_the_lake_was_cut_otherwise(
    version: ModelVersion, parts: int
) -> None:
    day = scored(version, DAY + timedelta(days=1), seed=6)
    table = read(label(day, 6))
    with partitions.writing("customers", day.business_date, f"cut{parts}", parts=parts) as draft:
        for part in range(parts):
            rows = np.flatnonzero(np.arange(ROWS) % parts == part)
            pq.write_table(table.take(rows), draft.file(part))
    [measured] = measure_due(LATER).days
    assert measured.performance["now"]["n"] == ROWS


def test_what_is_measured_is_measured_once_until_other_data_come(version: ModelVersion) -> None:
    day = scored(version, DAY + timedelta(days=1), seed=6)
    label(day, 6)
    after = LATER + timedelta(days=1)
    assert len(measure_due(LATER).days) == 1
    assert measure_due(after).days == []
    label(day, 6, decayed=0.5)
    assert len(measure_due(after).days) == 1


def test_many_days_at_once_are_spread_the_newest_first(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(performance, "AT_ONCE", 1)
    for n in (1, 2):
        label(scored(version, DAY + timedelta(days=n), seed=5 + n), 5 + n)
    found = [measure_due(LATER + timedelta(days=n)).days for n in range(3)]
    measured = [[day.business_date for day in days] for days in found]
    assert measured == [[DAY + timedelta(days=2)], [DAY + timedelta(days=1)], []]


def test_a_kill_between_the_figure_and_what_follows_from_it_loses_neither(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [scored(version, DAY + timedelta(days=n), seed=5 + n) for n in (1, 2)]
    label(days[0], 6, decayed=0.9)
    watch_performance(LATER)
    acknowledge(version, code="performance_fell", attribute="", note="spring sale", by="wang")
    label(days[1], 7)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(health, "end_acknowledged", killed)
        with pytest.raises(KeyboardInterrupt):
            watch_performance(LATER + timedelta(days=1))
    assert Acknowledgement.objects.get(code="performance_fell").ended_on is None
    watch_performance(LATER + timedelta(days=1))
    assert Acknowledgement.objects.get(code="performance_fell").ended_on == days[1].business_date


def test_a_sample_of_whole_parts_is_enough(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "MOST", ROWS // 2)
    label(scored(version, DAY + timedelta(days=1), seed=6), 6)
    [measured] = measure_due(LATER).days
    assert measured.performance["now"]["n"] == ROWS // 2


def test_scores_of_a_day_before_are_not_held_against_the_day(version: ModelVersion) -> None:
    day = scored(version, DAY + timedelta(days=1), seed=6)
    label(day, 6)
    ModelDay.objects.filter(pk=day.pk).update(stale_since=DAY)
    assert measure_due(LATER).days == []


# --- orders ---


def ordered(day: date, lines: dict[str, date], key: str = "o", policy: str = "P1") -> None:
    """The orders that came on a day: customer → the day on which he ordered."""
    customers = pa.array(lines, pa.string())
    table = pa.table(
        {
            "customer_no": customers,
            "policy": pa.array([policy] * len(lines), pa.string()),
            "ordered_on": pa.array(list(lines.values()), pa.date32()),
        }
    )
    first = pa.array([number < f"{ROWS // 2:07d}" for number in lines], pa.bool_())
    second = pa.array([not one for one in first.to_pylist()], pa.bool_())
    with partitions.writing("orders", day, key, parts=2) as draft:
        pq.write_table(table.filter(first), draft.file(0))
        pq.write_table(table.filter(second), draft.file(1))


@pytest.fixture
def buys(models: None, snapshot: Partition) -> ModelVersion:
    """Learns from a label, is asked for orders: what it learnt from does not matter here."""
    version = published("movement_index")
    version.definition |= {"label": {"ordered": ["P1"], "within_days": 3}}
    version.save()
    return version


def test_orders_count_within_the_window_once_it_is_over(buys: ModelVersion) -> None:
    days = [DAY + timedelta(days=n) for n in range(5)]
    scored(buys, days[1], seed=6)
    numbers = [f"{n:07d}" for n in range(ROWS)]
    ordered(days[1], dict.fromkeys(numbers[:60], days[1]) | {numbers[70]: days[0]})
    ordered(days[2], dict.fromkeys(numbers[40:80], days[2]))
    assert measure_due(LATER).days == []
    late = dict.fromkeys(numbers[2000:2900], days[4])
    ordered(days[3], dict.fromkeys(numbers[1500:1510], days[3]) | late)
    ordered(days[4], dict.fromkeys(numbers[2900:], days[4]))
    ordered(days[0], dict.fromkeys(numbers[1600:1900], days[0]))
    [measured] = measure_due(LATER).days
    now = measured.performance["now"]
    assert (now["n"], now["positives"]) == (ROWS, 90)
    assert measure_due(LATER + timedelta(days=1)).days == []


def test_orders_of_another_policy_are_no_outcome(buys: ModelVersion) -> None:
    days = [DAY + timedelta(days=n) for n in range(4)]
    scored(buys, days[1], seed=6)
    for day in days[1:3]:
        ordered(day, {}, policy="P2")
    ordered(days[3], dict.fromkeys([f"{n:07d}" for n in range(500)], days[3]), policy="P2")
    [measured] = measure_due(LATER).days
    assert measured.performance["now"]["positives"] == 0
    assert measured.performance["now"]["auc"]["not_estimable"] == "one_class"
    assert performance_alerts(measured.performance) == []


def test_a_day_of_orders_that_never_came_is_not_a_day_without_orders(buys: ModelVersion) -> None:
    days = [DAY + timedelta(days=n) for n in range(5)]
    scored(buys, days[1], seed=6)
    for day in (days[1], days[3], days[4]):
        ordered(day, dict.fromkeys([f"{n:07d}" for n in range(100)], day))
    assert measure_due(LATER).days == []
    ordered(days[2], {})
    assert len(measure_due(LATER).days) == 1


# --- what is open, and what somebody has looked at ---


def loud(version: ModelVersion) -> list[str]:
    last = version.days.first()
    return [a.code for a in open_alerts([version], {version.pk: last})[version.pk] if a.loud]


def test_a_fall_stays_open_until_it_is_looked_at_or_over(version: ModelVersion) -> None:
    days = [scored(version, DAY + timedelta(days=n), seed=5 + n) for n in (1, 2, 3)]
    label(days[0], 6, decayed=0.9)
    watch_performance(LATER)
    assert "performance_fell" in loud(version)
    acknowledge(version, code="performance_fell", attribute="", note="spring sale", by="wang")
    assert "performance_fell" not in loud(version)
    label(days[1], 7, decayed=0.0)
    watch_performance(LATER)
    ended = Acknowledgement.objects.get(code="performance_fell")
    assert ended.ended_on == days[1].business_date
    label(days[2], 8, decayed=0.9)
    watch_performance(LATER)
    assert "performance_fell" in loud(version)


# --- where people read it ---


def test_a_fall_is_told_on_the_report_and_in_the_list(
    version: ModelVersion, client: Client
) -> None:
    make_province()
    days = [scored(version, DAY + timedelta(days=n), seed=5 + n) for n in (1, 2)]
    client.force_login(make_user("auditor"))
    client.cookies["django_language"] = "en"

    def text(name: str, *args: Any) -> str:
        return " ".join(client.get(reverse(name, args=args)).content.decode().split())

    assert "How it did in practice" not in text("model-version", "movement_index", 1)
    label(days[0], 6, decayed=0.0)
    label(days[1], 7, decayed=0.9)
    watch_performance(LATER)
    told = text("model-version", "movement_index", 1)
    assert "How it did in practice" in told
    for day in ModelDay.objects.all():
        auc = day.performance["now"]["auc"]
        assert f"{auc['value']:.3f}" in told
        assert f"{auc['low']:.3f} … {auc['high']:.3f}" in told
    assert "It separates worse than it did" in told
    assert "worse than at training" in told
    assert "no difference to training is shown" in told
    assert "It separates worse than it did" in text("models")
