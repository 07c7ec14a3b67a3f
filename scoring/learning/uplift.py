"""Retention response: by how much a contact raises the chance of the outcome (S3), by customer.

T-learner: one model of P(outcome) per arm, uplift is their difference. X-learner (Künzel, Sekhon,
Bickel & Yu 2019, PNAS 116): each customer's effect is imputed with the other arm's model, learned
per arm, and both are averaged by the share treated, g:

    D₁ = Y - μ₀(x) for the treated,  D₀ = μ₁(x) - Y for controls
    τ(x) = g·τ₀(x) + (1 - g)·τ₁(x)

Which learner, and how far the differences between customers are to be believed, is decided by
cross-fitting on the training rows with the R-loss (Nie & Wager 2021, Biometrika 108):

    Σ ( (Y - m(x)) - (W - g)·τ(x) )²,  m(x) = g·μ₁(x) + (1 - g)·μ₀(x)

The reported uplift is a + b·(τ(x) - mean): a the mean effect, b the slope with the least R-loss.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from .features import Feature, varies
from .qini import require_arms
from .randomisation import require_randomised
from .reasons import Reason
from .refusal import LEAST_POSITIVES, NotEstimable
from .uplift_bases import Chance, Effect, NormalScores, predictions
from .uplift_parts import Parts

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Learner = Literal["t", "x"]

DESCRIBED = 50_000  # training rows on which the reasons are found
BATCH = 8_192  # rows at a time, so that they stay in the processor's cache
# However weak the differences look, the order that was found is kept; nor are they blown up.
SLOPES = (0.1, 2.0)


@dataclass(frozen=True)
class Differing:
    """Do customers differ in uplift? ``slope`` b as found, with its 95 % interval.

    Around 1: the differences are as large as they were predicted; an interval that holds 0: none
    can be shown. ``mean``: the mean effect, also with its interval.
    """

    mean: float
    mean_low: float
    mean_high: float
    slope: float
    slope_low: float
    slope_high: float


class Uplift:
    """Uplift of a contact in the probability of the outcome.

    Parameters
    ----------
    features : the columns of ``x``, as scoring.learning.features says.
    learner : "x", "t", or None: "x" unless "t" is better by more than a standard error.
    folds : of the cross-fitting.
    seed : of folds, and of the sample that the check of the lot and the reasons take.

    ``fit`` learns ``learner_``, ``losses_`` (R-loss per row by learner), ``differing_``,
    ``randomisation_``, ``share_`` (g), ``average_baseline_``, ``dropped_`` (constant or empty
    attributes, not used), ``reasons_`` and ``fidelity_`` (uplift_parts). Unknown values: the trees
    send them where it fits best, the linear parts give them a weight of their own; unseen codes
    count as unknown in the trees and as nothing in the linear parts.
    """

    def __init__(
        self,
        features: tuple[Feature, ...],
        *,
        learner: Learner | None = None,
        folds: int = 3,
        seed: int = 0,
    ) -> None:
        self.features = features
        self.learner = learner
        self.folds = folds
        self.seed = seed

    def fit(
        self,
        x: Floats,
        y: Flags,
        treated: Flags,
        *,
        assignment: float | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Self:
        """Fit on ``x`` (rows × features), ``y`` (True: the outcome), ``treated`` (True: contacted).

        ``assignment``: the share that the lot was to treat, 0 to 1; None: the share it did treat.
        Raises NotEstimable: no_rows, no_control, too_few_outcomes (in an arm), no_usable_features,
        not_randomised.
        """
        _check(x, y, treated, assignment)
        total, done = self.folds + 3, iter(range(1, self.folds + 4))

        def tell() -> None:
            if progress is not None:
                progress(next(done), total)

        kept = [j for j, column in enumerate(x.T) if varies(column)]
        if not kept:
            raise NotEstimable("no_usable_features", candidates=len(self.features))
        used = tuple(self.features[j] for j in kept)
        x = np.asfortranarray(x[:, kept])
        randomisation = require_randomised(x, used, treated, seed=self.seed)
        tell()
        share = float(treated.mean()) if assignment is None else assignment
        rows = _Rows(used, share, self.seed)
        with threadpool_limits(limits=1):  # many small regions: threads cost more than they bring
            effects, expected = self._cross_fitted(rows, x, y, treated, tell)
            models = rows.fit(x, y, treated)
        tell()
        surprise, weight = y - expected, np.subtract(treated, share, dtype=np.float64)
        losses = {learner: _loss(surprise, weight, e) for learner, e in effects.items()}
        learner = self.learner or _better(losses)
        differing = _differing(surprise, weight, effects[learner])
        self.kept_, self.share_, self.learner_ = kept, share, learner
        self.dropped_ = [f.attribute for j, f in enumerate(self.features) if j not in kept]
        self.randomisation_ = randomisation
        self.losses_ = {k: float(loss.mean()) for k, loss in losses.items()}
        self.differing_ = differing
        self.middle_ = float(effects[learner].mean())
        self.models_ = models
        self._describe(x, used)
        tell()
        return self

    def predict(self, x: Floats) -> Floats:
        """Return the uplift of each row in probability, -1 to 1, never NaN."""
        return self.predict_both(x)[0]

    def baseline(self, x: Floats) -> Floats:
        """Return P(outcome) of each row if left alone, 0 to 1."""
        return self.predict_both(x)[1]

    def predict_both(self, x: Floats) -> tuple[Floats, Floats]:
        """Return ``predict`` and ``baseline``, for less than each alone."""
        uplift, baseline = np.empty((2, len(x)))
        for rows in _batches(len(x)):
            batch = np.asfortranarray(x[rows][:, self.kept_])
            raw, baseline[rows] = self.models_.effect_and_alone(batch, self.learner_)
            uplift[rows] = self._scaled(raw)
        return uplift, baseline

    def reasons(self, x: Floats) -> NDArray[np.int16]:
        """Return rows × 3 positions in ``reasons_``."""
        parts = [self.parts_.reasons(x[rows][:, self.kept_]) for rows in _batches(len(x))]
        return np.concatenate(parts) if parts else np.empty((0, 3), dtype=np.int16)

    @property
    def reasons_(self) -> list[Reason]:
        return self.parts_.reasons_

    @property
    def fidelity_(self) -> float:
        return self.parts_.fidelity_

    def _scaled(self, raw: Floats) -> Floats:
        slope = float(np.clip(self.differing_.slope, *SLOPES))
        uplift: Floats = np.clip(self.differing_.mean + slope * (raw - self.middle_), -1.0, 1.0)
        return uplift

    def _cross_fitted(
        self, rows: "_Rows", x: Floats, y: Flags, treated: Flags, tell: Callable[[], None]
    ) -> tuple[dict[Learner, Floats], Floats]:
        """Return both learners' effects and m(x), each row's from models that have not seen it."""
        effects: dict[Learner, Floats] = {"t": np.empty(len(y)), "x": np.empty(len(y))}
        expected = np.empty(len(y))
        folds = StratifiedKFold(self.folds, shuffle=True, random_state=self.seed)
        for train, test in folds.split(x, 2 * treated + y):
            models = rows.fit(x[train], y[train], treated[train])
            expected[test] = models.expected(x[test])
            for learner, effect in effects.items():
                effect[test] = models.effect(x[test], learner)
            tell()
        return effects, expected

    def _describe(self, x: Floats, used: tuple[Feature, ...]) -> None:
        some = np.arange(len(x))
        if len(x) > DESCRIBED:
            rng = np.random.default_rng(self.seed)
            some = np.sort(rng.choice(len(x), DESCRIBED, replace=False))
        raw, alone = self.models_.effect_and_alone(x[some], self.learner_)
        self.parts_ = Parts(used).fit(x[some], self._scaled(raw))
        self.average_baseline_ = float(alone.mean())


@dataclass
class Models:
    """Fitted on the same rows; ``share``: g."""

    share: float
    contacted: Chance
    alone: Chance
    on_treated: Effect
    on_control: Effect

    def expected(self, x: Floats) -> Floats:
        contacted, alone = predictions(x, self.contacted, self.alone)
        mixed: Floats = self.share * contacted + (1 - self.share) * alone
        return mixed

    def effect(self, x: Floats, learner: Learner) -> Floats:
        return self.effect_and_alone(x, learner)[0]

    def effect_and_alone(self, x: Floats, learner: Learner) -> tuple[Floats, Floats]:
        """Return the effect, and P(outcome) if left alone."""
        if learner == "t":
            contacted, alone = predictions(x, self.contacted, self.alone)
            return contacted - alone, alone
        on_control, on_treated, alone = predictions(x, self.on_control, self.on_treated, self.alone)
        return self.share * on_control + (1 - self.share) * on_treated, alone


@dataclass(frozen=True)
class _Rows:
    """What every fit has in common."""

    features: tuple[Feature, ...]
    share: float
    seed: int

    def fit(self, x: Floats, y: Flags, treated: Flags) -> Models:
        scale = NormalScores(self.features).fit(x)
        z = scale.transform(x)
        t, c = treated, ~treated
        contacted = Chance(scale, self.seed).fit(x[t], z[t], y[t])
        alone = Chance(scale, self.seed).fit(x[c], z[c], y[c])
        on_treated = Effect(scale, self.seed).fit(x[t], z[t], y[t] - alone.predict(x[t]))
        on_control = Effect(scale, self.seed).fit(x[c], z[c], contacted.predict(x[c]) - y[c])
        return Models(self.share, contacted, alone, on_treated, on_control)


def _check(x: Floats, y: Flags, treated: Flags, assignment: float | None) -> None:
    if not len(x) == len(y) == len(treated):
        raise ValueError(f"lengths differ: {len(x)}, {len(y)}, {len(treated)}")
    if assignment is not None and not 0 < assignment < 1:
        raise ValueError(f"assignment must lie between 0 and 1, got {assignment}")
    require_arms(treated)
    for arm in (treated, ~treated):
        rarer = int(min(y[arm].sum(), (~y[arm]).sum()))
        if rarer < LEAST_POSITIVES:
            raise NotEstimable(
                "too_few_outcomes", least=LEAST_POSITIVES, positives=rarer, rows=int(arm.sum())
            )


def _batches(rows: int) -> Iterator[slice]:
    for first in range(0, rows, BATCH):
        yield slice(first, first + BATCH)


def _loss(surprise: Floats, weight: Floats, effect: Floats) -> Floats:
    """The R-loss of each row, with the mean effect and the slope that make its sum least."""
    a, b = _line(surprise, weight, effect)
    loss: Floats = (surprise - weight * (a + b * (effect - effect.mean()))) ** 2
    return loss


def _line(surprise: Floats, weight: Floats, effect: Floats) -> tuple[float, float]:
    """Return a and b with the least R-loss; b 0 where the effect is the same for all."""
    columns = weight[:, None] * np.column_stack([np.ones(len(effect)), effect - effect.mean()])
    a, b = np.linalg.lstsq(columns, surprise)[0]
    return float(a), float(b)


def _better(losses: dict[Learner, Floats]) -> Learner:
    gain = losses["x"] - losses["t"]
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    return "t" if gain.mean() > error > 0 else "x"


def _differing(surprise: Floats, weight: Floats, effect: Floats) -> Differing:
    """The line with robust standard errors (White 1980)."""
    a, b = _line(surprise, weight, effect)
    columns = weight[:, None] * np.column_stack([np.ones(len(effect)), effect - effect.mean()])
    left = surprise - columns @ np.array([a, b])
    bread = np.linalg.pinv(columns.T @ columns)
    errors = np.sqrt(np.diag(bread @ (columns.T * left**2 @ columns) @ bread))
    half_a, half_b = (float(1.96 * e) for e in errors)
    return Differing(a, a - half_a, a + half_a, b, b - half_b, b + half_b)
