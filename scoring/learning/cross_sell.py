"""Cross- and up-sell 交叉销售、升级销售 (S3): the next best product of each customer.

Expected value = probability × margin, in yuan, over the products he lacks. The probability is the
propensity model's. A product too new for a model starts with association: its base rate times the
lift of what the customer already holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .association import PairCounts

NONE = -1
PROPENSITY, ASSOCIATION = 0, 1
SOURCES = ("propensity", "association")
PRIOR = 10.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Product:
    """``code``: of its item too, where holdings are counted for association.

    margin      yuan earned from a taker within the horizon of the propensities
    base_rate   share of those without it who take it within that horizon; None: not known, then
                there is no cold start
    ladder, tier  products of one ladder replace each other; a higher tier is dearer
    """

    code: str
    margin: float
    base_rate: float | None = None
    ladder: str | None = None
    tier: int = 0

    def __post_init__(self) -> None:
        if self.base_rate is not None and not 0 <= self.base_rate <= 1:
            raise ValueError(f"{self.code}: a base rate is 0 to 1, got {self.base_rate}")


@dataclass(frozen=True)
class NextProducts:
    """One entry per customer; positions are those of the products as given.

    product  int16, NONE: nothing he lacks is expected to earn anything
    value    float64, yuan; NaN where product is NONE
    source   int8: PROPENSITY, ASSOCIATION or NONE
    because  int16: the held product whose lift was used; NONE: no association, or the base rate
    upsell   bool: a dearer tier of a ladder he is on
    """

    product: NDArray[np.int16]
    value: Floats
    source: NDArray[np.int8]
    because: NDArray[np.int16]
    upsell: NDArray[np.bool_]


class NextBest:
    """Choose by expected value; ties by the products' codes.

    Parameters
    ----------
    products : what can be sold. Codes are unique; so are the tiers of a ladder.
    prior : lifts are shrunk towards 1 as if so many more customers had both products, where so
        many were expected to: (both + prior) / (expected + prior).
    """

    def __init__(self, products: Sequence[Product], *, prior: float = PRIOR) -> None:
        self.products = tuple(products)
        self.prior = prior

    def fit(self, counts: PairCounts | None = None, lifts: Floats | None = None) -> Self:
        """Learn ``lifts_`` (held × offered, 1 where not counted) from pairs of products.

        ``lifts``: what an association has found of them, taken as it is. Without either the cold
        start is the base rate alone.
        """
        codes = [product.code for product in self.products]
        rungs = [(p.ladder, p.tier) for p in self.products if p.ladder is not None]
        if len(set(codes)) < len(codes) or len(set(rungs)) < len(rungs):
            raise ValueError("codes of products, and tiers of one ladder, must be unique")
        self.by_code_ = np.argsort(np.array(codes), kind="stable")
        self.margins_ = np.array([product.margin for product in self.products], dtype=np.float64)
        self.base_rates_ = np.array(
            [np.nan if p.base_rate is None else p.base_rate for p in self.products]
        )
        self.lifts_ = np.ones((len(codes), len(codes)))
        if lifts is not None:
            if lifts.shape != self.lifts_.shape:
                raise ValueError(f"lifts must be {self.lifts_.shape}, got {lifts.shape}")
            self.lifts_ = lifts.astype(np.float64)
        elif counts is not None:
            self._learn_lifts(counts, codes)
        return self

    def _learn_lifts(self, counts: PairCounts, codes: list[str]) -> None:
        place = {item.code: position for position, item in enumerate(counts.items)}
        counted = [i for i, code in enumerate(codes) if code in place]
        where = np.ix_(*[[place[codes[i]] for i in counted]] * 2)
        known = np.maximum(counts.known.sum(axis=0)[where], 1)
        having, both = counts.having.sum(axis=0)[where], counts.both.sum(axis=0)[where]
        expected = having * (having.T / known)
        self.lifts_[np.ix_(counted, counted)] = (both + self.prior) / (expected + self.prior)

    def predict(self, holdings: NDArray[np.generic], propensities: Floats) -> NextProducts:
        """Choose for each row; both matrices are customers × products.

        holdings: true or 1 where held, NaN where unknown, which is neither offered nor a reason.
        propensities: 0 to 1, NaN where there is no model for it (or none for this customer).
        """
        shape = (len(holdings), len(self.products))
        if holdings.shape != shape or propensities.shape != shape:
            raise ValueError(f"both must be {shape}, got {holdings.shape}, {propensities.shape}")
        held, lacked = holdings == 1, holdings == 0
        best = _Best(len(holdings))
        for offered in self.by_code_.tolist():
            chance, because = propensities[:, offered], np.full(len(holdings), NONE, np.int16)
            cold = np.isnan(chance)
            if cold.any() and not np.isnan(self.base_rates_[offered]):
                started, because = self._cold_start(held, offered)
                chance = np.where(cold, started, chance)
                because[~cold] = NONE
            gained, climbs, fits = self._gain(held, lacked, offered)
            best.meet(offered, np.where(fits, chance * gained, np.nan), cold, because, climbs)
        return best.found()

    def _cold_start(
        self, held: NDArray[np.bool_], offered: int
    ) -> tuple[Floats, NDArray[np.int16]]:
        """Return base rate × the lift, furthest from 1, of what is held, at most 1; and of which.

        One association is used, not their product: held products overlap.
        """
        with np.errstate(divide="ignore"):  # never held together: the strongest there is
            strength = np.abs(np.log(self.lifts_[:, offered]))
        lift = np.ones(len(held))
        because = np.full(len(held), NONE, dtype=np.int16)
        # From the weakest to the strongest, so that the strongest is written last.
        for other in np.argsort(strength, kind="stable").tolist():
            if strength[other] > 0:
                lift[held[:, other]] = self.lifts_[other, offered]
                because[held[:, other]] = other
        return np.minimum(self.base_rates_[offered] * lift, 1.0), because

    def _gain(
        self, held: NDArray[np.bool_], lacked: NDArray[np.bool_], offered: int
    ) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
        """Return what a taker brings: a dearer tier its margin less that of the tier it replaces.

        And where it is a step up, and where it can be offered: never a tier below the one held.
        """
        product, fits = self.products[offered], lacked[:, offered].copy()
        gained = np.full(len(held), self.margins_[offered])
        climbs = np.zeros(len(held), dtype=bool)
        if product.ladder is None:
            return gained, climbs, fits
        rungs = [i for i, p in enumerate(self.products) if p.ladder == product.ladder]
        for rung in sorted(rungs, key=lambda i: self.products[i].tier):
            if self.products[rung].tier > product.tier:
                fits &= ~held[:, rung]
            elif rung != offered:
                on = held[:, rung]
                gained[on] = self.margins_[offered] - self.margins_[rung]
                climbs |= on
        return gained, climbs, fits


class _Best:
    """The best seen so far; an equal one that comes later does not replace it."""

    def __init__(self, rows: int) -> None:
        self.value = np.zeros(rows)
        self.product = np.full(rows, NONE, dtype=np.int16)
        self.source = np.full(rows, NONE, dtype=np.int8)
        self.because = np.full(rows, NONE, dtype=np.int16)
        self.upsell = np.zeros(rows, dtype=bool)

    def meet(
        self,
        offered: int,
        value: Floats,
        cold: NDArray[np.bool_],
        because: NDArray[np.int16],
        climbs: NDArray[np.bool_],
    ) -> None:
        better = value > self.value
        self.value[better] = value[better]
        self.product[better] = offered
        self.source[better] = np.where(cold, ASSOCIATION, PROPENSITY)[better]
        self.because[better] = because[better]
        self.upsell[better] = climbs[better]

    def found(self) -> NextProducts:
        value = np.where(self.product == NONE, np.nan, self.value)
        return NextProducts(self.product, value, self.source, self.because, self.upsell)
