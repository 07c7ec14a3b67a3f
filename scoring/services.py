"""Writes of the registry: a version is proposed, decided on by another person, taken back.

Each checks, writes and logs itself in one transaction. What may follow what stands in TRANSITIONS.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.services import By, log
from common.errors import DomainError

from .codes import check_codes, naming
from .kinds import KINDS
from .models import Model, ModelVersion, VersionState

# What may be done in which state, and the state it leads to.
TRANSITIONS: dict[str, tuple[tuple[VersionState, ...], VersionState]] = {
    "propose": ((VersionState.TRAINED, VersionState.REFUSED), VersionState.PROPOSED),
    "approve": ((VersionState.PROPOSED,), VersionState.PUBLISHED),
    "refuse": ((VersionState.PROPOSED,), VersionState.REFUSED),
    "roll_back": ((VersionState.REPLACED,), VersionState.PUBLISHED),
    "withdraw": ((VersionState.PUBLISHED,), VersionState.REPLACED),
}


@transaction.atomic
def propose(version: ModelVersion, *, by: By) -> ModelVersion:
    """Ask for a version to be put to use."""
    version = _at("propose", version)
    version.proposed_by, version.note = str(by), ""
    return _moved("propose", version, by)


@transaction.atomic
def approve(version: ModelVersion, *, by: By) -> ModelVersion:
    """Put a proposed version to use from the next day on; the one in use makes room.

    Raises DomainError ``own_proposal`` (403) for who trained or proposed it, and what the kind and
    ``check_codes`` refuse.
    """
    version = _at("approve", version)
    _refuse_own(version, by)
    check_codes(version)
    return _publish("approve", version, by)


@transaction.atomic
def refuse(version: ModelVersion, *, note: str, by: By) -> ModelVersion:
    """Send a proposed version back, and say why."""
    version = _at("refuse", version)
    _refuse_own(version, by)
    if not note.strip():
        raise DomainError(
            "reason_missing", _("Say why it is refused: its author reads that."), where=["note"]
        )
    version.decided_by, version.note = str(by), note.strip()
    return _moved("refuse", version, by)


@transaction.atomic
def roll_back(version: ModelVersion, *, by: By) -> ModelVersion:
    """Put a version to use again that was in use before."""
    version = _at("roll_back", version)
    if version.published_at is None:
        raise DomainError(
            "never_published",
            _("%s was never in use, so there is no way back to it: propose it.") % version,
            status=409,
        )
    _refuse_own(version, by)
    return _publish("roll_back", version, by)


@transaction.atomic
def withdraw(version: ModelVersion, *, note: str, by: By) -> ModelVersion:
    """Take a version out of use: from the next day on nobody has its scores.

    Raises DomainError ``still_read`` (409) while a version in use says nothing without its scores,
    ``still_named`` (409) while a matrix, a mark, an audience, a policy or a priority names them:
    the next day could not be computed. The way back to an earlier version is always open.
    """
    version = _at("withdraw", version)
    _refuse_read(version)
    _refuse_named(version)
    version.decided_by, version.note = str(by), note.strip()
    return _moved("withdraw", version, by)


@transaction.atomic
def publish_directly(version: ModelVersion, *, by: str) -> ModelVersion:
    """Put a version to use on a command's word: where the platform is set up, nobody else is there.

    A version that is in use stays; one that was refused needs a person. Raises DomainError as
    ``approve`` does.
    """
    version = _locked(version)
    if version.state == VersionState.PUBLISHED:
        return version
    if version.state == VersionState.REFUSED:
        raise _wrong_state("approve", version)
    check_codes(version)
    return _publish("approve", version, by)


def _publish(act: str, version: ModelVersion, by: By) -> ModelVersion:
    if act != "roll_back":
        KINDS[version.model.kind].refuse_unfit(version)
    before = version.model.versions.published().first()
    if before is not None:
        before.state = VersionState.REPLACED
        before.save(update_fields=["state"])
    version.decided_by, version.published_at = str(by), timezone.now()
    return _moved(act, version, by, replaced=str(before) if before else None)


def _moved(act: str, version: ModelVersion, by: By, replaced: str | None = None) -> ModelVersion:
    before = version.state
    version.state = TRANSITIONS[act][1]
    version.save()
    log(
        by=by,
        action=f"{act}_model",
        target=("model", version.model_id, str(version)),
        before={"state": before},
        after={"state": version.state, "note": version.note, "replaced": replaced},
    )
    return version


def _at(act: str, version: ModelVersion) -> ModelVersion:
    """The version, locked, or DomainError ``wrong_state`` (409) if this can't follow its state."""
    version = _locked(version)
    if version.state not in TRANSITIONS[act][0]:
        raise _wrong_state(act, version)
    return version


def _wrong_state(act: str, version: ModelVersion) -> DomainError:
    return DomainError(
        "wrong_state",
        _("%(version)s is “%(state)s” by now, so this can't be done: look at it again.")
        % {"version": version, "state": version.get_state_display()},
        status=409,
        act=act,
        state=version.state,
    )


def _locked(version: ModelVersion) -> ModelVersion:
    """The version as it is now. Its model is locked first: one champion at a time."""
    Model.objects.select_for_update().get(pk=version.model_id)
    return ModelVersion.objects.select_related("model").get(pk=version.pk)


def _refuse_own(version: ModelVersion, by: By) -> None:
    if str(by) in (version.trained_by, version.proposed_by):
        raise DomainError(
            "own_proposal",
            _("%s was trained or proposed by you: another person must decide.") % version,
            status=403,
        )


def _refuse_read(version: ModelVersion) -> None:
    """Whoever reads its scores would fall silent with it, and nobody would have decided that."""
    written = {o.attribute for o, _place in KINDS[version.model.kind].writes(version.definition)}
    used = ModelVersion.objects.published().exclude(model=version.model_id).select_related("model")
    readers = [
        other
        for other in used.defer("report", "profile")
        if written & {*KINDS[other.model.kind].needs(other.definition)}
    ]
    if readers:
        raise DomainError(
            "still_read",
            _("%(readers)s says nothing without the scores of %(version)s: withdraw it first.")
            % {"readers": ", ".join(str(other) for other in readers), "version": version},
            status=409,
            readers=[str(other) for other in readers],
        )


def _refuse_named(version: ModelVersion) -> None:
    places = naming(version)
    if places:
        raise DomainError(
            "still_named",
            _(
                "The scores of %(version)s are named by %(places)s: the next day could not be "
                "computed without them. Change those first, or roll back to an earlier version."
            )
            % {"version": version, "places": ", ".join(place.label for place in places)},
            status=409,
            places=[place.label for place in places],
        )
