"""What is a customer worth from now on? Yuan, discounted, over the months of a horizon (S3).

Of a customer under contract: the chance that he is still here in each month × his margin. Of one
who buys when he likes: the purchases to be expected × what one is worth. The value of month t is
divided by (1 + monthly discount) to the power t; the first month counts as t = 1.
"""

from collections.abc import Callable
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from .features import Feature
from .ledger import Ledger
from .purchases import BgNbd, histories
from .reasons import Reason
from .refusal import NotEstimable
from .spend import GammaGamma
from .survival import ROWS, MonthlyHazard
from .survival_parts import LEAST_PART, banded, bands_in_words, strongest

Numbers = NDArray[np.float64]
Progress = Callable[[int, int], None]

DAYS_A_MONTH = 30.4375
DAYS_A_WEEK = 7.0
_QUARTERS = (0.25, 0.5, 0.75)
# A part of less than this share of the average value is no reason.
_LEAST_SHARE = 0.01
# Between a customer this near to the average, in log-odds, and it there is no chord.
LEAST_AWAY = 1e-3


class LifetimeValue:
    """Σ survival(t) × margin ÷ (1 + discount)^t over the horizon, of customers under contract.

    Parameters
    ----------
    features : columns of x: those of ``survival.MonthlyHazard``, ``money`` among them.
    money : attribute in yuan a month of which the ``share`` is margin (ARPU and 0.4, say, or an
        attribute that is the margin, and 1). The margin stays as it is over the horizon.
    horizon : months.  monthly_discount : 0.01 is 12.7 % a year.
    tenure, contract, persistence, penalty : see MonthlyHazard.

    ``fit`` learns ``hazard_``, ``margin_`` (mean, which an unknown money counts as) and
    ``reasons_``.
    """

    def __init__(
        self,
        features: tuple[Feature, ...],
        *,
        money: str = "arpu",
        share: float = 1.0,
        horizon: int = 36,
        monthly_discount: float = 0.01,
        tenure: str = "tenure_months",
        contract: str | None = None,
        persistence: float = 1.0,
        penalty: float = 1.0,
    ) -> None:
        self.features = features
        self.money = money
        self.share = share
        self.horizon = horizon
        self.monthly_discount = monthly_discount
        self.tenure = tenure
        self.contract = contract
        self.persistence = persistence
        self.penalty = penalty

    def fit(self, x: Numbers, y: NDArray[np.bool_], progress: Progress | None = None) -> Self:
        """Fit the hazard on one snapshot (y: left within the month after it) and the margin.

        Raises what MonthlyHazard raises, and ``no_usable_features`` where nobody's money is known.
        """
        _check_horizon(self.horizon, self.monthly_discount)
        hazard = MonthlyHazard(
            self.features,
            tenure=self.tenure,
            contract=self.contract,
            persistence=self.persistence,
            penalty=self.penalty,
        )
        return self.fit_on(hazard.fit(x, y, progress), x)

    def fit_on(self, hazard: MonthlyHazard, x: Numbers) -> Self:
        """Take a hazard fitted already, on whole histories say, and learn the margin from ``x``."""
        money = x[:, self._money()]
        known = money[np.isfinite(money)]
        if not len(known):
            raise NotEstimable("no_usable_features", candidates=1)
        self.hazard_ = hazard
        self.margin_ = self.share * float(known.mean())
        self.edges_ = sorted({*np.quantile(known, _QUARTERS).tolist(), float(known.mean())})
        self.reasons_ = [
            Reason(r.attribute, r.low, r.high, r.codes, r.missing, not r.raises)
            for r in hazard.reasons_
        ] + _both_ways(self.money, self.edges_)
        return self

    def predict(self, x: Numbers) -> Numbers:
        """Return yuan per row; less than 0 where the margin is."""
        return self.margin(x) * self.months(x)

    def margin(self, x: Numbers) -> Numbers:
        """Return yuan a month; the customers' mean where the money is unknown."""
        margin = self.share * x[:, self._money()]
        return np.where(np.isfinite(margin), margin, self.margin_)

    def months(self, x: Numbers) -> Numbers:
        """Return the discounted months that each customer is expected to stay, of the horizon."""
        out = np.zeros(len(x))
        worth = discounts(self.horizon, self.monthly_discount).tolist()
        for start in range(0, len(x), ROWS):
            piece = x[start : start + ROWS]
            staying = np.ones(len(piece))
            for hazard, today in zip(self.hazard_.ahead(piece, self.horizon), worth, strict=True):
                staying *= 1 - hazard
                out[start : start + ROWS] += today * staying
        return out

    def reasons(self, x: Numbers) -> NDArray[np.int16]:
        """Return rows × 3: what moves each customer's value from the average most, in yuan.

        As if the next month's hazard stayed: the margin's part is (margin - mean) × his months, a
        driver's is what it does to the months, at the mean margin.
        """
        out = np.empty((len(x), 3), np.int16)
        for start in range(0, len(x), ROWS):
            piece = x[start : start + ROWS]
            parts, places = self._yuan(piece)
            least = _LEAST_SHARE * abs(self.margin_) * self._lasting(self.hazard_.intercept_)
            out[start : start + ROWS] = strongest(parts, places, float(least))
        return out

    def _money(self) -> int:
        return [f.attribute for f in self.features].index(self.money)

    def _yuan(self, x: Numbers) -> tuple[Numbers, NDArray[np.int16]]:
        """Return the drivers' and the margin's parts and their reasons.

        Money that is a driver of leaving too has one part and one reason for both.
        """
        hazard = self.hazard_
        odds, places = hazard.parts(x), hazard.places(x)
        away = odds.sum(axis=1)
        lasting = self._lasting(hazard.intercept_ + away)
        parts = (self.margin_ * self._slope(away, lasting))[:, None] * odds
        money = (self.margin(x) - self.margin_) * lasting
        kept = [hazard.features[i].attribute for i in hazard.parts_.kept_]
        if self.money in kept:
            driver = 2 + kept.index(self.money)  # after tenure and contract
            money = money + parts[:, driver]
            parts[:, driver] = 0.0
        band = banded(x[:, self._money()], self.edges_)
        told = (len(hazard.reasons_) + 2 * band + (money > 0)).astype(np.int16)
        return np.vstack([parts.T, money]).T, np.vstack([places.T, told]).T

    def _slope(self, odds: Numbers, lasting: Numbers) -> Numbers:
        """Return the months (< 0) that one log-odds of leaving costs between him and the average.

        The chord, so that the drivers' parts add up to the whole difference. ``lasting``: his
        months.
        """
        base = self.hazard_.intercept_
        least, average = self._lasting(base + LEAST_AWAY), self._lasting(base)
        near = np.abs(odds) < LEAST_AWAY
        slope = (np.where(near, least, lasting) - average) / np.where(near, LEAST_AWAY, odds)
        return np.asarray(slope)

    def _lasting(self, odds: Numbers | float) -> Numbers:
        """Return the discounted months under a hazard of these log-odds that stays the same."""
        ratio = expit(-np.asarray(odds)) / (1 + self.monthly_discount)
        return np.asarray(ratio * (1 - ratio**self.horizon) / np.maximum(1 - ratio, 1e-12))


class PurchaseValue:
    """Discounted purchases to be expected × mean spend × share, of customers without a contract.

    Parameters
    ----------
    features : four numbers, in this order: purchases after the first, days since the last one,
        days since the first one, mean yuan of those after the first (unknown without them).
    share : of a purchase's yuan that is margin.
    unit : days of the unit of time that BG/NBD is fitted in.

    ``fit`` learns ``purchases_`` (purchases.BgNbd), ``spend_`` (spend.GammaGamma) and ``reasons_``.
    Who has never bought (an unknown among the first three) has no value: NaN.
    """

    def __init__(
        self,
        features: tuple[Feature, ...],
        *,
        share: float = 1.0,
        horizon: int = 36,
        monthly_discount: float = 0.01,
        unit: float = DAYS_A_WEEK,
    ) -> None:
        self.features = features
        self.share = share
        self.horizon = horizon
        self.monthly_discount = monthly_discount
        self.unit = unit

    def fit(self, x: Numbers, y: object = None, progress: Progress | None = None) -> Self:
        """Fit both models; ``y`` is not read. Raises what they raise."""
        _check_horizon(self.horizon, self.monthly_discount)
        bought = x[self._bought(x)]
        repeats, recency, watched, spend = self._histories(bought)
        self.purchases_ = BgNbd().fit(repeats, recency, watched, progress)
        self.spend_ = GammaGamma().fit(repeats, np.where(repeats > 0, spend, np.nan))
        # Attributes that have reasons: how often, how lately, for how much.
        self.edges_ = [
            sorted(set(np.quantile(c[np.isfinite(c)], _QUARTERS).tolist()))
            for c in bought[:, [0, 1, 3]].T
        ]
        self.reasons_ = [
            reason
            for place, edges in zip((0, 1, 3), self.edges_, strict=True)
            for reason in _both_ways(self.features[place].attribute, edges)
        ]
        self.typical_ = self._logs(bought).mean(axis=0)
        return self

    def predict(self, x: Numbers) -> Numbers:
        """Return yuan per row, NaN of who has never bought."""
        out = np.full(len(x), np.nan)
        bought = self._bought(x)
        out[bought] = self.share * np.exp(self._logs(x[bought]).sum(axis=1))
        return out

    def reasons(self, x: Numbers) -> NDArray[np.int16]:
        """Return rows × 3: which of the value's factors differ most from their typical value.

        How often he buys if he is alive, P(alive) (told by the days since the last purchase) and
        his spend: the value is their product. None of who has never bought.
        """
        out = np.full((len(x), 3), -1, np.int16)
        bought = np.flatnonzero(self._bought(x))
        parts = self._logs(x[bought]) - self.typical_
        places = np.empty(parts.shape, np.int16)
        first = 0
        for place, column in enumerate((0, 1, 3)):
            band = banded(x[bought, column], self.edges_[place])
            places[:, place] = first + 2 * band + (parts[:, place] > 0)
            first += 2 * (len(self.edges_[place]) + 2)
        out[bought] = strongest(parts, places, LEAST_PART)
        return out

    def expected_purchases(self, repeats: Numbers, recency: Numbers, watched: Numbers) -> Numbers:
        """Return the discounted purchases within the horizon; times in units of ``unit`` days."""
        alive = self.purchases_.alive(repeats, recency, watched)
        return alive * self._if_alive(repeats, watched)

    def _if_alive(self, repeats: Numbers, watched: Numbers) -> Numbers:
        pairs, which = np.unique(repeats + 1j * watched, return_inverse=True)
        months: Numbers = np.arange(1.0, self.horizon + 1) * (DAYS_A_MONTH / self.unit)
        upto = self.purchases_.expected_if_alive(pairs.real, pairs.imag, months)
        each = np.diff(upto, axis=1, prepend=0.0)
        return np.asarray((each @ discounts(self.horizon, self.monthly_discount))[which])

    def _logs(self, x: Numbers) -> Numbers:
        """Return the logs of the value's factors: rows × (how often, alive, spend)."""
        repeats, recency, watched, spend = self._histories(x)
        factors = (
            self._if_alive(repeats, watched),
            self.purchases_.alive(repeats, recency, watched),
            self.spend_.expected(repeats, spend),
        )
        return np.log(np.maximum(np.column_stack(factors), 1e-300))

    def _histories(self, x: Numbers) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Return repeats, recency, watched, spend: days to units, since the first purchase."""
        repeats, silent, age, spend = x.T
        return repeats, (age - silent) / self.unit, age / self.unit, spend

    def _bought(self, x: Numbers) -> NDArray[np.bool_]:
        return np.asarray(np.isfinite(x[:, :3]).all(axis=1))


def purchase_matrix(ledger: Ledger, as_of: int) -> tuple[NDArray[np.int64], Numbers]:
    """Return positions in ``ledger.customers`` and the matrix that PurchaseValue reads.

    Days are counted to the eve of ``as_of``, the last day that counts.
    """
    h = histories(ledger, as_of, unit=1.0)
    return h.customers, np.column_stack([h.repeats, h.watched - h.recency, h.watched, h.spend])


def discounts(horizon: int, monthly: float) -> Numbers:
    """Return what a yuan of month t = 1 to ``horizon`` is worth today."""
    return np.asarray((1 + monthly) ** -np.arange(1.0, horizon + 1))


def _check_horizon(horizon: int, monthly: float) -> None:
    if horizon < 1 or not 0 <= monthly < 1:
        raise ValueError(
            f"a horizon must be 1 month or more and a monthly discount from 0 to less than 1, got "
            f"{horizon} and {monthly}"
        )


def _both_ways(attribute: str, edges: list[float]) -> list[Reason]:
    """Return per band, the unknown last, the reason that lowers and the reason that raises."""
    told = [*bands_in_words(attribute, edges), Reason(attribute, missing=True)]
    return [
        Reason(r.attribute, r.low, r.high, missing=r.missing, raises=up)
        for r in told
        for up in (False, True)
    ]
