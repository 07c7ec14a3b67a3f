"""What the page of movement between groups shows: one model, one day, the reader's cities."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import count
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from common.rates import wilson
from lake.models import Partition

from .charts import Chart
from .group_movements import NO_GROUP, read_movements
from .learning.group_matching import GroupMovement, Movement, movement_of
from .learning.groups import number
from .models import Model, ModelDay, ModelVersion
from .report_groups import name_in_words
from .report_names import Wording

HEATS = 3
Row = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """A field of the table; ``share``: of its row; ``heat`` 0 … HEATS by how many moved."""

    customers: int
    share: float | None
    stays: bool
    heat: int


@dataclass(frozen=True)
class Line:
    """A row of the table: where these were; ``code`` "" where that is no group."""

    code: str
    name: str
    entries: list[Entry]
    total: int


@dataclass(frozen=True)
class GroupLine:
    """One group over the two days; ``share``: of those before who stayed, with its interval."""

    name: str
    moved: GroupMovement
    share: float | None
    low: float | None
    high: float | None


class MovementPage:
    """``cities``: of whom alone; None: the whole province."""

    def __init__(
        self, model: Model, partition: Partition, cities: frozenset[str] | None, names: Wording
    ) -> None:
        self.model, self.partition, self.cities, self.names = model, partition, cities, names

    @property
    def day(self) -> date:
        return self.partition.business_date

    @property
    def since(self) -> date | None:
        """The day that these customers came from; None: there is none before."""
        told = self.partition.facts["since"]
        return date.fromisoformat(told) if told else None

    @cached_property
    def rows(self) -> list[Row]:
        return read_movements(self.partition, self.model.code, self.cities)

    # --- which grouping ---

    @cached_property
    def days(self) -> dict[date, ModelDay]:
        """How the model fared on the two days."""
        found = ModelDay.objects.filter(version__model=self.model)
        found = found.filter(business_date__in=[d for d in (self.day, self.since) if d])
        found = found.select_related("version").defer("version__report", "version__profile")
        return {d.business_date: d for d in found.order_by("created_at")}

    @property
    def stale_since(self) -> date | None:
        """The day whose groups stand on this one, where its own could not be made."""
        known = self.days.get(self.day)
        return known.stale_since if known else None

    @cached_property
    def version(self) -> ModelVersion | None:
        number_ = self.partition.facts["models"].get(self.model.code)
        return self.model.versions.filter(number=number_).first()

    @property
    def regrouped_from(self) -> int | None:
        """The version that grouped the day before, where it was another one."""
        known = self.days.get(self.since) if self.since else None
        if known is None or self.version is None or known.version_id == self.version.pk:
            return None
        return known.version.number

    @cached_property
    def called(self) -> dict[str, str]:
        """Code → what sets the group apart: as the day's version says, else an earlier one."""
        used = self.model.versions.filter(published_at__isnull=False).order_by("number")
        profiles = used.values_list("report__profiles__groups", flat=True)
        own = self.version.report.get("profiles", {}).get("groups") if self.version else None
        told: dict[str, Any] = {}
        for groups in [*profiles, own]:
            told |= {group["code"]: group["name"] for group in groups or []}
        return {code: name_in_words(name, self.names) for code, name in told.items()}

    def name(self, code: str) -> str:
        return self.called.get(code, code)

    # --- the figures ---

    @cached_property
    def codes(self) -> tuple[list[str], list[str]]:
        """The groups of either day, in the order of their numbers."""
        return _codes(r["before"] for r in self.rows), _codes(r["after"] for r in self.rows)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Groups before × after; the last but one are in no group, the last no customers."""
        before, after = ([*codes, NO_GROUP, None] for codes in self.codes)
        counts = np.zeros((len(before), len(after)), np.int64)
        for row in self.rows:
            counts[before.index(row["before"]), after.index(row["after"])] += row["customers"]
        return counts

    @cached_property
    def movement(self) -> Movement:
        """Who is in no group and who is no customer together are nobody."""
        once = np.vstack([self.counts[:-2], self.counts[-2:].sum(axis=0)])
        merged = np.hstack([once[:, :-2], once[:, -2:].sum(axis=1, keepdims=True)])
        return movement_of(merged, *self.codes)

    @property
    def before(self) -> int:
        return sum(self.movement.before[:-1])

    @property
    def after(self) -> int:
        return sum(self.movement.after[:-1])

    @property
    def joined(self) -> int:
        return self.movement.before[-1]

    @property
    def lost(self) -> int:
        return self.movement.after[-1]

    @property
    def groups(self) -> list[GroupLine]:
        return [_group(one, self.name(one.code)) for one in self.movement.groups]

    @property
    def headings(self) -> list[tuple[str, str]]:
        """The columns as (code or words, title)."""
        return [
            *((code, self.name(code)) for code in self.codes[1]),
            (_("no group"), _("still a customer, in no group of this model")),
            (_("no customer"), _("no longer a customer")),
        ]

    @property
    def lines(self) -> list[Line]:
        names = [
            *((code, self.name(code)) for code in self.codes[0]),
            ("", _("were customers, in no group of this model")),
            ("", _("new customers")),
        ]
        moves = self.counts.copy()
        for row, code in enumerate(self.codes[0]):
            if code in self.codes[1]:
                moves[row, self.codes[1].index(code)] = 0
        most = int(moves.max(initial=0))
        return [
            Line(code, name, self._entries(row, code, moves[row], most), int(counts.sum()))
            for row, (code, name), counts in zip(count(), names, self.counts, strict=False)
        ]

    @property
    def totals(self) -> list[int]:
        return [int(n) for n in self.counts.sum(axis=0)]

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    def _entries(self, row: int, code: str, moved: NDArray[np.int64], most: int) -> list[Entry]:
        total = int(self.counts[row].sum())
        columns = [*self.codes[1], NO_GROUP, None]
        return [
            Entry(n, n / total if total else None, bool(code) and code == column, _heat(m, most))
            for n, m, column in zip(self.counts[row].tolist(), moved.tolist(), columns, strict=True)
        ]

    @property
    def chart(self) -> Chart | None:
        """Who stayed, by group, with intervals; None where no group had anybody."""
        known = [g for g in self.groups if g.share is not None]
        if not known:
            return None
        label = _("share that stayed, by group")
        chart = Chart(
            label, _("group"), _("share that stayed"), (0, len(known)), (0, 1), shares="y"
        )
        chart.columns([g.moved.code for g in known], [g.share or 0.0 for g in known], most=20)
        for place, g in enumerate(known):
            chart.dot(place + 0.5, g.share or 0.0, g.low or 0.0, g.high or 0.0)
        return chart


def csv_rows(page: MovementPage) -> Iterable[Sequence[object]]:
    """Every count as it is kept, groups and cities in words beside their codes."""
    for row in page.rows:
        yield [
            page.day,
            page.since,
            page.model.code,
            page.names.city(row["city"]),
            *(_told(row[side], page) for side in ("before", "after")),
            row["customers"],
        ]


def _told(code: str | None, page: MovementPage) -> str:
    if code is None:
        return _("no customer")
    return f"{code} {page.name(code)}" if code else _("no group")


def _codes(found: Iterable[str | None]) -> list[str]:
    return sorted({code for code in found if code}, key=number)


def _group(one: GroupMovement, name: str) -> GroupLine:
    if not one.before:
        return GroupLine(name, one, None, None, None)
    low, high = wilson(one.stayed, one.before)
    return GroupLine(name, one, one.stayed / one.before, float(low), float(high))


def _heat(customers: int, most: int) -> int:
    """By orders of magnitude: a tenth of the greatest is still warm."""
    return int(np.ceil(HEATS * np.log1p(customers) / np.log1p(most))) if customers else 0
