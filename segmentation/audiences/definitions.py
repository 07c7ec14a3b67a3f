"""Marks and audiences as definitions: the documents ``auxiliary`` and ``audiences``.

Imported lists are no definitions: customer numbers leave the system through an approved export
only. A directory whose sets name a list is loaded where the list is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from common.definitions import CODE, NAME, Changes, Document, object_of
from common.errors import at

from ..definitions import refuse_twice
from ..dimensions import Name
from .models import Audience, AuxiliaryMatrix, Defined, Mark
from .services import define_audience, define_auxiliary_matrix, define_mark
from .sets import AUDIENCE, MARK, SET, SET_CODE, Ref, from_json, in_order, references

Items = Sequence[Mapping[str, Any]]


OF_SET = object_of(
    {"code": SET_CODE, "name": NAME, "customers": SET}, ["code", "name", "customers"]
)
WITH_CITY = OF_SET | {"properties": OF_SET["properties"] | {"city": CODE}}
AUXILIARY = {
    "type": "array",
    "items": object_of(
        {
            "code": SET_CODE,
            "name": NAME,
            "city": CODE,
            "marks": {"type": "array", "items": OF_SET},
        },
        ["code", "name"],
    ),
}
AUDIENCES = {"type": "array", "items": WITH_CITY}


@transaction.atomic
def load_auxiliary(content: Items, by: str) -> Changes:
    """Write the groups of marks in the order given, and their marks; what is left out stays."""
    changes = Changes()
    matrices: list[AuxiliaryMatrix] = []
    for position, item in enumerate(content):
        with at(position):
            refuse_twice([it["code"] for it in content], position)
            matrices.append(_load_matrix(position, item, by, changes))
    marks = {
        (MARK, mark["code"]): (place, position, mark)
        for place, item in enumerate(content)
        for position, mark in enumerate(item.get("marks", []))
    }
    _refuse_repeated_marks(content)
    for ref in _dependencies_first({ref: it[2] for ref, it in marks.items()}):
        place, position, item = marks[ref]
        with at(place, "marks", position):
            before = _revision(Mark, item["code"])
            mark = define_mark(
                matrices[place],
                code=item["code"],
                name=Name(**item["name"]),
                expression=item["customers"],
                position=position,
                by=by,
            )
            _tell(changes, mark, before)
    return changes


def _load_matrix(
    position: int, item: Mapping[str, Any], by: str, changes: Changes
) -> AuxiliaryMatrix:
    before = _revision(AuxiliaryMatrix, item["code"])
    matrix = define_auxiliary_matrix(
        code=item["code"],
        name=Name(**item["name"]),
        city=item.get("city", ""),
        position=position,
        by=by,
    )
    _tell(changes, matrix, before)
    return matrix


@transaction.atomic
def load_audiences(content: Items, by: str) -> Changes:
    """Write the audiences, each after those that it names; one that is left out stays."""
    changes = Changes()
    for position in range(len(content)):
        with at(position):
            refuse_twice([it["code"] for it in content], position)
    places = {(AUDIENCE, item["code"]): place for place, item in enumerate(content)}
    for ref in _dependencies_first({ref: content[place] for ref, place in places.items()}):
        item = content[places[ref]]
        with at(places[ref]):
            before = _revision(Audience, item["code"])
            audience = define_audience(
                code=item["code"],
                name=Name(**item["name"]),
                expression=item["customers"],
                city=item.get("city", ""),
                by=by,
            )
            _tell(changes, audience, before)
    return changes


def dump_auxiliary() -> list[dict[str, Any]]:
    return [
        _item(matrix)
        | {"marks": [_item(mark) | _customers(mark) for mark in matrix.marks.active()]}
        for matrix in AuxiliaryMatrix.objects.active()
    ]


def dump_audiences() -> list[dict[str, Any]]:
    return [_item(audience) | _customers(audience) for audience in Audience.objects.active()]


def _item(row: Defined) -> dict[str, Any]:
    said: dict[str, Any] = {"code": row.code, "name": {"zh": row.name_zh, "en": row.name_en}}
    if row.city and not isinstance(row, Mark):  # a mark's city is its group's
        said["city"] = row.city
    return said


def _customers(row: Mark | Audience) -> dict[str, Any]:
    return {"customers": row.expression}


def _dependencies_first(items: Mapping[Ref, Mapping[str, Any]]) -> list[Ref]:
    """The sets of one file, each after those of the file that it names."""
    named = {ref: references(from_json(item["customers"])) for ref, item in items.items()}
    return in_order({ref: refs & named.keys() for ref, refs in named.items()})


def _revision(model: type[Defined], code: str) -> int:
    return model.objects.filter(pk=code).values_list("revision", flat=True).first() or 0


def _tell(changes: Changes, row: Defined, before: int) -> None:
    told = changes.changed if before else changes.added
    (changes.unchanged if row.revision == before else told).append(row.code)


def _refuse_repeated_marks(content: Items) -> None:
    seen: list[str] = []
    for place, item in enumerate(content):
        for position, mark in enumerate(item.get("marks", [])):
            seen.append(mark["code"])
            with at(place, "marks", position):
                refuse_twice(seen, len(seen) - 1)


DOCUMENTS = (
    Document("auxiliary", AUXILIARY, load_auxiliary, dump_auxiliary),
    Document("audiences", AUDIENCES, load_audiences, dump_audiences),
)
