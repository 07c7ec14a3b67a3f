"""Propensity: the probability that a customer has the outcome, from tens of WOE columns (S2).

Logistic regression in which no number runs against its bins, so that the sign of each is known
before: more of what goes with the outcome never lowers the score. How far a bin stands from its
neighbour is fitted beside the other attributes; alone it would be the WOE. A category's groups have
no order to keep and may change places beside the others. The scarcer outcome is
neither weighted nor sampled up: the mean of the probabilities is the rate of the training rows, and
a probability means what it says. As a scorecard: points per bin, which add up.
"""

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from threadpoolctl import threadpool_limits

from .binning import Binning
from .binning_merge import Outcomes
from .features import Feature
from .propensity_card import driver, reasons
from .propensity_logit import Coded, Point, fitted, log_loss, margins, quadratic
from .propensity_shape import shaped
from .reasons import NONE, STRONGEST
from .refusal import NotEstimable
from .selection import Candidate, Progress, Selection, State
from .selection_rows import coded, slices

Floats = NDArray[np.float64]

FOLDS = 5
RIDGES = (300.0, 100.0, 30.0, 10.0, 3.0, 1.0)
CV_ROWS = 20_000  # The strength is a belief about the weights' size: it doesn't grow with the rows.
LOSS_TOLERANCE = 1e-6  # Strengths whose losses differ by less are equal.
SHAPE_ROWS = 50_000
ROWS = 16_384  # scored at a time
NAMED = 3  # drivers, where they are refused together


@dataclass(frozen=True)
class Strength:
    """The mean log loss of rows out of fold under one strength of the L2 penalty."""

    ridge: float
    log_loss: float


class Propensity:
    """``predict`` gives the probability of the outcome, 0–1.

    Unknown values have a bin of their own. Unseen codes, and unknown values where training had
    none, say nothing (WOE 0).

    Parameters
    ----------
    features : the candidates.
    least_value, most_alike, least_frequency, most, too_good, vouched : see Selection.
    base_score, base_odds : the scorecard gives ``base_score`` points to odds of 1 : ``base_odds``.
    points_to_double : points that double the odds (PDO).

    Learns ``kept_`` (positions in ``features``), ``binnings_`` and ``shares_`` (log-odds a place),
    of the same order, ``intercept_``, ``candidates_`` (what became of each), ``strengths_`` and
    ``ridge_`` (chosen on the training rows: log loss of five folds, WOE counted anew without each),
    ``drivers_`` (strongest first), ``base_points_`` (a score is these and the points of one bin per
    driver) and ``reasons_``.
    """

    def __init__(
        self,
        features: tuple[Feature, ...],
        *,
        least_value: float = 0.002,
        most_alike: float = 0.75,
        least_frequency: float = 0.4,
        most: int = 80,
        too_good: float = 0.95,
        vouched: tuple[str, ...] = (),
        base_score: float = 600.0,
        base_odds: float = 50.0,
        points_to_double: float = 20.0,
        seed: int = 0,
    ) -> None:
        self.features = features
        self.least_value = least_value
        self.most_alike = most_alike
        self.least_frequency = least_frequency
        self.most = most
        self.too_good = too_good
        self.vouched = vouched
        self.base_score = base_score
        self.base_odds = base_odds
        self.points_to_double = points_to_double
        self.seed = seed

    def fit(
        self,
        x: Floats,
        y: NDArray[np.bool_],
        *,
        progress: Progress | None = None,
        resume: State | None = None,
        checkpoint: Callable[[State], None] | None = None,
    ) -> Self:
        """Fit on ``x`` (rows × features, NaN unknown) and ``y`` (True: the outcome happened).

        ``checkpoint`` gets the selection's state, as JSON has it, whenever a piece is finished;
        given back as ``resume`` with the same rows, the fit goes on there to the same model.
        Raises NotEstimable: too_few_outcomes, separated, separated_together, too_good_alone,
        nothing_predicts.
        """
        selection = Selection(
            self.features,
            least_value=self.least_value,
            most_alike=self.most_alike,
            least_frequency=self.least_frequency,
            most=self.most,
            too_good=self.too_good,
            vouched=self.vouched,
            seed=self.seed,
        )
        total = selection.steps + FOLDS + 1

        def report(done: int, _: int = 0) -> None:
            if progress:
                progress(done, total)

        selection.fit(x, y, progress=report, resume=resume, checkpoint=checkpoint)
        # Beside other work a second thread of the matrix library costs more than it brings.
        with threadpool_limits(limits=1):
            self._weigh(
                selection,
                coded(x, y, selection.binnings_, selection.kept_, self.seed),
                lambda fold: report(selection.steps + fold),
            )
        report(total)
        return self

    def _weigh(self, selection: Selection, data: Coded, report: Callable[[int], None]) -> None:
        self.strengths_ = _strengths(data.head(CV_ROWS), selection.binner.smoothing, report)
        # Of equals the stronger penalty.
        self.ridge_ = min(self.strengths_, key=lambda s: s.log_loss).ridge
        binnings = [selection.binnings_[place] for place in selection.kept_]
        own = data.with_tables(shaped(data.head(SHAPE_ROWS), binnings, self.ridge_))
        point = fitted(own, self.ridge_)
        used = np.flatnonzero(point.weights > 0)
        if not len(used):
            raise NotEstimable("nothing_predicts", candidates=len(self.features))
        self.intercept_ = point.intercept
        self.kept_ = [selection.kept_[place] for place in used]
        self.binnings_: list[Binning] = [binnings[place] for place in used]
        self.shares_ = [
            point.weights[place] * own.tables[place][: len(binnings[place].woe)] for place in used
        ]
        self.candidates_: list[Candidate] = [
            replace(fate, dropped="wrong_sign")
            if fate.dropped is None and place not in self.kept_
            else fate
            for place, fate in enumerate(selection.candidates_)
        ]
        information = quadratic(own, point).information + self.ridge_ * np.eye(data.columns)
        errors = np.sqrt(np.diag(np.linalg.inv(information[np.ix_(used, used)])))
        self._tell(errors / point.weights[used])
        _refuse_separated(own, point, [d.attribute for d in self.drivers_])

    def _tell(self, errors: Floats) -> None:
        """Set what people read; ``errors``: each share's standard error as a part of it."""
        factor = float(self.points_to_double / np.log(2))
        self.base_points_ = float(
            self.base_score + factor * (self.intercept_ + np.log(self.base_odds))
        )
        features = [self.features[place] for place in self.kept_]
        drivers = [
            driver(f, b, share, float(error), factor, self.candidates_[place].frequency)
            for f, b, share, error, place in zip(
                features, self.binnings_, self.shares_, errors, self.kept_, strict=True
            )
        ]
        self.drivers_ = sorted(drivers, key=lambda d: -d.strength)
        self.reasons_, self.ranks_ = reasons(features, self.binnings_, self.shares_)

    def narrowed(self) -> Self:
        """Return the same model over its kept features alone: ``x`` then has only their columns."""
        narrow = copy(self)
        narrow.features = tuple(self.features[place] for place in self.kept_)
        narrow.kept_ = list(range(len(self.kept_)))
        return narrow

    def predict(self, x: Floats) -> Floats:
        """Return the probability of each row of ``x``."""
        return expit(self._log_odds(x))  # type: ignore[no-any-return]

    def points(self, x: Floats) -> Floats:
        """Return the scorecard's score of each row: ``base_points_`` and its bins' points."""
        factor = self.points_to_double / np.log(2)
        found: Floats = self.base_points_ + factor * (self._log_odds(x) - self.intercept_)
        return found

    def reasons(self, x: Floats) -> NDArray[np.int16]:
        """Return rows × 3 positions in ``reasons_``: the bins whose points are farthest from the
        average of the training rows.
        """
        last = np.iinfo(np.int16).max
        out = np.full((len(x), STRONGEST), last, dtype=np.int16, order="F")
        for rows, column, binning in self._pieces(x):
            # Reasons stand strongest first, so a customer's are his least positions.
            new = self.ranks_[column][binning]
            for place in range(STRONGEST):
                held = out[rows, place]
                beaten = np.maximum(held, new)
                np.minimum(held, new, out=held)
                new = beaten
        out[out == last] = NONE
        return out

    def _log_odds(self, x: Floats) -> Floats:
        out = np.full(len(x), self.intercept_)
        for rows, column, binning in self._pieces(x):
            out[rows] += self.shares_[column][binning]
        return out

    def _pieces(self, x: Floats) -> Iterator[tuple[slice, int, NDArray[np.uint8]]]:
        """Yield (rows, which of the kept, its codes), pieces small enough for the cache."""
        for begin in range(0, len(x), ROWS):
            rows = slice(begin, begin + ROWS)
            for column, (place, binning) in enumerate(zip(self.kept_, self.binnings_, strict=True)):
                yield rows, column, binning.codes(x[rows, place])


def _strengths(data: Coded, smoothing: float, report: Callable[[int], None]) -> list[Strength]:
    losses = dict.fromkeys(RIDGES, 0.0)
    for fold, rows in enumerate(slices(data.rows, FOLDS)):
        own = data.with_tables(_tables_without(data, rows, smoothing))
        point: Point | None = None
        for ridge in RIDGES:
            point = fitted(own, ridge, point, without=rows, tolerance=LOSS_TOLERANCE)
            losses[ridge] += log_loss(margins(own, point, rows), data.y[rows]) / data.rows
        report(fold + 1)
    return [Strength(ridge, loss) for ridge, loss in losses.items()]


def _tables_without(data: Coded, rows: slice, smoothing: float) -> Floats:
    """The WOE of each place, counted without ``rows``: a fold must not be told its outcomes."""
    others = np.ones(data.rows, dtype=bool)
    others[rows] = False
    y = data.y[others]
    overall = Outcomes(int(y.sum()), int((~y).sum()), smoothing)
    width = data.tables.shape[1]
    tables = np.empty_like(data.tables)
    for place, codes in enumerate(data.codes[:, others]):
        events = np.bincount(codes[y], minlength=width).astype(float)
        tables[place] = overall.woe(events, np.bincount(codes, minlength=width) - events)
    return tables


def _refuse_separated(data: Coded, point: Point, drivers: list[str]) -> None:
    """One that separates alone has been refused by the selection: here it is several."""
    eta = margins(data, point)
    if eta[data.y].min() > eta[~data.y].max():
        raise NotEstimable("separated_together", attributes=", ".join(drivers[:NAMED]))
