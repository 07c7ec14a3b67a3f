"""The cells of a version as boxes: which of them a box of bands holds, whole."""

from collections.abc import Mapping, Sequence

import numpy as np
from django.utils.translation import gettext as _

from common.errors import DomainError

from .definition import MatrixDefinition, band_codes
from .models import Cell, MatrixVersion


class VersionCells:
    """A published version's cells: numbers, ascending, and by dimension who has which band."""

    def __init__(self, version: MatrixVersion) -> None:
        self.version = version
        self.definition = MatrixDefinition.from_json(version.body)
        cells = Cell.objects.of_version(version).values_list("number", "bands")
        self.bands = dict(cells)
        self.numbers = np.array(list(self.bands), np.int64)
        self._held = {
            dimension.code: self._incidence(dimension.code, [b.code for b in dimension.all_bands])
            for dimension in self.definition.dimensions
        }

    def _incidence(self, dimension: str, codes: Sequence[str]) -> np.ndarray:
        """bool (cells × bands): whether the cell has the band."""
        places = {code: place for place, code in enumerate(codes)}
        held = np.zeros((len(self.bands), len(codes)), bool)
        for row, bands in enumerate(self.bands.values()):
            held[row, [places[code] for code in band_codes(bands.get(dimension, [*codes]))]] = True
        return held

    def inside(self, box: Mapping[str, Sequence[str]]) -> np.ndarray:
        """Return the numbers of the cells in the box, int64 and ascending.

        Raises DomainError ``unknown_dimension``, ``unknown_band``, and ``cell_straddles`` with
        ``cells`` that are in the box in part only: whoever drew it chose fewer customers.
        """
        self.definition.box(box)
        whole = np.ones(len(self.numbers), bool)
        touched = whole.copy()
        for dimension in self.definition.dimensions:
            if dimension.code in box:
                chosen = np.array([b.code in box[dimension.code] for b in dimension.all_bands])
                held = self._held[dimension.code]
                touched &= (held & chosen).any(axis=1)
                whole &= ~(held & ~chosen).any(axis=1)
        straddling = self.numbers[touched & ~whole]
        if len(straddling):
            raise DomainError(
                "cell_straddles",
                _("Cell %(cell)s of %(version)s is only partly inside %(box)s.")
                % {
                    "cell": straddling[0],
                    "version": self.version,
                    "box": self.definition.spelled(self.definition.box(box)),
                },
                cells=straddling.tolist(),
            )
        return self.numbers[touched]


def cells_in(version: MatrixVersion, box: Mapping[str, Sequence[str]]) -> list[int]:
    """Return the numbers of the version's cells inside a box {dimension: bands}, ascending.

    Raises DomainError as ``VersionCells.inside``.
    """
    return VersionCells(version).inside(box).tolist()
