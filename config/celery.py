"""Celery: rings bells on time; what there is to do stands in PostgreSQL.

Every entry may run twice, at once or not at all without harm, so two beats do no harm either. A
tick that found no worker is worthless when the next one comes, and expires with it.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def _every(seconds: float, task: str) -> dict[str, object]:
    return {"task": task, "schedule": seconds, "options": {"expires": seconds}}


app = Celery("juzhen")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = {
    "ring unrung bells, and again for runs that nobody works on": _every(5, "jobs.reconcile"),
    "ask for the night's day, and begin days whose sources have come": _every(60, "day.begin_due"),
    "remove what is no longer needed": _every(24 * 3600, "day.sweep"),
}
app.autodiscover_tasks()
