"""What the home page and the runs pages show, each figure within the reader's walls.

The day's figures are those of the run that is published, so that they fit the answers which touch
points give now; the run card shows the latest run, published or not. A city's reader gets the
city's own figures; what a run counted for the whole province only is left out for him (law 8).
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.models import User
from campaigns.models import CurrentPublication, Publication
from common.permissions import Permission
from customers.models import Attribute, Source
from customers.reasons import Reason
from jobs.models import Run, State, Step
from lake.models import Partition
from scoring.models import ModelVersion
from scoring.names import Names
from scoring.selectors import Line, alerted_on, models_to_look_at
from scoring.watched import Shown, alerts, shown
from segmentation.models import Matrix

DAY = "day"


@dataclass(frozen=True)
class Proof:
    """Law 1 as counted for one matrix."""

    name: str
    version: int | None
    customers: int | None
    cells_in_use: int | None
    unassigned: int | None
    doubly_assigned: int | None

    @property
    def holds(self) -> bool:
        return self.unassigned == 0 and self.doubly_assigned == 0


@dataclass(frozen=True)
class StepLine:
    """One step as a page shows it."""

    step: Step
    counts: dict[str, int | float]
    error: str

    @property
    def took(self) -> timedelta | None:
        """How long its last attempt took; None before it has ended."""
        over = self.step.state in (State.DONE, State.FAILED)
        if not over or self.step.started_at is None or self.step.finished_at is None:
            return None
        return self.step.finished_at - self.step.started_at


@dataclass(frozen=True)
class RunView:
    """A run with its steps and the proofs that its assign step counted."""

    run: Run
    lines: list[StepLine]
    proofs: list[Proof]
    province_wide: bool

    @property
    def active(self) -> bool:
        return self.run.state in (State.WAITING, State.RUNNING)

    @property
    def took(self) -> timedelta | None:
        starts = [line.step.started_at for line in self.lines if line.step.started_at]
        if not starts or self.run.finished_at is None:
            return None
        return self.run.finished_at - min(starts)

    @property
    def done_steps(self) -> int:
        return sum(line.step.state == State.DONE for line in self.lines)


@dataclass(frozen=True)
class Freshness:
    """One source: its last snapshot. Counts are None where the reader may not see them."""

    source: Source
    business_date: date | None
    at: datetime | None
    loaded: int | None
    rejected: int | None
    reasons: list[tuple[str | Promise, int]]
    unlisted: list["Unlisted"] = field(default_factory=list)


@dataclass(frozen=True)
class Unlisted:
    """Values of a category that the catalogue does not list, and that "other" took."""

    attribute: str
    rows: int
    values: str


@dataclass(frozen=True)
class Headlines:
    """The figures at the top: of the whole province, or of the reader's city."""

    publication: Publication
    customers: int | None
    with_offers: int | None
    moved: dict[str, Any] | None


@dataclass(frozen=True)
class ModelAlerts:
    """A model in use, and its alerts that nobody has looked at."""

    line: Line
    alerts: list[Shown]


def model_alerts(reader: User) -> list[ModelAlerts]:
    """Return the models that need a look, for who may read of models."""
    if not reader.can(Permission.VIEW_MODELS):
        return []
    names = Names()
    return [ModelAlerts(line, shown(line.loud, names)) for line in models_to_look_at()]


def alerts_of_day(run: Run, reader: User) -> list[tuple[ModelVersion, list[str]]]:
    """Return what the day of a run found of the versions that scored it."""
    if not reader.can(Permission.VIEW_MODELS):
        return []
    names = Names()
    pinned = {(model["code"], model["version"]) for model in run.inputs.get("models", [])}
    days = alerted_on(run.business_date, pinned)
    told = [(day.version, alerts(day, names)) for day in days]
    return [(version, texts) for version, texts in told if texts]


def runs() -> QuerySet[Run]:
    return Run.objects.filter(kind=DAY).order_by("-business_date", "-number")


def run_view(run: Run, reader: User) -> RunView:
    steps = list(run.steps.order_by("position"))
    wide = reader.cities is None
    lines = [_line(step, wide) for step in steps]
    return RunView(run, lines, _proofs(steps, wide), wide)


def latest_run(reader: User) -> RunView | None:
    run = runs().first()
    return run_view(run, reader) if run else None


def publication() -> Publication | None:
    current = CurrentPublication.objects.select_related("publication").first()
    return current.publication if current else None


def headlines(reader: User) -> Headlines | None:
    """Return the figures of the published day; None before the first publication."""
    published = publication()
    if published is None:
        return None
    steps = {step.name: step for step in _steps_of(published)}
    moved = steps["assign"].counts.get("moved") if "assign" in steps else None
    city = city_of(reader)
    if city is None:
        with_offers = steps["match"].counts.get("with_offers") if "match" in steps else None
        return Headlines(published, published.customers, with_offers, moved)
    of_city = (moved or {}).get("by_city", {}).get(city)
    return Headlines(published, _customers_of(city, steps.get("ingest")), None, of_city)


def _customers_of(city: str, ingest: Step | None) -> int | None:
    snapshot = (
        Partition.objects.filter(pk=ingest.output.get("customers")).first() if ingest else None
    )
    return snapshot.facts.get("by_city", {}).get(city) if snapshot else None


def city_of(reader: User) -> str | None:
    """The one city whose figures the reader sees; None: those of the province."""
    if reader.cities is None:
        return None
    return next(iter(reader.cities), "")


def freshness(reader: User) -> list[Freshness]:
    """Return what each active source last brought."""
    return [_freshness(s, reader) for s in Source.objects.filter(active=True).order_by("code")]


def _freshness(source: Source, reader: User) -> Freshness:
    last = Partition.objects.of(source.table).order_by("-business_date", "-created_at").first()
    if last is None:
        return Freshness(source, None, None, None, None, [])
    facts, city = last.facts, city_of(reader)
    day, at = last.business_date, last.created_at
    if city is not None:
        return Freshness(source, day, at, facts.get("by_city", {}).get(city), None, [])
    reasons = [(_reason(code), rows) for code, rows in facts.get("reasons", {}).items()]
    loaded = facts.get("loaded", last.rows)
    return Freshness(source, day, at, loaded, facts.get("rejected"), reasons, _unlisted(facts))


def _unlisted(facts: dict[str, Any]) -> list[Unlisted]:
    found = facts.get("unlisted", {})
    names = {a.code: a.name for a in Attribute.objects.filter(code__in=found)}
    return [
        Unlisted(names.get(code, code), said["rows"], ", ".join(said["values"]))
        for code, said in found.items()
    ]


def _reason(code: str) -> str | Promise:
    return Reason(code).label if code in set(Reason) else code


def _steps_of(published: Publication) -> QuerySet[Step]:
    """The steps of the run whose answers are published."""
    return Step.objects.filter(
        run__kind=DAY,
        run__business_date=published.business_date,
        run__number=published.run_number,
    )


def _line(step: Step, province_wide: bool) -> StepLine:
    error = step.error or {}
    if not province_wide:
        return StepLine(step, {}, "")
    plain = {
        name: value
        for name, value in step.counts.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return StepLine(step, plain, error.get("message", ""))


def _proofs(steps: list[Step], province_wide: bool) -> list[Proof]:
    """Return what the assign step counted, one proof per matrix; nothing before it is done."""
    facts = [f for step in steps if step.name == "assign" for f in step.counts.get("matrices", [])]
    names = matrix_names()
    return [_proof(f, names.get(f["matrix"], f["matrix"]), province_wide) for f in facts]


def matrix_names() -> dict[str, str]:
    """The names of all matrices in the reader's language, by code."""
    return {matrix.code: matrix.name for matrix in Matrix.objects.all()}


def _proof(facts: dict[str, Any], name: str, province_wide: bool) -> Proof:
    return Proof(
        name=name,
        version=facts.get("version"),
        customers=facts.get("customers") if province_wide else None,
        cells_in_use=facts.get("cells_in_use") if province_wide else None,
        unassigned=facts.get("unassigned"),
        doubly_assigned=facts.get("doubly_assigned"),
    )


def inputs_of(run: Run) -> list[tuple[str, list[str]]]:
    """What a run was pinned to, by version, for a reader: (kind, one text per input)."""
    pinned = run.inputs
    files = [
        f"{source['source']}: {file['path']} {file['sha256'][:12]}"
        for source in pinned.get("sources", [])
        for file in source["files"]
    ]
    yesterday = pinned.get("yesterday")
    return [
        (_("files"), files),
        (_("models"), [f"{m['code']}@{m['version']}" for m in pinned.get("models", [])]),
        (_("matrices"), [f"{m['code']}@{m['version']}" for m in pinned.get("matrices", [])]),
        (_("plan"), [pinned["plan"]] if "plan" in pinned else []),
        (_("attribute catalogue"), [pinned["catalogue"]] if "catalogue" in pinned else []),
        (_("day before"), [f"{yesterday['date']} {yesterday['key']}"] if yesterday else []),
        (_("code version"), [str(pinned["code"])] if "code" in pinned else []),
    ]
