"""Cells finer and coarser than a grid: a tree that edits grow, and that finds a customer's cell.

The grid has a cell for each combination of bands of its dimensions. An edit changes the cells
inside a box of bands and no other: a split puts several in the place of one, a merge one in the
place of several, and both cover what was there. So whatever the edits, the cells are a partition.

A box is one bit mask per dimension: bit i is set if it has band i of ``all_bands``.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

Box = tuple[int, ...]


class Leaf:
    """A cell: the box of its customers."""

    __slots__ = ("box",)

    def __init__(self, box: Box) -> None:
        self.box = box


class Fork:
    """Where a dimension decides; ``children`` by band, None where no customer comes by."""

    __slots__ = ("children", "dimension")

    def __init__(self, dimension: int, children: "list[Node | None]") -> None:
        self.dimension = dimension
        self.children = children


Node = Leaf | Fork
Slot = tuple["list[Node | None]", int]


class Straddles(ValueError):
    """An edit must change whole cells, and this one is partly outside its box."""

    def __init__(self, cell: Box) -> None:
        super().__init__(cell)
        self.cell = cell


class ChangesNothing(ValueError):
    """The cells are as the edit wants them already."""


class CellTree:
    """The cells of a matrix. ``sizes``: bands per dimension; ``grid``: the grid's dimensions."""

    def __init__(self, sizes: Sequence[int], grid: Sequence[int]) -> None:
        self.sizes = tuple(sizes)
        self.grid = tuple(grid)
        self._root: list[Node | None] = [
            Leaf(self._cell(bands)) for bands in product(*(range(sizes[d]) for d in grid))
        ]

    def whole(self) -> Box:
        """The box of everybody."""
        return tuple((1 << size) - 1 for size in self.sizes)

    def _cell(self, bands: Sequence[int]) -> Box:
        box = list(self.whole())
        for dimension, band in zip(self.grid, bands, strict=True):
            box[dimension] = 1 << band
        return tuple(box)

    # --- edits ---

    def split(self, box: Box, dimension: int) -> None:
        """Split every cell in the box by the bands that it has of the dimension.

        Raises Straddles, and ChangesNothing if each has one band only; then nothing has changed.
        """
        slots, leaves = self._whole_cells(box)
        size = self.sizes[dimension]
        forks = {
            id(leaf): _fork(leaf, dimension, size) for leaf in leaves if _several(leaf, dimension)
        }
        if not forks:
            raise ChangesNothing
        for children, place in slots:
            leaf = children[place]
            children[place] = forks.get(id(leaf), leaf)

    def merge(self, box: Box) -> None:
        """Make one cell of all cells in the box. Raises as ``split`` does."""
        slots, leaves = self._whole_cells(box)
        if len(leaves) < 2:
            raise ChangesNothing
        merged = Leaf(box)
        for children, place in slots:
            children[place] = merged

    def cells_in(self, box: Box) -> list[Box]:
        """The cells that the box meets, each once, whole or in part."""
        return [leaf.box for leaf in _distinct(self._slots(box))]

    def _whole_cells(self, box: Box) -> tuple[list[Slot], list[Leaf]]:
        slots = list(self._slots(box))
        leaves = _distinct(slots)
        for leaf in leaves:
            if not is_inside(leaf.box, box):
                raise Straddles(leaf.box)
        return slots, leaves

    def _slots(self, box: Box) -> Iterator[Slot]:
        """Every place that holds a leaf and that a customer of the box can come by."""
        seen: set[int] = set()
        stack: list[Slot] = [(self._root, place) for place in reversed(self._places(box))]
        while stack:
            children, place = stack.pop()
            node = children[place]
            if isinstance(node, Leaf):
                yield children, place
            elif node is not None and id(node) not in seen:
                # A merged cell that was split again hangs in several places, and is one fork.
                seen.add(id(node))
                bands = reversed(bits(box[node.dimension]))
                stack += [
                    (node.children, band) for band in bands if node.children[band] is not None
                ]

    def _places(self, box: Box) -> list[int]:
        """The grid's cells that the box meets, as places in the root."""
        places = np.zeros(1, np.int64)
        for dimension in self.grid:
            bands = np.array(bits(box[dimension]), np.int64)
            places = (places[:, None] * self.sizes[dimension] + bands).ravel()
        return places.tolist()

    # --- what has become of it ---

    def leaves(self) -> list[Box]:
        """Every cell once, in the order in which the grid comes by: the order of their places."""
        return [leaf.box for leaf in _distinct(self._slots(self.whole()))]

    def finder(self) -> "Finder":
        """The tree as arrays, which find the cells of many customers at once."""
        leaves = {
            id(leaf): place for place, leaf in enumerate(_distinct(self._slots(self.whole())))
        }
        forks: dict[int, int] = {}
        dimensions: list[int] = []
        children: list[list[int]] = []

        def number(node: Node | None) -> int:
            if node is None:
                return len(leaves)  # nobody comes by: as if in no band
            if isinstance(node, Leaf):
                return leaves[id(node)]
            if id(node) not in forks:
                forks[id(node)] = _merged_again(node, number)
                if forks[id(node)] < 0:
                    dimensions.append(node.dimension)
                    children.append([len(leaves), *map(number, node.children)])
                    forks[id(node)] = -len(dimensions)
            return forks[id(node)]

        root = np.array([number(node) for node in self._root], np.int64)
        return Finder.of(root, dimensions, children, len(leaves))


def _merged_again(fork: Fork, number: Callable[[Node | None], int]) -> int:
    """The one leaf that all of a fork's children are, whose question decides nothing; else -1."""
    found = {number(child) for child in fork.children if child is not None}
    return found.pop() if len(found) == 1 and min(found) >= 0 else -1


@dataclass(frozen=True)
class Finder:
    """``root``: by place in the grid, a cell's place (≥ 0) or a fork (-1 - its index).

    Two places follow the cells: ``nowhere``, of who is in no band, and ``outside`` the scope.
    """

    root: np.ndarray
    dimensions: np.ndarray
    starts: np.ndarray
    children: np.ndarray
    size: int

    @classmethod
    def of(
        cls, root: np.ndarray, dimensions: list[int], children: list[list[int]], size: int
    ) -> "Finder":
        lengths = [len(row) for row in children]
        return cls(
            root=np.concatenate([root, [size, size + 1]]),
            dimensions=np.array(dimensions, np.int64),
            starts=np.cumsum([0, *lengths])[: len(lengths)].astype(np.int64),
            children=np.array([child for row in children for child in row], np.int64),
            size=size,
        )

    @property
    def asks(self) -> list[int]:
        """The dimensions that forks decide by."""
        return sorted(set(self.dimensions.tolist()))

    def find(self, keys: np.ndarray, bands: dict[int, np.ndarray]) -> np.ndarray:
        """The places of customers' cells, int64.

        ``keys``: their places in the grid, with its two extra ones; ``bands``: by dimension that
        a fork asks, each customer's band, -1 for none.
        """
        places = self.root[keys]
        (rows,) = np.nonzero(places < 0)
        while len(rows):
            forks = -1 - places[rows]
            # Children begin with the place of who is in no band.
            at = self.starts[forks] + 1
            asked = self.dimensions[forks]
            for dimension, band in bands.items():
                here = asked == dimension
                at[here] += band[rows[here]]
            places[rows] = self.children[at]
            rows = rows[places[rows] < 0]
        return places


# --- boxes ---


def bits(mask: int) -> list[int]:
    """The places of the bits that are set, ascending."""
    return [place for place in range(mask.bit_length()) if mask >> place & 1]


def mask_of(places: Sequence[int]) -> int:
    return sum(1 << place for place in set(places))


def is_inside(box: Box, other: Box) -> bool:
    return all(not one & ~two for one, two in zip(box, other, strict=True))


def meet(box: Box, other: Box) -> bool:
    return all(one & two for one, two in zip(box, other, strict=True))


def find_fault(cells: Sequence[Box], sizes: Sequence[int]) -> tuple[Box, int] | None:
    """Return bands (one of each dimension) that no cell or several have, and how many; or None.

    None proves that the cells are a partition. It goes by the boxes alone, not by how they were
    made: one dimension after another is cut where the boxes differ in it.
    """
    return _fault(list(cells), 0, len(sizes), sizes)


def _fault(
    cells: list[Box], dimension: int, dimensions: int, sizes: Sequence[int]
) -> tuple[Box, int] | None:
    if dimension == dimensions:
        return None if len(cells) == 1 else ((), len(cells))
    if not cells:
        return tuple(1 for _ in range(dimension, dimensions)), 0
    groups: dict[frozenset[int], tuple[int, list[Box]]] = {}
    for band in range(sizes[dimension]):
        # Bands that the same cells have need not be looked into twice.
        held = [cell for cell in cells if cell[dimension] >> band & 1]
        groups.setdefault(frozenset(map(id, held)), (band, held))
    for band, held in groups.values():
        fault = _fault(held, dimension + 1, dimensions, sizes)
        if fault is not None:
            return (1 << band, *fault[0]), fault[1]
    return None


def _several(leaf: Leaf, dimension: int) -> bool:
    return leaf.box[dimension].bit_count() > 1


def _fork(leaf: Leaf, dimension: int, size: int) -> Fork:
    children: list[Node | None] = [None] * size
    for band in bits(leaf.box[dimension]):
        children[band] = Leaf((*leaf.box[:dimension], 1 << band, *leaf.box[dimension + 1 :]))
    return Fork(dimension, children)


def _distinct(slots: "Iterator[Slot] | list[Slot]") -> list[Leaf]:
    """The leaves in the slots, each once, in order."""
    leaves = {id(children[place]): children[place] for children, place in slots}
    return [leaf for leaf in leaves.values() if isinstance(leaf, Leaf)]
