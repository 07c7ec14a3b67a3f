"""Which days are published, and the partitions that people may see of them.

A day is published when the last step of one of its runs is done; of several runs the latest
counts, for readers never go back. Partitions of runs that never got there are nobody's business.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from jobs.models import Run, State, Step
from lake.models import Partition

DAY, ASSIGN, PUBLISH = "day", "assign", "publish"


@dataclass(frozen=True)
class PublishedDay:
    """The cells and flows that a published day's run wrote; None where they are kept no longer."""

    date: date
    cells: Partition | None
    flows: Partition | None


def published_days(first: date | None = None, last: date | None = None) -> list[PublishedDay]:
    """Return the published days from ``first`` to ``last``, both included, oldest first."""
    runs = Run.objects.filter(kind=DAY, steps__name=PUBLISH, steps__state=State.DONE)
    if first is not None:
        runs = runs.filter(business_date__gte=first)
    if last is not None:
        runs = runs.filter(business_date__lte=last)
    # The later number replaces the earlier one of the same date.
    latest = dict(runs.order_by("business_date", "number").values_list("business_date", "pk"))
    outputs = dict(
        Step.objects.filter(run__in=latest.values(), name=ASSIGN).values_list("run", "output")
    )
    cells = Partition.objects.in_bulk(_ids("cells", outputs.values()))
    # What the flows of a year say of themselves is long, and hardly ever asked.
    flows = Partition.objects.defer("facts").in_bulk(_ids("flows", outputs.values()))
    return [
        PublishedDay(day, cells.get(made.get("cells")), flows.get(made.get("flows")))
        for day, made in ((day, outputs.get(run, {})) for day, run in latest.items())
    ]


def latest_day() -> PublishedDay | None:
    """Return the day that readers see now; None before the first publication."""
    newest = Run.objects.filter(kind=DAY, steps__name=PUBLISH, steps__state=State.DONE)
    day = newest.order_by("-business_date").values_list("business_date", flat=True).first()
    return published_days(day, day)[0] if day else None


def _ids(name: str, outputs: Iterable[dict[str, int]]) -> list[int]:
    return [made[name] for made in outputs if name in made]
