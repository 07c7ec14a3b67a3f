"""The next best product as something that is fitted, kept and read again like any other model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .cross_sell import NextBest, NextProducts, Product
from .features import Feature
from .items import Item
from .pair_counter import PairCounter

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]


class NextProduct:
    """cross_sell.NextBest whose cold start comes from who holds what.

    Parameters
    ----------
    features : boolean attributes, the columns of ``x``.
    products : what can be sold.
    holds : per product the feature that says who holds it; several may share one.

    ``fit`` learns ``best_``.
    """

    def __init__(
        self,
        features: tuple[Feature, ...],
        *,
        products: Sequence[Product],
        holds: Sequence[str],
    ) -> None:
        self.features = features
        self.products = tuple(products)
        self.holds = tuple(holds)

    def fit_to(self, lifts: Mapping[tuple[str, str], float]) -> Self:
        """Start cold from these lifts of two attributes; either order, 1 where none is given.

        Of two products with one attribute nothing is told: who holds the one holds the other.
        """
        known = {frozenset(pair): lift for pair, lift in lifts.items()}
        matrix = np.array(
            [[known.get(frozenset((a, b)), 1.0) for b in self.holds] for a in self.holds]
        )
        self.best_ = NextBest(self.products).fit(lifts=matrix)
        return self

    def fit(self, table: pa.Table, progress: Progress | None = None) -> Self:
        """Count who holds which two products; ``table`` has a boolean column per feature."""
        items = [
            Item(product.code, "service", holds)
            for product, holds in zip(self.products, self.holds, strict=True)
        ]
        counts = PairCounter(self.features, items=items).counted(table, progress)
        self.best_ = NextBest(self.products).fit(counts)
        return self

    def predict(self, x: Floats, propensities: Floats) -> NextProducts:
        """Choose for each row. ``propensities``: rows × products, see NextBest.predict."""
        place = {feature.attribute: i for i, feature in enumerate(self.features)}
        return self.best_.predict(x[:, [place[name] for name in self.holds]], propensities)
