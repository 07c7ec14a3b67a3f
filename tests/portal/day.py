"""A published day as the home page reads it: rows only, no lake."""

from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from campaigns.models import CurrentPublication, Plan, Publication
from campaigns.planned import Planned
from customers.models import Source
from jobs.models import Run, State, Step
from lake.models import Partition
from segmentation.models import Matrix, Strategy

DATE = date(2026, 3, 3)
NOTHING_OFFERED = Planned((), (), (), (), (), (), {})
NAMES = ("ingest", "score", "assign", "match", "publish")


def flows(customers: int) -> dict[str, Any]:
    """The summary of moves: of a province, or of a city with fewer customers."""
    cell = "价值高 · 异动 · 全球通" if customers > 1000 else "价值中 · 未异动"
    return {
        "customers": customers,
        "share": 0.0213,
        "new": customers // 10,
        "departed": customers // 12,
        "by_dimension": [
            {
                "matrix": "retention",
                "dimension": name,
                "name_zh": zh,
                "name_en": en,
                "customers": customers // part,
            }
            for name, zh, en, part in (
                ("movement", "异动等级", "movement", 2),
                ("value", "价值", "value", 4),
                ("spend", "消费", "spend", 9),
            )
        ],
        "top": [
            {
                "matrix": "retention",
                "from_cell": 1200 + n,
                "to_cell": 1300 + n,
                "from": cell,
                "to": "价值高 · 未异动 · 全球通",
                "customers": customers // (n + 3),
            }
            for n in range(6)
        ],
    }


def counts() -> dict[str, dict[str, Any]]:
    return {
        "ingest": {
            "rows": 199_871,
            "tables": {"customers": {"rows_in": 200_000, "loaded": 199_871, "rejected": 129}},
        },
        "score": {"rows": 199_871},
        "assign": {
            "rows": 199_871,
            "matrices": [
                {
                    "matrix": code,
                    "version": 2,
                    "customers": 199_871,
                    "unassigned": 0,
                    "doubly_assigned": 0,
                    "cells_in_use": cells,
                }
                for code, cells in (("retention", 812), ("stimulation", 96), ("uplift", 144))
            ],
            "moved": flows(4_263)
            | {"by_city": {"hangzhou": flows(611) | {"share": 0.0187}, "ningbo": flows(402)}},
        },
        "match": {"rows": 199_871, "with_offers": 151_420, "offers": 402_388},
        "publish": {"rows": 8_112, "publication": 7, "customers": 199_871},
    }


def make_day(state: str = State.DONE) -> Run:
    """Return the run of a published day, or of one that is under way or has failed at assign."""
    run = Run.objects.create(
        kind="day",
        business_date=DATE,
        number=1,
        key="0123456789abcdef0123",
        inputs={
            "sources": [
                {
                    "source": "sample_customers",
                    "files": [{"path": "sample/2026-03-03/customers.parquet", "sha256": "ab" * 32}],
                }
            ],
            "models": [{"code": "value_index", "version": 3}],
            "matrices": [{"code": "retention", "version": 2}],
            "plan": "fedcba98765432100000",
            "code": 1,
        },
        state=state,
        requested_by="nightly",
        finished_at=None if state == State.RUNNING else timezone.now(),
    )
    snapshot = make_sources()
    for position, name in enumerate(NAMES):
        make_step(run, position, name, state, snapshot)
    if state == State.DONE:
        make_publication(run)
    return run


def make_step(run: Run, position: int, name: str, state: str, snapshot: Partition) -> None:
    stopped = NAMES.index("assign") if state != State.DONE else len(NAMES)
    started = timezone.now() - timedelta(seconds=60 - 10 * position)
    step = Step(run=run, position=position, name=name)
    if position < stopped:
        step.state, step.counts, step.attempts = State.DONE, counts()[name], 1
        step.output = {"customers": snapshot.pk} if name == "ingest" else {name: 40 + position}
        step.started_at, step.finished_at = started, started + timedelta(seconds=3.4 + position)
        step.peak_mib = 412
    elif position == stopped:
        step.state, step.started_at, step.attempts = state, started, 1
        step.done_units, step.total_units = 11, 16
        if state == State.FAILED:
            step.error = {"code": "disk_full", "message": "The disk is full.", "extra": {"free": 0}}
    step.save()


def make_sources() -> Partition:
    """Return the snapshot; orders have never been loaded."""
    for position, (code, zh, en) in enumerate(
        (
            ("retention", "存量保有", "Retention"),
            ("stimulation", "话务激发", "Stimulation"),
            ("uplift", "新业务提升", "Uplift"),
        )
    ):
        strategy = Strategy.objects.create(code=code, name_zh=zh, name_en=en, position=position)
        Matrix.objects.create(
            code=code, strategy=strategy, name_zh=zh, name_en=en, position=position
        )
    for code, table in (("sample_customers", "customers"), ("sample_orders", "orders")):
        Source.objects.create(code=code, table=table, mapping={})
    return Partition.objects.create(
        dataset="customers",
        business_date=DATE,
        key="k",
        parts=2,
        rows=199_871,
        size=1,
        facts={
            "rows_in": 200_000,
            "loaded": 199_871,
            "rejected": 129,
            "reasons": {"duplicate_key": 90, "out_of_range": 39},
            "by_city": {"hangzhou": 32_650, "ningbo": 20_480},
        },
    )


def make_publication(run: Run) -> Publication:
    publication = Publication.objects.create(
        id=7,
        business_date=run.business_date,
        run_number=run.number,
        answers_key="k",
        content_hash="f" * 32,
        plan=Plan.objects.create(key="nothing-offered", body=NOTHING_OFFERED.to_json()),
        versions={},
        customers=199_871,
        changed=8_112,
    )
    CurrentPublication.objects.create(id=1, publication=publication)
    return publication
