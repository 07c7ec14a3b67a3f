"""Training makes a version only when there is something new to learn, and says how good it is."""

from datetime import date, timedelta
from typing import get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.utils import translation

from accounts.models import Operation
from common.errors import DomainError
from jobs.models import Run, State
from jobs.work import work_once, work_through
from lake import partitions
from lake.models import Partition
from scoring.dataset import read
from scoring.kinds import KINDS
from scoring.learning.refusal import Code, NotEstimable
from scoring.models import Model, ModelVersion
from scoring.rows import AS_OF, CUSTOMER, Rows
from scoring.selectors import current_versions
from scoring.training import start_training, steps_of_training
from scoring.words import REFUSALS, refused

from .conftest import DAY, make_snapshot, published, train, trained

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _models(models: None) -> None:
    return None


def failure(run: Run) -> dict:
    assert run.state == State.FAILED
    return run.steps.get(state=State.FAILED).error


def test_a_tree_is_measured_on_customers_it_did_not_learn_from(snapshot) -> None:
    version = trained("movement_index")
    data = version.report["data"]
    assert data["rows"] == 3000
    assert 600 < version.metrics["rows"] == data["held_out"] < 900
    assert 0.65 < version.metrics["auc_low"] < version.metrics["auc"]
    assert [s["stage"] for s in version.stages] == ["question", "data", "preparation", "model"]


def test_training_again_on_the_same_data_makes_no_version(snapshot) -> None:
    assert trained("movement_index") == trained("movement_index")
    assert ModelVersion.objects.count() == 1


def test_new_data_or_a_new_definition_make_the_next_version(snapshot) -> None:
    trained("movement_index")
    make_snapshot(key="other", seed=6)
    assert trained("movement_index").number == 2
    movement = Model.objects.get(code="movement_index")
    movement.definition["features"] = ["arpu", "tenure"]
    movement.save()
    assert trained("movement_index").number == 3


def test_the_version_keeps_the_category_codes_it_learnt_with(snapshot) -> None:
    assert trained("movement_index").definition["categories"] == {"brand": ["gotone", "mzone"]}


def test_a_propensity_reads_what_it_kept_of_all_candidates(snapshot) -> None:
    version = trained("leaving")
    assert version.definition["reads"] == ["tenure"]
    fates = {c["attribute"]: c["dropped"] for c in version.report["candidates"]}
    assert set(fates) == {"arpu", "brand", "tenure"}
    assert fates["tenure"] is None


def test_a_tree_reads_what_it_splits_by_and_names_the_others(models) -> None:
    by_step("tenure")
    version = trained("movement_index")
    assert version.definition["reads"] == ["tenure"]
    assert version.report["unused"] == ["arpu", "brand"]
    assert version.report["data"]["candidates"] == 3
    assert [one["attribute"] for one in version.report["dependence"]] == ["tenure"]
    assert {node["attribute"] for node in version.report["tree"]} == {None, "tenure"}
    assert len(version.profile["edges"]) == 2  # the feature's and the score's


def test_a_narrowed_tree_is_compared_with_one_of_other_features(models) -> None:
    """The version in use reads what the new one does not, and the other way round."""
    by_step("arpu")
    assert published("movement_index").definition["reads"] == ["arpu"]
    by_step("tenure")
    newer = trained("movement_index")
    assert newer.definition["reads"] == ["tenure"]
    champion = newer.report["champion"]
    assert (champion["version"], champion["verdict"]) == (1, "better")


def by_step(attribute: str) -> None:
    """A snapshot in which one attribute tells who leaves, by one step."""
    rng = np.random.default_rng(2)
    values = rng.integers(0, 90, 3000)
    left = rng.random(3000) < np.where(values < 30, 0.6, 0.1)
    make_snapshot(key=attribute, left_within_30d=left, **{attribute: values})


def test_only_the_population_is_learnt_from(snapshot) -> None:
    whole = trained("movement_index").report["data"]["rows"]
    assert trained("leaving").report["data"]["rows"] < 0.75 * whole


def test_with_several_days_the_newest_is_held_out(snapshot) -> None:
    later = DAY + timedelta(days=30)
    make_snapshot(day=later, seed=8)
    movement = Model.objects.get(code="movement_index")
    run, _ = start_training(movement, days=[later, DAY], by="analyst")
    version = ModelVersion.objects.get(run=work_through(run, steps_of_training()).pk)
    assert (version.metrics["rows"], version.as_of) == (3000, later)


def customers_of(rows: Rows) -> set[tuple[str, date]]:
    table = rows.table
    return set(zip(*(table.column(c).to_pylist() for c in (CUSTOMER, AS_OF)), strict=True))


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("code", ["movement_index", "leaving"])
def test_no_row_that_is_held_out_is_ever_learnt_from(
    snapshot, monkeypatch: pytest.MonkeyPatch, code: str, several: bool
) -> None:
    days = [DAY]
    if several:
        days.append(DAY + timedelta(days=30))
        make_snapshot(day=days[1], seed=8)
    model = Model.objects.get(code=code)
    kind, given = type(KINDS[model.kind]), []

    def fit_on(self, definition, features, rows, *more):
        given.append(rows)
        return fitting(self, definition, features, rows, *more)

    fitting = kind.fit_on
    monkeypatch.setattr(kind, "fit_on", fit_on)
    run, _ = start_training(model, days=days, by="analyst")
    run = work_through(run, steps_of_training())
    made = Partition.objects.get(pk=run.steps.get(name="data").output["rows"])
    rows = read(made, run.inputs)
    [learnt] = [customers_of(one) for one in given]
    held_out = customers_of(rows.taken(rows.held_out))
    assert held_out
    assert not learnt & held_out
    assert learnt | held_out == customers_of(rows)


def test_what_days_are_held_against_lay_as_what_it_learnt_from(snapshot) -> None:
    version = trained("movement_index")
    data = version.report["data"]
    learnt = data["rows"] - data["held_out"]
    assert {sum(counts) for counts in version.profile["counts"]} == {learnt}


@pytest.mark.parametrize(("apart", "rows", "purged"), [(29, 6000, 3000), (30, 9000, None)])
def test_a_day_whose_outcomes_reach_into_the_held_out_day_is_not_learnt_from(
    snapshot, apart: int, rows: int, purged: int | None
) -> None:
    """An order of the newest day's window would tell both what is learnt and what is measured."""
    newest = DAY + timedelta(days=60)
    days = [DAY, newest - timedelta(days=apart), newest]
    for seed, day in enumerate(days[1:]):
        make_snapshot(day=day, seed=seed)
    customers = pq.read_table(snapshot.file(0)).column("customer_no").to_pylist()
    for day in (DAY, newest, newest + timedelta(days=29)):
        orders(day, customers[:400])
    ordering(30)
    run, _ = start_training(Model.objects.get(code="leaving"), days=days, by="analyst")
    run = work_once_until(run, "data")
    counts = run.steps.get(name="data").counts
    assert (counts["rows"], counts["held_out"], counts.get("purged")) == (rows, 3000, purged)


def work_once_until(run: Run, name: str) -> Run:
    while run.steps.get(name=name).state != State.DONE:
        assert work_once(run, steps_of_training())
    return run


def test_days_that_all_reach_into_the_newest_are_too_close(snapshot) -> None:
    later = DAY + timedelta(days=1)
    make_snapshot(day=later, seed=8)
    orders(later + timedelta(days=1), ["0000001"])
    ordering(2)
    run, _ = start_training(Model.objects.get(code="leaving"), days=[DAY, later], by="analyst")
    error = failure(work_through(run, steps_of_training()))
    assert error["code"] == "days_too_close"
    assert str(later) in error["message"]


def test_too_few_outcomes_are_refused_in_words(models) -> None:
    make_snapshot(rows=40)
    error = failure(train("movement_index"))
    assert error["code"] == "too_few_outcomes"
    assert "at least 30 customers" in error["message"]
    assert not ModelVersion.objects.exists()


def test_why_nothing_can_be_estimated_is_said_in_the_reader_s_language() -> None:
    make_snapshot(rows=40)
    with translation.override("zh-hans"):
        assert "至少需要 30" in failure(train("movement_index"))["message"]


def test_every_refusal_of_the_learning_methods_has_words() -> None:
    assert set(REFUSALS) == set(get_args(Code))


def test_what_knows_the_outcome_is_refused_before_anything_is_learnt() -> None:
    rng = np.random.default_rng(1)
    left = rng.random(3000) < 0.2
    make_snapshot(left_within_30d=left, arpu=np.where(left, 1.0, 2.0) + rng.random(3000) / 100)
    run = train("movement_index")
    error = failure(run)
    assert (error["code"], error["extra"]["attribute"]) == ("too_good_alone", "arpu")
    assert run.steps.get(state=State.FAILED).name == "preparation"


def redefine(code: str, **changed: object) -> None:
    row = Model.objects.get(code=code)
    row.definition |= changed
    row.save()


def test_what_is_declared_known_after_the_outcome_is_refused_however_weak(snapshot) -> None:
    redefine("movement_index", known_after=["brand"])
    run = train("movement_index")
    error = failure(run)
    assert (error["code"], error["extra"]) == ("known_after_outcome", {"attribute": "brand"})
    assert run.steps.get(state=State.FAILED).name == "preparation"


@pytest.mark.parametrize("code", ["movement_index", "leaving"])
def test_what_a_person_vouches_for_is_learnt_from_and_told(code: str) -> None:
    rng = np.random.default_rng(1)
    left = rng.random(3000) < 0.2
    arpu = 100 + left * 50 + rng.normal(scale=15, size=3000)
    make_snapshot(left_within_30d=left, arpu=arpu)
    redefine(code, features=["arpu", "tenure", "brand"])
    assert failure(train(code))["code"] == "too_good_alone"
    redefine(code, vouched=["arpu"])
    version = trained(code)
    assert version.report["data"]["suspects"] == ["arpu"]
    assert "arpu" in version.definition["reads"]


def test_two_that_know_the_outcome_only_together_are_not_said_to_do_so_alone() -> None:
    rng = np.random.default_rng(1)
    arpu, tenure = rng.integers(0, 2, 3000), rng.integers(0, 2, 3000)
    make_snapshot(left_within_30d=(arpu & tenure) > 0, arpu=arpu, tenure=tenure)
    error = failure(train("movement_index"))
    assert error["code"] == "too_good_together"
    assert error["extra"]["auc"] < 0.9 < error["extra"]["together"]
    assert "alone" not in error["message"]
    assert "as all honest attributes together" in error["message"]


def test_a_value_that_comes_with_one_outcome_only_is_named() -> None:
    rng = np.random.default_rng(1)
    left = rng.random(3000) < 0.2
    brand = np.where(left & (rng.random(3000) < 0.3), "mzone", "gotone")
    make_snapshot(left_within_30d=left, brand=brand)
    error = failure(train("movement_index"))
    assert error["code"] == "one_outcome_only"
    assert "whose brand is mzone have the same outcome" in error["message"]


def test_a_sign_of_a_leak_is_named_in_the_reader_s_language() -> None:
    error = NotEstimable("one_outcome_only", attribute="reason", value="missing")
    with translation.override("zh-hans"):
        assert "未知" in refused(error, "M").message
    assert "whose reason is unknown" in refused(error, "M").message


def test_one_class_is_refused() -> None:
    make_snapshot(left_within_30d=np.zeros(3000, dtype=bool))
    assert failure(train("movement_index"))["code"] == "one_class"


@pytest.mark.parametrize("label", [pa.nulls(3000, pa.bool_()), None])
def test_a_population_of_whose_outcomes_none_is_known_is_not_called_empty(label) -> None:
    made = make_snapshot(left_within_30d=label)
    brands = pa.concat_tables([pq.read_table(f) for f in made.files]).column("brand").to_pylist()
    error = failure(train("leaving"))
    assert error["code"] == "unknown_outcomes"
    assert error["extra"] == {"rows": 3000 - brands.count("easyown"), "day": str(DAY)}
    assert "nobody's outcome is known" in error["message"]


def test_a_population_without_anybody_is_called_empty() -> None:
    make_snapshot(brand=["easyown"] * 3000)
    error = failure(train("leaving"))
    assert error["code"] == "no_rows"
    assert "no customer is in its population" in error["message"]


def test_without_any_order_nobody_s_outcome_is_known(snapshot) -> None:
    ordering(2)
    error = failure(train("leaving"))
    assert error["code"] == "no_orders"
    assert "no order is on record" in error["message"]


def test_a_customer_who_stands_twice_is_refused() -> None:
    make_snapshot(customer_no=[f"{n // 2:07d}" for n in range(3000)])
    assert failure(train("movement_index"))["code"] == "duplicate_customers"


def test_a_day_that_the_lake_lacks_is_refused_when_asked() -> None:
    with pytest.raises(DomainError) as refusal:
        train("movement_index")
    assert refusal.value.code == "training_snapshot_missing"


def orders(day: date, customers: list[str]) -> Partition:
    table = pa.table(
        {
            "order_no": [f"{day}-{n}" for n in range(len(customers))],
            "customer_no": customers,
            "ordered_on": pa.array([day] * len(customers), pa.date32()),
            "policy": ["P1"] * len(customers),
        }
    )
    with partitions.writing("orders", day, f"o{day}", parts=1) as draft:
        pq.write_table(table, draft.file(0))
    assert draft.partition is not None
    return draft.partition


def ordering(within_days: int) -> None:
    label = {"ordered": ["P1"], "within_days": within_days}
    row = Model.objects.get(code="leaving")
    row.definition = {"output": "leaving", "label": label, "features": ["arpu", "tenure", "brand"]}
    row.save()


def test_who_ordered_within_the_window_has_the_outcome(snapshot) -> None:
    tenure = pq.read_table(snapshot.file(0)).column("tenure").to_pylist()
    buyers = [f"{n:07d}" for n, months in enumerate(tenure) if months < 20]
    before, within, after = DAY - timedelta(days=1), DAY, DAY + timedelta(days=2)
    orders(before, [f"{n:07d}" for n in range(2000, 2500)])
    orders(within, buyers + buyers[:10])  # who orders twice counts once
    orders(DAY + timedelta(days=1), [])
    orders(after, [f"{n:07d}" for n in range(1500, 2000)])
    ordering(2)
    run = train("leaving")
    counts = run.steps.get(name="data").counts
    assert (counts["rows"], counts["positives"]) == (3000, len(buyers))


def test_outcomes_that_are_still_to_come_are_refused(snapshot) -> None:
    orders(DAY, ["0000001"])
    ordering(2)
    error = failure(train("leaving"))
    assert error["code"] == "label_in_future"
    assert "2026-06-02" in error["message"]


def test_training_is_logged(snapshot) -> None:
    trained("movement_index")
    line = Operation.objects.get(action="train_model")
    assert (line.by, line.target_id) == ("analyst", "movement_index")
    assert line.after["version"] == 1


def test_a_training_that_was_killed_at_any_stage_is_taken_up(snapshot) -> None:
    movement = Model.objects.get(code="movement_index")
    run, _ = start_training(movement, days=[DAY], by="analyst")
    for _ in range(5):
        step = run.steps.exclude(state=State.DONE).first()
        # Killed: the work was done, the row does not say so.
        steps_of_training()[step.name](_claimed(run))
        Run.objects.filter(pk=run.pk).update(state=State.RUNNING)
        run.steps.filter(pk=step.pk).update(state=State.WAITING, lease_until=None)
        assert work_once(run, steps_of_training())
    run.refresh_from_db()
    assert run.state == State.DONE
    assert ModelVersion.objects.count() == 1


def _claimed(run: Run):
    from jobs.services import claim

    held = claim(run)
    assert held is not None
    return held


def test_the_challenger_is_compared_with_the_version_in_use(snapshot) -> None:
    published("movement_index")
    movement = Model.objects.get(code="movement_index")
    movement.definition["features"] = ["tenure"]
    movement.save()
    beside = trained("movement_index").report["champion"]
    assert (beside["version"], beside["n"]) == (1, 750)
    assert beside["auc_difference"]["low"] <= 0 <= beside["auc_difference"]["high"]
    assert beside["verdict"] == "no difference shown"


def test_the_versions_in_use_are_current_in_the_models_order(snapshot) -> None:
    published("movement_index")
    published("value_index")
    trained("leaving")
    assert [str(v) for v in current_versions()] == ["value_index@1", "movement_index@1"]
