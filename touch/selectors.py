"""Reads of what was published about one customer, and of one decision."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import User
from campaigns.models import Answer, CurrentPublication, Offer, Publication
from common.errors import DomainError
from customers.selectors import attributes_for
from segmentation.models import Cell

from .models import Decision

MOST_ROWS = 10


def decision_for(identifier: UUID, *, user: User) -> Decision:
    """Return the decision; DomainError ``unknown_decision`` (404), also for another city's."""
    found = Decision.objects.filter(pk=identifier).first()
    if found is None or not user.sees_city(found.city):
        raise DomainError(
            "unknown_decision",
            _("There is no such decision here. Check the id: it stands on the answer."),
            status=404,
        )
    return found


@dataclass(frozen=True)
class Past:
    """An answer that the customer had from a publication on, and what was other before it.

    gained, lost    names of policies that came and went
    reordered       whether the policies that stayed stand in another order
    matrices        names of the matrices in which the cell changed
    attributes      names of the attributes that changed, of those that the user may see
    first           there is nothing earlier to compare with
    """

    publication: int
    business_date: date | None
    offers: int
    departed: bool
    first: bool
    gained: list[str]
    lost: list[str]
    reordered: bool
    matrices: list[str]
    attributes: list[str]


def history(customer_no: str, *, user: User) -> list[Past]:
    """Return the customer's newest published answers up to the current one, newest first.

    Only rows of cities that the user may see; empty before the first publication.
    """
    pointer = CurrentPublication.objects.first()
    if pointer is None:
        return []
    published = Answer.objects.filter(
        customer_no=customer_no, publication_id__lte=pointer.publication_id
    )
    # One more than is shown: the last one shown is compared with it.
    rows = [
        row
        for row in published.order_by("-publication_id")[: MOST_ROWS + 1]
        if user.sees_city(row.city)
    ]
    naming = _Naming(rows, user)
    pairs = list(zip(rows, [*rows[1:], None], strict=True))
    return [naming.past(row, before) for row, before in pairs[:MOST_ROWS]]


class _Naming:
    """The names of all that some answers speak of, read once."""

    def __init__(self, rows: Sequence[Answer], user: User) -> None:
        numbers = [row.publication_id for row in rows]
        self._dates = dict(
            Publication.objects.filter(pk__in=numbers).values_list("pk", "business_date")
        )
        offers = Offer.objects.filter(pk__in={o for row in rows for o in row.offers})
        self._policies = {o.pk: o.policy_version for o in offers.select_related("policy_version")}
        cells = Cell.objects.filter(number__in={c for row in rows for c in row.cells if c})
        self._matrices = {c.number: c.matrix for c in cells.select_related("matrix")}
        self._attributes = {a.code: a.name for a in attributes_for(user)}

    def past(self, row: Answer, before: Answer | None) -> Past:
        was = before or row
        stayed = [offer for offer in was.offers if offer in row.offers]
        return Past(
            publication=row.publication_id,
            business_date=self._dates.get(row.publication_id),
            offers=len(row.offers),
            departed=row.departed,
            first=before is None,
            gained=self._names_of(row.offers, was.offers),
            lost=self._names_of(was.offers, row.offers),
            reordered=stayed != [offer for offer in row.offers if offer in was.offers],
            matrices=self._moved(row, was),
            attributes=[
                name
                for code, name in self._attributes.items()
                if row.profile.get(code) != was.profile.get(code)
            ],
        )

    def _names_of(self, offers: Iterable[int], others: Iterable[int]) -> list[str]:
        """The policies of offers that are not among the others, as "number name"."""
        known = {self._policies[offer].policy_id for offer in others}
        policies = [self._policies[offer] for offer in offers]
        return [f"{p.policy_id} {p.name}" for p in policies if p.policy_id not in known]

    def _moved(self, row: Answer, was: Answer) -> list[str]:
        changed = {*row.cells} ^ {*was.cells}
        return list(dict.fromkeys(self._matrices[c].name for c in sorted(changed - {None})))
