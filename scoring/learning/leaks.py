"""Features that know the outcome: refused before a model learns from them.

A feature filled in after the outcome (the length of the call that made the sale, the reason of
leaving) makes a model that shines in every test and is blind on the day. Data alone can't prove
when a value was known; they can show that a feature knows too much. Four signs, of which each has
its code in ``why``:

known_after     the catalogue says that it is known only after the outcome
copies          it tells the outcome by itself all but perfectly
one_outcome     some of its values come with one outcome only, and that is the rarer one: "filled
                in" or "reason = moved" where all have left
too_good_alone  by itself it is about as good as all honest features together, and it adds to them
                far more than another of their kind could

An honest feature is one among many that tell the same story in part, so that without it the rest
reaches nearly as much. A person may vouch for a feature: what he vouches for is told, not refused.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from common.rates import Z

from .estimates import Estimate, auc, delong, limits, refusal
from .features import Feature
from .leak_signs import FOLDS, Values, one_outcome, rarer_of, rates, values_of
from .refusal import LEAST_POSITIVES, NotEstimable

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]
Whole = NDArray[np.intp]
Verdict = Literal["ok", "suspect", "leak"]
Why = Literal["known_after", "copies", "one_outcome", "too_good_alone", "dated_after"]

LEAK: Final = "leak"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Finding:
    """What was found about one feature.

    ``auc``: of the feature alone, out of fold, whatever its shape or direction. ``rest``: of the
    honest features without it; ``gain``: what it adds to them; both None where the feature is too
    weak alone to be asked, or adds nothing to all others. ``value``: what comes with one outcome
    only: a code, "missing", "known", or a range "low … high". ``vouched``: it is kept on a person's
    word.
    """

    attribute: str
    auc: Estimate
    verdict: Verdict = "ok"
    why: tuple[Why, ...] = ()
    rest: Estimate | None = None
    gain: Estimate | None = None
    value: str | None = None
    vouched: bool = False


def leaks(x: Floats, y: Truths, features: Sequence[Feature], **parameters: Any) -> list[Finding]:
    """Return what LeakDetector with these ``parameters`` finds of each feature, in their order."""
    return LeakDetector(tuple(features), **parameters).fit(x, y).findings_


class LeakDetector:
    """Finds leaks among the candidates of a model.

    Parameters
    ----------
    known_after : attributes that the catalogue declares known only after the outcome.
    vouched : attributes that a person vouches for: never worse than suspect, unless declared.
    dates : attributes that are days; ``as_of``: the day (since 1970) as of which features stand. A
        day after it is suspect, for it may have been written later, or be planned.
    sure : AUC alone at and above which (interval's lower limit) a feature is a leak whatever else;
        ``high``: the same for suspect; ``strong``: below it (lower limit) nothing is too good.
    margin : how far (AUC) a feature alone may stay behind the rest and still be as good.
    telling : AUC of the rest below which it convicts nobody: too good is then suspect.
    gain : least AUC that a leak adds to the rest (lower limit); ``redundant``: what it adds to all
        other features below which it is honest.
    pure : least share of one outcome (lower limit) in values that come with one outcome only;
        ``coverage``: the least share of that outcome which they must hold together, for the far end
        of a strong honest number is pure as well, but holds few.
    most_rows, most_fitted : rows, drawn by ``seed``, for looking at each feature and for fitting;
        ``most_inputs``: how many of the strongest features are fitted together.

    ``fit`` learns ``findings_``, one per feature in its order, and ``leaks_``, those refused.
    """

    def __init__(
        self,
        features: tuple[Feature, ...],
        *,
        known_after: Collection[str] = (),
        vouched: Collection[str] = (),
        dates: Collection[str] = (),
        as_of: float | None = None,
        sure: float = 0.95,
        high: float = 0.90,
        strong: float = 0.75,
        margin: float = 0.03,
        telling: float = 0.60,
        gain: float = 0.05,
        redundant: float = 0.01,
        pure: float = 0.95,
        coverage: float = 0.1,
        most_rows: int = 60_000,
        most_fitted: int = 15_000,
        most_inputs: int = 60,
        seed: int = 0,
    ) -> None:
        self.features = features
        self.known_after = known_after
        self.vouched = vouched
        self.dates = dates
        self.as_of = as_of
        self.sure = sure
        self.high = high
        self.strong = strong
        self.margin = margin
        self.telling = telling
        self.gain = gain
        self.redundant = redundant
        self.pure = pure
        self.coverage = coverage
        self.most_rows = most_rows
        self.most_fitted = most_fitted
        self.most_inputs = most_inputs
        self.seed = seed

    def fit(self, x: Floats, y: Truths, progress: Progress | None = None) -> Self:
        """Look at ``x`` (as scoring.learning.features has it) for what knows ``y``.

        Raises NotEstimable (no_rows, one_class, too_few_outcomes).
        """
        code = refusal(y)
        if code:
            raise NotEstimable(code, least=LEAST_POSITIVES, positives=int(y.sum()), rows=len(y))
        rng = np.random.default_rng(self.seed)
        x, y = self._drawn(x, y, rng)
        folds = _folds(y, rng)
        found, alone = self._alone(x, y, folds, progress)
        found = self._against_rest(x, y, folds, found, alone, rng, progress)
        self.findings_ = [self._vouched(f) for f in found]
        self.leaks_ = [f.attribute for f in self.findings_ if f.verdict == "leak"]
        return self

    def _drawn(self, x: Floats, y: Truths, rng: np.random.Generator) -> tuple[Floats, Truths]:
        """At most ``most_rows``, or as many more as a thousand of the rarer outcome need."""
        rarer = min(y.mean(), 1 - y.mean())
        most = max(self.most_rows, int(np.ceil(1000 / rarer)))
        if len(y) <= most:
            return x, y
        rows = np.sort(rng.choice(len(y), most, replace=False))
        return x[rows], y[rows]

    def _alone(
        self, x: Floats, y: Truths, folds: Whole, progress: Progress | None
    ) -> tuple[list[Finding], Floats]:
        """Judge each feature by itself; also return its score of each row, features × rows."""
        found = []
        alone = np.empty((len(self.features), len(y)))
        for i, feature in enumerate(self.features):
            if progress:
                progress(i, len(self.features))
            found_in = values_of(x[:, i], y, feature)
            alone[i] = rates(found_in.positions, y, folds)
            found.append(self._judged_alone(feature, x[:, i], y, found_in, alone[i]))
        return found, alone

    def _judged_alone(
        self,
        feature: Feature,
        column: Floats,
        y: Truths,
        values: Values,
        score: Floats,
    ) -> Finding:
        area = auc(y, score)
        _, low, _ = limits(area)
        why: list[Why] = []
        if feature.attribute in self.known_after:
            why.append("known_after")
        if low >= self.sure:
            why.append("copies")
        value = one_outcome(values, y, self.pure, self.coverage)
        if value is not None:
            why.append("one_outcome")
        verdict: Verdict = "leak" if why else "suspect" if low >= self.high else "ok"
        if not why and verdict == "suspect":
            why.append("too_good_alone")
        if self._dated_after(feature, column):
            why.append("dated_after")
            verdict = "leak" if verdict == "leak" else "suspect"
        return Finding(feature.attribute, area, verdict, tuple(why), value=value)

    def _dated_after(self, feature: Feature, column: Floats) -> bool:
        if self.as_of is None or feature.attribute not in self.dates:
            return False
        return bool((column > self.as_of).any())

    def _against_rest(
        self,
        x: Floats,
        y: Truths,
        folds: Whole,
        found: list[Finding],
        alone: Floats,
        rng: np.random.Generator,
        progress: Progress | None,
    ) -> list[Finding]:
        """Hold each strong feature against the honest ones.

        Without one of several honest measures of one thing the others reach as much: who adds
        nothing to all others is honest. The rest are heard from the weaker up, so that a leak takes
        no part in what those after it are held against.
        """
        rows = _stratified(y, self.most_fitted, rng)
        inputs = _inputs(x, alone, self.features)[rows]
        order = sorted(range(len(found)), key=lambda i: (limits(found[i].auc)[0], -i))
        order = [i for i in order if found[i].verdict != "leak"]
        strong = [i for i in order if limits(found[i].auc)[1] >= self.strong]

        def fitted(columns: Sequence[int]) -> Floats:
            return _fitted(inputs[:, columns], y[rows], folds[rows])

        whole = fitted(self._strongest(order, order)) if strong else np.empty(0)
        heard = []
        for done, i in enumerate(strong):
            if progress:
                progress(done, 2 * len(strong))
            others = fitted(self._strongest(order, [j for j in order if j != i]))
            if limits(_gain(y[rows], np.stack([others, whole])))[0] >= self.redundant:
                heard.append(i)
        honest = [i for i in order if i not in heard]
        for done, i in enumerate(heard):
            if progress:
                progress(len(strong) + done, 2 * len(strong))
            rest = self._strongest(order, honest)
            scores = np.stack([fitted(rest), fitted([*rest, i])])
            found[i] = self._judged(found[i], y[rows], scores)
            if found[i].verdict != "leak":
                honest.append(i)
        return found

    def _strongest(self, order: list[int], chosen: list[int]) -> list[int]:
        """The strongest of the ``chosen``, as many as are needed to know what they reach."""
        return [i for i in order if i in set(chosen)][-self.most_inputs :]

    def _judged(self, finding: Finding, y: Truths, scores: Floats) -> Finding:
        rest, gain = auc(y, scores[0]), _gain(y, scores)
        finding = replace(finding, rest=rest, gain=gain)
        alone, _, _ = limits(finding.auc)
        reached, surely_reached, _ = limits(rest)
        if alone < reached - self.margin or limits(gain)[1] < self.gain:
            return finding
        why = finding.why if "too_good_alone" in finding.why else (*finding.why, "too_good_alone")
        verdict: Verdict = "leak" if surely_reached >= self.telling else "suspect"
        return replace(finding, why=why, verdict=verdict)

    def _vouched(self, finding: Finding) -> Finding:
        if finding.attribute not in self.vouched:
            return finding
        declared = "known_after" in finding.why
        if finding.verdict == "leak" and not declared:
            return replace(finding, vouched=True, verdict="suspect")
        return replace(finding, vouched=True)


def _folds(y: Truths, rng: np.random.Generator) -> Whole:
    """Return each row's fold, both outcomes spread evenly."""
    folds = np.empty(len(y), dtype=np.intp)
    for outcome in (y, ~y):
        rows = rng.permutation(np.flatnonzero(outcome))
        folds[rows] = np.arange(len(rows)) % FOLDS
    return folds


def _stratified(y: Truths, most: int, rng: np.random.Generator) -> Whole:
    """At most ``most`` rows, the rarer outcome up to a third of them: the AUC does not mind."""
    rarer = rarer_of(y)
    few, many = np.flatnonzero(rarer), np.flatnonzero(~rarer)
    few = rng.permutation(few)[: max(most // 3, most - len(many))]
    many = rng.permutation(many)[: most - len(few)]
    return np.sort(np.concatenate([few, many]))


def _inputs(x: Floats, alone: Floats, features: Sequence[Feature]) -> Floats:
    """Numbers as they are, categories as the rates of their codes in the other folds."""
    out = np.empty(x.shape, order="F")
    for i, feature in enumerate(features):
        out[:, i] = x[:, i] if feature.categories is None else alone[i]
    return out


def _fitted(x: Floats, y: Truths, folds: Whole) -> Floats:
    """Return each row's score by a boosted model that has not seen it; no columns: a constant."""
    scores = np.zeros(len(y))
    if not x.shape[1]:
        return scores
    # So few rows are quicker on one core than on several that others want too.
    with threadpool_limits(1):
        for fold in range(FOLDS):
            out = folds == fold
            model = HistGradientBoostingClassifier(
                max_iter=50, max_leaf_nodes=15, min_samples_leaf=20, early_stopping=False
            )
            scores[out] = model.fit(x[~out], y[~out]).predict_proba(x[out])[:, 1]
    return scores


def _gain(y: Truths, scores: Floats) -> Estimate:
    """Return how much more the second of ``scores`` separates than the first, of the same rows."""
    areas, covariance = delong(y, scores)
    gain = float(areas[1] - areas[0])
    half = Z * float(np.sqrt(max(0.0, covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])))
    return Estimate(gain, gain - half, gain + half, len(y))
