"""Writes: strategies, drafts of matrices, and publishing, which proves and numbers the cells."""

from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Level, Organisation
from accounts.services import By, log
from common.errors import DomainError
from common.keys import key_of
from customers.catalogue import rule_catalogue

from .definition import MatrixDefinition
from .models import Cell, Matrix, MatrixVersion, Strategy, VersionState
from .proof import prove

BATCH = 5_000


@transaction.atomic
def define_strategy(*, code: str, name_zh: str, name_en: str, position: int, by: By) -> Strategy:
    """Create the strategy or give it these names."""
    fields = {"name_zh": name_zh, "name_en": name_en, "position": position}
    before = Strategy.objects.filter(pk=code).values(*fields).first()
    strategy, _created = Strategy.objects.update_or_create(code=code, defaults=fields)
    target = ("strategy", code, name_en)
    log(by=by, action="define_strategy", target=target, before=before, after=fields)
    return strategy


@transaction.atomic
def save_draft(
    definition: MatrixDefinition, *, position: int | None = None, by: By
) -> MatrixVersion:
    """Keep the definition as the next version of its matrix, to be proved when it is published."""
    matrix = _matrix(definition, position)
    last = matrix.versions.aggregate(last=Max("number"))["last"] or 0
    version = MatrixVersion.objects.create(
        matrix=matrix, number=last + 1, body=definition.to_json()
    )
    log(by=by, action="draft_matrix", target=_target(version), after=version.body)
    return version


@transaction.atomic
def publish_version(version: MatrixVersion, *, by: By) -> MatrixVersion:
    """Prove the draft and make it the matrix's published version; the one before is retired.

    Cells whose bands stay keep their numbers, new combinations get new ones, vanished ones are
    retired; a number is never given twice. Raises DomainError and changes nothing when the proof
    fails or the version is no draft.
    """
    matrix = Matrix.objects.select_for_update().get(pk=version.matrix_id)
    version = MatrixVersion.objects.get(pk=version.pk)
    _refuse_unless_draft(version)
    definition = MatrixDefinition.from_json(version.body)
    version.proof = prove(definition, rule_catalogue(), _cities())
    matrix.versions.published().update(state=VersionState.RETIRED)
    version.state, version.published_at = VersionState.PUBLISHED, timezone.now()
    version.save(update_fields=["proof", "state", "published_at"])
    numbered = _number_cells(definition, version)
    after = {"version": version.number, **version.proof, **numbered}
    log(by=by, action="publish_matrix", target=_target(version), after=after)
    return version


def _matrix(definition: MatrixDefinition, position: int | None) -> Matrix:
    """Return the matrix, locked, under the definition's names."""
    if not Strategy.objects.filter(pk=definition.strategy).exists():
        raise DomainError(
            "unknown_strategy",
            _("Strategy '%(code)s' must be defined before a matrix of it; there are %(known)s.")
            % {
                "code": definition.strategy,
                "known": ", ".join(Strategy.objects.values_list("code", flat=True)) or "-",
            },
            where=["strategy"],
        )
    fields: dict[str, Any] = {
        "strategy_id": definition.strategy,
        "name_zh": definition.name.zh,
        "name_en": definition.name.en,
    }
    if position is not None:
        fields["position"] = position
    matrix, _created = Matrix.objects.update_or_create(code=definition.code, defaults=fields)
    return Matrix.objects.select_for_update().get(pk=matrix.pk)


def _refuse_unless_draft(version: MatrixVersion) -> None:
    if version.state != VersionState.DRAFT:
        raise DomainError(
            "not_a_draft",
            _(
                "Only a draft can be published; %(version)s is %(state)s. "
                "Save an edit as a new draft."
            )
            % {"version": version, "state": VersionState(version.state).label},
            status=409,
        )


def _cities() -> set[str]:
    return set(Organisation.objects.filter(level=Level.CITY).values_list("code", flat=True))


def _number_cells(definition: MatrixDefinition, version: MatrixVersion) -> dict[str, int]:
    """Bring the matrix's living cells in line with the definition; return what was done."""
    wanted = {key_of(bands): bands for bands in definition.cells()}
    living = Cell.objects.filter(matrix=version.matrix_id, retired_in_version=None)
    known = set(living.values_list("identity", flat=True))
    gone = list(known - wanted.keys())
    living.filter(identity__in=gone).update(retired_in_version=version.number)
    new = [
        Cell(
            matrix_id=version.matrix_id,
            bands=bands,
            identity=identity,
            since_version=version.number,
        )
        for identity, bands in wanted.items()
        if identity not in known
    ]
    Cell.objects.bulk_create(new, batch_size=BATCH)
    return {"new_cells": len(new), "kept_cells": len(wanted) - len(new), "retired_cells": len(gone)}


def _target(version: MatrixVersion) -> tuple[str, str, str]:
    return ("matrix", version.matrix_id, str(version))
