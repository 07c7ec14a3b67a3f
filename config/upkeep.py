"""What is kept, and for how long; everything else is removed once a day."""

from collections.abc import Iterator

from django.conf import settings

from campaigns.models import Publication
from campaigns.retention import KEEP_PUBLICATIONS, prune_answers
from contacts.services import prune_events
from jobs.models import Run
from jobs.outbox import forget_rung
from lake import partitions
from lake.models import Partition
from lake.services import Name, prune
from scoring.bought import events_kept
from segmentation.flow.history import compact_ended, kept
from touch.decisions import prune_decisions
from touch.feedback import forget_replies

# What a publication's versions name beside its answers.
SHOWN = ("snapshot", "scores", "cells", "members")
# What the inputs of a run name of the lake.
PINNED = ("snapshots", "orders", "contacts", "trials")
DRAFTS_KEPT_SECONDS = 24 * 3600


def sweep() -> None:
    """Remove drafts of dead writers, rung bells, and what is kept for a time only.

    Flows of months that are over are packed first: they are kept for two years.
    """
    partitions.sweep(DRAFTS_KEPT_SECONDS)
    forget_rung()
    prune_answers()
    prune_decisions(settings.DECISION_KEEP_DAYS)
    forget_replies()
    prune_events(settings.CONTACT_KEEP_DAYS)
    compact_ended()
    published = Publication.objects.first()
    if published is not None:
        prune(
            keep_days=settings.LAKE_KEEP_DAYS,
            today=published.business_date,
            protected={
                *referred_to(),
                *kept(published.business_date),
                *events_kept(published.business_date),
            },
        )


def referred_to() -> Iterator[Name]:
    """The partitions that a kept publication shows or came from, and those of unfinished runs."""
    for publication in Publication.objects.all()[:KEEP_PUBLICATIONS]:
        yield "answers", publication.business_date, publication.answers_key
        named = (publication.versions.get(name) for name in SHOWN)
        made = {address["key"] for address in named if address}
        named = Partition.objects.filter(key__in=made)
        yield from named.values_list("dataset", "business_date", "key")
    for run in Run.objects.unfinished():
        made = (made for step in run.steps.all() for made in step.output.values())
        ids = [one for one in made if isinstance(one, int)]
        ids += [one for name in PINNED for one in run.inputs.get(name, [])]
        named = Partition.objects.filter(pk__in=ids)
        yield from named.values_list("dataset", "business_date", "key")
