"""A decision made again from its versions, and held against what it said and against now."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.models import Offer
from common.errors import DomainError
from common.permissions import Permission
from contacts.record import PERSONALISED
from contacts.services import record_at

from .answers import Recommendation
from .choice import Choice, choose
from .current import Caller, Current, current_of
from .gates import Asked
from .models import Decision
from .recommendation import in_words

READERS = (Permission.READ_DECISIONS,)


@dataclass(frozen=True, slots=True)
class Replay:
    """by: who asked. still_the_same: whether the same question gets the same offers now.

    reproduced    the versions gave the recorded offers again; null: they are no longer kept
    gone, new     policies (P0012@2) that only the decision, only an answer of now holds
    reason        why it could not be replayed; empty: it was
    """

    decision: UUID
    by: str
    reproduced: bool | None
    still_the_same: bool
    gone: list[str]
    new: list[str]
    reason: str
    answer: Recommendation | None


def replay(identifier: UUID, *, user: Caller) -> Replay:
    """Return the decision, replayed. DomainError ``unknown_decision`` (404), also another city's.

    Who may see less than the one who asked reads it without what is hidden from him.
    """
    decision = Decision.objects.filter(pk=identifier).first()
    if decision is None or not user.sees_city(decision.city):
        raise DomainError(
            "unknown_decision",
            _("There is no such decision here. Send the id that the answer carried."),
            status=404,
        )
    asked = Asked(decision.channel, decision.most, decision.at)
    then, after = _then(decision, user), _now(decision, user)
    answer, reproduced, reason = None, None, ""
    if then is None:
        reason = _("The answers of publication %d are no longer kept") % decision.publication_id
    else:
        choice = choose(then, asked, decision.sold_out)
        reproduced = _ids(choice) == decision.offers
        answer = in_words(then, choice, user, asked, decision, explain=True)
    return Replay(
        decision=decision.id,
        by=decision.by,
        reproduced=reproduced,
        still_the_same=decision.offers == after,
        gone=_names(offer for offer in decision.offers if offer not in after),
        new=_names(offer for offer in after if offer not in decision.offers),
        reason=reason,
        answer=answer,
    )


def _then(decision: Decision, user: Caller) -> Current | None:
    """The customer as he was read then; None where his published row is no longer kept."""
    published = decision.publication_id
    _user, [row] = current_of([decision.customer_no], user, *READERS, publication=published)
    if row is None:
        return None
    record = record_at(decision.customer_no, decision.contact_version)
    # The decision itself says whether the customer was chosen for.
    opted_out = record.opted_out - {PERSONALISED}
    if not decision.personalised:
        opted_out |= {PERSONALISED}
    record = replace(record, opted_out=opted_out)
    return replace(row, record=record, contact_policy=decision.contact_policy)


def _now(decision: Decision, user: Caller) -> list[int]:
    """The offers that the same question gets now; none where the customer has left."""
    _user, [row] = current_of([decision.customer_no], user, *READERS)
    if row is None:
        return []
    return _ids(choose(row, Asked(decision.channel, decision.most, timezone.now())))


def _ids(choice: Choice) -> list[int]:
    return [offer.id for offer in choice.offers]


def _names(offers: Iterable[int]) -> list[str]:
    """Policies with their versions: P0012@2."""
    ordered = list(offers)
    known = Offer.objects.select_related("policy_version").in_bulk(ordered)
    return [str(known[offer].policy_version) for offer in ordered]
