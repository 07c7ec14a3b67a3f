"""What is a purchase worth? Gamma-Gamma for the mean spend of a customer (Fader & Hardie 2013).

A customer's purchases are Gamma(p, ν) yuan each, and ν is Gamma(q, γ) over the customers: who has
bought little is judged mostly by what customers spend on average, who has bought much by his own
mean. Equations are those of "The Gamma-Gamma Model of Monetary Value" (note, 2013).
"""

from collections.abc import Callable
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

from .refusal import LEAST_POSITIVES, NotEstimable

Numbers = NDArray[np.float64]
Progress = Callable[[int, int], None]

_STARTS = np.log([[2.0, 3.0, 1.0], [6.0, 4.0, 0.5], [1.0, 1.5, 1.0]])  # p, q, γ ÷ typical mean
_EDGE = 12.0


class GammaGamma:
    """Gamma-Gamma by maximum likelihood, without a penalty.

    ``fit`` learns ``parameters_`` (p, q, γ; γ in yuan), ``log_likelihood_``, ``customers_`` (fitted
    on), ``zero_spend_`` (bought, for nothing: they have no place in the model and are left out),
    ``without_repeats_`` (left out too) and ``correlation_`` of spend with the number of purchases,
    which the model takes for nought: far from it, values are biased for the frequent.
    """

    def fit(self, purchases: Numbers, spend: Numbers, progress: Progress | None = None) -> Self:
        """Fit on customers: ``purchases`` n ≥ 0 that ``spend``, their mean in yuan, rests on.

        The published sample counts repeat purchases and their mean (see purchases.histories). An
        unknown spend is for customers without purchases only. Fewer than 30 customers with a
        spend, or the same mean for all of them, are refused, as is a likelihood without a summit,
        or with one at q ≤ 1, where the mean over the customers is infinite.
        """
        usable = self._usable(purchases, spend)
        n, mean = purchases[usable], spend[usable]
        typical = float(np.exp(np.log(mean).mean()))
        best = None
        for done, start in enumerate(_STARTS):
            found = minimize(
                _minus,
                start,
                args=(n, mean / typical),
                jac=True,
                method="L-BFGS-B",
                bounds=[(-_EDGE, _EDGE)] * 3,
                options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 2000},
            )
            best = found if best is None or found.fun < best.fun else best
            if progress:
                progress(done + 1, len(_STARTS))
        assert best is not None
        if np.abs(best.x).max() > _EDGE - 1e-3 or not np.isfinite(best.fun):
            raise NotEstimable("did_not_converge", iterations=int(best.nit))
        if best.x[1] <= 0:
            raise NotEstimable("no_mean_spend", q=float(np.exp(best.x[1])))
        self.customers_ = len(n)
        self.parameters_ = np.exp(best.x) * np.array([1.0, 1.0, typical])
        self.log_likelihood_ = -len(n) * (float(best.fun) + float(np.log(typical)))
        varied = np.ptp(n) > 0
        self.correlation_ = float(np.corrcoef(n, mean)[0, 1]) if varied else None
        return self

    def expected(self, purchases: Numbers, spend: Numbers) -> Numbers:
        """Return E[mean spend of further purchases | history], yuan (eq. 5).

        Who has no purchases on record, or an unknown spend, gets the customers' mean, pγ ÷ (q - 1).
        """
        p, q, gamma = self.parameters_
        known = (purchases > 0) & np.isfinite(spend)
        n = np.where(known, purchases, 0.0)
        return np.asarray(p * (gamma + n * np.where(known, spend, 0.0)) / (p * n + q - 1))

    def _usable(self, purchases: Numbers, spend: Numbers) -> NDArray[np.bool_]:
        if not len(purchases):
            raise NotEstimable("no_rows")
        bought = purchases > 0
        if not np.isfinite(spend[bought]).all() or (spend[bought] < 0).any():
            raise ValueError("who has bought must have a spend of 0 yuan or more")
        usable: NDArray[np.bool_] = bought & (np.nan_to_num(spend) > 0)
        self.without_repeats_ = int((~bought).sum())
        self.zero_spend_ = int((bought & ~usable).sum())
        if not bought.any():
            raise NotEstimable("no_repeat_purchases", customers=len(purchases))
        if usable.sum() < LEAST_POSITIVES:
            raise NotEstimable(
                "too_few_outcomes",
                least=LEAST_POSITIVES,
                positives=int(usable.sum()),
                rows=len(purchases),
            )
        if np.ptp(spend[usable]) == 0:
            raise NotEstimable("too_few_distinct", distinct=1, least=2)
        return usable


def _minus(theta: Numbers, n: Numbers, mean: Numbers) -> tuple[float, Numbers]:
    """Return minus the mean log-likelihood (eq. 1a) and its slope along the log-parameters."""
    p, q, gamma = np.exp(theta)
    total = gamma + n * mean
    likelihood = (
        gammaln(p * n + q) - gammaln(p * n) - gammaln(q) + q * np.log(gamma)
        + (p * n - 1) * np.log(mean) + p * n * np.log(n) - (p * n + q) * np.log(total)
    )  # fmt: skip
    together = digamma(p * n + q)
    slopes = np.stack([
        n * (together - digamma(p * n) + np.log(mean) + np.log(n) - np.log(total)),
        together - digamma(q) + np.log(gamma) - np.log(total),
        q / gamma - (p * n + q) / total,
    ])  # fmt: skip
    return -float(likelihood.mean()), -slopes.mean(axis=1) * np.exp(theta)
