"""Groups of customers that can be profiled: as plain values, as conditions, and in words.

A group is one of ``{"cells": {"matrix": …, "numbers": […], "box": {…}}}``, ``{"audience": code}``,
``{"mark": code}``, ``{"rule": text}``, ``{"everyone": true}``, and of what it is held against also
``{"rest": true}``. An unknown rule counts as not in the group.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pyarrow as pa
import sqlglot
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from sqlglot import exp

from common.errors import DomainError
from rules import Catalogue, Params, RuleError, compile_condition, is_true

from ..audiences.in_use import member_column
from ..bands import SOURCE, column
from ..definition import MatrixDefinition, band_codes
from ..keys import attributes_of, cell_column
from .today import Today

Json = dict[str, Any]


@dataclass(frozen=True)
class Group:
    """A group by itself has no condition: the kinds below do."""

    kind: ClassVar[str]

    def columns(self, catalogue: Catalogue) -> set[str]:
        """The columns that its condition reads."""
        return set()

    def defined_by(self, today: Today, catalogue: Catalogue) -> set[str]:
        """The attributes that decide who is in it: in these it differs by definition."""
        return self.columns(catalogue)

    def table(self) -> pa.Table | None:
        """What its condition looks up, known to the engine by the name given to it."""
        return None

    def condition(self, params: Params, catalogue: Catalogue, table: str) -> exp.Expression:
        """Whether a row of SOURCE is in the group; never null."""
        return exp.true()

    def to_json(self) -> Json:
        return {self.kind: True}

    def words(self, today: Today, catalogue: Catalogue) -> str:
        raise NotImplementedError(self.kind)


@dataclass(frozen=True)
class Everyone(Group):
    """Every customer whom the reader may see."""

    kind = "everyone"

    def words(self, today: Today, catalogue: Catalogue) -> str:
        return _("all customers")


@dataclass(frozen=True)
class Rest(Group):
    """Of what is held against a group: every customer whom the reader may see, but the group's."""

    kind = "rest"

    def words(self, today: Today, catalogue: Catalogue) -> str:
        return _("all other customers")


@dataclass(frozen=True)
class ByRule(Group):
    kind = "rule"

    text: str

    def columns(self, catalogue: Catalogue) -> set[str]:
        return set(compile_condition(self.text, catalogue).attributes)

    def condition(self, params: Params, catalogue: Catalogue, table: str) -> exp.Expression:
        return is_true(compile_condition(self.text, catalogue).sql(params, SOURCE))

    def to_json(self) -> Json:
        return {self.kind: self.text}

    def words(self, today: Today, catalogue: Catalogue) -> str:
        language = "zh-hans" if (get_language() or "").startswith("zh") else "en"
        return compile_condition(self.text, catalogue).explain(language)


@dataclass(frozen=True)
class ByColumn(Group):
    """An audience or a mark: a boolean column of the day's dataset ``members``."""

    kind: str  # type: ignore[misc]  # audience or mark
    code: str

    @property
    def column(self) -> str:
        return member_column((self.kind, self.code))

    def columns(self, catalogue: Catalogue) -> set[str]:
        return {self.column}

    def condition(self, params: Params, catalogue: Catalogue, table: str) -> exp.Expression:
        return is_true(exp.cast(column(self.column), "BOOLEAN"))

    def to_json(self) -> Json:
        return {self.kind: self.code}

    def words(self, today: Today, catalogue: Catalogue) -> str:
        said = {"audience": _("audience “%s”"), "mark": _("customers marked “%s”")}
        return said[self.kind] % self.code


@dataclass(frozen=True)
class ByCells(Group):
    """The customers of some cells; ``box``: the bands that chose them, where they were so chosen.

    The numbers are looked up, so that thousands of them cost what one does.
    """

    kind = "cells"

    matrix: str
    numbers: tuple[int, ...]
    box: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def columns(self, catalogue: Catalogue) -> set[str]:
        return {cell_column(self.matrix)}

    def defined_by(self, today: Today, catalogue: Catalogue) -> set[str]:
        definition = MatrixDefinition.from_json(today.matrices[self.matrix].body)
        return attributes_of(definition, catalogue)

    def table(self) -> pa.Table:
        return pa.table({"cell": pa.array(self.numbers, pa.int64())})

    def condition(self, params: Params, catalogue: Catalogue, table: str) -> exp.Expression:
        chosen = sqlglot.select(column("cell", table)).from_(table)
        cell = column(cell_column(self.matrix))
        return is_true(exp.In(this=cell, query=exp.Subquery(this=chosen)))

    def to_json(self) -> Json:
        box = {code: list(bands) for code, bands in self.box.items()}
        return {self.kind: {"matrix": self.matrix, "numbers": list(self.numbers), "box": box}}

    def words(self, today: Today, catalogue: Catalogue) -> str:
        version = today.matrices[self.matrix]
        definition = MatrixDefinition.from_json(version.body)
        if not self.box:
            numbers = ", ".join(map(str, self.numbers[:10]))
            more = "" if len(self.numbers) <= 10 else " …"
            return _("%(matrix)s: cells %(numbers)s") % {
                "matrix": version.matrix.name,
                "numbers": numbers + more,
            }
        return f"{version.matrix.name}: {box_in_words(definition, self.box)}"


def box_in_words(definition: MatrixDefinition, box: Mapping[str, Any]) -> str:
    """The box by its names: ``Customer value: high value / mid-high value; Contract: free``."""
    language = get_language() or "en"
    said = []
    for dimension in definition.dimensions:
        if dimension.code in box:
            wanted = band_codes(box[dimension.code])
            bands = [b.name.in_language(language) for b in dimension.all_bands if b.code in wanted]
            said.append(f"{dimension.name.in_language(language)}: {' / '.join(bands)}")
    return "; ".join(said) or _("everybody")


def group_from_json(body: Mapping[str, Any]) -> Group:
    """Read what ``to_json`` says."""
    ((kind, said),) = body.items()
    match kind:
        case "everyone":
            return Everyone()
        case "rest":
            return Rest()
        case "rule":
            return ByRule(said)
        case "audience" | "mark":
            return ByColumn(kind, said)
        case "cells":
            box = {code: band_codes(bands) for code, bands in said.get("box", {}).items()}
            return ByCells(said["matrix"], tuple(said["numbers"]), box)
    raise DomainError("bad_group", _("There is no group of the kind '%s'.") % kind)


def checked_rule(text: str, catalogue: Catalogue) -> ByRule:
    """Return the rule's group. Raises DomainError with the rule's own error and position."""
    try:
        compile_condition(text, catalogue)
    except RuleError as error:
        language = "zh-hans" if (get_language() or "").startswith("zh") else "en"
        raise DomainError(error.code, error.render(language), **error.extra()) from error
    return ByRule(text)
