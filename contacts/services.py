"""Writes: what organisations say of contacts, what customers did, whom they want to hear from."""

from collections.abc import Collection
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Level, Organisation
from accounts.services import By, check_reach, log
from common.errors import DomainError
from common.permissions import Permission
from common.removing import remove
from customers.meetings import Outcome

from .body import Body, Said, check_channel
from .models import ContactEvent, ContactPolicyVersion
from .record import OPTED, PERSONALISED, Record, Visits, fold
from .recording import NewEvent, Recorded, append, lock_records, record_events

__all__ = [
    "NewEvent",
    "Recorded",
    "prune_events",
    "record_at",
    "record_events",
    "save_contact_policy",
    "set_opt_outs",
]

# One advisory lock for all saves: versions are committed in the order of their ids.
SAVING = 0xC0A7


@transaction.atomic
def save_contact_policy(
    organisation: Organisation, *, body: Body, seen: int | None = None, by: By
) -> ContactPolicyVersion:
    """Return the version that says ``body``: the newest where it says so already, else a new one.

    ``seen``: the number of the version that the caller saw, 0 for none; None: whatever is there.
    Raises DomainError: ``organisation_out_of_reach`` (404), ``permission_denied`` (403),
    ``no_contact_policy`` for a team, ``city_loosens`` for a limit that is no tighter than the
    province's, ``edited_meanwhile`` (409), and what ``Said.read`` refuses; with ``where``.
    """
    _check_may(by, organisation)
    said = Said.read(body)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SAVING])
    newest = ContactPolicyVersion.objects.filter(organisation=organisation).first()
    number = newest.number if newest else 0
    if seen is not None and seen != number:
        raise DomainError(
            "edited_meanwhile",
            _("Somebody has saved version %(number)d meanwhile; look at it and save again.")
            % {"number": number},
            status=409,
        )
    if organisation.level == Level.CITY:
        said.refuse_looser(_province())
    if newest is not None and newest.body == said.plain():
        return newest
    version = ContactPolicyVersion.objects.create(
        organisation=organisation, number=number + 1, body=said.plain(), by=str(by)
    )
    log(
        by=by,
        action="save_contact_policy",
        target=("contact_policy", organisation.code, str(version)),
        before=newest.body if newest else None,
        after=version.body,
    )
    return version


def _check_may(by: By, organisation: Organisation) -> None:
    if organisation.level == Level.TEAM:
        raise DomainError(
            "no_contact_policy",
            _("The province and its cities say how often customers may be met, not %(code)s.")
            % {"code": organisation.code},
        )
    check_reach(by, organisation)
    if not isinstance(by, str) and not by.can(Permission.EDIT_CAMPAIGNS):
        raise DomainError(
            "permission_denied",
            _("Contact rules are set by who may edit campaigns."),
            status=403,
        )


def _province() -> Said:
    """What the province says now."""
    rows = ContactPolicyVersion.objects.filter(organisation__level=Level.PROVINCE)
    newest = rows.first()
    return Said.read(newest.body) if newest else Said()


@transaction.atomic
def set_opt_outs(*, customer_no: str, opted_out: Collection[str], city: str, by: By) -> Record:
    """Let the customer be opted out of exactly these from the next request on.

    ``opted_out``: channel codes, and PERSONALISED for all personalised marketing. Only what is new
    is written; the same again changes nothing. The events are the log of it, with who and when:
    the operation log is read by people who may look no customer up.
    """
    for code in opted_out:
        if code != PERSONALISED:
            check_channel(code, "opted_out")
    before = lock_records([customer_no])[customer_no]
    wanted = frozenset(opted_out)
    out, in_ = sorted(wanted - before.opted_out), sorted(before.opted_out - wanted)
    changes = [(OPTED[0], code) for code in out] + [(OPTED[1], code) for code in in_]
    at = timezone.now()
    news = [
        NewEvent(customer_no=customer_no, kind=kind, at=at, channel=code, city=city)
        for kind, code in changes
    ]
    return append(news, {customer_no: before}, Visits(), by)[1][customer_no]


def record_at(customer_no: str, version: int) -> Record:
    """The customer's record after ``version`` events, folded from those that are still kept."""
    events = ContactEvent.objects.filter(customer_no=customer_no, version__lte=version)
    record = fold(event.met for event in events.order_by("version"))
    return Record(version, record.times, record.held, record.opted_out)


def prune_events(keep_days: int) -> int:
    """Remove what happened more than ``keep_days`` ago but orders and opt-outs; return how many.

    What those say holds for longer than any limit looks back. Records stay as they are.
    """
    old = ContactEvent.objects.filter(at__lt=timezone.now() - timedelta(days=keep_days))
    return remove(old.exclude(kind__in=[Outcome.ORDERED, *OPTED]))
