"""Training: the stages of CRISP-DM as the steps of a run, from a question to a version.

``question → data → preparation → model → evaluation``; deployment is a person's decision
(scoring.services). A run is pinned when it is asked for, works in a queue of its own, and may be
killed at any point: each step finds what the one before has made.
"""

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from importlib.metadata import version as installed
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from accounts.services import By, log
from common.errors import DomainError
from customers.models import Attribute, Origin, Type
from customers.purchases import delivered_of
from jobs.claims import Claim
from jobs.models import Run, State
from jobs.services import start_run
from jobs.work import Done
from lake.models import Partition

from .channel_counts import channel_counts
from .checkpoints import Checkpoint
from .dataset import coverage, ordered_outcome, read, refuse_future, training_rows
from .kinds import KINDS
from .learning.leaks import LEAK, Finding, LeakDetector
from .learning.refusal import NotEstimable
from .models import Model, ModelVersion
from .profile import profile_of
from .registry import load, save
from .rows import Rows
from .standing import compared
from .words import refused

KIND = "training"
# Raise it when equal inputs give another model.
CODE = 5
STAGES = ("question", "data", "preparation", "model", "evaluation")


def start_training(model: Model, *, days: list[date], by: By) -> tuple[Run, bool]:
    """Ask for a version fitted to the model's definition as of these days; also, whether it is new.

    The same question over the same data finds the run that answered it. Raises DomainError
    ``training_snapshot_missing`` where the lake has no customers of a day.
    """
    inputs = pin(model, days)
    return start_run(kind=KIND, business_date=max(days), steps=STAGES, inputs=inputs, by=by)


def pin(model: Model, days: list[date]) -> dict[str, Any]:
    """Everything a training depends on, so that it can be repeated and explained."""
    kind = KINDS[model.kind]
    asked = sorted(set(days)) if kind.rows_of == "customers" else [max(days)]
    snapshots = [_snapshot(model, day) for day in asked]
    try:
        definition = kind.asked(model)
    except NotEstimable as error:
        raise refused(error, model.name) from error
    candidates = _candidates()
    features = kind.features(definition, candidates)
    champion = model.versions.published().first()
    also = [a for a in champion.definition["reads"] if a in candidates] if champion else []
    beside = [a for a in dict.fromkeys([*also, *kind.beside(definition)]) if a not in features]
    period = _period(kind.days_of_events(definition), asked)
    return {
        "code": CODE,
        "model": model.code,
        "kind": model.kind,
        "outcome": kind.outcome,
        "definition": definition | {"reads": features, "categories": _codes([*features, *beside])},
        "features": features,
        "also": beside,
        "champion": champion.pk if champion else None,
        "snapshots": [s.pk for s in snapshots],
        "snapshot_names": [str(s) for s in snapshots],
        **{table: _events(table, *period) for table in kind.tables(definition)},
    }


# --- the stages ---


def question(claim: Claim) -> Done:
    """What is asked: of whom, as of when, until when. Outcomes still to come are refused."""
    inputs = claim.run.inputs
    window = ordered_outcome(inputs["definition"])
    with _refusing(inputs):
        if window is not None:
            newest = claim.run.business_date
            known = Partition.objects.filter(pk__in=inputs["orders"]).aggregate(
                last=Max("business_date")
            )["last"]
            if known is None:
                raise NotEstimable("no_orders")
            refuse_future(newest, window["within_days"], known)
    return Done(counts=_looked_at(inputs) | {"days": len(inputs["snapshots"])})


def data(claim: Claim) -> Done:
    """The rows: features as of the day, outcomes after it, a part held out."""
    inputs = claim.run.inputs
    if KINDS[inputs["kind"]].rows_of == "channels":
        with _refusing(inputs):
            counted = channel_counts(inputs, progress=claim.progress)
        return Done(output={"rows": counted.pk}, counts=counted.facts)
    with _refusing(inputs):
        made = training_rows(inputs, most=settings.TRAINING_ROWS, progress=claim.progress)
        rows = read(made, inputs)
        counts = coverage(inputs, settings.TRAINING_ROWS)
        counts |= {"rows": len(rows), "held_out": int(rows.held_out.sum())}
        if made.facts.get("purged"):
            counts["purged"] = made.facts["purged"]
        if inputs["outcome"]:
            counts["positives"] = int(rows.y.sum())
        if inputs["outcome"] == "trial":
            counts["treated"] = int(rows.treated.sum())
    return Done(output={"rows": made.pk}, counts=counts)


def preparation(claim: Claim) -> Done:
    """Features that know the outcome are refused before anything is learnt from them."""
    inputs, rows = claim.run.inputs, _rows(claim).learning()
    if not inputs["outcome"]:
        told = {"rows": len(rows)} if KINDS[inputs["kind"]].rows_of == "customers" else {}
        return Done(counts=told)
    with _refusing(inputs):
        looked = LeakDetector(
            rows.features,
            known_after=inputs["definition"].get("known_after", []),
            vouched=inputs["definition"].get("vouched", []),
        ).fit(rows.x, rows.y, claim.progress)
        for found in looked.findings_:
            if found.verdict == LEAK:
                raise _leak(found)
    suspects = [found.attribute for found in looked.findings_ if found.verdict == "suspect"]
    return Done(counts={"looked_at": len(looked.findings_), "suspects": suspects})


def model(claim: Claim) -> Done:
    """The fit; its file is written whole, signed, before the step is done."""
    inputs, rows = claim.run.inputs, _rows(claim)
    kind, name = KINDS[inputs["kind"]], _file_name(claim.run)
    learning = rows.learning()
    with _refusing(inputs):
        fitted = kind.fit_on(
            inputs["definition"], rows.features, learning, claim.progress, Checkpoint(name)
        )
    file, signature = save(fitted, name)
    return Done(output={"file": file, "signature": signature}, counts={"file": file})


def evaluation(claim: Claim) -> Done:
    """How good it is on rows it has not seen, beside the version in use; then it is registered."""
    inputs, rows, made = claim.run.inputs, _rows(claim), _made(claim.run)
    kind = KINDS[inputs["kind"]]
    fitted = load(made["file"], made["signature"])
    definition = kind.settled(inputs["definition"], fitted)
    rows = Rows(rows.table, fitted.features)
    # Of several days the newest alone is measured: over all of them customers would count twice.
    several = len(inputs["snapshots"]) > 1
    testing = rows.testing() if inputs["outcome"] or several else rows
    with _refusing(inputs):
        report = kind.measure(definition, fitted, testing, claim.progress)
        if inputs["champion"] and inputs["outcome"]:
            report["champion"] = compared(inputs["champion"], kind, fitted, testing)
    report["data"] = _told_data(claim.run)
    profile = profile_of(kind, fitted, rows.learning())
    with transaction.atomic():
        claim.fence()
        version = _record(claim.run, definition, report, profile)
    # Not before: the fit's own step may be killed when the file is written and not yet recorded.
    Checkpoint(_file_name(claim.run)).forget()
    return Done(output={"version": version.pk}, counts=report.get("metrics", {}))


def steps_of_training() -> dict[str, Callable[[Claim], Done]]:
    """The stages as the work loop wants them."""
    return {step.__name__: step for step in (question, data, preparation, model, evaluation)}


# --- what they share ---


@contextmanager
def _refusing(inputs: dict[str, Any]) -> Iterator[None]:
    """A learning method's refusal becomes an error for people: final, and said in words."""
    try:
        yield
    except NotEstimable as error:
        model = Model.objects.get(pk=inputs["model"])
        raise refused(error, model.name) from error


def _leak(found: Finding) -> NotEstimable:
    """The refusal of a leak, by the plainest of its signs."""
    attribute, auc = found.attribute, round(found.auc.value or 1.0, 3)
    if "known_after" in found.why:
        return NotEstimable("known_after_outcome", attribute=attribute)
    if "copies" in found.why:
        return NotEstimable("too_good_alone", attribute=attribute, auc=auc)
    if found.value is not None:
        return NotEstimable("one_outcome_only", attribute=attribute, value=found.value)
    rest, gain = (e.value if e else None for e in (found.rest, found.gain))
    assert rest is not None
    assert gain is not None
    together = round(rest + gain, 3)
    return NotEstimable(
        "too_good_together", attribute=attribute, auc=auc, rest=round(rest, 3), together=together
    )


def _rows(claim: Claim) -> Rows:
    made = _made(claim.run)
    return read(Partition.objects.get(pk=made["rows"]), claim.run.inputs)


def _file_name(run: Run) -> str:
    return f"{run.inputs['model']}-{run.key}"


def _made(run: Run) -> dict[str, Any]:
    done = run.steps.filter(state=State.DONE)
    return {name: made for step in done for name, made in step.output.items()}


def _snapshot(model: Model, day: date) -> Partition:
    found = Partition.objects.filter(dataset="customers", business_date=day).order_by("-pk").first()
    if found is None:
        raise DomainError(
            "training_snapshot_missing",
            _(
                "Model %(model)s learns from the customers of %(day)s, whom the lake does not "
                "have: choose a day that has been ingested, or ingest it."
            )
            % {"model": model.code, "day": day},
            where=["days"],
        )
    return found


def _candidates() -> list[str]:
    """Every attribute that a model may learn from, where its definition names none."""
    attributes = Attribute.objects.filter(origin=Origin.SOURCE).exclude(type=Type.TEXT)
    return list(attributes.values_list("code", flat=True))


def _codes(attributes: list[str]) -> dict[str, list[str]]:
    """The codes of categories as the catalogue has them now: scoring never shifts columns."""
    categories = Attribute.objects.filter(code__in=attributes, type=Type.CATEGORY)
    return {a.code: [v["code"] for v in a.values] for a in categories}


def _period(days: int, asked: list[date]) -> tuple[date, date]:
    """The days whose events are read. An outcome's may be of any day: who waits for one reads all.

    ``days``: how old the oldest is, as of the day; 0: the events are outcomes.
    """
    return (asked[0] - timedelta(days), asked[-1]) if days else (date.min, date.max)


def _events(table: str, first: date, last: date) -> list[int]:
    """The newest partition of each day of a table of events."""
    return [partition.pk for partition in delivered_of(table, first, last)]


def _looked_at(inputs: dict[str, Any]) -> dict[str, int]:
    """How many attributes; of a model that learns from none it is no figure at all."""
    return {"candidates": len(inputs["features"])} if inputs["features"] else {}


def _told_data(run: Run) -> dict[str, Any]:
    stages = {step.name: step.counts for step in run.steps.filter(state=State.DONE)}
    return {
        "snapshots": run.inputs["snapshot_names"],
        **_looked_at(run.inputs),
        **stages.get("data", {}),
        "suspects": stages.get("preparation", {}).get("suspects", []),
    }


def _stages(run: Run) -> list[dict[str, Any]]:
    told = []
    for step in run.steps.filter(state=State.DONE):
        seconds = (step.finished_at - step.started_at).total_seconds()
        told.append({"stage": step.name, "seconds": round(seconds, 1), "facts": step.counts})
    return told


def _record(
    run: Run, definition: dict[str, Any], report: dict[str, Any], profile: dict[str, Any]
) -> ModelVersion:
    """Register the version; a step that is repeated finds the one that it made before."""
    known = ModelVersion.objects.filter(run=run.pk).first()
    if known is not None:
        return known
    inputs, made = run.inputs, _made(run)
    model = Model.objects.select_for_update().get(pk=inputs["model"])
    number = (model.versions.aggregate(last=Max("number"))["last"] or 0) + 1
    version = ModelVersion.objects.create(
        model=model,
        number=number,
        definition=definition,
        trained_on="; ".join(inputs["snapshot_names"])[:200],
        as_of=run.business_date,
        file=made["file"],
        signature=made["signature"],
        metrics=report.get("metrics", {}),
        report=report,
        profile=profile,
        stages=_stages(run),
        code_version=_code_version(),
        run=run.pk,
        trained_by=run.requested_by,
    )
    log(
        by=run.requested_by,
        action="train_model",
        target=("model", model.code, model.name_en),
        after={"version": number, "trained_on": version.trained_on, "metrics": version.metrics},
    )
    return version


def _code_version() -> str:
    """What computed it: a result can be had again with these."""
    learn = installed("scikit-learn")
    return f"{CODE} / scikit-learn {learn} / Python {platform.python_version()}"
