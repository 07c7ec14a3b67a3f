"""Does an uplift still find those whom a contact moves? Asked of trials that it has not seen.

A trial is measured only where the lot decided who was contacted, looked at as in training
(randomisation). What the Qini is now is held against what it was on the rows held out of training:
two estimates of different customers, so their errors add up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .drift import Verdict, verdict_of
from .estimates import Estimate, difference, unknown
from .features import Feature, varies
from .qini import LEAST_IN_ARM, compare, measure
from .qini import Estimate as Ends
from .randomisation import examine
from .refusal import Code, NotEstimable

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# The least loss that counts, as a share of the Qini at training.
TRIFLE = 0.1


@dataclass(frozen=True)
class TrialStanding:
    """How an uplift stands on a trial.

    treated, control  customers in each arm; positives: those of both with the outcome
    foretold          the mean uplift that was foretold of them; None: nobody, or not kept
    uplift            share with the outcome in one arm less that in the other
    qini              outcomes gained per contacted customer above a random order
    lot               AUC of telling the arm from the features, 0.5 by lot; None: not looked at
    """

    treated: int
    control: int
    positives: int
    foretold: float | None
    uplift: Estimate
    qini: Estimate
    lot: Estimate | None


@dataclass(frozen=True)
class TrialPerformance:
    """Standing now less standing at training. ``verdict`` worse: surely, and by TRIFLE or more.

    None: see the estimates' ``not_estimable``.
    """

    then: TrialStanding
    now: TrialStanding
    qini_change: Estimate
    verdict: Verdict | None


def trial_standing(
    score: Floats, y: Flags, treated: Flags, x: Floats, features: Sequence[Feature]
) -> TrialStanding:
    """Measure ``score`` on a trial. ``y``: who had the outcome; ``treated``: whom the lot chose.

    ``x``: rows × ``features``, as of before the contact. Nothing is estimable (no_control) with
    fewer than LEAST_IN_ARM in an arm, (not_randomised) where features tell the arm, or
    (no_usable_features) where none varies, so that the lot can't be looked at; the Qini alone
    (too_few_outcomes) where the rarer outcome is too rare.
    """
    arms = int(treated.sum()), int((~treated).sum())
    if min(arms) < LEAST_IN_ARM:
        return untold(score, y, treated, "no_control")
    kept = [place for place, values in enumerate(x.T) if varies(values)]
    if not kept:
        return untold(score, y, treated, "no_usable_features")
    looked = examine(np.asfortranarray(x[:, kept]), [features[place] for place in kept], treated)
    lot = Estimate(looked.auc, looked.low, looked.high, looked.rows)
    if not looked.randomised:
        return untold(score, y, treated, "not_randomised", lot)
    with_outcome = int((y & treated).sum()), int((y & ~treated).sum())
    compared = compare(
        with_outcome[0], arms[0] - with_outcome[0], with_outcome[1], arms[1] - with_outcome[1]
    )
    uplift = estimate_of(compared.uplift, len(y))
    foretold = float(score.mean())
    try:
        qini = estimate_of(measure(score, y, treated).qini, len(y))
    except NotEstimable as error:
        qini = unknown(error.code, len(y))
    return TrialStanding(*arms, sum(with_outcome), foretold, uplift, qini, lot)


def untold(
    score: Floats, y: Flags, treated: Flags, code: Code, lot: Estimate | None = None
) -> TrialStanding:
    """The standing on a trial that tells nothing, with the reason."""
    arms = int(treated.sum()), int((~treated).sum())
    nothing = unknown(code, len(y))
    foretold = float(score.mean()) if len(score) else None
    return TrialStanding(*arms, int(y.sum()), foretold, nothing, nothing, lot)


def trial_performance(then: TrialStanding, now: TrialStanding) -> TrialPerformance:
    """Compare ``now`` with ``then``, of other customers: the Qini decides."""
    change = difference(now.qini, then.qini)
    trifle = TRIFLE * abs(then.qini.value or 0.0)
    return TrialPerformance(then, now, change, verdict_of(change, trifle))


def estimate_of(found: Ends | None, n: int) -> Estimate:
    """A figure of qini with the number of rows that it rests on."""
    return Estimate(found.value, found.low, found.high, n) if found else unknown("no_control", n)
