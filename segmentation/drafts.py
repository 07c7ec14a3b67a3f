"""Drafts of matrices: begun, edited by several, checked, approved by another, published when due.

A draft is edited in steps; each says which revision it was made on, so that who comes second is
told and overwrites nothing. Its consequences are shown before (segmentation.preview).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import By, log
from common.errors import DomainError
from customers.catalogue import rule_catalogue

from .definition import Edit, Group, MatrixDefinition
from .dimensions import Thresholds
from .edits import Edited
from .models import Matrix, MatrixVersion, VersionState
from .proof import prove
from .services import cities, group_of, publish_version, refuse_unless, target_of

Change = Callable[[MatrixDefinition], Edited]
MOST_UNDOS = 50


@transaction.atomic
def begin_draft(version: MatrixVersion, *, note: str = "", by: By) -> MatrixVersion:
    """Return a new draft that says what ``version`` says: to edit it, or to go back to it.

    Its base is what is published now: what it is compared with, and must not have been overtaken.
    """
    matrix = Matrix.objects.select_for_update().get(pk=version.matrix_id)
    draft = MatrixVersion.objects.create(
        matrix=matrix,
        number=matrix.next_number,
        body=version.body,
        based_on=matrix.versions.published().first(),
        note=note,
        editors=[str(by)],
    )
    log(by=by, action="begin_draft", target=target_of(draft), after={"from": str(version)})
    return draft


@transaction.atomic
def edit_draft(
    version: MatrixVersion, change: Change, *, revision: int, what: str, by: By
) -> tuple[MatrixVersion, tuple[Edit, ...]]:
    """Apply one edit; return the draft and the earlier edits that no longer fit and were left out.

    A checked or approved version becomes a draft again. Raises DomainError ``edited_meanwhile``
    (409) for another revision than the present one, ``wrong_state`` (409) for a published version,
    and what the edit raises; then nothing has changed.
    """
    version = _locked(version)
    refuse_unless(version, VersionState.DRAFT, VersionState.CHECKED, VersionState.APPROVED)
    _refuse_stale(version, revision)
    edited = change(MatrixDefinition.from_json(version.body))
    before, version.body = version.body, edited.definition.to_json()
    version.past = [*version.past, before][-MOST_UNDOS:]
    version.editors = list(dict.fromkeys([*version.editors, str(by)]))
    _back_to_draft(version)
    version.revision += 1
    version.save()
    log(
        by=by,
        action="edit_draft",
        target=target_of(version),
        before=_edits(before),
        after={
            "what": what,
            **_edits(version.body),
            "left_out": [edit.to_json() for edit in edited.dropped],
        },
    )
    return version, edited.dropped


@transaction.atomic
def undo_edit(version: MatrixVersion, *, revision: int, by: By) -> MatrixVersion:
    """Take the draft back to before its latest edit. Raises ``nothing_to_undo`` (409)."""
    version = _locked(version)
    refuse_unless(version, VersionState.DRAFT, VersionState.CHECKED, VersionState.APPROVED)
    _refuse_stale(version, revision)
    if not version.past:
        raise DomainError(
            "nothing_to_undo", _("There is no edit to undo in %s.") % version, status=409
        )
    *version.past, version.body = version.past
    _back_to_draft(version)
    version.revision += 1
    version.save()
    log(by=by, action="undo_edit", target=target_of(version), after=_edits(version.body))
    return version


@transaction.atomic
def check_draft(version: MatrixVersion, *, revision: int, by: By) -> MatrixVersion:
    """Prove the draft, so that it can be approved. Raises what the proof raises."""
    version = _locked(version)
    refuse_unless(version, VersionState.DRAFT)
    _refuse_stale(version, revision)
    version.proof = prove(as_published(version), rule_catalogue(), cities())
    version.state, version.checked_by = VersionState.CHECKED, str(by)
    version.save(update_fields=["proof", "state", "checked_by"])
    log(by=by, action="check_draft", target=target_of(version), after=version.proof)
    return version


@transaction.atomic
def approve_draft(
    version: MatrixVersion, *, revision: int, from_date: date, by: By
) -> MatrixVersion:
    """Let the checked draft be published for the business date and after.

    Raises ``own_work`` (403) for who has edited it: two people stand behind every version.
    """
    refuse_city(by)
    version = _locked(version)
    refuse_unless(version, VersionState.CHECKED)
    _refuse_stale(version, revision)
    if str(by) in version.editors:
        raise DomainError(
            "own_work",
            _("%(version)s must be approved by somebody who has not edited it.")
            % {"version": version},
            status=403,
        )
    version.state, version.approved_by, version.from_date = (
        VersionState.APPROVED,
        str(by),
        from_date,
    )
    version.save(update_fields=["state", "approved_by", "from_date"])
    after = {"from_date": from_date.isoformat()}
    log(by=by, action="approve_draft", target=target_of(version), after=after)
    return version


@transaction.atomic
def discard_draft(version: MatrixVersion, *, by: By) -> None:
    """Remove a version that was never published."""
    version = _locked(version)
    refuse_unless(version, VersionState.DRAFT, VersionState.CHECKED, VersionState.APPROVED)
    log(by=by, action="discard_draft", target=target_of(version), before=version.body)
    version.delete()


@transaction.atomic
def set_city_cuts(
    matrix: Matrix, *, dimension: str, city: str, cuts: tuple[float, ...], by: By
) -> MatrixVersion:
    """Publish the matrix with a city's own cuts, () for the province's, within its limits.

    The province has approved what lies within: no second person is asked. Drafts take the cuts
    over when they are published (``with_city_cuts``). Raises ``no_city_limits`` (403) where the
    province keeps the cuts for itself, and what the proof raises.
    """
    matrix = Matrix.objects.select_for_update().get(pk=matrix.pk)
    published = matrix.versions.published().get()
    definition = MatrixDefinition.from_json(published.body)
    found = next((d for d in definition.dimensions if d.code == dimension), None)
    if not isinstance(found, Thresholds) or not found.city_limits:
        raise DomainError(
            "no_city_limits",
            _("The province sets the cuts of '%s' for all cities.") % dimension,
            status=403,
        )
    own = {**found.city_cuts, city: cuts} if cuts else _without(found.city_cuts, city)
    cut = tuple(_with_cuts(found, own) if d is found else d for d in definition.dimensions)
    version = MatrixVersion.objects.create(
        matrix=matrix,
        number=matrix.next_number,
        body=replace(definition, dimensions=cut).to_json(),
        based_on=published,
        editors=[str(by)],
    )
    log(
        by=by,
        action="set_city_cuts",
        target=target_of(version),
        before={"dimension": dimension, "city": city, "cuts": found.city_cuts.get(city)},
        after={"dimension": dimension, "city": city, "cuts": list(cuts)},
    )
    return publish_version(version, by=by)


# --- publishing what is due ---


@transaction.atomic
def publish_approved(version: MatrixVersion, *, by: By) -> MatrixVersion:
    """Publish the approved version, with the cuts that cities have set for themselves meanwhile.

    Raises DomainError ``draft_overtaken`` (409) when another version than the one it was begun
    from has been published since, cities' cuts apart.
    """
    Matrix.objects.select_for_update().get(pk=version.matrix_id)
    version = _locked(version)
    refuse_unless(version, VersionState.APPROVED)
    published = version.matrix.versions.published().first()
    if published is not None and published != version.based_on:
        base = version.based_on and _without_city_cuts(version.based_on.body)
        if base != _without_city_cuts(published.body):
            raise DomainError(
                "draft_overtaken",
                _(
                    "%(published)s was published after %(version)s was begun, and says something "
                    "else. Begin a new draft from it and edit that."
                )
                % {"published": published, "version": version},
                status=409,
            )
        # Versions are published in the order of their numbers.
        version.number = version.matrix.next_number
    version.body = as_published(version).to_json()
    version.past = []
    version.save()
    return publish_version(version, by=by)


def _without_city_cuts(body: Mapping[str, Any]) -> MatrixDefinition:
    definition = MatrixDefinition.from_json(body)
    dimensions = tuple(
        _with_cuts(d, {}) if isinstance(d, Thresholds) and d.city_limits else d
        for d in definition.dimensions
    )
    return replace(definition, dimensions=dimensions, group=Group())


def as_published(version: MatrixVersion) -> MatrixDefinition:
    """What the draft would say if published now: with the group and the cities' cuts of today."""
    published = version.matrix.versions.published().first()
    body = _with_city_cuts_of(published.body, version.body) if published else version.body
    definition = MatrixDefinition.from_json(body)
    return replace(definition, group=group_of(definition.strategy))


def _with_city_cuts_of(published: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The body with the cities' own cuts wherever its limits still allow them."""
    theirs = {
        d.code: d
        for d in MatrixDefinition.from_json(published).dimensions
        if isinstance(d, Thresholds) and d.city_limits
    }
    definition = MatrixDefinition.from_json(body)
    dimensions = tuple(
        _with_cuts(d, _allowed(d, theirs[d.code].city_cuts))
        if isinstance(d, Thresholds) and d.city_limits and d.code in theirs
        else d
        for d in definition.dimensions
    )
    return replace(definition, dimensions=dimensions).to_json()


def _allowed(
    dimension: Thresholds, cuts: Mapping[str, tuple[float, ...]]
) -> dict[str, tuple[float, ...]]:
    def fits(own: tuple[float, ...]) -> bool:
        limits = dimension.city_limits
        return len(own) == len(limits) and all(
            least <= cut <= most for cut, (least, most) in zip(own, limits, strict=True)
        )

    return {city: own for city, own in cuts.items() if fits(own)}


def _with_cuts(dimension: Thresholds, cuts: Mapping[str, tuple[float, ...]]) -> Thresholds:
    return replace(dimension, city_cuts=dict(sorted(cuts.items())))


def _without(cuts: Mapping[str, tuple[float, ...]], city: str) -> dict[str, tuple[float, ...]]:
    return {code: own for code, own in cuts.items() if code != city}


def reopen(version: MatrixVersion) -> MatrixVersion:
    """The version, locked; one that was approved is a draft again: something of it changes."""
    version = _locked(version)
    refuse_unless(version, VersionState.DRAFT, VersionState.CHECKED, VersionState.APPROVED)
    if version.state == VersionState.APPROVED:
        _back_to_draft(version)
        version.revision += 1
        version.save()
    return version


def refuse_city(by: By) -> None:
    """A matrix reaches every city's customers, so only someone of the province decides on it."""
    if isinstance(by, User) and by.cities is not None:
        raise DomainError(
            "province_only",
            _("%(by)s belongs to a city; what every city's customers meet is for the province.")
            % {"by": by},
            status=403,
        )


# --- shared ---


def _locked(version: MatrixVersion) -> MatrixVersion:
    """The version as it is now, held until the transaction ends."""
    found = MatrixVersion.objects.select_for_update().filter(pk=version.pk).first()
    if found is None:
        raise DomainError("draft_gone", _("%s was discarded meanwhile.") % version, status=409)
    return found


def _refuse_stale(version: MatrixVersion, revision: int) -> None:
    if version.revision != revision:
        raise DomainError(
            "edited_meanwhile",
            _(
                "%(version)s was edited meanwhile by %(editors)s; nothing of yours was written. "
                "Look at it again and repeat your edit if it still makes sense."
            )
            % {"version": version, "editors": ", ".join(version.editors)},
            status=409,
        )


def _back_to_draft(version: MatrixVersion) -> None:
    version.state, version.proof, version.from_date = VersionState.DRAFT, None, None
    version.checked_by = version.approved_by = ""


def _edits(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"dimensions": body["dimensions"], "edits": body.get("edits", [])}
