"""What a day's members are computed from: the sets in use, pinned as plain values.

Pinned when the day is asked for and handed to ``members.materialise``: an audience that is edited
while the day runs changes the next day, not this one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

from rules import Attribute

from .models import Audience, ImportedList, Mark
from .sets import AUDIENCE, LIST, MARK, Json, Node, Ref, from_json, in_order, references


@dataclass(frozen=True)
class SetInUse:
    """A mark or an audience. ``city``: only that city's customers; "": everybody's."""

    kind: str
    code: str
    city: str
    node: Node

    @property
    def ref(self) -> Ref:
        return self.kind, self.code

    @property
    def column(self) -> str:
        return member_column(self.ref)

    def to_json(self) -> Json:
        return {
            "kind": self.kind,
            "code": self.code,
            "city": self.city,
            "customers": self.node.to_json(),
        }


@dataclass(frozen=True)
class ListInUse:
    """An imported list by its content; ``expires_on`` also says where it is kept."""

    code: str
    key: str
    expires_on: date

    def holds_on(self, day: date) -> bool:
        return day <= self.expires_on

    def to_json(self) -> Json:
        return {"code": self.code, "key": self.key, "expires_on": self.expires_on.isoformat()}


@dataclass(frozen=True)
class SetsInUse:
    """``sets``: each after those that it refers to."""

    sets: tuple[SetInUse, ...] = ()
    lists: tuple[ListInUse, ...] = ()

    def to_json(self) -> Json:
        return {
            "sets": [it.to_json() for it in self.sets],
            "lists": [it.to_json() for it in self.lists],
        }

    @classmethod
    def from_json(cls, body: Json) -> Self:
        return cls(
            tuple(
                SetInUse(it["kind"], it["code"], it["city"], from_json(it["customers"]))
                for it in body["sets"]
            ),
            tuple(
                ListInUse(it["code"], it["key"], date.fromisoformat(it["expires_on"]))
                for it in body["lists"]
            ),
        )


def member_column(ref: Ref) -> str:
    """The column of the dataset ``members``, and the attribute of rules: ``audience_<code>``."""
    return f"{ref[0]}_{ref[1]}"


def sets_in_use() -> SetsInUse:
    """Every mark and audience that is not retired, and the lists that they name.

    Raises DomainError ``set_cycle`` if they refer to each other in a ring.
    """
    marks = Mark.objects.active().select_related("matrix")
    rows = [*marks, *Audience.objects.active()]
    known = {row.ref: SetInUse(row.kind, row.code, row.city, row.node) for row in rows}
    named = {ref: references(it.node) for ref, it in known.items()}
    order = in_order({ref: {r for r in refs if r[0] != LIST} for ref, refs in named.items()})
    wanted = sorted({code for refs in named.values() for kind, code in refs if kind == LIST})
    lists = ImportedList.objects.filter(pk__in=wanted).order_by("code")
    return SetsInUse(
        tuple(known[ref] for ref in order),
        tuple(ListInUse(it.code, it.key, it.expires_on) for it in lists),
    )


def member_attributes() -> list[Attribute]:
    """Marks and audiences in use as attributes of rules, for who reads the dataset ``members``.

    They are no part of the catalogue that matrices are written in: a day's members are computed
    from its cells.
    """
    rows: Sequence[Mark | Audience] = [
        *Mark.objects.active().order_by("code"),
        *Audience.objects.active().order_by("code"),
    ]
    return [
        Attribute(
            member_column(row.ref),
            "boolean",
            name_zh=f"{NOUNS_ZH[row.kind]}{row.name_zh}",
            name_en=f"{NOUNS_EN[row.kind]} {row.name_en}",
            nullable=False,
        )
        for row in rows
    ]


NOUNS_ZH = {MARK: "标记：", AUDIENCE: "目标客群："}
NOUNS_EN = {MARK: "mark:", AUDIENCE: "audience:"}
