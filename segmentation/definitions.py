"""Strategies and matrices as definitions: the documents ``strategies`` and ``matrices``."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from common.definitions import Changes, Document
from common.errors import DomainError, at

from .definition import Group, MatrixDefinition
from .models import Matrix, MatrixVersion, Strategy
from .schema import MATRICES, STRATEGIES
from .services import define_strategy, place_matrix, publish_version, regroup, save_draft


@transaction.atomic
def load_strategies(content: list[dict[str, Any]], by: str) -> Changes:
    """Write the strategies in the order given; one that is left out stays.

    Matrices whose strategic group is another by that are published anew.
    """
    changes = Changes()
    for position, item in enumerate(content):
        with at(position):
            refuse_twice([it["code"] for it in content], position)
        strategy = Strategy.objects.filter(pk=item["code"]).first()
        says = {
            "name_zh": item["name"]["zh"],
            "name_en": item["name"]["en"],
            "position": position,
            "rule": item.get("rule", ""),
            "exclusive": item.get("exclusive", False),
        }
        if strategy and all(getattr(strategy, name) == value for name, value in says.items()):
            changes.unchanged.append(item["code"])
            continue
        with at(position):
            define_strategy(code=item["code"], **says, by=by)
        (changes.changed if strategy else changes.added).append(item["code"])
    regroup(by=by)
    return changes


def dump_strategies() -> list[dict[str, Any]]:
    return [
        {"code": s.code, "name": {"zh": s.name_zh, "en": s.name_en}}
        | ({"rule": s.rule} if s.rule else {})
        | ({"exclusive": True} if s.exclusive else {})
        for s in Strategy.objects.all()
    ]


@transaction.atomic
def load_matrices(content: list[dict[str, Any]], by: str) -> Changes:
    """Publish each matrix that says something new; drafts that people work on are left alone.

    A matrix that is left out stays. Any fault refuses the whole file.
    """
    changes = Changes()
    for position, item in enumerate(content):
        with at(position):
            refuse_twice([it["code"] for it in content], position)
            _load_matrix(position, item, by, changes)
    return changes


def _load_matrix(position: int, item: dict[str, Any], by: str, changes: Changes) -> None:
    definition = MatrixDefinition.from_json(item)
    published = MatrixVersion.objects.published().filter(matrix=definition.code).first()
    same = published is not None and _as_filed(published) == definition
    if not same:
        publish_version(save_draft(definition, by=by), by=by)
    matrix = Matrix.objects.get(pk=definition.code)
    if same and matrix.position == position:
        changes.unchanged.append(definition.code)
        return
    place_matrix(matrix, position=position, by=by)
    (changes.changed if published else changes.added).append(definition.code)


def refuse_twice(codes: Sequence[str], position: int) -> None:
    """Raise DomainError ``duplicate_code`` if the code there stands before it as well."""
    if codes[position] in codes[:position]:
        raise DomainError(
            "duplicate_code",
            _("'%s' is defined twice; each code may stand once.") % codes[position],
            where=["code"],
        )


def _as_filed(version: MatrixVersion) -> MatrixDefinition:
    """What the version says of itself; its group is said by the strategies."""
    return replace(MatrixDefinition.from_json(version.body), group=Group())


def dump_matrices() -> list[dict[str, Any]]:
    published = MatrixVersion.objects.published().order_by("matrix__position", "matrix_id")
    return [_as_filed(version).to_json() for version in published]


DOCUMENTS = (
    Document("strategies", STRATEGIES, load_strategies, dump_strategies),
    Document("matrices", MATRICES, load_matrices, dump_matrices),
)
