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
from .keys import cell_column
from .models import Cell, Matrix, MatrixVersion, Strategy, VersionState
from .proof import prove

BATCH = 5_000  # rows per statement


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
def save_draft(definition: MatrixDefinition, *, by: By) -> MatrixVersion:
    """Keep the definition as the next version of its matrix, to be proved when it is published.

    A matrix not known before is created, last in the order. One that is stays as it is shown.
    Raises DomainError ``unknown_strategy``, ``matrix_code_taken``.
    """
    _check_names(definition)
    Matrix.objects.get_or_create(
        code=definition.code,
        defaults=_shown(definition) | {"position": Matrix.objects.count()},
    )
    matrix = Matrix.objects.select_for_update().get(pk=definition.code)
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
    fails, the version is no draft, or a later one was published meanwhile.
    """
    matrix = Matrix.objects.select_for_update().get(pk=version.matrix_id)
    version = MatrixVersion.objects.get(pk=version.pk)
    _refuse_unless_draft(version)
    _refuse_overtaken(version, matrix.versions.published().first())
    definition = MatrixDefinition.from_json(version.body)
    version.proof = prove(definition, rule_catalogue(), _cities())
    matrix.versions.published().update(state=VersionState.RETIRED)
    version.state, version.published_at = VersionState.PUBLISHED, timezone.now()
    version.save(update_fields=["proof", "state", "published_at"])
    Matrix.objects.filter(pk=matrix.pk).update(**_shown(definition))
    numbered = _number_cells(definition, version)
    after = {"version": version.number, **version.proof, **numbered}
    log(by=by, action="publish_matrix", target=_target(version), after=after)
    return version


@transaction.atomic
def place_matrix(matrix: Matrix, *, position: int, by: By) -> None:
    """Set where the matrix stands among the others."""
    before = matrix.position
    if before != position:
        Matrix.objects.filter(pk=matrix.pk).update(position=position)
        log(
            by=by,
            action="place_matrix",
            target=("matrix", matrix.pk, matrix.name_en),
            before={"position": before},
            after={"position": position},
        )


def _check_names(definition: MatrixDefinition) -> None:
    """The strategy is there, and no other matrix has the same column of cells."""
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
    for code in Matrix.objects.exclude(pk=definition.code).values_list("code", flat=True):
        if cell_column(code) == cell_column(definition.code):
            raise DomainError(
                "matrix_code_taken",
                _("The codes '%(new)s' and '%(known)s' differ by - and _ only; choose another.")
                % {"new": definition.code, "known": code},
                where=["code"],
            )


def _shown(definition: MatrixDefinition) -> dict[str, Any]:
    """What the matrix's own row shows of its definition."""
    return {
        "strategy_id": definition.strategy,
        "name_zh": definition.name.zh,
        "name_en": definition.name.en,
    }


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


def _refuse_overtaken(version: MatrixVersion, published: MatrixVersion | None) -> None:
    """A cell's versions are from one to another: they only stay true if published in order."""
    if published is not None and published.number > version.number:
        raise DomainError(
            "draft_overtaken",
            _(
                "Versions are published in order; %(published)s was published before the older "
                "%(version)s. Save this draft again."
            )
            % {"published": published, "version": version},
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
    for start in range(0, len(gone), BATCH):
        several = gone[start : start + BATCH]
        living.filter(identity__in=several).update(retired_in_version=version.number)
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
