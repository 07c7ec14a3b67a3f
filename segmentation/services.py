"""Writes: strategies, drafts of matrices, and publishing, which proves and numbers the cells."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Level, Organisation
from accounts.services import By, log
from common.errors import DomainError
from common.keys import key_of
from customers.catalogue import rule_catalogue

from .definition import Group, MatrixDefinition
from .keys import cell_column
from .lineage import parents
from .models import Cell, Matrix, MatrixVersion, Strategy, VersionState
from .proof import check_rule, prove

BATCH = 5_000  # rows per statement


@transaction.atomic
def define_strategy(
    *,
    code: str,
    name_zh: str,
    name_en: str,
    position: int,
    rule: str = "",
    exclusive: bool = False,
    by: By,
) -> Strategy:
    """Create the strategy or let it say this; ``regroup`` brings its matrices in line.

    Raises DomainError with ``where`` for a rule that is none.
    """
    if rule:
        check_rule(rule, rule_catalogue(), ["rule"])
    fields = {
        "name_zh": name_zh,
        "name_en": name_en,
        "position": position,
        "rule": rule,
        "exclusive": exclusive,
    }
    before = Strategy.objects.filter(pk=code).values(*fields).first()
    strategy, _created = Strategy.objects.update_or_create(code=code, defaults=fields)
    target = ("strategy", code, name_en)
    log(by=by, action="define_strategy", target=target, before=before, after=fields)
    return strategy


def group_of(code: str) -> Group:
    """Return the strategy's group as it is now; ``group_empty`` where others take everybody."""
    strategy = Strategy.objects.get(pk=code)
    if not strategy.exclusive:
        return Group(strategy.rule)
    before = [
        other
        for other in Strategy.objects.filter(exclusive=True)
        if (other.position, other.code) < (strategy.position, strategy.code)
    ]
    if taker := next((other for other in before if not other.rule), None):
        raise DomainError(
            "group_empty",
            _("The exclusive group '%(taker)s' takes everybody and leaves nobody to '%(code)s'.")
            % {"taker": taker.code, "code": code},
            where=["strategy"],
        )
    return Group(strategy.rule, tuple(other.rule for other in before))


@transaction.atomic
def regroup(*, by: By) -> list[MatrixVersion]:
    """Publish anew every matrix whose strategic group has changed since; return the versions."""
    published = []
    for version in MatrixVersion.objects.published():
        definition = MatrixDefinition.from_json(version.body)
        if definition.group != group_of(definition.strategy):
            published.append(publish_version(save_draft(definition, by=by), by=by))
    return published


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
    version = MatrixVersion.objects.create(
        matrix=matrix,
        number=matrix.next_number,
        body=definition.to_json(),
        based_on=matrix.versions.published().first(),
        editors=[str(by)],
    )
    log(by=by, action="draft_matrix", target=target_of(version), after=version.body)
    return version


@transaction.atomic
def publish_version(
    version: MatrixVersion, *, by: By, from_date: date | None = None
) -> MatrixVersion:
    """Prove the version and make it the matrix's published one; the one before is retired.

    Cells whose bands stay keep their numbers, new ones get new numbers and know their parents,
    vanished ones are retired; a number is never given twice. ``from_date``: what an approved
    version brings along, else today. Raises DomainError and changes nothing when the proof fails,
    the version is neither a draft nor approved, or a later one was published meanwhile.
    """
    matrix = Matrix.objects.select_for_update().get(pk=version.matrix_id)
    version = MatrixVersion.objects.get(pk=version.pk)
    before = matrix.versions.published().first()
    refuse_unless(version, VersionState.DRAFT, VersionState.APPROVED)
    _refuse_overtaken(version, before)
    definition = MatrixDefinition.from_json(version.body)
    definition = replace(definition, group=group_of(definition.strategy))
    version.body = definition.to_json()
    version.proof = prove(definition, rule_catalogue(), cities())
    matrix.versions.published().update(state=VersionState.RETIRED)
    version.state, version.published_at = VersionState.PUBLISHED, timezone.now()
    version.from_date = version.from_date or from_date or timezone.localdate()
    version.save(update_fields=["body", "proof", "state", "published_at", "from_date"])
    Matrix.objects.filter(pk=matrix.pk).update(**_shown(definition))
    numbered = _number_cells(definition, version, before)
    after = {"version": version.number, **version.proof, **numbered}
    log(by=by, action="publish_matrix", target=target_of(version), after=after)
    return version


def refuse_unfit(versions: Iterable[MatrixVersion]) -> None:
    """Prove published versions again, by the catalogue and the cities as they are now.

    Raises DomainError ``matrix_unfit`` (409): an attribute has changed its type or is gone since,
    a category lost a value, a city was closed. The day stops before it computes anything.
    """
    catalogue, known = rule_catalogue(), cities()
    for version in versions:
        try:
            prove(MatrixDefinition.from_json(version.body), catalogue, known)
        except DomainError as error:
            raise DomainError(
                "matrix_unfit",
                _(
                    "%(version)s no longer fits the attribute catalogue: %(why)s Correct the "
                    "catalogue, or publish a version that fits it."
                )
                % {"version": version, "why": error.message},
                status=409,
                **error.extra,
            ) from error


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


def refuse_unless(version: MatrixVersion, *states: VersionState) -> None:
    if version.state not in states:
        raise DomainError(
            "wrong_state",
            _("%(version)s must be %(wanted)s for this, and is %(state)s.")
            % {
                "version": version,
                "wanted": _(" or ").join(str(state.label) for state in states),
                "state": VersionState(version.state).label,
            },
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


def cities() -> set[str]:
    return set(Organisation.objects.filter(level=Level.CITY).values_list("code", flat=True))


def _number_cells(
    definition: MatrixDefinition, version: MatrixVersion, before: MatrixVersion | None
) -> dict[str, int]:
    """Bring the matrix's living cells in line with the definition; return what was done."""
    wanted = {key_of(bands): bands for bands in definition.cells()}
    living = Cell.objects.filter(matrix=version.matrix_id, retired_in_version=None)
    known = {cell.identity: cell for cell in living}
    gone = [cell for identity, cell in known.items() if identity not in wanted]
    for start in range(0, len(gone), BATCH):
        several = [cell.pk for cell in gone[start : start + BATCH]]
        living.filter(pk__in=several).update(retired_in_version=version.number)
    new = {identity: bands for identity, bands in wanted.items() if identity not in known}
    ancestors: list[list[int]] = [[] for _ in new]
    if before is not None:
        was = MatrixDefinition.from_json(before.body)
        ancestors = parents(was, definition, {c.number: c.bands for c in gone}, [*new.values()])
    cells = [
        Cell(
            matrix_id=version.matrix_id,
            bands=bands,
            identity=identity,
            since_version=version.number,
            parents=came_from,
        )
        for (identity, bands), came_from in zip(new.items(), ancestors, strict=True)
    ]
    Cell.objects.bulk_create(cells, batch_size=BATCH)
    return {"new_cells": len(new), "kept_cells": len(wanted) - len(new), "retired_cells": len(gone)}


def target_of(version: MatrixVersion) -> tuple[str, str, str]:
    return ("matrix", version.matrix_id, str(version))
