"""Reads for pages: whose contact rules a person may see, and what they say in words."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from accounts.access import fetch
from accounts.models import Level, Organisation, User
from common.naming import in_chinese
from common.permissions import Permission

from .body import Said
from .models import ContactPolicyVersion
from .words import limit_in_words, quiet_in_words

READ, WRITE = Permission.VIEW_CAMPAIGNS, Permission.EDIT_CAMPAIGNS


@dataclass(frozen=True)
class Line:
    """One rule: its name and code ("" where it has none), and what it says."""

    name: str
    code: str
    words: str


@dataclass(frozen=True)
class Speaker:
    """An organisation, the version that speaks for it (None: it said nothing yet), its rules."""

    organisation: Organisation
    version: ContactPolicyVersion | None
    lines: list[Line]
    may_edit: bool


def lines_of(version: ContactPolicyVersion) -> list[Line]:
    said, zh = Said.read(version.body), in_chinese()
    limits = [
        Line(limit.name_zh if zh else limit.name_en, limit.code, limit_in_words(limit))
        for limit in said.limits
    ]
    return limits + [Line("", "", quiet_in_words(quiet)) for quiet in said.quiet_hours]


def speakers_for(reader: User) -> list[Speaker]:
    """The province, and the cities that the reader sees, in the order of their names."""
    newest = {
        v.organisation_id: v for v in ContactPolicyVersion.objects.visible_to(reader).newest()
    }
    binding = binding_for(reader).order_by("depth", "sort_key")
    return [_speaker(reader, organisation, newest) for organisation in binding]


def binding_for(reader: User) -> QuerySet[Organisation]:
    """The organisations whose rules the reader may see: the own, those below and above it."""
    return Organisation.objects.concerning(reader).exclude(level=Level.TEAM)


def speaker_to_read(reader: User, code: str) -> Speaker:
    """404 for what binds nobody whom the reader sees, 403 without the permission."""
    organisation = binding_for(reader).filter(code=code).first()
    if organisation is None:
        raise Http404
    if not reader.can(READ):
        raise PermissionDenied
    versions = ContactPolicyVersion.objects.filter(organisation=organisation)
    newest = {version.organisation_id: version for version in versions[:1]}
    return _speaker(reader, organisation, newest)


def organisation_to_edit(user: User, code: str) -> Organisation:
    """404 outside the user's reach, and for a team, which says nothing; 403 without permission."""
    organisation = fetch(Organisation.objects, user, WRITE, code=code)
    if organisation.level == Level.TEAM:
        raise Http404
    return organisation


def _speaker(
    reader: User, organisation: Organisation, newest: Mapping[int, ContactPolicyVersion]
) -> Speaker:
    version = newest.get(organisation.pk)
    in_reach = organisation.path.startswith(reader.organisation.path)
    return Speaker(
        organisation,
        version,
        lines_of(version) if version else [],
        in_reach and reader.can(WRITE),
    )
