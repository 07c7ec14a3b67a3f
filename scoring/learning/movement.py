"""The movement index 客户异动指数: a decision tree's probability of leaving, 0 to 100 (S1)."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier

LEAST_POSITIVES = 30

Reason = Literal["too_few_outcomes", "one_class"]


class NotEstimable(ValueError):
    """What was asked for can't be estimated from these data.

    ``code`` says why, ``figures`` what a sentence about it needs (scoring.training has the words).
    """

    def __init__(self, code: Reason, **figures: int) -> None:
        super().__init__(code)
        self.code = code
        self.figures = figures


class MovementTree:
    """A decision tree whose score is 100 × the share of leavers in the customer's leaf.

    Parameters
    ----------
    max_depth : depth of the tree.
    min_leaf : least share of the training rows in a leaf, so that no grade rests on a handful.

    ``fit`` learns ``tree_``. NaN features go the way that the tree found better (scikit-learn's
    native handling of missing values). Fitting the same rows in the same order gives the same tree.
    """

    def __init__(self, max_depth: int = 6, min_leaf: float = 0.01) -> None:
        self.max_depth = max_depth
        self.min_leaf = min_leaf

    def fit(self, x: NDArray[np.float64], y: NDArray[np.bool_]) -> Self:
        """Fit on ``x`` (rows × columns, NaN: unknown), ``y`` (True: left). See NotEstimable."""
        positives = int(y.sum())
        if positives < LEAST_POSITIVES or len(y) - positives < LEAST_POSITIVES:
            raise NotEstimable(
                "too_few_outcomes", least=LEAST_POSITIVES, leavers=positives, rows=len(y)
            )
        tree = DecisionTreeClassifier(
            max_depth=self.max_depth, min_samples_leaf=self.min_leaf, random_state=0
        )
        self.tree_ = tree.fit(x.astype(np.float32), y)
        return self

    def predict(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the index of each row, 0–100."""
        share: NDArray[np.float64] = self.tree_.predict_proba(x.astype(np.float32))[:, 1]
        return 100.0 * share


@dataclass(frozen=True)
class Quality:
    """How well a score separates on rows that took no part in fitting."""

    rows: int
    positives: int
    auc: float
    top_decile_lift: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def quality(y: NDArray[np.bool_], score: NDArray[np.float64]) -> Quality:
    """Measure ``score`` against outcomes ``y``; ties at the top decile's edge count by share."""
    if y.all() or not y.any():
        raise NotEstimable("one_class", rows=len(y))
    return Quality(len(y), int(y.sum()), float(roc_auc_score(y, score)), _top_lift(y, score))


def _top_lift(y: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    size = len(y) / 10
    place = len(y) - max(1, int(np.ceil(size)))
    cut = np.partition(score, place)[place]
    above, tied = score > cut, score == cut
    hits = y[above].sum() + (size - above.sum()) * y[tied].mean()
    return float(hits / size / y.mean())
