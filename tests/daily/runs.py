"""Runs made by hand."""

from datetime import date

from jobs.models import Run
from jobs.services import start_run


def begin(business_date: date) -> Run:
    return start_run(
        kind="day", business_date=business_date, steps=["ingest"], inputs={}, by="schedule"
    )[0]
