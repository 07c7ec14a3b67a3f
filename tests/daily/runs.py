"""Runs made by hand."""

from datetime import date

from jobs.models import Run
from jobs.services import start_run


def begin(business_date: date, steps: tuple[str, ...] = ("ingest",)) -> Run:
    return start_run(
        kind="day", business_date=business_date, steps=steps, inputs={}, by="schedule"
    )[0]
