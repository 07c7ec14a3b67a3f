"""The cells of a version as boxes: which of them a box of bands holds, whole."""

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from django.utils.translation import gettext as _

from common.errors import DomainError

from .definition import Bands, MatrixDefinition, band_codes
from .models import Cell, MatrixVersion
from .tree import Box


class CellBoxes:
    """Cells by key (their number, or a draft's place) and by dimension who has which band."""

    def __init__(self, definition: MatrixDefinition, bands: Mapping[int, Bands]) -> None:
        """``bands``: by key, ascending."""
        self.definition = definition
        self.bands = bands
        self.keys = np.array(list(bands), np.int64)
        self._held = {
            dimension.code: self._incidence(dimension.code, [b.code for b in dimension.all_bands])
            for dimension in definition.dimensions
        }

    @classmethod
    def of_version(cls, version: MatrixVersion) -> Self:
        """The numbered cells of a published version."""
        cells = Cell.objects.of_version(version).values_list("number", "bands")
        return cls(MatrixDefinition.from_json(version.body), dict(cells))

    @classmethod
    def of_draft(cls, definition: MatrixDefinition) -> Self:
        """The cells of a definition by their places."""
        return cls(definition, dict(enumerate(definition.cells())))

    def _incidence(self, dimension: str, codes: Sequence[str]) -> np.ndarray:
        """bool (cells × bands): whether the cell has the band."""
        places = {code: place for place, code in enumerate(codes)}
        held = np.zeros((len(self.bands), len(codes)), bool)
        for row, bands in enumerate(self.bands.values()):
            held[row, [places[code] for code in band_codes(bands.get(dimension, [*codes]))]] = True
        return held

    def inside(self, box: Mapping[str, Sequence[str]]) -> np.ndarray:
        """Return the keys of the cells in the box, int64 and ascending.

        Raises DomainError ``unknown_dimension``, ``unknown_band``, and ``cell_straddles`` with
        ``cells`` that are in the box in part only: whoever drew it chose fewer customers.
        """
        self.definition.box(box)
        whole = np.ones(len(self.keys), bool)
        touched = whole.copy()
        for dimension in self.definition.dimensions:
            if dimension.code in box:
                chosen = np.array([b.code in box[dimension.code] for b in dimension.all_bands])
                held = self._held[dimension.code]
                touched &= (held & chosen).any(axis=1)
                whole &= ~(held & ~chosen).any(axis=1)
        straddling = self.keys[touched & ~whole]
        if len(straddling):
            raise DomainError(
                "cell_straddles",
                _("The cell %(cell)s is only partly inside %(box)s.")
                % {
                    "cell": self.definition.spelled(self._box(straddling[0])),
                    "box": self.definition.spelled(self.definition.box(box)),
                },
                cells=straddling.tolist(),
            )
        return self.keys[touched]

    def _box(self, key: int) -> Box:
        bands = self.bands[int(key)]
        return self.definition.box({code: band_codes(said) for code, said in bands.items()})


def cells_in(version: MatrixVersion, box: Mapping[str, Sequence[str]]) -> list[int]:
    """Return the numbers of the version's cells inside a box {dimension: bands}, ascending.

    Raises DomainError as ``CellBoxes.inside``.
    """
    return CellBoxes.of_version(version).inside(box).tolist()
