"""Cells as a list of every combination of bands, each with its cell: slow, and obviously right."""

from itertools import product
from random import Random

from segmentation.tree import Box, CellTree, ChangesNothing, Straddles


class Strips:
    """Every combination of bands is a strip; ``cell_of`` says which cell it is in."""

    def __init__(
        self, sizes: list[int] | tuple[int, ...], grid: list[int] | tuple[int, ...]
    ) -> None:
        self.sizes = sizes
        self.strips = list(product(*map(range, sizes)))
        self.cell_of = {strip: tuple(strip[d] for d in grid) for strip in self.strips}

    def split(self, box: Box, dimension: int) -> bool:
        return self._edit(box, lambda strip, cell: (cell, "split", strip[dimension]))

    def merge(self, box: Box) -> bool:
        return self._edit(box, lambda strip, cell: ("merged", box))

    def cells(self) -> set[Box]:
        """The smallest boxes around the cells."""
        return {self._around(strips) for strips in self._by_cell().values()}

    def _edit(self, box: Box, renamed: object) -> bool:
        """Rename the cells of the strips in the box if all of each are in it; whether it was so."""
        inside = [s for s in self.strips if all(m >> b & 1 for m, b in zip(box, s, strict=True))]
        touched = {self.cell_of[strip] for strip in inside}
        whole = sum(len(self._by_cell()[cell]) for cell in touched) == len(inside)
        if whole:
            for strip in inside:
                self.cell_of[strip] = renamed(strip, self.cell_of[strip])  # type: ignore[operator]
        return whole

    def _by_cell(self) -> dict[object, list[tuple[int, ...]]]:
        found: dict[object, list[tuple[int, ...]]] = {}
        for strip, cell in self.cell_of.items():
            found.setdefault(cell, []).append(strip)
        return found

    def _around(self, strips: list[tuple[int, ...]]) -> Box:
        box = [0] * len(self.sizes)
        for strip in strips:
            for dimension, band in enumerate(strip):
                box[dimension] |= 1 << band
        return tuple(box)


def random_edit(tree: CellTree, strips: Strips, random: Random) -> None:
    """One edit of both; they agree on whether it fits. Mostly of boxes that hold whole cells."""
    box = _random_box(tree, random)
    if random.random() < 0.5:
        dimension = random.randrange(len(tree.sizes))
        assert _done(lambda: tree.split(box, dimension)) == strips.split(box, dimension)
    else:
        assert _done(lambda: tree.merge(box)) == strips.merge(box)


def _random_box(tree: CellTree, random: Random) -> Box:
    cells = tree.leaves()
    one, two = random.choice(cells), random.choice(cells)
    if random.random() < 0.5:
        return one
    if random.random() < 0.7:
        return tuple(a | b for a, b in zip(one, two, strict=True))
    return tuple(random.randrange(1, 1 << size) for size in tree.sizes)


def _done(edit: object) -> bool:
    try:
        edit()  # type: ignore[operator]
    except Straddles:
        return False
    except ChangesNothing:
        return True
    return True
