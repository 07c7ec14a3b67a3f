"""Will he buy again? BG/NBD for customers without a contract (Fader, Hardie & Lee 2005).

While alive a customer buys at random at his own rate, Gamma(r, α) over the customers; after each
purchase he leaves for good with his own probability, Beta(a, b). Nobody says so when he leaves.
Equations are those of "Counting Your Customers" the Easy Way, Marketing Science 24(2), 275-284.

A customer's history is three numbers, in one unit of time (weeks, say):

    repeats    x, purchases after the first, on different days
    recency    t_x, from the first purchase to the last; 0 without repeats
    watched    T, from the first purchase to the end of the record
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln, digamma, expit, gammaln, hyp2f1

from .ledger import NEVER, Ledger
from .refusal import LEAST_POSITIVES, NotEstimable

Numbers = NDArray[np.float64]
Progress = Callable[[int, int], None]

# log of (r, α ÷ mean of T, a, b) from which the likelihood is climbed; the highest summit stands.
_STARTS = np.log([[0.25, 0.2, 0.8, 2.5], [1.0, 1.0, 1.0, 1.0], [0.5, 0.5, 0.1, 1.0]])
# Beyond these logs a parameter runs away: nobody ever leaves, or all are alike.
_EDGE = 12.0


@dataclass(frozen=True)
class Histories:
    """One row per customer who bought before the end of the record, in the order of the ledger.

    ``spend``: mean yuan per purchase day after the first (returns not counted), NaN without one.
    """

    customers: NDArray[np.int64]  # positions in Ledger.customers
    repeats: Numbers
    recency: Numbers
    watched: Numbers
    spend: Numbers


def histories(ledger: Ledger, as_of: int, *, unit: float = 7.0) -> Histories:
    """Return what each customer did before the day ``as_of``; times in units of ``unit`` days.

    Purchases of one day are one. The record ends on the eve of ``as_of``: a first purchase then has
    been watched for 0.
    """
    counted = (ledger.amount >= 0) & (ledger.day < as_of)
    of, day, amount = ledger.of[counted], ledger.day[counted], ledger.amount[counted]
    opens = np.ones(len(of), bool)
    opens[1:] = (of[1:] != of[:-1]) | (day[1:] != day[:-1])
    at = np.flatnonzero(opens)
    money = np.add.reduceat(amount, at) if len(at) else amount
    of, day = of[at], day[at]
    last = ledger.last_purchase(as_of)
    who = np.flatnonzero(last != NEVER)
    size = len(ledger.customers)
    first = ledger.first_purchase()[who].astype(np.int64)
    repeats: Numbers = np.bincount(of, minlength=size)[who].astype(np.float64) - 1
    later = np.ones(len(of), bool)
    later[1:] = of[1:] == of[:-1]
    later[:1] = False
    total = np.bincount(of[later], money[later], size)[who]
    with np.errstate(invalid="ignore"):
        spend = np.asarray(total / repeats, np.float64)
    recency = (last[who] - first).astype(np.float64) / unit
    watched = (as_of - 1 - first).astype(np.float64) / unit
    return Histories(who, repeats, recency, watched, spend)


@dataclass(frozen=True)
class Frequency:
    """How many customers bought ``repeats`` times again (``open``: or more), and should have."""

    repeats: int
    open: bool
    observed: int
    expected: float


class BgNbd:
    """BG/NBD by maximum likelihood, without a penalty.

    ``fit`` learns ``parameters_`` (r, α, a, b), ``errors_`` (their standard errors, from the
    curvature at the summit), ``log_likelihood_`` and ``customers_``. Times are in the unit of the
    histories, and so is α. The same histories, in any order of rows, give the same parameters.
    """

    def fit(
        self, repeats: Numbers, recency: Numbers, watched: Numbers, progress: Progress | None = None
    ) -> Self:
        """Fit on one entry per customer: x ≥ 0 whole, 0 ≤ t_x ≤ T. See NotEstimable for refusals.

        Fewer than 30 customers who bought again, or without a repeat at all, are refused; so is a
        likelihood that has no summit (``did_not_converge``).
        """
        _check(repeats, recency, watched)
        seen, weight = np.unique(
            np.column_stack([repeats, recency, watched]), axis=0, return_counts=True
        )
        scale = float(watched.mean())
        counts = weight.astype(np.float64)
        best = None
        for done, start in enumerate(_STARTS):
            found = minimize(
                _minus,
                start + np.array([0, np.log(scale), 0, 0]),
                args=(seen, counts / counts.sum()),
                jac=True,
                method="L-BFGS-B",
                bounds=[(-_EDGE, _EDGE)] * 4,
                options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 2000},
            )
            best = found if best is None or found.fun < best.fun else best
            if progress:
                progress(done + 1, len(_STARTS))
        assert best is not None
        if np.abs(best.x).max() > _EDGE - 1e-3 or not np.isfinite(best.fun):
            raise NotEstimable("did_not_converge", iterations=int(best.nit))
        self.customers_ = len(repeats)
        self.parameters_ = np.exp(best.x)
        self.errors_ = _errors(best.x, seen, counts)
        self.log_likelihood_ = -float(best.fun) * self.customers_
        return self

    def alive(self, repeats: Numbers, recency: Numbers, watched: Numbers) -> Numbers:
        """Return P(not yet gone | history), 0-1 (eq. 7's denominator); 1 without a repeat."""
        return np.asarray(expit(-self._odds_gone(repeats, recency, watched)))

    def expected(
        self, repeats: Numbers, recency: Numbers, watched: Numbers, ahead: float
    ) -> Numbers:
        """Return E[purchases within ``ahead`` | history] (eq. 10)."""
        return (
            self.alive(repeats, recency, watched)
            * self.expected_if_alive(repeats, watched, np.array([ahead]))[:, 0]
        )

    def expected_if_alive(self, repeats: Numbers, watched: Numbers, ahead: Numbers) -> Numbers:
        """Return eq. 10's numerator, customers × ``ahead``: E[purchases | history] ÷ P(alive).

        It does not depend on recency, so it is computed once per distinct (x, T). Euler's
        transformation takes x out of the numerator of Gauss's series, which then stays tame for
        thousands of purchases; at a = 1, where 0 ÷ 0 stands, a is moved by a millionth.
        """
        r, alpha, a, b = self.parameters_
        a = 1 + 1e-6 if abs(a - 1) < 1e-6 else a
        # A pair as one complex number: sorted several times faster than rows of two.
        pairs, which = np.unique(repeats + 1j * watched, return_inverse=True)
        x, span = pairs.real[:, None], pairs.imag[:, None] + alpha
        z = ahead / (span + ahead)
        series = hyp2f1(a + b - 1 - r, a - 1, a + b + x - 1, z)
        unbought = np.exp((a - 1) * np.log1p(-z)) * series
        return np.asarray(((a + b + x - 1) / (a - 1) * (1 - unbought))[which])

    def frequencies(self, repeats: Numbers, watched: Numbers, most: int = 7) -> list[Frequency]:
        """Return observed and expected customers by 0, 1, … ``most`` or more repeats (eq. 8)."""
        spans, customers = np.unique(watched, return_counts=True)
        chances = self._chances(spans, most)
        counts = np.bincount(np.minimum(repeats, most).astype(int), minlength=most + 1)
        expected = customers @ chances
        rows = [*expected, len(repeats) - expected.sum()]
        return [
            Frequency(x, x == most, int(n), float(e))
            for x, (n, e) in enumerate(zip(counts, rows, strict=True))
        ]

    def _odds_gone(self, repeats: Numbers, recency: Numbers, watched: Numbers) -> Numbers:
        """Return the log-odds of being gone, -inf without a repeat."""
        r, alpha, a, b = self.parameters_
        again = repeats > 0
        beta = np.where(again, b + repeats - 1, 1.0)
        odds = np.log(a / beta) + (r + repeats) * np.log((alpha + watched) / (alpha + recency))
        return np.where(again, odds, -np.inf)

    def _chances(self, spans: Numbers, most: int) -> Numbers:
        """Return P(X(t) = x), spans × x below ``most`` (eq. 8)."""
        r, alpha, a, b = self.parameters_
        t, x = spans[:, None], np.arange(most)
        steps = np.exp(
            gammaln(r + x) - gammaln(r) - gammaln(x + 1)
            + r * np.log(alpha / (alpha + t)) + x * np.log(np.maximum(t, 1e-300) / (alpha + t))
        )  # fmt: skip
        stayed = np.exp(betaln(a, b + x) - betaln(a, b)) * steps
        fewer = np.cumsum(steps, axis=1) - steps
        left = np.exp(betaln(a + 1, np.maximum(b + x - 1, 1e-300)) - betaln(a, b)) * (1 - fewer)
        return np.asarray(stayed + np.where(x > 0, left, 0.0))


def _check(repeats: Numbers, recency: Numbers, watched: Numbers) -> None:
    if not len(repeats):
        raise NotEstimable("no_rows")
    for history in (repeats, recency, watched):
        if not np.isfinite(history).all():
            raise ValueError("a history must be numbers: repeats, recency and watched all known")
    wrong = (repeats < 0) | (recency < 0) | (recency > watched) | ((repeats == 0) & (recency > 0))
    if wrong.any() or (repeats != np.rint(repeats)).any():
        raise ValueError(
            f"{int(wrong.sum())} histories don't hold: repeats must be whole, recency between 0 "
            "and watched, and 0 without repeats"
        )
    again = int((repeats > 0).sum())
    if not again:
        raise NotEstimable("no_repeat_purchases", customers=len(repeats))
    if again < LEAST_POSITIVES:
        raise NotEstimable(
            "too_few_outcomes", least=LEAST_POSITIVES, positives=again, rows=len(repeats)
        )


def _minus(theta: Numbers, seen: Numbers, weight: Numbers) -> tuple[float, Numbers]:
    """Return minus the weighted log-likelihood (eq. 6) and its slope along the log-parameters."""
    r, alpha, a, b = np.exp(theta)
    x, recency, watched = seen.T
    again = x > 0
    later = np.where(again, b + x - 1, 1.0)
    stayed = -(r + x) * np.log(alpha + watched)
    gone = np.where(again, np.log(a / later) - (r + x) * np.log(alpha + recency), -np.inf)
    mixed = np.logaddexp(stayed, gone)
    counted = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    kept = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    share = np.exp(gone - mixed)  # of the likelihood that rests on his having gone
    rate = (1 - share) / (alpha + watched) + share / (alpha + recency)
    logs = (1 - share) * np.log(alpha + watched) + share * np.log(alpha + recency)
    both = digamma(a + b) - digamma(a + b + x)
    slopes = np.stack([
        digamma(r + x) - digamma(r) + np.log(alpha) - logs,
        r / alpha - (r + x) * rate,
        both + share / a,
        both + digamma(b + x) - digamma(b) - share / later,
    ])  # fmt: skip
    return -float(weight @ (counted + kept + mixed)), -(slopes @ weight) * np.exp(theta)


def _errors(theta: Numbers, seen: Numbers, weight: Numbers) -> Numbers:
    """Return standard errors: the slope's change about the summit, turned over (delta method)."""
    step = 1e-5
    hessian = np.empty((4, 4))
    for i in range(4):
        aside = step * (np.arange(4) == i)
        hessian[i] = _minus(theta + aside, seen, weight)[1] - _minus(theta - aside, seen, weight)[1]
    hessian = (hessian + hessian.T) / (4 * step)
    if np.linalg.eigvalsh(hessian)[0] <= 0:
        raise NotEstimable("did_not_converge", iterations=0)
    return np.asarray(np.sqrt(np.diag(np.linalg.inv(hessian))) * np.exp(theta))
