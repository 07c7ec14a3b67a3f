"""An edit that would make more cells than a matrix may have is refused before it makes them."""

from django.utils.translation import gettext as _

from common.errors import DomainError

from .definition import MatrixDefinition, NamedBox
from .dimensions import Dimension
from .proof import MAX_CELLS


def refuse_too_many(definition: MatrixDefinition, box: NamedBox, by: Dimension | str) -> None:
    """Raise DomainError ``too_many_cells`` if splitting the box makes more than MAX_CELLS.

    What else is wrong with the split is for the split to say.
    """
    inside = definition.tree.cells_in(definition.box(box))
    if isinstance(by, Dimension):
        made = len(inside) * len(by.all_bands)
    else:
        places = [dimension.code for dimension in definition.dimensions]
        if by not in places:
            return
        made = sum(cell[places.index(by)].bit_count() for cell in inside)
    size = definition.size - len(inside) + made
    if size > MAX_CELLS:
        raise DomainError(
            "too_many_cells",
            _(
                "A matrix may have at most %(limit)s cells; splitting %(cells)s cells so would "
                "make %(size)s. Split a smaller box, or by fewer bands; or make a second matrix."
            )
            % {
                "limit": f"{MAX_CELLS:,}",
                "cells": f"{len(inside):,}",
                "size": f"{size:,}",
            },
            cells=size,
            limit=MAX_CELLS,
        )
