"""Where the bands of numbers are cut: at the snapshot's own ranks, and by city."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import accumulate, pairwise
from math import ceil, floor, inf, isfinite, nextafter, sqrt

import numpy as np
import pyarrow as pa
import sqlglot
from sqlglot import exp

from lake.engine import DuckDB
from rules import Params

from .bands import as_number, is_known, search
from .definition import Quantiles, Thresholds

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


def rank_cuts(engine: DuckDB, table: str, sample: str, key: RankKey) -> list[float] | None:
    """Return the ascending values that part the bands; None if nobody's value is known.

    A cut is the value of the customer at a band's last rank, and the band takes all who have at
    least that: equal values are never parted, and a tie makes the higher band larger than its
    share. Exact, over every customer of ``table`` whose value is known.

    ``sample``, a table of some of them, tells in which regions the cuts must lie: only there are
    values told apart, elsewhere merely counted, so that one pass and little memory do. A cut that
    proves to be elsewhere has its region opened and costs a pass more.
    """
    attribute, shares = key
    edges, open_ = _regions(_tally(engine, sample, attribute, [], [True])[0], shares)
    while True:
        values, customers = _tally(engine, table, attribute, edges, open_)
        if not len(values):
            return None
        reached = np.cumsum(customers[::-1])
        ranks = last_ranks(shares, int(reached[-1]))
        cuts = values[::-1][np.searchsorted(reached, ranks)][::-1]
        missed = {r for r in np.searchsorted(edges, cuts, side="right") if not open_[r]}
        if not missed:
            return [float(cut) for cut in cuts]
        open_ = [is_open or region in missed for region, is_open in enumerate(open_)]


def _regions(sample: np.ndarray, shares: Sequence[float]) -> tuple[list[float], list[bool]]:
    """Cut the numbers at ``edges``; open are the regions about the ranks that ``shares`` end at.

    Region r is edges[r - 1] ≤ value < edges[r]. Four standard errors of a rank to either side
    miss one in 16,000.
    """
    n = len(sample)
    spans = []
    for share in list(accumulate(shares))[:-1]:
        rank, error = n * (1 - share), 4 * sqrt(n * max(share * (1 - share), 0)) + 1
        low, high = floor(rank - error), ceil(rank + error)
        spans.append((sample[low] if low >= 0 else -inf, sample[high] if high < n else inf))
    edges = sorted({float(edge) for span in spans for edge in span if isfinite(edge)})
    bounds = list(pairwise([-inf, *edges, inf]))
    return edges, [any(low <= a and b <= high for low, high in spans) for a, b in bounds]


def _tally(
    engine: DuckDB, table: str, attribute: str, edges: Sequence[float], open_: Sequence[bool]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the known values, ascending, with their customers; one for all of a closed region."""
    params = Params()
    number = as_number(attribute, table)
    standing = [nextafter(edges[0], -inf) if edges else 0.0, *edges]
    value = search(
        number,
        [params.bind(edge, "DOUBLE") for edge in edges],
        [number if o else params.bind(s, "DOUBLE") for o, s in zip(open_, standing, strict=True)],
    )
    known = sqlglot.select(exp.alias_(value, "value")).from_(table).where(is_known(number, params))
    tree = (
        sqlglot.select("value", exp.alias_(exp.Count(this=exp.Star()), "customers"))
        .from_(known.subquery("known"))
        .group_by("value")
        .order_by("value")
    )
    tallied = engine.arrow(tree, params.values)
    return tallied["value"].to_numpy(), tallied["customers"].to_numpy()


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
