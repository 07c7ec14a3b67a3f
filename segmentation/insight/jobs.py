"""Answering a question: at once where the province is small, by a worker where it is large.

A large one is a run of its own kind with one step, on the day that was published when it was asked;
its result is the partition that the page then finds (segmentation.insight.measure).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accounts.services import By
from common.keys import key_of
from jobs.claims import Claim
from jobs.models import Run, State, Step
from jobs.services import start_run
from jobs.work import Done
from lake.models import Partition

from ..published import DAY
from .measure import PROFILES, Question, known_profile, measure
from .today import Today, day_of

KIND = "insight"
# Customers that are counted while a person waits. Not measured: an estimate of two seconds' work
# on two cores.
AT_ONCE = 400_000


@dataclass(frozen=True)
class Answer:
    """Where an answer stands: ``measured`` when it is there; else the ``run`` that counts it.

    Neither: nobody has asked for it yet, and it is too much to count while somebody waits.
    """

    measured: Partition | None = None
    run: Run | None = None

    @property
    def step(self) -> Step | None:
        return self.run.steps.first() if self.run else None

    @property
    def active(self) -> bool:
        return self.run is not None and self.run.state in (State.WAITING, State.RUNNING)


def find_answer(question: Question, today: Today) -> Answer:
    """Return what there is, counting now if that is quick. Starts no run."""
    measured = known_profile(question, today)
    if measured is None and today.snapshot.rows <= AT_ONCE:
        measured = measure(question, today, progress=lambda done, total: None)
    if measured is not None:
        return Answer(measured)
    return Answer(run=_asked(_inputs(question, today), today))


def ask(question: Question, today: Today, *, by: By) -> Run:
    """Let a worker count it; the same question that is being counted is found."""
    inputs = _inputs(question, today)
    known = _asked(inputs, today)
    if known is not None and known.state in (State.WAITING, State.RUNNING):
        return known
    run, _new = start_run(
        kind=KIND, business_date=today.business_date, steps=["measure"], inputs=inputs, by=by
    )
    return run


def _inputs(question: Question, today: Today) -> dict[str, Any]:
    day = {"date": today.business_date.isoformat(), "number": today.run_number}
    return {"day": day, "made": today.keys, "question": question.to_json()}


def _asked(inputs: dict[str, Any], today: Today) -> Run | None:
    """The newest run over these inputs."""
    asked = Run.objects.filter(kind=KIND, business_date=today.business_date, key=key_of(inputs))
    return asked.order_by("-number").first()


def measure_step(claim: Claim) -> Done:
    """Count the customers of the question that the run was asked for."""
    inputs = claim.run.inputs
    day = Run.objects.get(
        kind=DAY, business_date=inputs["day"]["date"], number=inputs["day"]["number"]
    )
    question = Question.from_json(inputs["question"])
    measured = measure(question, day_of(day), progress=claim.progress)
    return Done(output={PROFILES: measured.pk}, counts={"rows": sum(_sizes(measured))})


def _sizes(measured: Partition) -> list[int]:
    return list(measured.facts["regions"].values())


def steps_of_insight() -> dict[str, Callable[[Claim], Done]]:
    """The steps of this kind of run, as the work loop wants them."""
    return {"measure": measure_step}
