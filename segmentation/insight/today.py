"""The published day: which partitions people look at now, as the published run made them."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import pyarrow.parquet as pq
from django.utils.translation import gettext as _

from common.errors import DomainError
from jobs.models import Run, State, Step
from lake.models import Partition

from ..models import MatrixVersion
from ..published import DAY, PUBLISH

# What is laid side by side, and in which order a column is looked for.
DATASETS = ("customers", "scores", "cells", "members")


@dataclass(frozen=True)
class Today:
    """One published day. ``partitions``: by dataset, those of DATASETS that its run made."""

    business_date: date
    run_number: int
    inputs: dict[str, Any]
    partitions: dict[str, Partition]

    @property
    def snapshot(self) -> Partition:
        return self.partitions["customers"]

    @cached_property
    def homes(self) -> dict[str, str]:
        """Column → the dataset that it is in."""
        homes: dict[str, str] = {}
        for dataset, partition in reversed(self.partitions.items()):
            homes |= dict.fromkeys(pq.read_schema(partition.file(0)).names, dataset)
        return homes

    @cached_property
    def matrices(self) -> dict[str, MatrixVersion]:
        """The versions that the day was run with, by matrix, in the day's order."""
        pinned = self.inputs.get("matrices", [])
        found = MatrixVersion.objects.select_related("matrix").in_bulk([p["id"] for p in pinned])
        return {p["code"]: found[p["id"]] for p in pinned if p["id"] in found}

    @property
    def versions(self) -> list[str]:
        """Everything that its figures depend on, as text."""
        pinned = [
            f"{named['code']}@{named['version']}"
            for kind in ("matrices", "models")
            for named in self.inputs.get(kind, [])
        ]
        made = [f"{dataset} {p.key}" for dataset, p in self.partitions.items()]
        return [*pinned, *made]

    @property
    def keys(self) -> list[str]:
        return [f"{dataset}/{p.key}" for dataset, p in self.partitions.items()]


def published_day() -> Today:
    """Return the last published day. Raises DomainError ``nothing_published`` (503)."""
    published = Run.objects.filter(kind=DAY, steps__name=PUBLISH, steps__state=State.DONE)
    run = published.order_by("-business_date", "-number").first()
    if run is None:
        raise DomainError(
            "nothing_published",
            _("No day has been published yet: profiles come with the first daily run."),
            status=503,
        )
    return day_of(run)


def day_of(run: Run) -> Today:
    made: dict[str, int] = {}
    for step in Step.objects.filter(run=run, state=State.DONE).order_by("position"):
        made |= {name: pk for name, pk in step.output.items() if name in DATASETS}
    found = Partition.objects.in_bulk(made.values())
    partitions = {name: found[made[name]] for name in DATASETS if made.get(name) in found}
    if "customers" not in partitions:
        raise DomainError(
            "snapshot_gone",
            _("The snapshot of %(day)s is no longer in the lake; run a newer day.")
            % {"day": run.business_date},
            status=409,
        )
    return Today(run.business_date, run.number, run.inputs, partitions)
