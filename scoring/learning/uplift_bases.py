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

from .features import Feature

Floats = NDArray[np.float64]

KNOTS = 64  # of a feature's normal scores
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
        """Learn ``knots_``: per number, values and their scores; nothing for a category."""
        self.knots_ = [
            _knots(column) if f.categories is None else (np.empty(0), np.empty(0))
            for column, f in zip(x.T, self.features, strict=True)
        ]
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
        """Return ``transform(x) @ weights`` without the matrix, which would be wide."""
        out = np.zeros(len(x))
        position = 0
        for column, feature, knots in zip(x.T, self.features, self.knots_, strict=True):
            unknown = np.isnan(column)
            if feature.categories is None:
                slope, weight = weights[position : position + 2]
                values, scores = knots
                out += np.where(unknown, weight, np.interp(column, values, slope * scores))
                position += 2
                continue
            codes = len(feature.categories)
            table = np.append(weights[position : position + codes], 0.0)
            out += table[np.where(unknown, codes, np.minimum(column, codes)).astype(np.intp)]
            position += codes
        return out


def _knots(column: Floats) -> tuple[Floats, Floats]:
    """Return values in ascending order and their scores, with mean 0 and variance 1 over rows."""
    values, counts = np.unique(column[~np.isnan(column)], return_counts=True)
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
        self.trees_ = HistGradientBoostingClassifier(**trees(self.scale.features, self.seed))
        self.trees_.fit(x, y)
        return self

    def predict(self, x: Floats) -> Floats:
        linear = expit(self.scale.dot(x, self.linear_.coef_[0]) + self.linear_.intercept_[0])
        mean: Floats = (linear + self.trees_.predict_proba(x)[:, 1]) / 2
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
        self.trees_ = HistGradientBoostingRegressor(**trees(self.scale.features, self.seed))
        self.trees_.fit(x, effect)
        return self

    def predict(self, x: Floats) -> Floats:
        linear = self.scale.dot(x, self.linear_.coef_) + self.linear_.intercept_
        mean: Floats = (linear + self.trees_.predict(x)) / 2
        return mean
