"""What has been counted of a question so far, and the table that it becomes."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from customers.models import Type

from .stats import Sums

IN_A, IN_B = 1, 2

SCHEMA = pa.schema(
    {
        "attribute": pa.string(),
        "kind": pa.string(),
        "region": pa.int8(),
        "value": pa.string(),
        "customers": pa.int64(),
        "mean": pa.float64(),
        "m2": pa.float64(),
    }
)


@dataclass(frozen=True)
class Measured:
    """One attribute as it is measured. ``place`` names its column among the placed."""

    code: str
    type: str
    place: str

    @property
    def is_number(self) -> bool:
        return self.type in (Type.INTEGER, Type.NUMBER, Type.DATE)

    @property
    def is_truth(self) -> bool:
        return self.type == Type.BOOLEAN


class Counted:
    """What has been counted so far, over all parts."""

    def __init__(self, attributes: Sequence[Measured]) -> None:
        self.order = {a.code: place for place, a in enumerate(attributes)}
        self.customers: Counter[int] = Counter()
        self.sums: dict[tuple[str, int], Sums] = defaultdict(Sums)
        self.values: Counter[tuple[str, int, str | None]] = Counter()
        self.samples: list[tuple[NDArray[np.int64], NDArray[np.float64], pa.Table]] = []
        self.numbers: Sequence[Measured] = ()

    def add_sums(
        self,
        region: int,
        customers: int,
        sums: Sequence[Any],
        numbers: Sequence[Measured],
        truths: Sequence[Measured],
    ) -> None:
        self.customers[region] += customers
        values = iter(sums)
        for a in numbers:
            known, mean, variance = next(values), next(values), next(values)
            if known:
                self.sums[a.code, region] += Sums(known, mean, variance * known)
        for a in truths:
            known, true = next(values), int(next(values))
            self.add_value(a.code, region, "true", true)
            self.add_value(a.code, region, "false", known - true)

    def add_value(self, code: str, region: int, value: str | None, customers: int) -> None:
        if customers:
            self.values[code, region, value] += customers

    def add_sample(
        self, sizes: Mapping[int, int], drawn: pa.Table, numbers: Sequence[Measured]
    ) -> None:
        """Each customer drawn stands for as many as his region's slice has for each drawn."""
        self.numbers = numbers
        regions = drawn["region"].to_numpy().astype(np.int64)
        found = np.bincount(regions, minlength=4)
        stands_for = np.zeros(4)
        for region, size in sizes.items():
            stands_for[region] = size / max(1, found[region])
        self.samples.append((regions, stands_for[regions], drawn))

    def table(self) -> pa.Table:
        rows = sorted(self._rows(), key=lambda r: (self.order[r[0]], r[1], r[2], -r[4], r[3] or ""))
        columns = list(zip(*rows, strict=True)) or [()] * len(SCHEMA)
        return pa.table([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], SCHEMA)

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        for (code, region), s in self.sums.items():
            yield code, "number", region, None, s.known, s.mean, s.m2
        for (code, region, value), customers in self.values.items():
            yield code, "value", region, value, customers, None, None
        if not self.samples:
            return
        regions = np.concatenate([sample[0] for sample in self.samples])
        weights = np.concatenate([sample[1] for sample in self.samples])
        for place, a in enumerate(self.numbers, 1):
            values = np.concatenate([_floats(s[2].column(place)) for s in self.samples])
            for group in (IN_A, IN_B):
                inside = ((regions & group) > 0) & ~np.isnan(values)
                if inside.any():
                    median = weighted_median(values[inside], weights[inside])
                    yield a.code, "median", group, None, int(inside.sum()), median, None


def _floats(numbers: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(numbers.to_numpy(zero_copy_only=False), dtype=np.float64)


def weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """The value below and above which half of the weight lies; between two, their middle."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    half = reached[-1] / 2
    # Sums of fractions miss a half by their last digits.
    slack = 1e-9 * reached[-1]
    low, high = np.searchsorted(reached, [half - slack, half + slack])
    ends = values[order][[low, min(high, len(values) - 1)]]
    return float(ends.mean())
