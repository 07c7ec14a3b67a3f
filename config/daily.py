"""The day, on one page: what happens to every customer, every business date, in order.

A run pins its inputs first: the very files, models, matrices and plan. Each step is a function of
the business date and those inputs; it writes partitions of the lake named by what they were made
from, or finds that they are there already. So a step may be killed and repeated at any point, and a
day run twice is the same day. Readers see nothing of it before ``publish`` moves one pointer.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from accounts.services import By
from campaigns.match import match as match_offers
from campaigns.models import Plan, Publication
from campaigns.plan import compile_plan
from campaigns.publish import current_publication, refuse_older
from campaigns.publish import publish as publish_answers
from campaigns.redrawn import publish_due
from common.errors import DomainError
from customers.catalogue import catalogue_key
from customers.ingest import ingest as ingest_table
from customers.purchases import ORDERS, PURCHASES
from customers.sources import resolve
from jobs.claims import Claim
from jobs.errors import LeaseLost
from jobs.models import Run, State
from jobs.services import start_run
from jobs.work import Done
from lake.models import Partition
from scoring.bought import earlier_orders, purchases_read
from scoring.group_movements import MOVEMENTS, Side, group_movements
from scoring.health import record_days, watch_performance
from scoring.models import ModelVersion
from scoring.score import SCORES
from scoring.score import score as score_customers
from scoring.selectors import current_versions
from segmentation.assign import CELLS
from segmentation.assign import assign as assign_cells
from segmentation.audiences.in_use import SetsInUse, sets_in_use
from segmentation.audiences.members import MEMBERS, materialise
from segmentation.flow.flows import FLOWS, flow
from segmentation.models import MatrixVersion
from segmentation.services import refuse_unfit

logger = logging.getLogger(__name__)

KIND = "day"
# Raise it when a step gives another result for equal inputs: then a repeated day is a new one.
CODE = 2


@dataclass(frozen=True)
class Day:
    """One claimed step's view of its run: the pinned inputs, and what earlier steps have made."""

    claim: Claim

    @property
    def business_date(self) -> date:
        return self.claim.run.business_date

    @property
    def inputs(self) -> dict[str, Any]:
        return self.claim.run.inputs

    @property
    def progress(self) -> Callable[[int, int], None]:
        return self.claim.progress

    @cached_property
    def made(self) -> dict[str, Any]:
        """Outputs of the finished steps: dataset → partition id."""
        done = self.claim.run.steps.filter(state=State.DONE)
        return {name: made for step in done for name, made in step.output.items()}

    def partition(self, dataset: str) -> Partition:
        return Partition.objects.get(pk=self.made[dataset])

    def models(self) -> list[ModelVersion]:
        return _in_order(ModelVersion, self.inputs["models"])

    def matrices(self) -> list[MatrixVersion]:
        return _in_order(MatrixVersion, self.inputs["matrices"])

    def plan(self) -> Plan:
        return Plan.objects.get(pk=self.inputs["plan"])

    def orders(self) -> list[Partition]:
        """The orders of earlier days that a model reads, as pinned, and those of the day."""
        wanted = [*self.inputs.get(ORDERS, []), *filter(None, [self.made.get(ORDERS)])]
        found = Partition.objects.in_bulk(wanted)
        return [found[pk] for pk in wanted]

    def yesterday(self, dataset: str) -> Partition | None:
        """What the last published day before this one had of a dataset."""
        pinned = self.inputs["yesterday"].get(dataset)
        if pinned is None:
            return None
        return Partition.objects.filter(
            dataset=dataset, business_date=pinned["date"], key=pinned["key"]
        ).first()


def ingest(day: Day) -> Done:
    """Customers, orders and contacts come in from their sources; what is wrong is set aside."""
    tables = {
        pinned["table"]: ingest_table(day.business_date, pinned, progress=day.progress)
        for pinned in day.inputs["sources"]
    }
    found = ("rows_in", "loaded", "rejected", "reasons")
    return Done(
        output={table: partition.pk for table, partition in tables.items()},
        counts={
            "rows": tables["customers"].rows,
            "tables": {
                table: {fact: partition.facts[fact] for fact in found if fact in partition.facts}
                for table, partition in tables.items()
            },
        },
    )


def score(day: Day) -> Done:
    """Every published model looks at every customer: score, grade and reasons; it is watched.

    Earlier days whose outcomes have become known are measured.
    """
    snapshot, models = day.partition("customers"), day.models()
    bought = purchases_read(models, day.orders(), snapshot, progress=day.progress)
    scores = score_customers(
        snapshot,
        models,
        yesterday=day.yesterday(SCORES),
        purchases=bought,
        progress=day.progress,
    )
    alerts = record_days(scores, day.models())
    afterwards, unmeasured = watch_performance(day.business_date)
    stale = [code for code, facts in scores.facts["models"].items() if "stale_since" in facts]
    return Done(
        output={SCORES: scores.pk} | ({PURCHASES: bought.pk} if bought else {}),
        counts={
            "rows": scores.rows,
            "nulls": scores.facts["nulls"],
            "alerts": alerts + afterwards,
            "stale": stale,
        }
        | ({"days_not_measured": unmeasured} if unmeasured else {}),
    )


def assign(day: Day) -> Done:
    """Every customer gets exactly one cell of each matrix, and his marks and audiences.

    Who moved since yesterday, and why, and from which behaviour group; who came to each audience
    and who left it.
    """
    snapshot, scores = day.partition("customers"), day.partition("scores")
    cells = assign_cells(snapshot, scores, day.matrices(), progress=day.progress)
    cells_before, scores_before = day.yesterday(CELLS), day.yesterday(SCORES)
    flows = flow(cells, cells_before, progress=day.progress)
    before = Side(scores_before, cells_before) if scores_before and cells_before else None
    moved = _movements(Side(scores, cells), before, day)
    members = materialise(
        snapshot,
        scores,
        cells,
        business_date=day.business_date,
        progress=day.progress,
        used=SetsInUse.from_json(day.inputs["sets"]),
        yesterday=day.yesterday(MEMBERS),
    )
    return Done(
        output={CELLS: cells.pk, FLOWS: flows.pk, MEMBERS: members.pk}
        | ({MOVEMENTS: moved.pk} if moved else {}),
        counts={
            "rows": cells.rows,
            "matrices": cells.facts["matrices"],
            "moved": flows.facts["moved"],
        }
        | ({} if moved else {"movements_not_counted": 1}),
    )


def _movements(today: Side, before: Side | None, day: Day) -> Partition | None:
    """A figure beside the work of the day: without it the day goes on, and says so."""
    try:
        return group_movements(today, before, day.models(), progress=day.progress)
    except LeaseLost:
        raise
    except Exception:
        logger.exception("movements between groups of %s were not counted", day.business_date)
        return None


def match(day: Day) -> Done:
    """Cells meet the marketing matrix: each customer's fitting offers, in the order of priority."""
    answers = match_offers(
        day.partition("customers"),
        day.partition("scores"),
        day.partition("cells"),
        day.plan(),
        members=day.partition(MEMBERS),
        business_date=day.business_date,
        progress=day.progress,
    )
    return Done(output={"answers": answers.pk}, counts={"rows": answers.rows, **answers.facts})


def publish(day: Day) -> Done:
    """Readers turn from yesterday's answers to today's, all at once."""
    publication = publish_answers(
        day.partition("answers"),
        business_date=day.business_date,
        run_number=day.claim.run.number,
        plan=day.plan(),
        versions=_versions(day),
        fence=day.claim.fence,
        progress=day.progress,
    )
    return Done(
        output={"publication": publication.pk},
        counts={
            "rows": publication.changed,
            "publication": publication.pk,
            "customers": publication.customers,
            "content_hash": publication.content_hash,
        },
    )


DAY: tuple[Callable[[Day], Done], ...] = (ingest, score, assign, match, publish)


def run_day(business_date: date, *, by: By) -> tuple[Run, bool]:
    """Ask for the day over what is published and has arrived now; also, whether that set it going.

    Matrices approved for the date are published first. Raises DomainError ``source_missing`` (503)
    while a source hasn't come, ``older_than_published`` and ``nothing_published`` when there is
    nothing sensible to run.
    """
    refuse_older(business_date, current_publication())
    publish_due(business_date, by=by)
    steps = [step.__name__ for step in DAY]
    inputs = pin(business_date)
    return start_run(kind=KIND, business_date=business_date, steps=steps, inputs=inputs, by=by)


def pin(business_date: date) -> dict[str, Any]:
    """Everything the day depends on, by version: what makes it repeatable and explainable."""
    sources = resolve(business_date)
    matrices = list(MatrixVersion.objects.published().order_by("matrix__position", "matrix_id"))
    if not matrices:
        raise DomainError(
            "no_matrix",
            _("A day needs at least one published customer matrix; there is none. Publish one."),
            status=409,
        )
    refuse_unfit(matrices)
    versions = current_versions()
    return {
        "code": CODE,
        "sources": sources,
        "catalogue": catalogue_key(),
        "models": [{"id": v.pk, "code": v.model_id, "version": v.number} for v in versions],
        "matrices": [{"id": v.pk, "code": v.matrix_id, "version": v.number} for v in matrices],
        "plan": compile_plan(business_date, matrices).key,
        "sets": sets_in_use().to_json(),
        "yesterday": _published_before(business_date),
        ORDERS: [p.pk for p in earlier_orders(versions, business_date)],
    }


def steps_of_a_day() -> dict[str, Callable[[Claim], Done]]:
    """DAY as the work loop wants it: by name, from a claim."""
    return {step.__name__: (lambda claim, step=step: step(Day(claim))) for step in DAY}


def _versions(day: Day) -> dict[str, Any]:
    """What an answer of this day came from, as its publication and its decisions tell it."""
    named = {name: day.partition(name) for name in ("customers", "scores", CELLS, MEMBERS)}
    return {
        "code": day.inputs["code"],
        "snapshot": _address(named["customers"]),
        "scores": _address(named["scores"]),
        "cells": _address(named[CELLS]),
        "members": _address(named[MEMBERS]),
        "models": {m["code"]: m["version"] for m in day.inputs["models"]},
        "matrices": {m["code"]: m["version"] for m in day.inputs["matrices"]},
        "plan": day.inputs["plan"],
    }


def _address(partition: Partition) -> dict[str, str]:
    return {"date": partition.business_date.isoformat(), "key": partition.key}


def _published_before(business_date: date) -> dict[str, dict[str, str]]:
    """By dataset the address of what the last published day before had of it."""
    earlier = Publication.objects.filter(business_date__lt=business_date)
    last = earlier.order_by("-business_date", "-id").first()
    versions = last.versions if last else {}
    return {name: versions[name] for name in (SCORES, CELLS, MEMBERS) if name in versions}


def _in_order(model: Any, pinned: list[dict[str, Any]]) -> list[Any]:
    rows = model.objects.in_bulk([p["id"] for p in pinned])
    return [rows[p["id"]] for p in pinned]
