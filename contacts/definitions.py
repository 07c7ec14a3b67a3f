"""Contact rules as code: what the province and each city says.

    contact_policy:
    - organisation: zhejiang
      limits: [...]
      quiet_hours: [...]

An organisation that a file leaves out keeps what it said: decisions name its versions.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organisation
from common.definitions import CODE, Changes, Document, object_of, refuse_twice
from common.errors import DomainError, at

from .body import LIMIT, QUIET
from .models import ContactPolicyVersion
from .services import save_contact_policy

SCHEMA = {
    "type": "array",
    "items": object_of(
        {
            "organisation": CODE,
            "limits": {"type": "array", "items": LIMIT},
            "quiet_hours": {"type": "array", "items": QUIET},
        },
        ["organisation"],
    ),
}


@transaction.atomic
def load(content: Sequence[Mapping[str, Any]], by: str) -> Changes:
    """The province first, wherever it stands: a city's limits are held against what it says."""
    refuse_twice([item["organisation"] for item in content], "organisation")
    organisations = {o.code: o for o in Organisation.objects.all()}
    newest = {v.organisation_id: v for v in ContactPolicyVersion.objects.newest()}
    changes = Changes()
    places = range(len(content))
    for place in sorted(places, key=lambda p: _depth(organisations, content[p])):
        item = content[place]
        code = item["organisation"]
        with at(place):
            if code not in organisations:
                text = _("There is no organisation %s; load it first.")
                raise DomainError("unknown_organisation", text % code, where=["organisation"])
            before = newest.get(organisations[code].pk)
            after = save_contact_policy(organisations[code], body=item, by=by)
        if before is None:
            changes.added.append(code)
        else:
            (changes.unchanged if after == before else changes.changed).append(code)
    return changes


def _depth(organisations: Mapping[str, Organisation], item: Mapping[str, Any]) -> int:
    organisation = organisations.get(item["organisation"])
    return organisation.depth if organisation else 0


def dump() -> list[dict[str, Any]]:
    rows = ContactPolicyVersion.objects.newest().select_related("organisation")
    in_order = sorted(rows, key=lambda row: row.organisation.path)
    return [{"organisation": row.organisation.code, **_said(row.body)} for row in in_order]


def _said(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: items for name, items in body.items() if items}


DOCUMENTS = (Document("contact_policy", SCHEMA, load, dump),)
