"""Edits of a matrix: each takes a definition and returns the next one, whose cells are a partition.

A definition keeps no more edits than its cells need: what a merge undoes is forgotten with it.
"""

from dataclasses import replace
from typing import NamedTuple

from django.utils.translation import gettext as _

from common.errors import DomainError
from common.keys import key_of

from .definition import Edit, MatrixDefinition, Merge, NamedBox, Split
from .dimensions import Dimension
from .lineage import heirs
from .tree import Box, is_inside


class Edited(NamedTuple):
    """What came of an edit; ``dropped``: earlier edits that no longer fit and were left out."""

    definition: MatrixDefinition
    dropped: tuple[Edit, ...] = ()


def split(definition: MatrixDefinition, box: NamedBox, by: Dimension | str) -> Edited:
    """Split every cell in the box by a dimension of the matrix, or by a new one.

    Raises DomainError ``cell_straddles``, ``edit_changes_nothing``, ``unknown_dimension``,
    ``unknown_band``, ``dimension_taken``.
    """
    if isinstance(by, Dimension):
        definition = _with_new(definition, by)
        by = by.code
    return Edited(_checked(_with_edit(definition, Split(box, by))))


def merge(definition: MatrixDefinition, box: NamedBox) -> Edited:
    """Make one cell of all cells in the box. Raises as ``split`` does."""
    longest = _checked(_with_edit(definition, Merge(box)))
    wanted = definition.box(box)
    kept = tuple(e for e in definition.edits if not is_inside(definition.box(e.box), wanted))
    without = replace(definition, edits=kept)
    # What was done inside the box is undone; but an edit that reaches over its border may need it.
    for shorter in (without, _with_edit(without, Merge(box))):
        try:
            checked = _checked(shorter)
        except DomainError:
            continue
        if _says_the_same(checked, longest):
            return Edited(checked)
    return Edited(longest)


def delete(definition: MatrixDefinition, cell: NamedBox, into: NamedBox) -> Edited:
    """Merge a cell into its neighbour. Raises ``no_neighbours`` if both are not a box together."""
    union = _union(definition.box(cell), definition.box(into))
    if union is None:
        raise DomainError(
            "no_neighbours",
            _(
                "%(cell)s and %(into)s make no box together: a cell is merged into one that "
                "differs from it in one dimension."
            )
            % {
                "cell": definition.spelled(definition.box(cell)),
                "into": definition.spelled(definition.box(into)),
            },
        )
    return merge(definition, named_box(definition, union))


def neighbours(definition: MatrixDefinition, cell: Box) -> list[Box]:
    """The cells that make a box together with this one."""
    return [
        other
        for other in definition.tree.leaves()
        if other != cell and _union(cell, other) is not None
    ]


def add_dimension(definition: MatrixDefinition, dimension: Dimension) -> Edited:
    """Split every cell of the grid by one more dimension, the last of the grid."""
    known = [d.code for d in definition.dimensions]
    if dimension.code not in known:
        definition = _with_new(definition, dimension)
    elif dimension.code in _grid(definition):
        raise _taken(dimension.code)
    grid = (*_grid(definition), dimension.code)
    return _refitted(replace(definition, grid=grid))


def remove_dimension(definition: MatrixDefinition, code: str) -> Edited:
    """Merge all cells that differ by this dimension alone; what was split by it is not any more."""
    definition.box({code: ()})
    grid = tuple(c for c in _grid(definition) if c != code)
    if not grid:
        raise DomainError(
            "last_dimension",
            _("The grid of a matrix needs a dimension; '%s' is its only one.") % code,
        )
    edits = [
        replace(edit, box={c: bands for c, bands in edit.box.items() if c != code})
        for edit in definition.edits
        if not (isinstance(edit, Split) and edit.by == code)
    ]
    dimensions = tuple(d for d in definition.dimensions if d.code != code)
    return _refitted(
        replace(definition, dimensions=dimensions, grid=grid, edits=tuple(edits)),
    )


def recut(definition: MatrixDefinition, dimension: Dimension) -> Edited:
    """Give the dimension of this code other bands: moved limits, a band more, a band fewer.

    Edits that name its old bands name in their place the new ones that may hold their customers.
    """
    definition.box({dimension.code: ()})
    old = next(d for d in definition.dimensions if d.code == dimension.code)
    found = {band.code: heirs(old, band, dimension) for band in old.all_bands}
    edits = tuple(
        replace(edit, box=_renamed(edit.box, dimension, found)) for edit in definition.edits
    )
    dimensions = tuple(dimension if d is old else d for d in definition.dimensions)
    return _refitted(replace(definition, dimensions=dimensions, edits=edits))


def named_box(definition: MatrixDefinition, box: Box) -> NamedBox:
    """The box by codes, dimensions with all of their bands left out."""
    bands = definition.bands(box)
    full = definition.tree.whole()
    return {
        d.code: (said,) if isinstance(said := bands[d.code], str) else tuple(said)
        for d, mask, whole in zip(definition.dimensions, box, full, strict=True)
        if mask != whole
    }


def _renamed(box: NamedBox, dimension: Dimension, found: dict[str, tuple[str, ...]]) -> NamedBox:
    if dimension.code not in box:
        return box
    wanted = {heir for band in box[dimension.code] for heir in found[band]}
    return {
        **box,
        dimension.code: tuple(b.code for b in dimension.all_bands if b.code in wanted),
    }


def _with_new(definition: MatrixDefinition, dimension: Dimension) -> MatrixDefinition:
    """The definition with a dimension that splits nothing yet."""
    if dimension.code in [d.code for d in definition.dimensions]:
        raise _taken(dimension.code)
    return replace(
        definition,
        dimensions=(*definition.dimensions, dimension),
        grid=_grid(definition),
    )


def _taken(code: str) -> DomainError:
    return DomainError(
        "dimension_taken",
        _("The matrix has a dimension '%s' already; give the new one another code.") % code,
    )


def _with_edit(definition: MatrixDefinition, edit: Edit) -> MatrixDefinition:
    return replace(definition, edits=(*definition.edits, edit))


def _grid(definition: MatrixDefinition) -> tuple[str, ...]:
    return tuple(dimension.code for dimension in definition.grid_dimensions)


def _says_the_same(one: MatrixDefinition, two: MatrixDefinition) -> bool:
    """Whether both have the same cells, in whatever order."""
    return set(map(key_of, one.cells())) == set(map(key_of, two.cells()))


def _refitted(definition: MatrixDefinition) -> Edited:
    """The definition with the edits that still fit, those that don't for themselves."""
    tree = definition.grid_tree()
    fitting: list[Edit] = []
    dropped: list[Edit] = []
    for edit in definition.edits:
        try:
            definition.apply(edit, tree)
        except DomainError:
            dropped.append(edit)
        else:
            fitting.append(edit)
    return Edited(_checked(replace(definition, edits=tuple(fitting))), tuple(dropped))


def _checked(definition: MatrixDefinition) -> MatrixDefinition:
    """The definition without dimensions that decide nothing; its edits are known to fit."""
    wanted = {*_grid(definition), *(e.by for e in definition.edits if isinstance(e, Split))}
    dimensions = tuple(d for d in definition.dimensions if d.code in wanted)
    grid = () if len(definition.grid_dimensions) == len(dimensions) else _grid(definition)
    checked = replace(definition, dimensions=dimensions, grid=grid)
    checked.tree  # noqa: B018
    return checked


def _union(one: Box, two: Box) -> Box | None:
    """The box that both are together, or None: they differ in exactly one dimension."""
    differing = [place for place, (a, b) in enumerate(zip(one, two, strict=True)) if a != b]
    if len(differing) != 1:
        return None
    return tuple(a | b for a, b in zip(one, two, strict=True))
