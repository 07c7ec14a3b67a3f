"""Why a draft is made: the note that who approves it reads."""

from django.db import transaction

from accounts.services import By, log

from .models import MatrixVersion, VersionState
from .services import refuse_unless, target_of

LONGEST = 300


@transaction.atomic
def set_note(version: MatrixVersion, note: str, *, by: By) -> MatrixVersion:
    """Give the draft this note. Raises ``wrong_state`` (409) once the version is published."""
    version = MatrixVersion.objects.select_for_update().get(pk=version.pk)
    refuse_unless(version, VersionState.DRAFT, VersionState.CHECKED, VersionState.APPROVED)
    before, version.note = version.note, note[:LONGEST]
    version.save(update_fields=["note"])
    log(
        by=by,
        action="note_draft",
        target=target_of(version),
        before={"note": before},
        after={"note": version.note},
    )
    return version
