"""Counts of pairs as something that is fitted, kept and read again like any other model."""

from collections.abc import Callable, Sequence
from typing import Self

import pyarrow as pa

from .association import PairCounts
from .features import Feature
from .items import Item

Progress = Callable[[int, int], None]


class PairCounter:
    """The pairs of ``items`` that customers have, per code of ``stratum``.

    Parameters
    ----------
    features : the attributes of the items and the stratum.
    items, stratum, strata : see association.PairCounts.

    ``fit`` learns ``counts_``.
    """

    def __init__(
        self,
        features: tuple[Feature, ...],
        *,
        items: Sequence[Item],
        stratum: str | None = None,
        strata: Sequence[str] = (),
    ) -> None:
        self.features = features
        self.items = tuple(items)
        self.stratum = stratum
        self.strata = tuple(strata)

    def fit(self, table: pa.Table, progress: Progress | None = None) -> Self:
        """Count ``table``, a column per feature."""
        self.counts_ = self.counted(table, progress)
        return self

    def counted(self, table: pa.Table, progress: Progress | None = None) -> PairCounts:
        """Return the counts of a table, which need not be the one that was fitted."""
        counts = PairCounts(self.items, self.stratum, self.strata)
        names = [feature.attribute for feature in self.features]
        batches = table.select(names).to_batches()
        for done, batch in enumerate(batches):
            counts.add(batch)
            if progress:
                progress(done + 1, len(batches))
        return counts
