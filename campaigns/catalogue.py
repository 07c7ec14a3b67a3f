"""What the rules of policies and priorities may name: attributes, marks and audiences.

Matrices and models know attributes only: a day's marks and audiences are computed from its cells.
"""

from collections.abc import Iterator

from customers.catalogue import compiled, rule_catalogue
from rules import Catalogue, compile_condition
from segmentation.audiences.in_use import SetInUse, member_attributes, member_column, sets_in_use
from segmentation.audiences.sets import InCells, OfRule, leaves
from segmentation.definition import MatrixDefinition
from segmentation.keys import attributes_of
from segmentation.models import MatrixVersion


def campaign_catalogue() -> Catalogue:
    """Return the catalogue with every mark and audience in use as a boolean attribute."""
    return Catalogue([*rule_catalogue().values(), *member_attributes()])


def read_by_sets() -> dict[str, tuple[str, ...]]:
    """By mark and audience the attributes that decide who is in it, through whatever it names.

    Who may not see one of these may not be shown the mark either: it would tell.
    """
    catalogue = rule_catalogue()
    matrices = {
        version.matrix_id: attributes_of(MatrixDefinition.from_json(version.body), catalogue)
        for version in MatrixVersion.objects.published()
    }
    read: dict[str, set[str]] = {}
    for one in sets_in_use().sets:
        read[one.column] = set(_read_by(one, catalogue, matrices, read))
    return {column: tuple(sorted(codes)) for column, codes in read.items()}


def _read_by(
    one: SetInUse, catalogue: Catalogue, matrices: dict[str, set[str]], read: dict[str, set[str]]
) -> Iterator[str]:
    for leaf, _where in leaves(one.node):
        match leaf:
            case OfRule():
                yield from compiled(compile_condition, leaf.rule, catalogue).attributes
            case InCells():
                yield from matrices.get(leaf.matrix, ())
            case _:
                yield from read.get(member_column((leaf.kind, leaf.code)), ())
