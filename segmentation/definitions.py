"""Strategies and matrices as definitions: the documents ``strategies`` and ``matrices``."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from common.definitions import Changes, Document
from common.errors import DomainError

from .definition import MatrixDefinition
from .models import Matrix, MatrixVersion, Strategy
from .schema import MATRICES, STRATEGIES
from .services import define_strategy, place_matrix, publish_version, save_draft


@transaction.atomic
def load_strategies(content: list[dict[str, Any]], by: str) -> Changes:
    """Write the strategies in the order given; one that is left out stays."""
    changes = Changes()
    for position, item in enumerate(content):
        _refuse_twice(content, position)
        strategy = Strategy.objects.filter(pk=item["code"]).first()
        names = (item["name"]["zh"], item["name"]["en"], position)
        if strategy and (strategy.name_zh, strategy.name_en, strategy.position) == names:
            changes.unchanged.append(item["code"])
            continue
        define_strategy(
            code=item["code"], name_zh=names[0], name_en=names[1], position=position, by=by
        )
        (changes.changed if strategy else changes.added).append(item["code"])
    return changes


def dump_strategies() -> list[dict[str, Any]]:
    return [
        {"code": s.code, "name": {"zh": s.name_zh, "en": s.name_en}} for s in Strategy.objects.all()
    ]


@transaction.atomic
def load_matrices(content: list[dict[str, Any]], by: str) -> Changes:
    """Publish each matrix that says something new; drafts that people work on are left alone.

    A matrix that is left out stays. Any fault refuses the whole file.
    """
    changes = Changes()
    for position, item in enumerate(content):
        _refuse_twice(content, position)
        try:
            _load_matrix(position, item, by, changes)
        except DomainError as error:
            error.extra["where"] = [position, *error.extra.get("where", [])]
            raise
    return changes


def _load_matrix(position: int, item: dict[str, Any], by: str, changes: Changes) -> None:
    definition = MatrixDefinition.from_json(item)
    published = MatrixVersion.objects.published().filter(matrix=definition.code).first()
    same = published is not None and _reads_as(published) == definition
    if not same:
        publish_version(save_draft(definition, by=by), by=by)
    matrix = Matrix.objects.get(pk=definition.code)
    if same and matrix.position == position:
        changes.unchanged.append(definition.code)
        return
    place_matrix(matrix, position=position, by=by)
    (changes.changed if published else changes.added).append(definition.code)


def _refuse_twice(content: list[dict[str, Any]], position: int) -> None:
    code = content[position]["code"]
    if code in [item["code"] for item in content[:position]]:
        raise DomainError(
            "duplicate_code",
            _("'%s' is defined twice; each code may stand once.") % code,
            where=[position, "code"],
        )


def _reads_as(version: MatrixVersion) -> MatrixDefinition:
    return MatrixDefinition.from_json(version.body)


def dump_matrices() -> list[dict[str, Any]]:
    published = MatrixVersion.objects.published().order_by("matrix__position", "matrix_id")
    return [_reads_as(version).to_json() for version in published]


DOCUMENTS = (
    Document("strategies", STRATEGIES, load_strategies, dump_strategies),
    Document("matrices", MATRICES, load_matrices, dump_matrices),
)
