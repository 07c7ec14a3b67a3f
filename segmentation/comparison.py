"""Two versions of a matrix side by side: which cells stayed, were split, merged, redrawn."""

from collections import defaultdict
from dataclasses import dataclass

from common.keys import key_of

from .definition import Bands, MatrixDefinition
from .lineage import parents


@dataclass(frozen=True)
class Comparison:
    """Cells of the two versions by their bands.

    kept: in both; split: a cell of the first, and those of the second that have it for their only
    parent; merged: a cell of the second, and those of the first that went into it alone; redrawn:
    cells of the second whose parents also went elsewhere; added: of customers that were outside;
    retired: cells of the first that went into none.
    """

    kept: list[Bands]
    split: list[tuple[Bands, list[Bands]]]
    merged: list[tuple[Bands, list[Bands]]]
    redrawn: list[tuple[Bands, list[Bands]]]
    added: list[Bands]
    retired: list[Bands]

    @property
    def same(self) -> bool:
        return not (self.split or self.merged or self.redrawn or self.added or self.retired)


def compare(before: MatrixDefinition, after: MatrixDefinition) -> Comparison:
    """Compare the cells of two versions, in the order of the second's cells."""
    had = {key_of(bands): bands for bands in before.cells()}
    has = {key_of(bands): bands for bands in after.cells()}
    gone = dict(enumerate(bands for key, bands in had.items() if key not in has))
    new = [bands for key, bands in has.items() if key not in had]
    ancestors = parents(before, after, gone, new)
    children = defaultdict(list)
    for place, numbers in enumerate(ancestors):
        for number in numbers:
            children[number].append(place)
    split: dict[int, list[Bands]] = defaultdict(list)
    found = Comparison(
        kept=[bands for key, bands in has.items() if key in had],
        split=[],
        merged=[],
        redrawn=[],
        added=[],
        retired=[bands for number, bands in gone.items() if number not in children],
    )
    for place, (bands, numbers) in enumerate(zip(new, ancestors, strict=True)):
        only = all(children[number] == [place] for number in numbers)
        if not numbers:
            found.added.append(bands)
        elif len(numbers) == 1 and all(len(ancestors[c]) == 1 for c in children[numbers[0]]):
            split[numbers[0]].append(bands)
        elif only:
            found.merged.append((bands, [gone[number] for number in numbers]))
        else:
            found.redrawn.append((bands, [gone[number] for number in numbers]))
    found.split.extend((gone[number], several) for number, several in split.items())
    return found
