"""What became of what: which bands and cells of one version hold the customers of another's.

It goes by definitions alone. A customer whose values stay the same goes from a band to one that
meets it; so a cell's ancestors are the cells that it meets in every dimension both versions have.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate, takewhile

import numpy as np

from .definition import Bands, MatrixDefinition, band_codes
from .dimensions import (
    AttributeDimension,
    Band,
    Boolean,
    Categories,
    CategoryBand,
    Dimension,
    Quantiles,
    Rules,
    Thresholds,
)

CHUNK = 2_000  # cells compared at a time with all others


def parents(
    before: MatrixDefinition,
    after: MatrixDefinition,
    gone: Mapping[int, Bands],
    new: Sequence[Bands],
) -> list[list[int]]:
    """Return for each new cell the numbers of those gone cells, ascending, that it came from."""
    shared = _shared(before, after)
    numbers = np.array(sorted(gone), np.int64)
    if not len(numbers) or not new:
        return [[] for _ in new]
    held = [
        _incidence(old, [gone[number] for number in numbers]) @ _meeting(old, now) > 0
        for old, now in shared
    ]
    found: list[list[int]] = []
    for start in range(0, len(new), CHUNK):
        several = new[start : start + CHUNK]
        met = np.ones((len(several), len(numbers)), bool)
        for (_old, now), bands in zip(shared, held, strict=True):
            met &= _incidence(now, several) @ bands.T.astype(np.float32) > 0
        found += [numbers[row].tolist() for row in met]
    return found


def _shared(before: MatrixDefinition, after: MatrixDefinition) -> list[tuple[Dimension, Dimension]]:
    now = {dimension.code: dimension for dimension in after.dimensions}
    return [(old, now[old.code]) for old in before.dimensions if old.code in now]


def _incidence(dimension: Dimension, cells: Sequence[Bands]) -> np.ndarray:
    """float32 (cells × bands): 1 where the cell has the band."""
    codes = [band.code for band in dimension.all_bands]
    places = {code: place for place, code in enumerate(codes)}
    held = np.zeros((len(cells), len(codes)), np.float32)
    for row, bands in enumerate(cells):
        for code in band_codes(bands.get(dimension.code, codes)):
            held[row, places[code]] = 1
    return held


def _meeting(old: Dimension, new: Dimension) -> np.ndarray:
    """float32 (old bands × new bands): 1 where a customer of the one may be in the other."""
    return np.array(
        [
            [bands_meet(old, before, new, after) for after in new.all_bands]
            for before in old.all_bands
        ],
        np.float32,
    )


def bands_meet(old: Dimension, before: Band, new: Dimension, after: Band) -> bool:
    """Whether a customer of the band ``before`` may be in ``after``, his values being the same.

    True where that can't be told: of dimensions of another kind or attribute, and of rules, unless
    nothing about the bands has changed.
    """
    if not _same_attribute(old, new) or type(old) is not type(new):
        return True
    if before is _null_band(old) or after is _null_band(new):
        return before is _null_band(old) and after is _null_band(new)
    if _says(old) == _says(new):
        return before.code == after.code
    if isinstance(old, Rules):
        return _rules_meet(old, before, new, after)
    return _values_meet(old, before, new, after)


def heirs(old: Dimension, band: Band, new: Dimension) -> tuple[str, ...]:
    """The codes of the bands that stand for ``band`` where the dimension was cut anew.

    While the codes stay, moving a limit changes no band's meaning to people: each is its own heir.
    """
    if [b.code for b in old.all_bands] == [b.code for b in new.all_bands]:
        return (band.code,)
    return tuple(b.code for b in new.all_bands if bands_meet(old, band, new, b))


def _says(dimension: Dimension) -> list[dict[str, object]]:
    """What the bands say, whatever they are called in words."""
    return [band.to_json() | {"name": None} for band in dimension.bands]


def _rules_meet(old: Rules, before: Band, new: Rules, after: Band) -> bool:
    """Rules are tried in order: as far as both begin alike, they decide alike."""
    both = zip(_says(old), _says(new), strict=False)
    first = [one["code"] for one, _two in takewhile(lambda pair: pair[0] == pair[1], both)]
    return before.code == after.code if before.code in first or after.code in first else True


def _same_attribute(old: Dimension, new: Dimension) -> bool:
    return getattr(old, "attribute", None) == getattr(new, "attribute", None)


def _null_band(dimension: Dimension) -> Band | None:
    return dimension.null_band if isinstance(dimension, AttributeDimension) else None


def _values_meet(old: Dimension, before: Band, new: Dimension, after: Band) -> bool:
    match old, new:
        case Thresholds(), Thresholds():
            return any(
                low < high
                for city in {None, *old.city_cuts, *new.city_cuts}
                for low, high in [_common(old, before, new, after, city)]
            )
        case Quantiles(), Quantiles():
            low, high = _overlap(_ranks(old)[before.code], _ranks(new)[after.code])
            return low < high
        case Categories(), Categories():
            return _categories_meet(old, before, new, after)  # type: ignore[arg-type]
        case Boolean(), Boolean():
            return before.value == after.value  # type: ignore[attr-defined]
    return True


def _common(
    old: Thresholds, before: Band, new: Thresholds, after: Band, city: str | None
) -> tuple[float, float]:
    return _overlap(_limits(old, before, city), _limits(new, after, city))


def _limits(dimension: Thresholds, band: Band, city: str | None) -> tuple[float, float]:
    place = [b.code for b in dimension.bands].index(band.code)
    if city not in dimension.city_cuts:
        return dimension.bands[place].low, dimension.bands[place].high
    edges = [float("-inf"), *dimension.city_cuts[city], float("inf")]
    rank = dimension.order.index(place)
    return edges[rank], edges[rank + 1]


def _overlap(one: tuple[float, float], two: tuple[float, float]) -> tuple[float, float]:
    return max(one[0], two[0]), min(one[1], two[1])


def _ranks(dimension: Quantiles) -> dict[str, tuple[float, float]]:
    """The part of the customers that each band takes, from 0, the greatest, to 1."""
    # Rounded: 0.1 + 0.2 is to be 0.3, so that bands that touch don't meet.
    ends = [round(end, 9) for end in accumulate(band.share for band in dimension.bands)]
    starts = [0.0, *ends]
    return {
        band.code: (start, end)
        for band, start, end in zip(dimension.bands, starts, ends, strict=False)
    }


def _categories_meet(
    old: Categories, before: CategoryBand, new: Categories, after: CategoryBand
) -> bool:
    if set(before.values) & set(after.values) or (before.other and after.other):
        return True
    named_before = {value for band in old.bands for value in band.values}
    named_after = {value for band in new.bands for value in band.values}
    return bool(
        (before.other and set(after.values) - named_before)
        or (after.other and set(before.values) - named_after)
    )
