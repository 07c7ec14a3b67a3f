"""Reads of what was published about one customer."""

from dataclasses import dataclass
from datetime import date

from accounts.models import User

from .models import Answer, CurrentPublication, Publication

MOST_ROWS = 10


@dataclass(frozen=True)
class Past:
    """An answer that the customer had from a publication on. ``changes``: what differs from the
    one before: "cells", "offers", "profile"; empty for the first.
    """

    publication: int
    business_date: date | None
    changes: list[str]
    offers: int
    departed: bool


def history(customer_no: str, *, user: User) -> list[Past]:
    """Return the customer's newest published answers up to the current one, newest first.

    Only rows of cities that the user may see; empty before the first publication.
    """
    pointer = CurrentPublication.objects.first()
    if pointer is None:
        return []
    rows = list(
        Answer.objects.filter(
            customer_no=customer_no, publication_id__lte=pointer.publication_id
        ).order_by("-publication_id")[: MOST_ROWS + 1]
    )
    visible = [row for row in rows if user.sees_city(row.city)]
    dates = dict(
        Publication.objects.filter(pk__in=[r.publication_id for r in visible]).values_list(
            "pk", "business_date"
        )
    )
    return [
        Past(
            row.publication_id,
            dates.get(row.publication_id),
            _changes(row, before),
            len(row.offers),
            row.departed,
        )
        for row, before in zip(visible, [*visible[1:], None], strict=True)
    ][:MOST_ROWS]


def _changes(row: Answer, before: Answer | None) -> list[str]:
    if before is None:
        return []
    return [n for n in ("cells", "offers", "profile") if getattr(row, n) != getattr(before, n)]
