"""Where the bands of numbers are cut: at the snapshot's own ranks, and by city."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from math import ceil

import numpy as np
import pyarrow as pa
import sqlglot
from sqlglot import exp

from lake.engine import DuckDB
from rules import Params

from .bands import as_number, is_known
from .dimensions import Quantiles, Thresholds

# The ascending cuts of each quantile dimension by (attribute, shares): one search serves all that
# rank alike. None: nobody's value is known.
RankKey = tuple[str, tuple[float, ...]]
RankCuts = dict[RankKey, list[float] | None]


def rank_key(dimension: Quantiles) -> RankKey:
    return dimension.attribute, tuple(band.share for band in dimension.bands)


def last_ranks(shares: Sequence[float], customers: int) -> list[int]:
    """Return the rank, counted from the greatest value, at which each band but the lowest ends.

    The shares are the decimals they are written as, so that 0.1 + 0.2 of 10 customers are 3.
    """
    sums = list(accumulate(Decimal(str(share)) for share in shares))
    return [ceil(total * customers) for total in sums[:-1]]


def rank_cuts(engine: DuckDB, table: str, key: RankKey) -> list[float] | None:
    """Return the ascending values that part the bands; None if nobody's value is known.

    A cut is the value of the customer at a band's last rank, and the band takes all who have at
    least that: equal values are never parted, and a tie makes the higher band larger than its
    share. Exact, over every customer of ``table`` whose value is known; holds that one column.
    """
    attribute, shares = key
    params = Params()
    number = as_number(attribute, table)
    known = sqlglot.select(exp.alias_(number, "value")).from_(table)
    values = engine.arrow(known.where(is_known(number, params)), params.values)["value"].to_numpy()
    if not len(values):
        return None
    # Rank k from the greatest is place n - k from the least.
    ranks = last_ranks(shares, len(values))
    # Without cuts (one band) an empty list would be an index of floats.
    places = np.array([len(values) - rank for rank in ranks], np.intp)
    return [float(cut) for cut in np.sort(np.partition(values, places)[places])]


class CityCuts:
    """The cuts that differ by city, as columns beside the customers: in a row, those of his city.

    So there is one tree of comparisons, however many cities have cuts of their own.
    """

    def __init__(self, dimensions: Iterable[Thresholds]) -> None:
        self._names: dict[tuple[object, ...], list[str]] = {}
        self._cuts: dict[str, tuple[float, Mapping[str, float]]] = {}
        for dimension in dimensions:
            if dimension.city_cuts and self._key(dimension) not in self._names:
                places = range(len(dimension.cuts))
                self._names[self._key(dimension)] = [self._add(dimension, p) for p in places]

    def _add(self, dimension: Thresholds, place: int) -> str:
        name = f"cut_{len(self._cuts)}"
        own = {city: cuts[place] for city, cuts in dimension.city_cuts.items()}
        self._cuts[name] = (dimension.cuts[place], own)
        return name

    def names(self, dimension: Thresholds) -> list[str]:
        """The columns that hold the dimension's cuts, ascending."""
        return self._names[self._key(dimension)]

    def columns(self, cities: pa.DictionaryArray) -> dict[str, pa.DictionaryArray]:
        """The columns for customers of these cities; a city without its own has the province's.

        A column holds each city's value once and refers to it by row: it takes no memory.
        """
        known = cities.dictionary.to_pylist()
        return {
            name: pa.DictionaryArray.from_arrays(
                cities.indices, pa.array([own.get(city, common) for city in known], pa.float64())
            )
            for name, (common, own) in self._cuts.items()
        }

    @staticmethod
    def _key(dimension: Thresholds) -> tuple[object, ...]:
        return dimension.cuts, tuple(sorted(dimension.city_cuts.items()))
