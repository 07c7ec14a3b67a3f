"""How long will a contract customer stay? Discrete-time survival: one hazard per month.

A customer who has been here for m whole months is at risk in the month that follows; a logistic
regression of leaving in it over all customers' months is the hazard model (Allison 1982;
Singer & Willett 1993). Months of one customer within one tenure band are alike, so they are counted
together rather than laid out: the likelihood is the same.

The usual source is one labelled snapshot: each customer's tenure, and who left within 30 days, is
one month per customer. Where whole histories are on record, ``fit_spells`` uses all their months.
"""

import warnings
from collections.abc import Callable, Iterator
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from .features import Feature
from .reasons import Reason
from .refusal import LEAST_POSITIVES, NotEstimable
from .survival_months import Check, Clock, Months, Places, checks, of_snapshot, of_spells
from .survival_parts import LEAST_PART, Parts, strongest

Numbers = NDArray[np.float64]
Progress = Callable[[int, int], None]

TENURE_BANDS = (1, 3, 6, 12, 24, 36, 60, 120)
CONTRACT_BANDS = (1, 2, 4, 7, 13, 19)
MOST_ODDS = 300.0  # log-odds: nothing that is more is told apart
NAMED = 3  # attributes, where they are refused together
ROWS = 16_384  # per piece of work when scoring: small enough for the cache


class MonthlyHazard:
    """P(leaves in the next month), and what follows for the months after.

    Parameters
    ----------
    features : columns of x, among them ``tenure`` (months here) and, where wanted, ``contract``.
    contract : attribute of the contract months left; the hazard then rises, or falls, as it runs
        out within the horizon. None: no such attribute.
    persistence : how much of what sets a customer apart today still holds a month later, 0-1.
        1: his signs stay as they are. Less: his hazard goes back to that of his tenure band.
    penalty : of the squared weights (in standard deviations), as in logistic regression with
        C = 1 / penalty.

    ``fit`` learns ``parts_`` (features other than the clocks; see survival_parts.Parts for unknown
    and unseen values, which add nothing unless training had them), ``tenure_`` and ``contract_``
    (log-odds per band), ``intercept_``, ``typical_`` (hazard per tenure band) and ``dropped_``. An
    unknown tenure stays unknown for all the horizon.
    """

    def __init__(
        self,
        features: tuple[Feature, ...],
        *,
        tenure: str = "tenure_months",
        contract: str | None = None,
        tenure_bands: tuple[int, ...] = TENURE_BANDS,
        contract_bands: tuple[int, ...] = CONTRACT_BANDS,
        persistence: float = 1.0,
        penalty: float = 1.0,
    ) -> None:
        self.features = features
        self.tenure = tenure
        self.contract = contract
        self.tenure_bands = tenure_bands
        self.contract_bands = contract_bands
        self.persistence = persistence
        self.penalty = penalty

    def fit(self, x: Numbers, y: NDArray[np.bool_], progress: Progress | None = None) -> Self:
        """Fit on one snapshot: x, and y True for those who left within the month after it.

        Raises NotEstimable: fewer than 30 leavers or stayers, no feature that says anything, one
        that separates perfectly (``separated``), or several (``separated_together``).
        """
        return self._fit(x, self._snapshot(x, y), progress)

    def fit_spells(
        self,
        x: Numbers,
        durations: Numbers,
        events: NDArray[np.bool_],
        entry: Numbers | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Fit on histories: months here, and whether he left in the last one (else: still here).

        ``entry``: months he had been here when watching began (left truncation); None: watched from
        his first month. ``x`` holds over the spell, but the contract counts down from ``entry``;
        its tenure is not read. Who was not watched for a month (duration = entry) takes no part.
        """
        return self._fit(x, self._spells(x, durations, events, entry), progress)

    def predict(self, x: Numbers) -> Numbers:
        """Return P(leaves within the next month), 0-1."""
        return self.hazards(x, 1)[:, 0]

    def hazards(self, x: Numbers, horizon: int) -> Numbers:
        """Return rows × ``horizon``: P(leaves in month t | still here), t = 1 first; 0-1."""
        out = np.empty((len(x), horizon))
        for start in range(0, len(x), ROWS):
            ahead = self.ahead(x[start : start + ROWS], horizon)
            for month, hazard in enumerate(ahead):
                out[start : start + ROWS, month] = hazard
        return out

    def survival(self, x: Numbers, horizon: int) -> Numbers:
        """Return rows × ``horizon``: P(still here after t months), t = 1 first; 0-1."""
        return np.asarray(np.cumprod(1 - self.hazards(x, horizon), axis=1), np.float64)

    def parts(self, x: Numbers) -> Numbers:
        """Return rows × (tenure, contract, kept features): log-odds from the average customer."""
        tenure, contract = self._bands(x)
        clocks = [self.tenure_[tenure], self.contract_[contract]]
        return np.vstack([*clocks, self.parts_.parts(x).T]).T

    def places(self, x: Numbers) -> NDArray[np.int16]:
        """Return the positions in ``reasons_`` of what ``parts`` measures."""
        tenure, contract = self._bands(x)
        first = len(self.tenure_)
        after = first + len(self.contract_)
        contract = contract + first if self.contract else np.full(len(x), -1)
        features = self.parts_.places(x).T
        told = np.where(features >= 0, features + np.int16(after), features)
        clocks = np.vstack([tenure, contract]).astype(np.int16)
        return np.vstack([clocks, told]).T

    def reasons(self, x: Numbers) -> NDArray[np.int16]:
        """Return rows × 3: what moves each customer's hazard from the average most."""
        out = np.empty((len(x), 3), np.int16)
        for start in range(0, len(x), ROWS):
            piece = x[start : start + ROWS]
            out[start : start + ROWS] = strongest(self.parts(piece), self.places(piece), LEAST_PART)
        return out

    def calibration(self, x: Numbers, y: NDArray[np.bool_]) -> list[Check]:
        """Return expected against observed leavers by tenure band, on one snapshot."""
        return self._checks(x, self._snapshot(x, y))

    def calibration_spells(
        self,
        x: Numbers,
        durations: Numbers,
        events: NDArray[np.bool_],
        entry: Numbers | None = None,
    ) -> list[Check]:
        """Return the same over all the months of histories."""
        return self._checks(x, self._spells(x, durations, events, entry))

    def _clocks(self) -> tuple[Clock, Clock]:
        return Clock(self.tenure_bands), Clock(self.contract_bands)

    def _column(self, x: Numbers, attribute: str | None) -> Numbers:
        if attribute is None:
            return np.full(len(x), np.nan)
        return x[:, [f.attribute for f in self.features].index(attribute)]

    def _bands(self, x: Numbers) -> tuple[Places, Places]:
        tenure, contract = self._clocks()
        return (
            tenure.by_month()[tenure.month(self._column(x, self.tenure))],
            contract.by_month()[contract.month(self._column(x, self.contract))],
        )

    def _snapshot(self, x: Numbers, y: NDArray[np.bool_]) -> Months:
        columns = self._column(x, self.tenure), self._column(x, self.contract)
        return of_snapshot(*columns, y, self._clocks())

    def _spells(
        self, x: Numbers, durations: Numbers, events: NDArray[np.bool_], entry: Numbers | None
    ) -> Months:
        begun = np.zeros(len(x)) if entry is None else entry
        contract = self._column(x, self.contract)
        return of_spells(begun, durations, events, contract, self._clocks())

    def _fit(self, x: Numbers, months: Months, progress: Progress | None) -> Self:
        leavers, customers = int(months.left.sum()), len(np.unique(months.row))
        if not customers:
            raise NotEstimable("no_rows")
        if min(leavers, customers - leavers) < LEAST_POSITIVES:
            raise NotEstimable(
                "too_few_outcomes", least=LEAST_POSITIVES, positives=leavers, rows=customers
            )
        clocks = [c for c in (self.tenure, self.contract) if c is not None]
        self.parts_ = Parts(self.features, without=tuple(clocks)).fit(x)
        self.dropped_ = self.parts_.dropped_
        if progress:
            progress(1, 3)
        design = np.column_stack([self._dummies(months), self.parts_.design(x)[months.row]])
        model = self._regression(design, months)
        if progress:
            progress(2, 3)
        self._learn(model, design, months)
        if progress:
            progress(3, 3)
        return self

    def _dummies(self, months: Months) -> Numbers:
        """Return customer-months × the bands of both clocks, 0/1."""
        tenure, contract = self._clocks()
        both = [months.tenure[:, None] == np.arange(tenure.bands)]
        if self.contract:
            both.append(months.contract[:, None] == np.arange(contract.bands))
        return np.column_stack(both).astype(np.float64)

    def _regression(self, design: Numbers, months: Months) -> LogisticRegression:
        """Fit n months with d leavers as d leavings and n - d stayings: the binomial likelihood."""
        stayed, left = np.flatnonzero(months.months > months.left), np.flatnonzero(months.left)
        rows = np.concatenate([stayed, left])
        y = np.repeat([False, True], [len(stayed), len(left)])
        weight = np.concatenate([(months.months - months.left)[stayed], np.ones(len(left))])
        model = LogisticRegression(C=1 / self.penalty, solver="newton-cholesky", max_iter=200)
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            try:
                model.fit(design[rows], y, sample_weight=weight)
            except ConvergenceWarning as error:
                raise NotEstimable("did_not_converge", iterations=200) from error
        if _separates(model.decision_function(design), months):
            raise self._separating(design, model.coef_[0], months)
        return model

    def _separating(self, design: Numbers, weights: Numbers, months: Months) -> NotEstimable:
        """Name the one attribute that separates alone, or the strongest that do it together."""
        whose = np.array([self._attribute(column) for column in range(len(weights))])
        strongest = list(dict.fromkeys(whose[np.argsort(-np.abs(weights))].tolist()))
        for attribute in strongest:
            own = whose == attribute
            if _separates(design[:, own] @ weights[own], months):
                return NotEstimable("separated", attribute=attribute)
        return NotEstimable("separated_together", attributes=", ".join(strongest[:NAMED]))

    def _attribute(self, column: int) -> str:
        bands = [(self.tenure, self._clocks()[0].bands)]
        if self.contract:
            bands.append((self.contract, self._clocks()[1].bands))
        for attribute, size in bands:
            if column < size:
                return attribute
            column -= size
        return self.parts_.attribute_of(column)

    def _learn(self, model: LogisticRegression, design: Numbers, months: Months) -> None:
        tenure, contract = self._clocks()
        weights = model.coef_[0]
        mean = np.average(design, axis=0, weights=months.months)
        cut = tenure.bands + (contract.bands if self.contract else 0)
        # Parts are told from the average customer-month: what is average goes to the intercept.
        self.intercept_ = float(model.intercept_[0] + weights[:cut] @ mean[:cut])
        self.tenure_ = weights[: tenure.bands] - weights[: tenure.bands] @ mean[: tenure.bands]
        self.contract_ = np.zeros(contract.bands)
        if self.contract:
            self.contract_ = weights[tenure.bands : cut] - (
                weights[tenure.bands : cut] @ mean[tenure.bands : cut]
            )
        self.parts_.weigh(weights[cut:])
        hazard = expit(model.decision_function(design))
        n = np.bincount(months.tenure, months.months, tenure.bands)
        left = np.bincount(months.tenure, months.months * hazard, tenure.bands)
        overall = left.sum() / n.sum()
        self.typical_ = np.where(n > 0, left / np.maximum(n, 1), overall)
        self.reasons_ = self._clock_reasons() + self.parts_.reasons_

    def _clock_reasons(self) -> list[Reason]:
        out: list[Reason] = []
        clocks = zip(
            (self.tenure, self.contract),
            self._clocks(),
            (self.tenure_, self.contract_),
            strict=True,
        )
        for attribute, clock, parts in clocks:
            if attribute is None:
                continue
            for (low, high), part in zip(clock.limits(), parts, strict=False):
                below = low if low else float("-inf")  # the first band takes what is below 0
                out.append(Reason(attribute, below, high, raises=bool(part > 0)))
            out.append(Reason(attribute, missing=True, raises=bool(parts[-1] > 0)))
        return out

    def ahead(self, x: Numbers, horizon: int) -> Iterator[Numbers]:
        """Yield the columns of ``hazards`` month by month.

        Odds are multiplied, 1 / (1 + e^-own · e^-clocks), so that one exponential per row and one
        per place of the clocks are taken, not one per row and month.
        """
        tenure, contract = self._clocks()
        month, left = tenure.month(self._column(x, self.tenure)), self._column(x, self.contract)
        # Months left are cut off where they can't come into a lower band within the horizon.
        countdown = Clock((*contract.edges, contract.most + horizon))
        to_go = countdown.month(left)
        bands = tenure.by_month()
        by_month, typical = self.tenure_[bands], self.typical_[bands]
        by_left = self.contract_[np.minimum(countdown.by_month(), len(contract.edges))]
        months, lefts = np.arange(len(by_month)), np.arange(len(by_left))
        unknown = self.contract_[-1]
        place = month * len(lefts) + to_go
        against = np.exp(-np.clip(self.parts_.total(x), -MOST_ODDS, MOST_ODDS))
        kept = 1.0
        for t in range(horizon):
            now = np.where(months > tenure.most, months, np.minimum(months + t, tenure.most))
            after = np.where(lefts > countdown.most, unknown, by_left[np.maximum(lefts - t, 0)])
            clocks = self.intercept_ + by_month[now][:, None] + after
            hazard = 1 / (1 + against * np.exp(-clocks).ravel().take(place))
            if kept < 1:
                hazard = kept * hazard + (1 - kept) * typical[now].take(month)
            yield hazard
            kept *= self.persistence

    def _checks(self, x: Numbers, months: Months) -> list[Check]:
        own = self.parts_.total(x)[months.row]
        clocks = self.tenure_[months.tenure] + self.contract_[months.contract]
        return checks(months, expit(self.intercept_ + own + clocks), self._clocks()[0])


def _separates(odds: Numbers, months: Months) -> bool:
    """Whether every month in which somebody left stands above all others."""
    return bool(odds[months.left > 0].min() > odds[months.left == 0].max(initial=-np.inf))
