"""What the pages of sets show: each within the reader's walls.

Sizes are those of published days. The province sees every figure, a city its own: of a set of the
whole province it sees how many of its own customers are in it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils import timezone

from accounts.models import Level, Organisation, User
from jobs.models import Run, State, Step
from lake.models import Partition

from ..published import DAY, PUBLISH
from . import services as audiences
from .checks import Known, users_of
from .in_use import member_column
from .lists import LISTS, rejected_lines
from .models import Audience, AuxiliaryMatrix, Defined, ImportedList, Mark
from .services import Use
from .sets import AUDIENCE, LIST, MARK, Ref, references
from .words import sentence

HISTORY = 30
MOST_REJECTS = 200
URLS = {AUDIENCE: "audience", MARK: "mark", LIST: "customer-list"}


@dataclass(frozen=True)
class Size:
    """A set on one day as the reader sees it; came and left None: there is no day before.

    ``redefined``: the set meant something else the day before.
    """

    day: date
    customers: int
    came: int | None
    left: int | None
    redefined: bool = False


@dataclass(frozen=True)
class SetLine:
    """One set in a list. ``size`` None: no published day has computed it yet."""

    row: Mark | Audience
    words: str
    size: Size | None
    uses: list[Use]

    @property
    def url(self) -> str:
        return url_of(self.row.ref)


@dataclass(frozen=True)
class Branch:
    """A set in the graph, with what it is made of; ``again``: told further up already."""

    label: str
    url: str
    again: bool
    parts: list["Branch"]


def url_of(ref: Ref) -> str:
    return reverse(URLS[ref[0]], args=[ref[1]])


def city_names() -> dict[str, str]:
    """The cities by code, in the reader's language."""
    return {city.code: city.name for city in Organisation.objects.filter(level=Level.CITY)}


# --- days ---


def published_members(most: int) -> list[Partition]:
    """The members of the last published days, newest first; of several runs of a day the last."""
    runs = Run.objects.filter(kind=DAY, steps__name=PUBLISH, steps__state=State.DONE)
    newest = runs.order_by("-business_date", "-number").distinct("business_date")[:most]
    steps = Step.objects.filter(run__in=[run.pk for run in newest], output__has_key="members")
    made = [output["members"] for output in steps.values_list("output", flat=True)]
    return list(Partition.objects.filter(pk__in=made).order_by("-business_date"))


def size_on(members: Partition, column: str, reader: User) -> Size | None:
    """The set's figures of that day that the reader may see; None: it was not computed."""
    facts = members.facts["sets"].get(column)
    if facts is None:
        return None
    line = facts if reader.cities is None else _of_city(facts, reader)
    return Size(members.business_date, line["customers"], line["came"], line["left"])


def _of_city(facts: Mapping[str, Any], reader: User) -> Mapping[str, Any]:
    nobody = {"customers": 0, "came": 0, "left": 0}
    if facts["came"] is None:
        nobody |= {"came": None, "left": None}
    city = next(iter(reader.cities or ()), "")
    return facts["by_city"].get(city, nobody)


def history_of(ref: Ref, reader: User) -> list[Size]:
    """The set on the last published days, newest first."""
    days = published_members(HISTORY + 1)
    column = member_column(ref)
    sizes = []
    for place, members in enumerate(days[:HISTORY]):
        size = size_on(members, column, reader)
        if size is not None:
            earlier = days[place + 1] if place + 1 < len(days) else None
            sizes.append(_marked(size, column, members, earlier))
    return sizes


def _marked(size: Size, column: str, members: Partition, earlier: Partition | None) -> Size:
    if earlier is None or column not in earlier.facts["sets"]:
        return size
    now, then = (it.facts["sets"][column]["definition"] for it in (members, earlier))
    return Size(size.day, size.customers, size.came, size.left, now != then)


def by_city(ref: Ref, reader: User) -> list[tuple[Organisation, Mapping[str, Any]]]:
    """The set's figures of the last published day, city by city; a city's reader sees his own."""
    days = published_members(1)
    facts = days[0].facts["sets"].get(member_column(ref)) if days else None
    if facts is None:
        return []
    cities = Organisation.objects.filter(level=Level.CITY, code__in=facts["by_city"])
    return [(c, facts["by_city"][c.code]) for c in cities if reader.sees_city(c.code)]


# --- sets ---


@dataclass(frozen=True)
class SetPages:
    """All that pages of sets need, read once per request; of sets in use only."""

    reader: User
    known: Known
    members: Partition | None

    @classmethod
    def of(cls, reader: User) -> "SetPages":
        days = published_members(1)
        return cls(reader, Known(), days[0] if days else None)

    def line(self, row: Mark | Audience) -> SetLine:
        column = member_column(row.ref)
        size = size_on(self.members, column, self.reader) if self.members else None
        return SetLine(row, self.words_of(row), size, self.uses(row.ref))

    def words_of(self, row: Mark | Audience) -> str:
        return sentence(row.node, self.known.words)

    def uses(self, ref: Ref) -> list[Use]:
        """What uses the set, as far as the reader may see it."""
        mine = [Use(_label(row), url_of(row.ref)) for row in self._seen(users_of(ref, self.known))]
        return [*mine, *(u for ask in audiences.used_elsewhere for u in ask(ref, self.reader))]

    def _seen(self, rows: Iterable[Mark | Audience]) -> list[Mark | Audience]:
        return [row for row in rows if not row.city or self.reader.sees_city(row.city)]

    def graph(self) -> list[Branch]:
        """Everything in use that the reader sees, from what nothing else is made of downwards."""
        rows = {row.ref: row for row in self._seen(self.known.defined.values())}
        nodes = self.known.nodes
        made_of = {
            ref: sorted(references(nodes[ref]) & rows.keys()) if ref in nodes else []
            for ref in rows
        }
        used = {part for parts in made_of.values() for part in parts}
        told: set[Ref] = set()
        return [_branch(ref, rows, made_of, told) for ref in sorted(rows) if ref not in used]


def _branch(
    ref: Ref, rows: Mapping[Ref, Defined], made_of: Mapping[Ref, Sequence[Ref]], told: set[Ref]
) -> Branch:
    """Each set is taken apart once, so that a graph of many paths stays a list."""
    again = ref in told and bool(made_of[ref])
    told.add(ref)
    parts = [] if again else [_branch(part, rows, made_of, told) for part in made_of[ref]]
    return Branch(_label(rows[ref]), url_of(ref), again, parts)


def _label(row: Defined) -> str:
    return f"{row.name} ({row.code})"


def groups_of(pages: SetPages) -> list[tuple[AuxiliaryMatrix, list[SetLine]]]:
    """The auxiliary matrices that the reader sees, with their marks."""
    matrices = AuxiliaryMatrix.objects.visible_to(pages.reader).active()
    return [
        (matrix, [pages.line(mark) for mark in matrix.marks.active().select_related("matrix")])
        for matrix in matrices
    ]


# --- lists ---


def rejects_of(it: ImportedList) -> list[dict[str, object]] | None:
    """The first rejected lines, numbers masked; None where the lake has removed them."""
    kept = Partition.objects.filter(dataset=LISTS, business_date=it.expires_on, key=it.key).first()
    return rejected_lines(kept.path, MOST_REJECTS) if kept else None


def has_expired(it: ImportedList) -> bool:
    return not it.holds_on(timezone.localdate())
