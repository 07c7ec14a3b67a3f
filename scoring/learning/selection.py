"""From hundreds of candidates to the tens that a propensity model uses, and why not the others.

1  Each candidate is binned alone (scoring.learning.binning). Nothing known, one value, or no more
   information than chance brings: out. One that separates too well alone is a leak: refused.
2  Of two whose WOE go together closely the one of greater information value stays; the other too
   if it tells more than chance brings where the first is known.
3  Stability selection (Meinshausen & Bühlmann 2010; complementary halves: Shah & Samworth 2013):
   L1-penalised logistic regression on random halves of the rows; a candidate stays if it has a
   weight in enough of them. The penalty of a candidate is what noise with as many bins reaches.
   A number's weight can't run against its WOE; a category's groups may leave theirs.
   The halves are put together from random blocks of rows, each of them summed up once in the
   quadratic approximation of the likelihood (Wang & Leng 2007), so a further half costs nothing.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2
from threadpoolctl import threadpool_limits

from .binning import Binner, Binning
from .features import Feature
from .propensity_logit import Coded, Point, Quadratic, fitted, quadratic, total
from .propensity_shape import sides
from .refusal import LEAST_POSITIVES, NotEstimable
from .selection_rows import coded, slices, twins

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
State = dict[str, Any]

Dropped = Literal[
    "all_null", "constant", "iv_low", "correlated", "unstable", "wrong_sign", "beyond_most"
]

# Raise it when equal rows give another state.
VERSION = 2
PIECE = 32  # candidates binned between two reports
BLOCKS = 32  # of rows, of which halves are made
ROUND = 5  # pairs of halves between two reports
ROUNDS = 10
ENOUGH_ROWS = 50_000  # for a correlation, a penalty and the point around which to approximate
LEAST_RIDGE = 1.0
CERTAIN = 1.96
CHOSEN_BY = ("least_value", "most_alike", "least_frequency", "most", "too_good", "seed")


@dataclass(frozen=True)
class Candidate:
    """What became of one candidate. ``dropped``: None, it is used.

    all_null     no row knows it
    constant     all rows have one value
    iv_low       its information value is less than the floor, or than chance brings
    correlated   goes together with ``like`` (``r``: their WOE's correlation), tells nothing beside
    wrong_sign   beside the others its weight would run against its own WOE
    unstable     has a weight in too few of the halves (``frequency``)
    beyond_most  stable, but there are enough that weigh more
    """

    attribute: str
    dropped: Dropped | None
    bins: int
    value: float
    auc: float
    like: str | None = None
    r: float | None = None
    frequency: float | None = None


class Selection:
    """Chooses among ``features``: learns ``kept_`` (positions of the chosen), and for every
    candidate its ``binnings_`` and ``candidates_`` (what became of it).

    Parameters
    ----------
    least_value : floor of the information value.
    most_alike : two whose WOE correlate more closely stay only if each has news of its own.
    least_frequency : share of the halves in which a kept candidate has a weight.
    most : candidates kept.
    too_good : AUC alone from which a candidate is taken for a leak; ``vouched``: which of them a
        person vouches for, so that they are not.
    binner : how candidates are binned.

    ``state_`` is what has been finished, as JSON has it. A later ``fit`` on the same rows by
    the same parameters takes it as ``resume`` to the very same result; any other begins anew.
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
        binner: Binner | None = None,
        seed: int = 0,
    ) -> None:
        self.features = features
        self.least_value = least_value
        self.most_alike = most_alike
        self.least_frequency = least_frequency
        self.most = most
        self.too_good = too_good
        self.vouched = vouched
        self.binner = binner or Binner(seed=seed)
        self.seed = seed

    @property
    def steps(self) -> int:
        """What ``progress`` is told as the total."""
        return -(-len(self.features) // PIECE) + 2 + ROUNDS

    def fit(
        self,
        x: Floats,
        y: NDArray[np.bool_],
        *,
        progress: Progress | None = None,
        resume: State | None = None,
        checkpoint: Callable[[State], None] | None = None,
    ) -> Self:
        """Choose on ``x`` (rows × features) and ``y``. ``checkpoint`` gets ``state_`` as it grows.

        Raises NotEstimable: too_few_outcomes, separated, too_good_alone, no_usable_features,
        nothing_predicts.
        """
        enough_outcomes(y)
        run = _Run(self.steps, progress, checkpoint, self._begun(y, resume))
        # Beside other work a second thread of the matrix library costs more than it brings.
        with threadpool_limits(limits=1):
            binnings = self._bin(x, y, run)
            fates = self._alone(binnings, y)
            self._prune(x, y, binnings, fates, run)
            self._stabilise(x, y, binnings, fates, run)
        self.state_ = run.state
        self.kept_ = [place for place, fate in enumerate(fates) if fate.dropped is None]
        if not self.kept_:
            raise NotEstimable(_nothing(fates), candidates=len(self.features))
        self.binnings_ = binnings
        self.candidates_ = fates
        return self

    def _begun(self, y: NDArray[np.bool_], resume: State | None) -> State:
        belongs = {
            "rows": len(y),
            "positives": int(y.sum()),
            "outcomes": crc32(np.packbits(y).tobytes()),
            "attributes": [f.attribute for f in self.features],
            "version": VERSION,
            "chosen_by": {name: getattr(self, name) for name in CHOSEN_BY},
            "vouched": [*self.vouched],  # a list: what JSON gives back equals it
            "binned_by": dict(vars(self.binner)),
        }
        if resume and resume["belongs"] == belongs:
            return dict(resume)
        return {"belongs": belongs, "bins": [], "pairs": 0}

    def _bin(self, x: Floats, y: NDArray[np.bool_], run: "_Run") -> list[Binning]:
        done = [Binning(**known) for known in run.state["bins"]]
        for begin in range(len(done), len(self.features), PIECE):
            piece = slice(begin, begin + PIECE)
            new = self.binner.fit(x[:, piece], y, self.features[piece])
            done += new
            run.state |= {"bins": run.state["bins"] + [dict(vars(b)) for b in new]}
            run.step(begin // PIECE + 1)
        return done

    def _alone(self, binnings: list[Binning], y: NDArray[np.bool_]) -> list[Candidate]:
        noise = 1 / y.sum() + 1 / (~y).sum()
        level = chance(len(binnings))
        fates = []
        for b in binnings:
            # A person's word makes a feature honest, but gives it no finite weight.
            if b.auc >= 1 - 1e-12:
                raise NotEstimable("separated", attribute=b.attribute, auc=b.auc)
            if b.auc >= self.too_good and b.attribute not in self.vouched:
                raise NotEstimable("too_good_alone", attribute=b.attribute, auc=b.auc)
            floor = max(self.least_value, chi2.ppf(level, max(b.degrees, 1)) * noise)
            dropped: Dropped | None = None
            if b.empty:
                dropped = "all_null"
            elif b.constant:
                dropped = "constant"
            elif b.value < floor:
                dropped = "iv_low"
            fates.append(Candidate(b.attribute, dropped, b.bins, b.value, b.auc))
        return fates

    def _prune(
        self,
        x: Floats,
        y: NDArray[np.bool_],
        binnings: list[Binning],
        fates: list[Candidate],
        run: "_Run",
    ) -> None:
        """Greatest information value first; equal ones by position."""
        if "alike" not in run.state:
            left = _left(fates)
            order = sorted(left, key=lambda place: (-binnings[place].value, place))
            data = coded(x, y, binnings, order, self.seed, ENOUGH_ROWS)
            r = twins(data, self.most_alike, chance(len(self.features)))
            alike = _alike(r, self.most_alike)
            run.state |= {"alike": [[order[a], order[b], r] for a, (b, r) in alike.items()]}
            run.step(self.steps - ROUNDS - 1)
        for place, other, r in run.state["alike"]:
            like = binnings[other].attribute
            fates[place] = _with(fates[place], dropped="correlated", like=like, r=r)

    def _stabilise(
        self,
        x: Floats,
        y: NDArray[np.bool_],
        binnings: list[Binning],
        fates: list[Candidate],
        run: "_Run",
    ) -> None:
        left = _left(fates)
        if not left:
            return
        data = coded(x, y, binnings, left, self.seed)
        owner, tables = sides([binnings[place] for place in left], data.tables)
        data = Coded(data.codes[owner], tables, data.y)
        start = fitted(data.head(ENOUGH_ROWS), LEAST_RIDGE)
        parts = [quadratic(data, start, rows) for rows in slices(data.rows, BLOCKS)]
        level = chance(len(self.features))
        penalty = np.sqrt(chi2.ppf(level, [max(binnings[p].degrees, 1) for p in left]) / 2)
        run.report(self.steps - ROUNDS)
        frequency = self._frequencies(parts, start, penalty, owner, run)
        whole = total(parts)
        spread = np.sqrt(np.diag(whole.square) / whole.weight)
        weights = np.bincount(owner, whole.best(start, LEAST_RIDGE).weights * spread)
        ranks = np.lexsort((np.array(left), -weights)).argsort()
        stable = frequency >= self.least_frequency
        for at, place in enumerate(left):
            dropped: Dropped | None = None
            if not stable[at]:
                against = weights[at] == 0 and not binnings[place].groups
                dropped = "wrong_sign" if against else "unstable"
            elif stable[ranks < ranks[at]].sum() >= self.most:
                dropped = "beyond_most"
            fates[place] = _with(fates[place], dropped=dropped, frequency=float(frequency[at]))

    def _frequencies(
        self,
        parts: list[Quadratic],
        start: Point,
        penalty: Floats,
        owner: NDArray[np.intp],
        run: "_Run",
    ) -> Floats:
        """The share of halves in which each has a weight; stops when all are clear of the limit.

        ``penalty`` per candidate; ``owner``: the candidate of each column of ``parts``.
        """
        whole = total(parts)
        hits = np.array(run.state.get("hits", [0] * len(penalty)))
        while not self._settled(hits, run.state["pairs"]):
            for pair in range(run.state["pairs"], run.state["pairs"] + ROUND):
                drawn = np.random.default_rng([self.seed, pair]).permutation(BLOCKS)
                half = total([parts[place] for place in drawn[: BLOCKS // 2]])
                for rows in (half, whole - half):
                    scale = np.sqrt(np.maximum(np.diag(rows.information), 0.0))
                    found = rows.best(start, LEAST_RIDGE, penalty[owner] * scale)
                    hits += np.bincount(owner, found.weights) > 0
            pairs = run.state["pairs"] + ROUND
            run.state |= {"pairs": pairs, "hits": [int(h) for h in hits]}
            run.step(self.steps - ROUNDS + pairs // ROUND)
        run.report(self.steps)
        frequency: Floats = hits / (2 * run.state["pairs"])
        return frequency

    def _settled(self, hits: NDArray[np.int64], pairs: int) -> bool:
        """Whether each candidate is clear of the limit, or enough halves have been tried."""
        if pairs < 2 * ROUND or pairs >= ROUND * ROUNDS:
            return pairs >= ROUND * ROUNDS
        limit, halves = self.least_frequency, 2 * pairs
        doubt = CERTAIN * np.sqrt(limit * (1 - limit) / halves)
        return bool((np.abs(hits / halves - limit) > doubt).all())


def _nothing(fates: list[Candidate]) -> Literal["no_usable_features", "nothing_predicts"]:
    """Whether none varies, or some do and tell nothing."""
    useless = all(fate.dropped in ("all_null", "constant") for fate in fates)
    return "no_usable_features" if useless else "nothing_predicts"


@dataclass
class _Run:
    """One fit under way: whom to tell, and what has been finished."""

    steps: int
    progress: Progress | None
    checkpoint: Callable[[State], None] | None
    state: State

    def report(self, done: int) -> None:
        if self.progress:
            self.progress(done, self.steps)

    def step(self, done: int) -> None:
        """What is finished is saved before anything else can go wrong."""
        if self.checkpoint:
            self.checkpoint(dict(self.state))
        self.report(done)


def enough_outcomes(y: NDArray[np.bool_]) -> None:
    positives = int(y.sum())
    if min(positives, len(y) - positives) < LEAST_POSITIVES:
        raise NotEstimable(
            "too_few_outcomes", least=LEAST_POSITIVES, positives=positives, rows=len(y)
        )


def chance(candidates: int) -> float:
    """The quantile of noise that at most one useless candidate of all, or one of 20, exceeds."""
    return 1 - min(0.05, 1 / max(candidates, 1))


def _alike(r: Floats, most: float) -> dict[int, tuple[int, float]]:
    """Who goes for whom: place → (kept place, correlation), going through in the given order."""
    kept: list[int] = []
    gone: dict[int, tuple[int, float]] = {}
    for place in range(len(r)):
        with_kept = np.abs(r[place, kept])
        if kept and with_kept.max() > most:
            nearest = kept[int(with_kept.argmax())]
            gone[place] = (nearest, float(r[place, nearest]))
        else:
            kept.append(place)
    return gone


def _left(fates: list[Candidate]) -> list[int]:
    return [place for place, fate in enumerate(fates) if fate.dropped is None]


def _with(fate: Candidate, **changes: Any) -> Candidate:
    return Candidate(**(asdict(fate) | changes))
