"""What a matrix says: dimensions in order, each of which cuts the customers into bands.

Frozen values, equal when they say the same. Reading one checks its shape; that its bands are a
partition is proved apart (segmentation.proof), so that an unfinished draft can be kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Any, Self

import jsonschema
from django.utils.translation import gettext as _

from common.errors import DomainError, at

from .dimensions import Dimension, Json, Name, dimension_from
from .schema import MATRIX
from .tree import Box, CellTree, ChangesNothing, Straddles, bits, is_inside, mask_of

# A box as people write it: dimension → its bands; a dimension left out has all of its bands.
NamedBox = Mapping[str, tuple[str, ...]]
# The bands of a cell: dimension → a band, or several of a cell that was merged; none named: all.
Bands = Mapping[str, str | list[str]]

# --- edits ---


@dataclass(frozen=True)
class Split:
    """Every cell in the box gives way to one cell for each of its bands of the dimension ``by``."""

    box: NamedBox
    by: str

    def to_json(self) -> Json:
        return {"split": _lists(self.box), "by": self.by}


@dataclass(frozen=True)
class Merge:
    """All cells in the box give way to one."""

    box: NamedBox

    def to_json(self) -> Json:
        return {"merge": _lists(self.box)}


Edit = Split | Merge


def _lists(box: NamedBox) -> Json:
    return {code: list(bands) for code, bands in box.items()}


# --- the matrix ---


@dataclass(frozen=True)
class Group:
    """The strategic group that a matrix is for, as it was when the version was published.

    ``rule``: whom it takes, "": everybody; ``without``: the rules of groups that come first, whose
    customers it leaves to them.
    """

    rule: str = ""
    without: tuple[str, ...] = ()

    def to_json(self) -> Json:
        said = {"rule": self.rule, "without": list(self.without)}
        return {name: value for name, value in said.items() if value}


@dataclass(frozen=True)
class MatrixDefinition:
    """A matrix: every customer of its scope is in one band of each dimension, hence in one cell.

    ``scope`` is a rule; "": every customer. A customer of whom it is null is outside, and so is
    who is not of the strategic ``group``.
    ``grid``: the dimensions whose combinations are the cells before any edit; (): all of them.
    ``edits`` change these cells, in order; the other dimensions only split.
    """

    code: str
    strategy: str
    name: Name
    dimensions: tuple[Dimension, ...]
    scope: str = ""
    grid: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    group: Group = Group()

    @property
    def bounds(self) -> list[tuple[str, bool]]:
        """The rules of scope and group, each with whether it must be true of a customer or not."""
        wanted = [(self.group.rule, True), (self.scope, True)]
        wanted += [(rule, False) for rule in self.group.without]
        return [(rule, truth) for rule, truth in wanted if rule]

    @cached_property
    def grid_dimensions(self) -> tuple[Dimension, ...]:
        wanted = self.grid or [dimension.code for dimension in self.dimensions]
        return tuple(dimension for dimension in self.dimensions if dimension.code in wanted)

    @property
    def grid_size(self) -> int:
        """How many cells there are before any edit."""
        return prod(len(dimension.all_bands) for dimension in self.grid_dimensions)

    @cached_property
    def size(self) -> int:
        """How many cells there are."""
        return len(self.tree.leaves()) if self.edits else self.grid_size

    @cached_property
    def tree(self) -> CellTree:
        """The cells after all edits. Raises DomainError with ``where`` for an edit that misfits."""
        tree = self.grid_tree()
        for place, edit in enumerate(self.edits):
            with at("edits", place):
                self.apply(edit, tree)
        return tree

    def grid_tree(self) -> CellTree:
        """The cells before any edit."""
        codes = [dimension.code for dimension in self.dimensions]
        return CellTree(
            [len(dimension.all_bands) for dimension in self.dimensions],
            [codes.index(dimension.code) for dimension in self.grid_dimensions],
        )

    def apply(self, edit: Edit, tree: CellTree) -> None:
        """Edit the tree, or raise DomainError and leave it as it is."""
        places = {dimension.code: place for place, dimension in enumerate(self.dimensions)}
        box = self.box(edit.box)
        try:
            if isinstance(edit, Merge):
                tree.merge(box)
            elif edit.by in places:
                tree.split(box, places[edit.by])
            else:
                raise _no_dimension(edit.by, places)
        except Straddles as error:
            raise DomainError(
                "cell_straddles",
                _(
                    "An edit changes whole cells; the cell %(cell)s is only partly inside "
                    "%(box)s. Widen the box to hold all of it, or split the cell first."
                )
                % {"cell": self.spelled(error.cell), "box": self.spelled(box)},
                cell=self.bands(error.cell),
            ) from error
        except ChangesNothing as error:
            raise DomainError(
                "edit_changes_nothing",
                _("In %(box)s there is nothing to change: the cells are so already.")
                % {"box": self.spelled(box)},
            ) from error

    def box(self, named: Mapping[str, Any]) -> Box:
        """The box of these bands. Raises DomainError for a dimension or band that there is not."""
        known = {dimension.code: dimension for dimension in self.dimensions}
        for code in named:
            if code not in known:
                raise _no_dimension(code, known)
        return tuple(
            _mask(dimension, named[dimension.code])
            if dimension.code in named
            else (1 << len(dimension.all_bands)) - 1
            for dimension in self.dimensions
        )

    def straddling(self, named: Mapping[str, Any]) -> list[Box]:
        """The cells that the box of these bands holds in part only. Raises as ``box``."""
        box = self.box(named)
        if not self.edits and set(named) <= {d.code for d in self.grid_dimensions}:
            return []
        return [cell for cell in self.tree.cells_in(box) if not is_inside(cell, box)]

    def bands(self, box: Box) -> dict[str, str | list[str]]:
        """The box by codes: a band alone as text, several as a list, all of them not at all."""
        said: dict[str, str | list[str]] = {}
        for dimension, mask in zip(self.dimensions, box, strict=True):
            codes = [dimension.all_bands[place].code for place in bits(mask)]
            if len(codes) == 1:
                said[dimension.code] = codes[0]
            elif len(codes) < len(dimension.all_bands):
                said[dimension.code] = codes
        return said

    def spelled(self, box: Box) -> str:
        """The box as an error names it: ``spend=low|mid, tenure=new``."""
        bands = ((code, band_codes(value)) for code, value in self.bands(box).items())
        return ", ".join(f"{code}={'|'.join(codes)}" for code, codes in bands) or _("everybody")

    def cells(self) -> Iterator[dict[str, str | list[str]]]:
        """The bands of each cell, in the order of their places: the grid's, each as edited."""
        if self.edits:
            return map(self.bands, self.tree.leaves())
        codes = [dimension.code for dimension in self.grid_dimensions]
        bands = [[band.code for band in dimension.all_bands] for dimension in self.grid_dimensions]
        return (dict(zip(codes, combination, strict=True)) for combination in product(*bands))

    def to_json(self) -> Json:
        body: Json = {
            "code": self.code,
            "strategy": self.strategy,
            "name": self.name.to_json(),
            "dimensions": [dimension.to_json() for dimension in self.dimensions],
            "scope": self.scope,
            "grid": list(self.grid),
            "edits": [edit.to_json() for edit in self.edits],
            "group": self.group.to_json(),
        }
        return {name: said for name, said in body.items() if said}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` or a YAML file says. Raises DomainError with ``where`` in it."""
        _check_shape(body)
        return cls(
            code=body["code"],
            strategy=body["strategy"],
            name=Name(**body["name"]),
            dimensions=tuple(dimension_from(dimension) for dimension in body["dimensions"]),
            scope=body.get("scope", ""),
            grid=tuple(body.get("grid", ())),
            edits=tuple(map(_edit, body.get("edits", ()))),
            group=_group(body.get("group", {})),
        )


def band_codes(bands: str | list[str]) -> tuple[str, ...]:
    """The codes of a cell's bands in one dimension."""
    return (bands,) if isinstance(bands, str) else tuple(bands)


def _mask(dimension: Dimension, bands: Any) -> int:
    places = {band.code: place for place, band in enumerate(dimension.all_bands)}
    unknown = [code for code in band_codes(bands) if code not in places]
    if unknown:
        raise DomainError(
            "unknown_band",
            _("Dimension '%(dimension)s' has no band '%(code)s'; there are %(known)s.")
            % {"dimension": dimension.code, "code": unknown[0], "known": ", ".join(places)},
        )
    return mask_of([places[code] for code in band_codes(bands)])


def _no_dimension(code: str, known: Mapping[str, Any]) -> DomainError:
    return DomainError(
        "unknown_dimension",
        _("The matrix has no dimension '%(code)s'; there are %(known)s.")
        % {"code": code, "known": ", ".join(known)},
    )


# --- reading ---


def _check_shape(body: Mapping[str, Any]) -> None:
    errors = jsonschema.Draft202012Validator(MATRIX).iter_errors(body)
    fault = jsonschema.exceptions.best_match(errors)
    if fault is not None:
        where = list(fault.absolute_path)
        raise DomainError(
            "bad_matrix",
            _("A matrix has another form than required at %(where)s: %(fault)s")
            % {"where": ".".join(map(str, where)) or "/", "fault": fault.message[:300]},
            where=where,
        )


def _group(body: Json) -> Group:
    return Group(body.get("rule", ""), tuple(body.get("without", ())))


def _edit(body: Json) -> Edit:
    box = {code: tuple(bands) for code, bands in body.get("split", body.get("merge")).items()}
    return Split(box, body["by"]) if "split" in body else Merge(box)
