"""What workers do at a bell. It may ring twice, late or never, so each looks for what is due."""

from celery import shared_task

from jobs.models import Run
from jobs.services import BELL, SLOW_BELL
from jobs.work import work_once
from scoring.training import KIND as TRAINING
from scoring.training import steps_of_training
from segmentation.insight.jobs import KIND as INSIGHT
from segmentation.insight.jobs import steps_of_insight

from . import nightly, upkeep
from .daily import KIND as DAY
from .daily import steps_of_a_day

STEPS = {DAY: steps_of_a_day, INSIGHT: steps_of_insight, TRAINING: steps_of_training}


@shared_task(name=BELL, acks_late=False)
def work(run_id: int) -> None:
    """Do the run's next step, if it is free. Finishing it rings for the one after.

    Acknowledged at once: the step row, not the message, says that there is work. A message held
    for the length of a step would be given out again by the broker's own timeouts.
    """
    run = Run.objects.filter(pk=run_id).first()
    if run is not None:
        work_once(run, STEPS[run.kind]())


@shared_task(name=SLOW_BELL, acks_late=False)
def work_slowly(run_id: int) -> None:
    """The same for runs that may take hours, in the queue of the trainer."""
    work(run_id)


@shared_task(name="day.begin_due")
def begin_due() -> None:
    nightly.ask_for_the_night()
    nightly.begin_due()


@shared_task(name="day.sweep")
def sweep() -> None:
    upkeep.sweep()
