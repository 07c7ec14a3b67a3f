"""Once a trial that began on a scored day is over, the day's uplifts are held against it, once."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import Client
from django.urls import reverse

from jobs.models import Run
from lake import partitions
from lake.models import Partition
from scoring import known
from scoring.alerts import acknowledge, open_alerts
from scoring.health import record_days, watch_performance
from scoring.learning.estimates import Estimate
from scoring.learning.qini import measure
from scoring.learning.quadrants import QUADRANTS
from scoring.learning.uplift_standing import TrialStanding
from scoring.learning.uplift_standing import trial_performance as held_against
from scoring.models import Acknowledgement, ModelDay, ModelVersion, VersionState
from scoring.names import Names
from scoring.performance import Due, measure_due, performance_alerts
from scoring.reporting import plain
from scoring.score import score
from scoring.watched import measured, measured_chart
from tests.accounts.people import make_province, make_user
from tests.portal.settings import page_settings as page_settings

from .conftest import DAY, make_snapshot, published
from .kind_models import attribute, define, read
from .test_kind_uplift import MODEL

pytestmark = pytest.mark.django_db
ROWS = 4000
LATER = DAY + timedelta(days=40)
RESPONSE = MODEL | {"trial": MODEL["trial"] | {"within_days": 2}}
Lines = dict[str, date]


@pytest.fixture(autouse=True)
def attributes(catalogue: None) -> None:
    attribute("response", "number", "score")
    attribute("response_quadrant", "category", "score", QUADRANTS)
    attribute("response_why", "text", "score")


@pytest.fixture
def version(attributes: None) -> ModelVersion:
    """In use, with the figures of a trial that began on DAY; its uplifts are written by ``scored``.

    What it has learnt: contact moves those with a tenure under 30.
    """
    define(RESPONSE)
    customers = make_snapshot(rows=ROWS, key="held-out")
    _numbers, treated, outcome = drawn(customers, seed=5)
    quality = measure(uplift_of(customers), outcome, treated)
    read_by_it = {"reads": MODEL["features"], "categories": {"brand": ["gotone", "mzone"]}}
    return ModelVersion.objects.create(
        model_id="response",
        number=1,
        state=VersionState.PUBLISHED,
        as_of=DAY,
        definition=RESPONSE | read_by_it,
        report={"quality": plain(quality)},
    )


def scored(version: ModelVersion, days: int, *, known: int = ROWS) -> ModelDay:
    """So many days after the training's window; ``known``: how many of the customers it scored."""
    day = DAY + timedelta(days=days + 1)
    customers = make_snapshot(rows=ROWS, key=f"came-{day}", day=day, seed=5 + days)
    columns = {
        "customer_no": read(customers).column("customer_no"),
        "response": pa.array(uplift_of(customers), mask=np.arange(ROWS) >= known),
    }
    scores = write("scores", day, "s", pa.table(columns))
    return ModelDay.objects.create(version=version, business_date=day, scores=scores.pk)


def uplift_of(customers: Partition) -> np.ndarray:
    table = read(customers)
    tenure = table.column("tenure").to_numpy()
    arpu = table.column("arpu").to_numpy(zero_copy_only=False)
    # To the hundredth: some customers have one score.
    return np.round(0.3 - 0.005 * tenure + 0.0002 * np.nan_to_num(arpu), 2)


def write(dataset: str, day: date, key: str, table: pa.Table) -> Partition:
    """In two parts, cut as the snapshots are."""
    first = np.array(table.column("customer_no").to_pylist(), dtype=str) < f"{ROWS // 2:07d}"
    with partitions.writing(dataset, day, key, parts=2) as draft:
        pq.write_table(table.filter(pa.array(first)), draft.file(0))
        pq.write_table(table.filter(pa.array(~first)), draft.file(1))
    assert draft.partition is not None
    return draft.partition


def ordered(day: date, lines: Lines, policy: str = "P1", key: str = "o") -> None:
    """The orders that came on a day: customer → the day on which he ordered."""
    columns = {
        "customer_no": pa.array(lines, pa.string()),
        "policy": pa.array([policy] * len(lines), pa.string()),
        "ordered_on": pa.array(list(lines.values()), pa.date32()),
    }
    write("orders", day, key, pa.table(columns))


def assigned(day: date, arms: dict[str, str], code: str = "T1", key: str = "t") -> Partition:
    columns = {
        "customer_no": pa.array(arms, pa.string()),
        "assigned_on": pa.array([day] * len(arms), pa.date32()),
        "trial": pa.array([code] * len(arms), pa.string()),
        "arm": pa.array(list(arms.values()), pa.string()),
    }
    return write("trials", day, key, pa.table(columns))


def drawn(
    customers: Partition,
    *,
    seed: int,
    turned: bool = False,
    lot: bool = True,
    share: float = 0.5,
    base: float = 0.15,
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Numbers, who was treated, who had the outcome; ``turned``: contact moves the long-standing.

    ``share``: of the treated; ``base``: how many order without being asked.
    """
    rng = np.random.default_rng(100 + seed)
    table = read(customers)
    tenure = table.column("tenure").to_numpy()
    treated = rng.random(ROWS) < share if lot else tenure > 45
    new, old = (tenure > 60, tenure < 20) if turned else (tenure < 30, tenure > 70)
    chance = base * (1 + 2.3 * (treated & new) - 0.7 * (treated & old))
    return table.column("customer_no").to_pylist(), treated, rng.random(ROWS) < chance


def held(
    day: date, *, seed: int, over: bool = True, **trial: Any
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """A trial of all customers of a day; ``over``: the orders of the window's days have come."""
    customers = make_snapshot(rows=ROWS, key=f"trial-{day}", day=day, seed=seed)
    numbers, treated, outcome = drawn(customers, seed=seed, **trial)
    assigned(day, {n: "treated" if t else "control" for n, t in zip(numbers, treated, strict=True)})
    second = day + timedelta(days=1)
    came = [n for n, y in zip(numbers, outcome, strict=True) if y]
    ordered(day, dict.fromkeys(came[::2], day))
    if over:
        ordered(second, dict.fromkeys(came[1::2], second))
    return numbers, treated, outcome


def plain_qini(frame: pd.DataFrame) -> float:
    """Customer by customer, the highest score first; those of one score enter together."""
    area = gain = treated = control = with_t = with_c = 0.0
    total, all_treated = len(frame), frame.treated.sum()
    for _score, tied in frame.sort_values("score", ascending=False).groupby("score", sort=False):
        before = gain
        for row in tied.itertuples():
            if row.treated:
                treated, with_t = treated + 1, with_t + row.outcome
            else:
                control, with_c = control + 1, with_c + row.outcome
        gain = (with_t - (with_c * treated / control if control else 0.0)) / all_treated
        area += len(tied) / total * (before + gain) / 2
    return area - gain / 2


def told_of(day: ModelDay) -> dict[str, Any]:
    [measured] = [d for d in measure_due(LATER).days if d.pk == day.pk]
    return measured.performance  # type: ignore[no-any-return]


def test_while_the_window_is_not_over_nothing_is_measured(version: ModelVersion) -> None:
    day = scored(version, 1)
    held(day.business_date, seed=6, over=False)
    assert measure_due(LATER) == Due([], 0)
    ordered(day.business_date + timedelta(days=2), {})
    assert measure_due(LATER) == Due([], 0)
    ordered(day.business_date + timedelta(days=1), {})
    assert [d.pk for d in measure_due(LATER).days] == [day.pk]


def test_the_figures_are_those_of_a_plain_reading_of_the_trial(version: ModelVersion) -> None:
    day = scored(version, 1)
    numbers, treated, outcome = held(day.business_date, seed=6)
    told = told_of(day)
    scores = read(Partition.objects.get(pk=day.scores)).to_pandas().set_index("customer_no")
    trial = {"treated": treated, "outcome": outcome, "score": scores.response.loc[numbers].values}
    frame = pd.DataFrame(trial, index=numbers)
    now, rates = told["now"], frame.groupby("treated").outcome.mean()
    assert now["qini"]["value"] == pytest.approx(plain_qini(frame))
    assert now["qini"]["low"] < now["qini"]["value"] < now["qini"]["high"]
    assert (now["treated"], now["control"]) == (treated.sum(), (~treated).sum())
    assert (now["positives"], now["qini"]["n"]) == (outcome.sum(), ROWS)
    assert now["uplift"]["value"] == pytest.approx(rates[True] - rates[False])
    assert now["foretold"] == pytest.approx(frame.score.mean())
    assert now["lot"]["low"] < 0.5 < now["lot"]["high"]


def test_what_it_was_at_training_is_what_the_report_tells(version: ModelVersion) -> None:
    day = scored(version, 1)
    held(day.business_date, seed=6)
    told, quality = told_of(day), version.report["quality"]
    then = told["then"]
    for end in ("value", "low", "high"):
        assert then["qini"][end] == quality["qini"][end]
        assert then["uplift"][end] == quality["overall"]["uplift"][end]
    arms = quality["overall"]["treated"], quality["overall"]["control"]
    assert (then["treated"], then["control"]) == (arms[0]["n"], arms[1]["n"])
    assert then["positives"] == arms[0]["outcomes"] + arms[1]["outcomes"]
    assert told["verdict"] == "no difference shown"
    assert performance_alerts(told) == []


def test_where_contact_moves_others_by_now_it_surely_fell(version: ModelVersion) -> None:
    day = scored(version, 1)
    held(day.business_date, seed=6, turned=True)
    assert watch_performance(LATER) == (1, 0)
    day.refresh_from_db()
    now, then = day.performance["now"]["qini"], day.performance["then"]["qini"]
    assert now["high"] < then["low"]
    [alert] = performance_alerts(day.performance)
    assert alert == {
        "code": "uplift_fell",
        "attribute": "",
        "figure": round(now["value"], 6),
        "limit": round(then["value"], 6),
        "low": now["low"],
        "high": now["high"],
        "size": pytest.approx(then["value"] - now["value"]),
    }


@pytest.mark.parametrize(
    ("now", "low", "high", "verdict"),
    [
        (0.05, 0.045, 0.055, "worse"),
        (0.05, 0.02, 0.08, "no difference shown"),
        (0.075, 0.0749, 0.0751, "no difference shown"),
        (0.11, 0.105, 0.115, "better"),
    ],
)
def test_only_what_is_sure_and_more_than_a_trifle_counts(
    now: float, low: float, high: float, verdict: str
) -> None:
    """At training it was .08 (.0795 … .0805); a tenth of that is a trifle."""

    def standing(value: float, low: float, high: float) -> TrialStanding:
        figure = Estimate(value, low, high, 1000)
        return TrialStanding(500, 500, 200, 0.1, figure, figure, None)

    found = held_against(standing(0.08, 0.0795, 0.0805), standing(now, low, high))
    assert found.verdict == verdict
    assert found.qini_change.value == pytest.approx(now - 0.08)


def test_the_errors_of_both_trials_count(version: ModelVersion) -> None:
    """Two intervals that only just part are surely apart; which overlap a little, they are too."""

    def standing(value: float, half: float) -> TrialStanding:
        figure = Estimate(value, value - half, value + half, 1000)
        return TrialStanding(500, 500, 200, 0.1, figure, figure, None)

    assert held_against(standing(0.08, 0.02), standing(0.05, 0.02)).verdict == "worse"
    assert held_against(standing(0.08, 0.03), standing(0.05, 0.02)).verdict != "worse"


# --- what can't be told ---


@pytest.mark.parametrize(
    ("trial", "code"),
    [
        ({"share": 0.99}, "no_control"),
        ({"share": 0.01}, "no_control"),
        ({"lot": False}, "not_randomised"),
        ({"base": 0.002}, "too_few_outcomes"),
    ],
)
def test_a_trial_that_tells_nothing_says_why_and_alerts_nobody(
    version: ModelVersion, trial: dict[str, Any], code: str
) -> None:
    day = scored(version, 1)
    _numbers, treated, _outcome = held(day.business_date, seed=6, turned=True, **trial)
    told = told_of(day)
    assert told["now"]["qini"]["value"] is None
    assert told["now"]["qini"]["not_estimable"] == code
    assert told["now"]["treated"] == treated.sum()
    assert told["now"]["control"] == ROWS - treated.sum()
    assert told["verdict"] is None
    assert performance_alerts(told) == []


def test_of_a_trial_without_a_lot_no_uplift_is_told_but_how_far_it_was_none(
    version: ModelVersion,
) -> None:
    day = scored(version, 1)
    held(day.business_date, seed=6, lot=False)
    now = told_of(day)["now"]
    assert now["uplift"]["not_estimable"] == "not_randomised"
    assert now["lot"]["low"] > 0.9


def test_few_outcomes_still_tell_the_mean_uplift(version: ModelVersion) -> None:
    day = scored(version, 1)
    held(day.business_date, seed=6, base=0.002)
    uplift = told_of(day)["now"]["uplift"]
    assert uplift["low"] < 0 < uplift["high"]


def test_who_is_in_both_arms_makes_the_trial_void(version: ModelVersion) -> None:
    day = scored(version, 1)
    numbers, *_ = held(day.business_date, seed=6)
    other = day.business_date + timedelta(days=1)
    columns = {
        "customer_no": numbers[:1],
        "assigned_on": pa.array([day.business_date], pa.date32()),
        "trial": ["T1"],
        "arm": ["treated"],
    }
    write("trials", other, "late", pa.table(columns))
    assert told_of(day)["now"]["qini"]["not_estimable"] == "duplicate_customers"


def test_a_day_on_which_no_trial_began_has_nothing_to_show(version: ModelVersion) -> None:
    day = scored(version, 1)
    for n in (2, 3):
        ordered(DAY + timedelta(days=n), {})
    assert measure_due(LATER) == Due([], 0)
    numbers = [f"{n:07d}" for n in range(ROWS)]
    assigned(day.business_date, dict.fromkeys(numbers, "treated"), code="T2")
    assert measure_due(LATER) == Due([], 0)
    day.refresh_from_db()
    assert day.performance == {}


def test_an_earlier_day_s_trial_is_not_this_day_s(version: ModelVersion) -> None:
    day = scored(version, 1)
    for n in (2, 3):
        ordered(DAY + timedelta(days=n), {})
    numbers = [f"{n:07d}" for n in range(ROWS)]
    columns = {
        "customer_no": numbers,
        "assigned_on": pa.array([DAY] * ROWS, pa.date32()),
        "trial": ["T1"] * ROWS,
        "arm": ["treated", "control"] * (ROWS // 2),
    }
    write("trials", day.business_date, "late", pa.table(columns))
    assert measure_due(LATER) == Due([], 0)


def test_the_trial_that_it_learnt_from_says_nothing_about_it(version: ModelVersion) -> None:
    """The customers whom it was fitted on would make it look better than it is."""
    scored(version, -1)
    held(DAY, seed=5)
    assert measure_due(LATER) == Due([], 0)
    ModelVersion.objects.update(as_of=DAY - timedelta(days=1))
    assert len(measure_due(LATER).days) == 1


def test_who_has_no_score_takes_no_part(version: ModelVersion) -> None:
    day = scored(version, 1, known=3000)
    held(day.business_date, seed=6)
    now = told_of(day)["now"]
    assert now["treated"] + now["control"] == 3000


def test_a_feature_that_came_otherwise_does_not_stop_the_measurement(
    version: ModelVersion,
) -> None:
    day = scored(version, 1)
    held(day.business_date, seed=6)
    before = told_of(day)["now"]
    make_snapshot(
        rows=ROWS,
        key="odd",
        day=day.business_date,
        seed=6,
        arpu=None,
        brand=pa.array(np.arange(ROWS) % 3),
    )
    now = told_of(day)["now"]
    assert now["qini"] == before["qini"]
    assert now["lot"] != before["lot"]


def test_where_no_feature_is_left_the_lot_can_not_be_looked_at(version: ModelVersion) -> None:
    day = scored(version, 1)
    held(day.business_date, seed=6)
    nothing = dict.fromkeys(("arpu", "tenure", "brand"))
    make_snapshot(rows=ROWS, key="bare", day=day.business_date, seed=6, **nothing)
    assert told_of(day)["now"]["qini"]["not_estimable"] == "no_usable_features"


# --- orders ---


def test_orders_count_of_the_named_policies_within_the_window(version: ModelVersion) -> None:
    day = scored(version, 1)
    first, second, third = (day.business_date + timedelta(days=n) for n in range(3))
    numbers, *_ = held(first, seed=6, base=0)
    ordered(first, dict.fromkeys(numbers[:60], first) | {numbers[70]: DAY}, key="a")
    ordered(second, dict.fromkeys(numbers[40:80], second) | {numbers[90]: third}, key="b")
    ordered(third, dict.fromkeys(numbers[100:200], third))
    assert told_of(day)["now"]["positives"] == 80
    ordered(second, dict.fromkeys(numbers[300:400], second), policy="P2", key="c")
    assert told_of(day)["now"]["positives"] == 60


def test_what_is_measured_is_measured_once_until_other_data_come(version: ModelVersion) -> None:
    day = scored(version, 1)
    numbers, *_ = held(day.business_date, seed=6)
    after = LATER + timedelta(days=1)
    assert len(measure_due(LATER).days) == 1
    assert measure_due(after) == Due([], 0)
    assigned(day.business_date, dict.fromkeys(numbers[::2], "treated"), key="other")
    assert len(measure_due(after).days) == 1


def test_a_trial_that_is_taken_back_leaves_no_figures(version: ModelVersion) -> None:
    day = scored(version, 1)
    held(day.business_date, seed=6, turned=True)
    assert watch_performance(LATER) == (1, 0)
    assigned(day.business_date, {"0000001": "treated"}, code="T2", key="anew")
    assert watch_performance(LATER) == (0, 0)
    day.refresh_from_db()
    assert day.performance == {}
    assert alert_of(version) == []


def test_the_same_data_give_the_same_figures(version: ModelVersion) -> None:
    day = scored(version, 1)
    held(day.business_date, seed=6)
    first = told_of(day)
    ModelDay.objects.filter(pk=day.pk).update(performance={})
    assert told_of(day) == first


@pytest.mark.parametrize("parts", [1, 4])
def test_figures_are_the_same_where_the_lake_was_cut_otherwise(
    version: ModelVersion, parts: int
) -> None:
    day = scored(version, 1)
    held(day.business_date, seed=6)
    first = told_of(day)
    for dataset in ("trials", "customers"):
        newest = Partition.objects.of(dataset).filter(business_date=day.business_date)
        table = read(newest.latest("pk"))
        with partitions.writing(dataset, day.business_date, f"c{parts}", parts=parts) as draft:
            for part in range(parts):
                rows = np.flatnonzero(np.arange(ROWS) % parts == part)
                pq.write_table(table.take(rows), draft.file(part))
    assert told_of(day)["now"] == first["now"]


def test_a_sample_of_whole_parts_is_enough(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = scored(version, 1)
    held(day.business_date, seed=6)
    monkeypatch.setattr(known, "MOST", ROWS // 2)
    now = told_of(day)["now"]
    assert now["treated"] + now["control"] == ROWS // 2


def test_a_small_trial_among_many_customers_is_read_whole(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = scored(version, 1)
    numbers, treated, _outcome = held(day.business_date, seed=6)
    arms = {n: "treated" if t else "control" for n, t in zip(numbers, treated, strict=True)}
    some = {n: arm for n, arm in arms.items() if int(n) % 4 == 0}
    assigned(day.business_date, some, key="some")
    monkeypatch.setattr(known, "MOST", ROWS // 2)
    now = told_of(day)["now"]
    assert now["treated"] + now["control"] == len(some)


# --- what is open, and what somebody has looked at ---


def alert_of(version: ModelVersion) -> list[bool]:
    """Of each open alert of the uplift whether it is loud."""
    last = version.days.first()
    found = open_alerts([version], {version.pk: last})[version.pk]
    return [alert.loud for alert in found if alert.code == "uplift_fell"]


def test_a_fall_stays_open_until_it_is_looked_at_or_over(version: ModelVersion) -> None:
    days = [scored(version, n) for n in (1, 4, 7)]
    held(days[0].business_date, seed=6, turned=True)
    watch_performance(LATER)
    assert alert_of(version) == [True]
    acknowledge(version, code="uplift_fell", attribute="", note="another offer", by="wang")
    assert alert_of(version) == [False]
    held(days[1].business_date, seed=9)
    watch_performance(LATER)
    row = Acknowledgement.objects.get(code="uplift_fell")
    assert row.ended_on == days[1].business_date
    held(days[2].business_date, seed=12, turned=True)
    watch_performance(LATER)
    assert alert_of(version) == [True]


def test_a_fall_is_told_again_once_it_is_half_as_deep_again(version: ModelVersion) -> None:
    day = scored(version, 1)
    held(day.business_date, seed=6, turned=True)
    watch_performance(LATER)
    acknowledge(version, code="uplift_fell", attribute="", note="another offer", by="wang")
    fell = Acknowledgement.objects.get().figure
    assert fell is not None
    for times, loud in ((1.4, False), (1.6, True)):
        Acknowledgement.objects.update(figure=fell / times)
        assert alert_of(version) == [loud]


def test_a_trial_that_tells_nothing_ends_no_fall(version: ModelVersion) -> None:
    days = [scored(version, n) for n in (1, 4)]
    held(days[0].business_date, seed=6, turned=True)
    watch_performance(LATER)
    acknowledge(version, code="uplift_fell", attribute="", note="another offer", by="wang")
    held(days[1].business_date, seed=9, share=0.99)
    watch_performance(LATER)
    assert Acknowledgement.objects.get(code="uplift_fell").ended_on is None
    assert alert_of(version) == [False]


# --- where people read it ---


def test_a_fall_is_told_on_the_report_in_the_list_and_on_the_day(client: Client) -> None:
    """From a training to the pages, with scores as the day writes them."""
    make_province()
    make_snapshot(rows=ROWS)
    held(DAY, seed=5)
    define(RESPONSE)
    version = published("response")
    days = [DAY + timedelta(days=n) for n in (2, 5, 8)]
    for n, day in enumerate(days):
        customers = make_snapshot(rows=ROWS, key=f"came-{day}", day=day, seed=6 + n)
        record_days(score(customers, [version], progress=lambda done, total: None), [version])
    client.force_login(make_user("auditor"))
    client.cookies["django_language"] = "en"

    def text(name: str, *args: Any) -> str:
        return " ".join(client.get(reverse(name, args=args)).content.decode().split())

    assert "How it did in practice" not in text("model-version", "response", 1)
    held(days[0], seed=6)
    held(days[1], seed=7, share=0.99)
    held(days[2], seed=8, turned=True)
    assert watch_performance(LATER) == (1, 0)
    told = text("model-version", "response", 1)
    assert "How it did in practice" in told
    assert "Qini by day" in told
    for day in ModelDay.objects.filter(business_date__in=[days[0], days[2]]):
        now = day.performance["now"]
        value, low, high = (
            f"{now['qini'][end]:.3f}".replace("-", "−") for end in ("value", "low", "high")
        )
        assert value in told
        assert f"{low} … {high}" in told
        assert f"{now['treated']:,}" in told
        assert f"{now['lot']['low']:.3f} … {now['lot']['high']:.3f}" in told
    assert "too few customers contacted, or too few left alone" in told
    words = "It finds those whom a contact moves worse than it did: Qini"
    assert words in told
    assert "worse than at training" in told
    assert "no difference to training is shown" in told
    assert words in text("models")
    inputs = {"models": [{"id": version.pk, "code": "response", "version": 1}]}
    run = Run.objects.create(kind="day", business_date=days[2], number=1, key="k", inputs=inputs)
    assert words in text("run", run.pk)


def test_the_chart_holds_negative_qinis_and_what_it_was(version: ModelVersion) -> None:
    days = [scored(version, n) for n in (1, 4)]
    held(days[0].business_date, seed=6, turned=True)
    held(days[1].business_date, seed=9, share=0.99)
    watch_performance(LATER)
    newest, fallen = ModelDay.objects.exclude(performance={})
    chart = measured_chart(measured([newest, fallen], Names()))
    assert chart is not None
    told = fallen.performance
    assert chart.y == (told["now"]["qini"]["low"], told["then"]["qini"]["value"])
    assert chart.y[0] < 0
    assert len(chart.dots) == 1
