"""What the uplift learners stand on: features on one scale, an outcome's model, an effect's model.

Both models average a strongly shrunken linear one and small boosted trees. The linear one is hard
to fool where effects are small, the trees see bends and interactions; their average did nearly as
well as the better of the two wherever it was tried, and which is better can't be told beforehand.
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV

from .boosted import Boosted
from .features import Feature

Floats = NDArray[np.float64]

KNOTS = 64  # of a feature's normal scores
MOST_WHOLE = 4_096  # whole numbers whose scores are kept
MOST_CATEGORIES = 250  # scikit-learn's trees hold no more; beyond, positions are used as numbers
PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)  # of the effect's ridge, per row


def trees(features: Sequence[Feature], seed: int) -> dict[str, Any]:
    """Small trees, slowly learned, so that an effect of a few per cent is not drowned by noise."""
    return {
        "learning_rate": 0.05,
        "max_iter": 50,
        "max_leaf_nodes": 6,
        "min_samples_leaf": 40,
        "l2_regularization": 10.0,
        "early_stopping": False,
        "random_state": seed,
        "categorical_features": [
            f.categories is not None and len(f.categories) < MOST_CATEGORIES for f in features
        ],
    }


class NormalScores:
    """Numbers become normal scores (their rank's quantile), which no outlier and no log changes.

    A category becomes one 0/1 column per code. An unknown number counts as average and is marked
    in a column of its own; an unknown or unseen code is all zeros.
    """

    def __init__(self, features: tuple[Feature, ...]) -> None:
        self.features = features

    def fit(self, x: Floats) -> Self:
        """Learn ``knots_``: per number, values and their scores; nothing for a category.

        ``tables_``: the scores of whole numbers from the first knot on.
        """
        self.knots_ = [
            _knots(column) if f.categories is None else (np.empty(0), np.empty(0))
            for column, f in zip(x.T, self.features, strict=True)
        ]
        self.tables_ = [_table(*knots) for knots in self.knots_]
        return self

    def transform(self, x: Floats) -> Floats:
        """Return rows × columns, column-major."""
        columns: list[NDArray[Any]] = []
        for column, feature, knots in zip(x.T, self.features, self.knots_, strict=True):
            if feature.categories is not None:
                columns += [column == code for code in range(len(feature.categories))]
                continue
            unknown = np.isnan(column)
            columns += [np.where(unknown, 0.0, np.interp(column, *knots)), unknown]
        out = np.empty((len(x), len(columns)), order="F")
        for position, values in enumerate(columns):
            out[:, position] = values
        return out

    def dot(self, x: Floats, weights: Floats) -> Floats:
        """Return ``transform(x) @ weights`` (columns × models) without the wide matrix."""
        out = np.zeros((weights.shape[1], len(x)))
        position = 0
        for place, (column, feature) in enumerate(zip(x.T, self.features, strict=True)):
            unknown = np.isnan(column)
            if feature.categories is None:
                slope, missing = weights[position : position + 2, :, None]
                out += slope * np.where(unknown, 0.0, self._scores(place, column, unknown))
                if unknown.any():
                    out += missing * unknown
                position += 2
                continue
            codes = len(feature.categories)
            places = np.where(unknown, codes, np.minimum(column, codes)).astype(np.intp)
            for row, own in zip(out, weights[position : position + codes].T, strict=True):
                row += np.append(own, 0.0).take(places)
            position += codes
        return out.T

    def _scores(self, place: int, column: Floats, unknown: NDArray[np.bool_]) -> Floats:
        """Return the normal scores of a number's column; anything where it is unknown."""
        values, scores = self.knots_[place]
        table = self.tables_[place]
        if len(table):
            steps = np.clip(column, values[0], values[-1]) - values[0]
            steps[unknown] = 0.0
            places = steps.astype(np.intp)
            if (places == steps).all():
                return np.asarray(table.take(places), dtype=np.float64)
        return np.interp(column, values, scores)


def _table(values: Floats, scores: Floats) -> Floats:
    """Return the scores of all whole numbers between the knots; nothing where they aren't whole.

    Most attributes are counts: looked up, they cost a tenth of a search among the knots.
    """
    if not len(values) or (values != np.rint(values)).any() or np.ptp(values) >= MOST_WHOLE:
        return np.empty(0)
    return np.interp(np.arange(values[0], values[-1] + 1), values, scores)


def _knots(column: Floats) -> tuple[Floats, Floats]:
    """Return values in ascending order and their scores, with mean 0 and variance 1 over rows.

    Where no row knows the column, every value counts as average.
    """
    values, counts = np.unique(column[~np.isnan(column)], return_counts=True)
    if not len(values):
        return np.zeros(1), np.zeros(1)
    n = counts.sum()
    scores = norm.ppf((np.cumsum(counts) - counts / 2) / n)
    scores -= (scores * counts).sum() / n
    spread = np.sqrt((scores**2 * counts).sum() / n)
    scores = scores / spread if spread > 0 else scores
    kept = np.unique(np.linspace(0, len(values) - 1, KNOTS).astype(int))
    return values[kept], scores[kept]


class Chance:
    """P(outcome) of one arm. ``scale``: fitted normal scores; ``z``: those of ``x``."""

    def __init__(self, scale: NormalScores, seed: int) -> None:
        self.scale = scale
        self.seed = seed

    def fit(self, x: Floats, z: Floats, y: NDArray[np.bool_]) -> Self:
        self.linear_ = LogisticRegression(C=0.01, max_iter=1000).fit(z, y)
        found = HistGradientBoostingClassifier(**trees(self.scale.features, self.seed)).fit(x, y)
        self.trees_ = Boosted(self.scale.features).fit(found)
        return self

    @property
    def weights(self) -> Floats:
        return np.asarray(self.linear_.coef_[0], dtype=np.float64)

    def predict(self, x: Floats) -> Floats:
        return predictions(x, self)[0]

    def mean(self, x: Floats, dot: Floats) -> Floats:
        """``dot``: of the weights and the normal scores of ``x``."""
        mean: Floats = (expit(dot + self.linear_.intercept_[0]) + expit(self.trees_.predict(x))) / 2
        return mean


class Effect:
    """The effect on one arm's customers, from what each would have done otherwise (imputed).

    The ridge's penalty is chosen by generalised cross-validation on the same rows.
    """

    def __init__(self, scale: NormalScores, seed: int) -> None:
        self.scale = scale
        self.seed = seed

    def fit(self, x: Floats, z: Floats, effect: Floats) -> Self:
        self.linear_ = RidgeCV(len(x) * np.array(PENALTIES)).fit(z, effect)
        found = HistGradientBoostingRegressor(**trees(self.scale.features, self.seed))
        self.trees_ = Boosted(self.scale.features).fit(found.fit(x, effect))
        return self

    @property
    def weights(self) -> Floats:
        return np.asarray(self.linear_.coef_, dtype=np.float64)

    def predict(self, x: Floats) -> Floats:
        return predictions(x, self)[0]

    def mean(self, x: Floats, dot: Floats) -> Floats:
        """``dot``: of the weights and the normal scores of ``x``."""
        mean: Floats = (dot + self.linear_.intercept_ + self.trees_.predict(x)) / 2
        return mean


def predictions(x: Floats, *bases: Chance | Effect) -> list[Floats]:
    """Return what each of ``bases``, which share one scale, says of ``x``: scaled only once."""
    dots = bases[0].scale.dot(x, np.column_stack([base.weights for base in bases]))
    return [base.mean(x, dot) for base, dot in zip(bases, dots.T, strict=True)]
