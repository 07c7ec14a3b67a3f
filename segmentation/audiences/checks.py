"""What must hold of a set of customers beyond its shape: that all it names is there for its city.

A set of the whole province may name only what the province defined; a city's also what is the
city's own. So nobody's set tells of another city, whoever may read it (law 8).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Level, Organisation
from common.errors import DomainError, at, did_you_mean
from customers.catalogue import compiled, rule_catalogue
from rules import Catalogue, compile_condition

from ..cells import CellBoxes
from ..definition import MatrixDefinition
from ..dimensions import Name
from ..models import MatrixVersion
from .models import Audience, ImportedList, Mark
from .sets import (
    AUDIENCE,
    LIST,
    MARK,
    InCells,
    Json,
    NamedSet,
    Node,
    OfRule,
    Ref,
    from_json,
    in_order,
    leaves,
    references,
)
from .words import Words

NOUNS = {
    MARK: gettext_lazy("mark"),
    AUDIENCE: gettext_lazy("audience"),
    LIST: gettext_lazy("imported list"),
}


@dataclass(frozen=True)
class Known:
    """What a set may name, read once: of marks, audiences and lists those that are not retired."""

    @cached_property
    def catalogue(self) -> Catalogue:
        return rule_catalogue()

    @cached_property
    def cities(self) -> frozenset[str]:
        cities = Organisation.objects.filter(level=Level.CITY)
        return frozenset(cities.values_list("code", flat=True))

    @cached_property
    def versions(self) -> dict[str, MatrixVersion]:
        return {version.matrix_id: version for version in MatrixVersion.objects.published()}

    @cached_property
    def matrices(self) -> dict[str, MatrixDefinition]:
        versions = self.versions.items()
        return {code: MatrixDefinition.from_json(version.body) for code, version in versions}

    @cached_property
    def defined(self) -> dict[Ref, Mark | Audience | ImportedList]:
        marks = Mark.objects.active().select_related("matrix")
        rows = [*marks, *Audience.objects.active(), *ImportedList.objects.active()]
        return {row.ref: row for row in rows}

    @cached_property
    def cells(self) -> dict[str, CellBoxes]:
        """The cells of matrices, read when the first box of one is looked at."""
        return {}

    def cells_of(self, matrix: str) -> CellBoxes:
        if matrix not in self.cells:
            self.cells[matrix] = CellBoxes.of_version(self.versions[matrix])
        return self.cells[matrix]

    def graph(self, nodes: Mapping[Ref, Node]) -> dict[Ref, set[Ref]]:
        """What each set names, once ``nodes`` are (re)defined. Lists name nothing."""
        return {
            ref: {named for named in references(node) if named[0] != LIST}
            for ref, node in (self.nodes | dict(nodes)).items()
        }

    @cached_property
    def nodes(self) -> dict[Ref, Node]:
        """What the marks and audiences say."""
        return {ref: row.node for ref, row in self.defined.items() if ref[0] != LIST}

    @cached_property
    def users(self) -> dict[Ref, list[Ref]]:
        """By set the marks and audiences that name it themselves, by kind and code."""
        users: dict[Ref, list[Ref]] = {}
        for ref in sorted(self.nodes):
            for named in references(self.nodes[ref]):
                users.setdefault(named, []).append(ref)
        return users

    @cached_property
    def words(self) -> Words:
        names = {ref: Name(row.name_zh, row.name_en) for ref, row in self.defined.items()}
        return Words(self.catalogue, self.matrices, names)


def checked_set(ref: Ref, expression: Json, city: str, known: Known) -> Node:
    """Read what a set's field ``customers`` says and check it."""
    with at("customers"):
        node = from_json(expression)
        check_set(ref, node, city, known)
    return node


def check_set(ref: Ref, node: Node, city: str, known: Known) -> None:
    """Raise DomainError, with ``where`` in the set's JSON, unless the set can be computed today.

    ``ref`` is the set's own, which may be there already; ``city`` its own, "" the province's.
    """
    for leaf, where in leaves(node):
        with at(*where):
            _check_leaf(ref, leaf, city, known)
    in_order(known.graph({ref: node}))


def _check_leaf(ref: Ref, leaf: Node, city: str, known: Known) -> None:
    match leaf:
        case OfRule(text):
            compiled(compile_condition, text, known.catalogue)
        case InCells(matrix):
            _check_there(matrix, known.versions, "unknown_matrix", _("published matrix"), "matrix")
            _check_box(leaf, known)
        case NamedSet():
            _check_named(ref, leaf, city, known)


def _check_box(leaf: InCells, known: Known) -> None:
    try:
        known.cells_of(leaf.matrix).inside(leaf.named_box)
    except DomainError as error:
        error.extra.setdefault("where", ["box"])
        raise


def _check_named(ref: Ref, leaf: NamedSet, city: str, known: Known) -> None:
    if ref[0] == MARK and leaf.kind == AUDIENCE:
        raise DomainError(
            "mark_of_audience",
            _(
                "A mark can't be made of audiences: audiences are made of marks. Say what "
                "'%(code)s' says, or turn it into a mark."
            )
            % {"code": leaf.code},
        )
    row = known.defined.get(leaf.ref)
    if row is not None and row.city and not city:
        raise DomainError(
            "set_of_a_city",
            _(
                "'%(code)s' is the city's %(city)s: a set of the whole province may name only "
                "what the province defined."
            )
            % {"code": leaf.code, "city": row.city},
        )
    mine = [
        code
        for (kind, code), other in known.defined.items()
        if kind == leaf.kind and other.city in ("", city)
    ]
    _check_there(leaf.code, mine, f"unknown_{leaf.kind}", str(NOUNS[leaf.kind]))


def _check_there(code: str, there: Collection[str], error: str, noun: str, *where: str) -> None:
    if code not in there:
        near = get_close_matches(code, list(there))
        message = _("There is no %(noun)s %(code)s.") % {"noun": noun, "code": code}
        raise DomainError(error, message + did_you_mean(near), where=list(where), nearest=near)


def users_of(ref: Ref, known: Known) -> list[Mark | Audience]:
    """The marks and audiences that name the set themselves."""
    return [known.defined[user] for user in known.users.get(ref, [])]
